//! What was measured on: machine, disk, servers and whether they fsync, as they say themselves.

use std::fs;
use std::path::Path;
use std::process::Command;

use loopledger_journal::{Nats, check_fsync};
use loopledger_servers::Servers;
use tokio_postgres::NoTls;

/// A Markdown list.
pub async fn describe(servers: &Servers, disk: &Path, nats: &str) -> anyhow::Result<String> {
    let system = servers.nats_system_url().ok_or_else(|| anyhow::anyhow!("no system account"))?;
    check_fsync(&Nats::connect(system, "bench").await?).await?;
    let (client, connection) = tokio_postgres::connect(servers.database_url(), NoTls).await?;
    tokio::spawn(connection);
    let mut settings = Vec::new();
    for name in ["fsync", "synchronous_commit", "wal_sync_method", "full_page_writes"] {
        let value: String = client.query_one(&format!("SHOW {name}"), &[]).await?.get(0);
        settings.push(format!("{name} {value}"));
    }
    let fsynced = settings[0] == "fsync on" && settings[1] == "synchronous_commit on";
    anyhow::ensure!(fsynced, "PostgreSQL does not fsync: {settings:?}");
    let postgres: String = client.query_one("SHOW server_version", &[]).await?.get(0);
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = memory.lines().next().unwrap_or_default().replace("MemTotal:", "");
    Ok(format!(
        "- {cores} cores, {}; {} of memory; kernel {}\n\
         - disk: {}\n\
         - nats-server {nats}, asked as its system account: it syncs to disk before every acknowledgement\n\
         - PostgreSQL {postgres}: {}\n",
        cpu.trim_start_matches([' ', '\t', ':']),
        memory.trim(),
        printed(Command::new("uname").arg("-r")),
        printed(
            Command::new("findmnt").args(["-n", "-o", "SOURCE,FSTYPE,OPTIONS", "-T"]).arg(disk)
        ),
        settings.join(", "),
    ))
}

fn printed(command: &mut Command) -> String {
    let output = command.output().map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&output);
    let words: Vec<_> = text.split_whitespace().collect();
    if words.is_empty() { "unknown".to_owned() } else { words.join(" ") }
}
