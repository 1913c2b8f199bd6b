//! Durable commands of the ledger against what a user would otherwise write, take or hope for: one run, one machine,
//! one disk, fsync on for all, the sides in turn. Writes a report in Markdown to the file that is named, or prints it.
//!
//! `BENCH_QUICK=1`: one short round, to try things. `BENCH_PARTS=redemptions,payments,hot,limits,restart,reservations,views`: only these.
//! `BENCH_CLIENTS=1,256`: only these. `BENCH_SIDES=loopledger`: without peers. `BENCH_DISK`: the folder, and so the
//! disk, that is measured. `BENCH_VIEWS=rebuild,lag,search,queries`: of the views only these; `BENCH_EVENTS`: how many
//! events they are made of; `BENCH_STORE`: a folder that keeps them for the next time.

mod bare;
mod clients;
mod cqrs;
mod dcb;
mod handwritten;
mod ledger;
mod machine;
mod near;
mod peer;
mod report;
mod reservations;
mod restart;
mod views;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use loopledger_model::Context;
use loopledger_servers::{Lock, Options, Purpose, Servers};
use loopledger_service::process;
use tempfile::TempDir;

use bare::Bare;
use clients::Load;
use cqrs::Cqrs;
use dcb::Dcb;
use handwritten::Handwritten;
use ledger::Ledger;
use near::Near;
use peer::{Peer, Work};
use report::{Cell, FILE, LEDGER, NATS, NEAR, ONE_COMMIT_BYTES, Report};

const BULK: usize = 100;
const BULK_CLIENTS: [usize; 2] = [64, 256];
const HOT_CLIENTS: usize = 16;

/// How much is measured.
struct Plan {
    rounds: usize,
    measured: Duration,
    warm_up: Duration,
    accounts: u32,
    hot_units: u64,
    events: u32,
    reservations: usize,
    clients: Vec<usize>,
    parts: BTreeSet<String>,
    with_peers: bool,
}

impl Plan {
    fn from_env() -> anyhow::Result<Self> {
        let quick = std::env::var_os("BENCH_QUICK").is_some_and(|value| value == "1");
        let list = |name, otherwise: &str| {
            let value = std::env::var(name).unwrap_or_else(|_| otherwise.to_owned());
            value.split(',').map(str::to_owned).collect::<BTreeSet<_>>()
        };
        let clients = list("BENCH_CLIENTS", "1,4,16,256");
        let mut clients: Vec<usize> =
            clients.iter().map(|n| n.parse()).collect::<Result<_, _>>().context("BENCH_CLIENTS")?;
        clients.sort_unstable();
        let (second, millis) = (Duration::from_secs, Duration::from_millis);
        Ok(Self {
            rounds: std::env::var("BENCH_ROUNDS")
                .map_or(Ok(if quick { 1 } else { 3 }), |rounds| rounds.parse())?,
            measured: if quick { second(1) } else { second(3) },
            warm_up: if quick { millis(300) } else { second(1) },
            accounts: if quick { 10_000 } else { 100_000 },
            hot_units: if quick { 500 } else { 10_000 },
            reservations: if quick { 20_000 } else { 200_000 },
            events: if quick { 100_000 } else { 1_000_000 },
            clients,
            parts: list(
                "BENCH_PARTS",
                "redemptions,payments,hot,limits,restart,reservations,views",
            ),
            with_peers: std::env::var_os("BENCH_SIDES").is_none_or(|sides| sides != LEDGER),
        })
    }

    fn has(&self, part: &str) -> bool {
        self.parts.contains(part)
    }

    const fn load(&self, clients: usize) -> Load {
        Load { clients, warm_up: self.warm_up, measured: self.measured }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["service", "registry"] => process::main(&loopledger_registry::SERVICE).await,
        ["service", "purchase"] => process::main(&loopledger_purchase::SERVICE).await,
        ["service", "voucher"] => process::main(&loopledger_voucher::SERVICE).await,
        ["views"] => views::main().await,
        ["state", vouchers] => restart::print_state_memory(vouchers.parse()?),
        [] => measure(None).await,
        [report] => measure(Some(report)).await,
        _ => anyhow::bail!("write at most the name of the report's file"),
    }
}

