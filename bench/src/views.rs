//! The views' part of the report: rebuild, live lag, the search for loops and the regulator's queries.
//!
//! Measured in a process of its own, with servers of its own, so that its memory and journal are those of the views
//! alone.

mod bare;
mod cpu;
mod lag;
mod listener;
mod queries;
mod rebuild;
mod search;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use loopledger_journal::{Config, JetStreamJournal, Nats};
use loopledger_projector::Deps;
use loopledger_servers::{Lock, Options, Purpose, Servers};
use loopledger_testkit::history::{History, Shape};
use loopledger_views::Database;
use tempfile::TempDir;
use tokio_postgres::NoTls;

const PARTS: [&str; 4] = ["rebuild", "lag", "search", "queries"];

/// How much is measured.
struct Plan {
    parts: BTreeSet<&'static str>,
    /// Events in the store: the first measurement's, then all.
    sizes: [u64; 2],
    rounds: usize,
    lag: Duration,
    queries: u32,
    sample: listener::Sample,
}

impl Plan {
    fn from_env() -> anyhow::Result<Self> {
        let quick = std::env::var_os("BENCH_QUICK").is_some_and(|value| value == "1");
        let wanted = std::env::var("BENCH_VIEWS").ok();
        let is_wanted = |part: &&str| {
            wanted.as_ref().is_none_or(|list| list.split(',').any(|wanted| wanted == *part))
        };
        let events = match std::env::var("BENCH_EVENTS") {
            Ok(events) => events.parse().context("BENCH_EVENTS")?,
            Err(_) if quick => 200_000,
            Err(_) => 5_000_000,
        };
        let second = Duration::from_secs;
        let [listened, batched] = if quick { [5_000, 50_000] } else { [20_000, 200_000] };
        Ok(Self {
            parts: PARTS.into_iter().filter(is_wanted).collect(),
            sizes: [events / 10, events],
            rounds: std::env::var("BENCH_ROUNDS")
                .map_or(Ok(if quick { 1 } else { 3 }), |rounds| rounds.parse())?,
            lag: if quick { second(5) } else { second(30) },
            queries: if quick { 60 } else { 300 },
            sample: listener::Sample { listened, batched },
        })
    }

    fn has(&self, part: &str) -> bool {
        self.parts.contains(part)
    }
}

/// What is measured on.
struct Store {
    deps: Deps<JetStreamJournal>,
    history: History,
    database_url: String,
}

/// Runs this program again to measure the views, and answers its part of the report.
pub async fn measured() -> anyhow::Result<String> {
    let mut program = tokio::process::Command::new(std::env::current_exe()?);
    program.arg("views").stdout(std::process::Stdio::piped());
    let output = program.spawn()?.wait_with_output().await?;
    anyhow::ensure!(output.status.success(), "measuring the views failed: {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// Measures and prints.
pub async fn main() -> anyhow::Result<()> {
    let plan = Plan::from_env()?;
    let place = |name| std::env::var_os(name).map(PathBuf::from);
    let disk = place("BENCH_DISK").unwrap_or_else(|| PathBuf::from("."));
    let passing = TempDir::with_prefix_in("loopledger-bench-views-", disk)?;
    let folder = place("BENCH_STORE").unwrap_or_else(|| passing.path().to_owned());
    std::fs::create_dir_all(&folder)?;
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o711))?;
    let lock = Lock::acquire(&folder.canonicalize()?.join("data"), Purpose::Command)?;
    let servers = Servers::start(&lock, &Options::default()).await?;
    let measured = tokio::select! {
        measured = measure(&plan, &servers) => measured,
        interrupted = tokio::signal::ctrl_c() => interrupted.map_err(Into::into).and_then(|()| {
            Err(anyhow::anyhow!("interrupted"))
        }),
    };
    servers.stop().await;
    print!("{}", measured?);
    Ok(())
}

async fn measure(plan: &Plan, servers: &Servers) -> anyhow::Result<String> {
    let mut report = String::new();
    if plan.has("search") {
        report += &search::measure(servers.database_url(), plan.rounds).await?;
    }
    if ["rebuild", "lag", "queries"].iter().any(|part| plan.has(part)) {
        let mut store = open(servers).await?;
        report += &rebuild::measure(plan, &mut store).await?;
        if plan.has("queries") {
            report += &queries::measure(plan, &store).await?;
        }
        if plan.has("lag") {
            report += &lag::measure(plan, &mut store).await?;
        }
    }
    Ok(report)
}

async fn open(servers: &Servers) -> anyhow::Result<Store> {
    let nats = Nats::connect(servers.nats_url(), "bench").await?;
    let journal = JetStreamJournal::open(nats, Config::default()).await?;
    let database: Database = servers.database_url().parse()?;
    let history = History::resume(Shape::default(), &journal).await?;
    Ok(Store {
        deps: Deps::live(journal, database),
        history,
        database_url: servers.database_url().to_owned(),
    })
}

/// Lets what was done before come to its end: pages that PostgreSQL and the kernel still have to write are written.
async fn settle(database: &str) -> anyhow::Result<()> {
    let (client, connection) = tokio_postgres::connect(database, NoTls).await?;
    let connection = tokio::spawn(connection);
    client.batch_execute("CHECKPOINT").await?;
    drop(client);
    connection.await??;
    let synced = tokio::process::Command::new("sync").status().await?;
    anyhow::ensure!(synced.success(), "sync failed: {synced}");
    Ok(())
}

/// The share of the times, in milliseconds; they are sorted.
fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let place = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(place).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}
