//! Durable payments against what a user would otherwise write: one run, one machine, one disk, fsync on for both, the
//! two in turn. Prints a Markdown report.

mod clients;
mod handwritten;
mod ledger;
mod report;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use loopledger_servers::{Lock, Options, Purpose, Servers};
use tempfile::TempDir;

use clients::Load;
use report::Report;

/// How long each load is measured, after a second that does not count.
const MEASURED: Duration = Duration::from_secs(4);
const ROUNDS: usize = 3;
const INVOICES: u32 = 100_000;
const CLIENTS: [usize; 4] = [1, 4, 16, 256];
const BULK: usize = 100;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // The disk that is measured: `BENCH_DISK`, or the current folder's.
    let disk = std::env::var_os("BENCH_DISK").map_or_else(|| PathBuf::from("."), PathBuf::from);
    let folder = TempDir::with_prefix_in("loopledger-bench-", disk)?;
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o711))?;
    let lock = Lock::acquire(&folder.path().canonicalize()?.join("data"), Purpose::Command)?;
    let servers = Servers::start(&lock, &Options::default()).await?;
    let outcome = measure(&servers).await;
    servers.stop().await;
    println!("{}", outcome?);
    Ok(())
}

async fn measure(servers: &Servers) -> anyhow::Result<Report> {
    let ledger = ledger::Ledger::start(servers.nats_url()).await?;
    eprintln!("preparing {INVOICES} invoices in the ledger and in PostgreSQL");
    ledger.prepare(INVOICES).await?;
    let peer = handwritten::Peer::prepare(servers.database_url(), INVOICES).await?;
    let mut report = Report::default();
    for round in 1..=ROUNDS {
        for clients in CLIENTS {
            eprintln!("round {round} of {ROUNDS}: {clients} clients");
            let load = Load { clients, measured: MEASURED };
            report.add("PostgreSQL by hand", load, 1, peer.pay(load, round).await?);
            report.add("loopledger", load, 1, ledger.pay(load, 1, round).await?);
        }
        eprintln!("round {round} of {ROUNDS}: 16 clients, {BULK} payments a request");
        let load = Load { clients: 16, measured: MEASURED };
        report.add("loopledger", load, BULK, ledger.pay(load, BULK, round).await?);
    }
    ledger.stop().await?;
    Ok(report)
}