async fn measure(file: Option<&str>) -> anyhow::Result<()> {
    let plan = Plan::from_env()?;
    let disk = std::env::var_os("BENCH_DISK").map_or_else(|| PathBuf::from("."), PathBuf::from);
    let folder = TempDir::with_prefix_in("loopledger-bench-", disk)?;
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o711))?;
    let path = folder.path().canonicalize()?;
    let lock = Lock::acquire(&path.join("data"), Purpose::Command)?;
    let servers = Servers::start(&lock, &Options::default()).await?;
    let mut report = Report::default();
    let measured = tokio::select! {
        measured = measure_all(&plan, &servers, &path, &mut report) => measured,
        interrupted = tokio::signal::ctrl_c() => interrupted.map_err(Into::into).and_then(|()| {
            Err(anyhow::anyhow!("interrupted"))
        }),
    };
    servers.stop().await;
    measured?;
    if plan.has("views") {
        report.views = views::measured().await?;
    }
    match file {
        Some(file) => std::fs::write(file, report.to_string())?,
        None => println!("{report}"),
    }
    Ok(())
}

async fn measure_all(
    plan: &Plan,
    servers: &Servers,
    folder: &Path,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (nats, database) = (servers.nats_url(), servers.database_url());
    let bare = Bare::connect(nats).await?;
    report.machine = machine::describe(servers, folder, &bare.server_version()).await?;
    report.conditions = conditions(plan);
    report.hot_units = plan.hot_units;
    if plan.has("reservations") {
        report.reservations =
            Some(reservations::measure(database, plan.reservations, plan.reservations / 2).await?);
    }
    if plan.parts.iter().all(|part| ["views", "reservations"].contains(&part.as_str())) {
        return Ok(());
    }
    let ledger = Ledger::connect(nats, folder.join("memory"), plan.accounts).await?;
    eprintln!("preparing {} vouchers and invoices on every side", plan.accounts);
    let registry = ledger.serve(Context::Registry)?;
    let purchase = ledger.serve(Context::Purchase)?;
    let registered = ledger.register().await?;
    let invoiced = ledger.invoice(registered).await?;
    if plan.with_peers {
        Handwritten::prepare(database, plan.accounts).await?;
        Cqrs::prepare(database, plan.accounts).await?;
        Dcb::prepare(database, plan.accounts).await?;
    }
    bare.prepare().await?;
    if plan.has("redemptions") || plan.has("hot") {
        let voucher = ledger.serve(Context::Voucher)?;
        ledger.open_programme(invoiced).await?;
        ledger.issue_and_lock().await?;
        if plan.has("redemptions") {
            measure_work(plan, Work::Redemptions, &ledger, &bare, database, report).await?;
        }
        if plan.has("hot") {
            measure_hot(plan, &ledger, database, report).await?;
        }
        voucher.stop().await?;
    }
    if plan.has("payments") {
        measure_work(plan, Work::Payments, &ledger, &bare, database, report).await?;
    }
    purchase.stop().await?;
    registry.stop().await?;
    if plan.clients.contains(&1) {
        measure_near(plan, &ledger, &bare, report).await?;
    }
    if plan.has("limits") {
        measure_limits(plan, &bare, folder, report).await?;
    }
    if plan.has("restart") {
        report.restart = Some(restart::measure(folder, plan.events, plan.rounds).await?);
    }
    Ok(())
}

async fn measure_work(
    plan: &Plan,
    work: Work,
    ledger: &Ledger,
    bare: &Bare,
    database: &str,
    report: &mut Report,
) -> anyhow::Result<()> {
    for round in 1..=plan.rounds {
        let single = plan.clients.iter().map(|clients| (*clients, 1));
        for (clients, bulk) in single.chain(BULK_CLIENTS.map(|clients| (clients, BULK))) {
            eprintln!(
                "{work:?}, round {round} of {}: {clients} clients, {bulk} a request",
                plan.rounds
            );
            let load = plan.load(clients);
            if plan.with_peers && bulk == 1 {
                add_peer::<Handwritten>(plan, work, load, database, round, report).await?;
                add_peer::<Cqrs>(plan, work, load, database, round, report).await?;
                add_peer::<Dcb>(plan, work, load, database, round, report).await?;
            }
            if clients == 1 {
                let outcome = bare.measure(load, ONE_COMMIT_BYTES).await?;
                report.add_limit((ONE_COMMIT_BYTES, 1, NATS), outcome);
            }
            let cell = Cell { clients, bulk, side: LEDGER };
            let before = bare.stored().await?;
            report.add(work, cell, ledger.measure(work, load, bulk, round).await?);
            report.add_stored(work, cell, bare.stored().await?.since(before));
        }
    }
    Ok(())
}

/// One client again, within the services' process, in turn with bare appends.
async fn measure_near(
    plan: &Plan,
    ledger: &Ledger,
    bare: &Bare,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (purchase, voucher) = (&loopledger_purchase::SERVICE, &loopledger_voucher::SERVICE);
    let works = [
        ("redemptions", Work::Redemptions, &[purchase, voucher][..]),
        ("payments", Work::Payments, &[purchase]),
    ];
    for (_, work, services) in works.into_iter().filter(|(part, ..)| plan.has(part)) {
        let near = Near::start(ledger.url(), ledger.folder(), services).await?;
        let (ledger, load) = (ledger.asked_by(near.asker()), plan.load(1));
        for round in 1..=plan.rounds {
            eprintln!("{work:?}, round {round} of {}: one client in the process", plan.rounds);
            let outcome = bare.measure(load, ONE_COMMIT_BYTES).await?;
            report.add_limit((ONE_COMMIT_BYTES, 1, NATS), outcome);
            let cell = Cell { clients: 1, bulk: 1, side: NEAR };
            // The rounds before this have taken their ids.
            let outcome = ledger.measure(work, load, 1, plan.rounds + round).await?;
            report.add(work, cell, outcome);
        }
        near.stop().await?;
    }
    Ok(())
}

async fn add_peer<P: Peer>(
    plan: &Plan,
    work: Work,
    load: Load,
    database: &str,
    round: usize,
    report: &mut Report,
) -> anyhow::Result<()> {
    let outcome = peer::measure::<P>(database, work, load, round, plan.accounts);
    let outcome =
        outcome.await.with_context(|| format!("{}, {} clients", P::NAME, load.clients))?;
    report.add(work, Cell { clients: load.clients, bulk: 1, side: P::NAME }, outcome);
    Ok(())
}

async fn measure_hot(
    plan: &Plan,
    ledger: &Ledger,
    database: &str,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (clients, units) = (HOT_CLIENTS, plan.hot_units);
    for round in 1..=plan.rounds {
        eprintln!("one hot voucher, round {round} of {}", plan.rounds);
        if plan.with_peers {
            add_hot::<Handwritten>(units, database, round, report).await?;
        }
        // These take minutes: optimistic transactions on one aggregate fail one another.
        if plan.with_peers && round == 1 {
            add_hot::<Cqrs>(units, database, round, report).await?;
            add_hot::<Dcb>(units, database, round, report).await?;
        }
        let outcome = ledger.run_out(clients, units, round).await?;
        anyhow::ensure!(outcome.done == units, "{} of {units} units were given out", outcome.done);
        report.add_hot(LEDGER, outcome);
    }
    Ok(())
}

async fn add_hot<P: Peer>(
    units: u64,
    database: &str,
    round: usize,
    report: &mut Report,
) -> anyhow::Result<()> {
    let outcome = peer::run_out::<P>(database, HOT_CLIENTS, units, round);
    report.add_hot(P::NAME, outcome.await.with_context(|| format!("{}, a hot voucher", P::NAME))?);
    Ok(())
}

async fn measure_limits(
    plan: &Plan,
    bare: &Bare,
    folder: &Path,
    report: &mut Report,
) -> anyhow::Result<()> {
    let most = plan.clients.last().copied().unwrap_or_default();
    let mut sizes = vec![ONE_COMMIT_BYTES];
    sizes.extend([1, most].iter().filter_map(|clients| report.commit_bytes(*clients)));
    for round in 1..=plan.rounds {
        eprintln!("bare appends, round {round} of {}", plan.rounds);
        for bytes in &sizes {
            for in_flight in [1, 2] {
                let outcome = bare.measure(plan.load(in_flight), *bytes).await?;
                report.add_limit((*bytes, in_flight, NATS), outcome);
            }
            let outcome = bare::measure_file(folder, plan.load(1), *bytes)?;
            report.add_limit((*bytes, 1, FILE), outcome);
        }
    }
    Ok(())
}

fn conditions(plan: &Plan) -> String {
    let Plan { rounds, measured, warm_up, accounts, .. } = plan;
    format!(
        "- the cores are shared by all: load generator (one process), nats-server or PostgreSQL, and the ledger's\n  \
           services that a measurement needs (a process each; registry and purchase, for redemptions voucher too)\n\
         - {rounds} rounds of {measured:?} after {warm_up:?} that do not count, the sides in turn within a round; \
           figures are medians\n  of the rounds, latencies those of single requests\n\
         - {accounts} vouchers and invoices, 1.00 a command; peers: one transaction a command, at most {} \
           connections, 128 MB of\n  shared buffers\n\
         - ratios are to the best figure of any peer at any number of clients\n\
         - the event-sourced peers decide a redemption from the voucher alone; the ledger and the hand-written schema\n  \
           look at the invoice too, the ledger also at lock, contract, admission and affiliation\n",
        peer::CONNECTIONS
    )
}
