//! How long a service with a long history takes to answer again, and what a voucher costs it in memory.
//!
//! Invariant: the service is killed, not stopped, so that it finds what a crash leaves: a snapshot and a tail.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use loopledger_model::{Context, voucher};
use loopledger_servers::{Lock, Options, Purpose, Servers};
use loopledger_service::Decider;
use loopledger_voucher::{State, Vouchers};

use crate::bare::Bare;
use crate::ledger::{Ledger, Service, many};

pub struct Restart {
    events: u32,
    /// From the newest snapshot and the tail, in seconds; and the service's memory then, in bytes.
    from_snapshot: Vec<(f64, u64)>,
    from_nothing: Vec<(f64, u64)>,
    /// Of the service that knows no voucher.
    empty: u64,
    snapshot: String,
    last: u64,
    state: StateMemory,
}

/// What a voucher costs in the decider's state alone, in bytes.
pub struct StateMemory {
    issued: u64,
    locked: u64,
}

pub async fn measure(folder: &Path, events: u32, rounds: usize) -> anyhow::Result<Restart> {
    let lock = Lock::acquire(&folder.join("restart"), Purpose::Command)?;
    // No view is asked for, so no database is needed.
    let options = Options { database_url: Some("unused".to_owned()), ..Options::default() };
    let servers = Servers::start(&lock, &options).await?;
    let measured = restarts(servers.nats_url(), folder, events, rounds).await;
    servers.stop().await;
    measured
}

async fn restarts(url: &str, folder: &Path, events: u32, rounds: usize) -> anyhow::Result<Restart> {
    let memory = folder.join("restart-memory");
    let ledger = Ledger::connect(url, memory.clone(), 0).await?;
    let registry = ledger.serve(Context::Registry)?;
    let registered = ledger.register().await?;
    let mut service = ledger.serve(Context::Voucher)?;
    ledger.open_programme(registered).await?;
    let empty = resident(service.id()?)?;
    eprintln!("restart: issuing {events} vouchers");
    ledger.issue_many(events).await?;
    service.kill().await?;
    let snapshot = newest(&memory)?;
    let last = Bare::connect(url).await?.stored().await?.commits;
    let (mut from_snapshot, mut from_nothing) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        eprintln!("restart: round {round} of {rounds}");
        let begun = Instant::now();
        service = ledger.serve(Context::Voucher)?;
        ledger.first_answer(&format!("after-snapshot-{round}")).await?;
        from_snapshot.push((begun.elapsed().as_secs_f64(), resident(service.id()?)?));
        service.kill().await?;
        let nothing = folder.join(format!("restart-nothing-{round}"));
        let begun = Instant::now();
        service = Service::start(url, Context::Voucher, &nothing)?;
        ledger.first_answer(&format!("after-nothing-{round}")).await?;
        from_nothing.push((begun.elapsed().as_secs_f64(), resident(service.id()?)?));
        service.kill().await?;
    }
    registry.kill().await?;
    let state = state_memory(events).await?;
    Ok(Restart { events, from_snapshot, from_nothing, empty, snapshot, last, state })
}

fn newest(folder: &Path) -> anyhow::Result<String> {
    let mut snapshots: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        snapshots.push(entry?.path());
    }
    let name = |path: &PathBuf| Some(path.file_name()?.to_str()?.to_owned());
    let mut names: Vec<_> = snapshots.iter().filter_map(name).collect();
    names.retain(|name| name.starts_with("voucher.") && name.ends_with(".snapshot"));
    names.sort();
    Ok(names.pop().unwrap_or_else(|| "none".to_owned()))
}

/// A process's resident memory, in bytes.
fn resident(process: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kilobytes = kilobytes.ok_or_else(|| anyhow::anyhow!("no VmRSS in {status}"))?;
    Ok(kilobytes.trim().parse::<u64>()? * 1024)
}

/// Asks a process of its own, whose memory nothing else has used.
async fn state_memory(vouchers: u32) -> anyhow::Result<StateMemory> {
    let mut command = tokio::process::Command::new(std::env::current_exe()?);
    let output = command.args(["state", &vouchers.to_string()]).output().await?;
    let text = String::from_utf8(output.stdout)?;
    let mut figures = text.split_whitespace().map(str::parse);
    let (Some(issued), Some(locked)) = (figures.next(), figures.next()) else {
        anyhow::bail!("no figures: {text}");
    };
    Ok(StateMemory { issued: issued?, locked: locked? })
}

/// Prints what issued vouchers take in the state, and what they take with a lock each, in bytes a voucher.
pub fn print_state_memory(vouchers: u32) -> anyhow::Result<()> {
    let mut state = State::default();
    for setup in setup()? {
        Vouchers::evolve(&mut state, &setup);
    }
    let own = std::process::id();
    let empty = resident(own)?;
    for n in 0..vouchers {
        Vouchers::evolve(&mut state, &issued(n)?);
    }
    let with_vouchers = resident(own)?;
    for n in 0..vouchers {
        Vouchers::evolve(&mut state, &locked(n)?);
    }
    let with_locks = resident(own)?;
    let each = |bytes: u64| (bytes - empty) / u64::from(vouchers);
    println!("{} {}", each(with_vouchers), each(with_locks));
    Ok(())
}

fn setup() -> anyhow::Result<Vec<voucher::Event>> {
    let events = serde_json::json!([
        {"programme_defined": {
            "id": "programme", "issuer": "city", "name": "programme", "currency": "CNY",
            "budget": {"amount": "1000000000000000.00", "currency": "CNY"},
            "at": "2025-01-01T00:00:00Z", "closes": "2030-01-01T00:00:00Z",
            "rules": {"ratio": "1", "validity_days": 365, "affiliation": "allow",
                "cap_holder_year": {"amount": "1000000000000000.00", "currency": "CNY"},
                "metering_required": false, "rounding": {"digits": 2, "mode": "half_up"}}}},
        {"provider_admitted": {
            "programme": "programme", "provider": "seller", "at": "2025-01-01T00:00:00Z"}},
    ]);
    Ok(serde_json::from_value(events)?)
}

fn issued(n: u32) -> anyhow::Result<voucher::Event> {
    let voucher::Command::IssueVoucher(asked) = many(&format!("b-{n:07}"), n)? else {
        anyhow::bail!("it is a voucher");
    };
    let voucher::IssueVoucher { id, programme, holder, amount, at, .. } = asked;
    let expires_at = Some(loopledger_model::parse_instant("2026-01-02")?);
    Ok(voucher::Event::VoucherIssued(voucher::VoucherIssued {
        version: 1,
        application: None,
        tranche: None,
        profile: None,
        funding: Vec::new(),
        id,
        programme,
        holder,
        amount,
        at,
        expires_at,
    }))
}

fn locked(n: u32) -> anyhow::Result<voucher::Event> {
    Ok(voucher::Event::VoucherLocked(voucher::VoucherLocked {
        gate: None,
        id: format!("l-{n:07}").parse()?,
        voucher: format!("b-{n:07}").parse()?,
        programme: "programme".parse()?,
        contract: format!("k-{}", n % 10_000).parse()?,
        provider: "seller".parse()?,
        amount: loopledger_model::Money::parse("1000", "CNY".parse()?)?,
        at: loopledger_model::parse_instant("2025-01-03")?,
    }))
}

impl fmt::Display for Restart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, snapshot, last, empty, .. } = self;
        writeln!(
            f,
            "A voucher service with {events} events (vouchers issued, all open, of 10,000"
        )?;
        writeln!(
            f,
            "holders) is killed and started again; the time is from its start to its first"
        )?;
        writeln!(
            f,
            "answer. Newest snapshot: `{snapshot}` of {last} commits. Memory is the process's"
        )?;
        writeln!(
            f,
            "resident memory then, less the {} MB of one without vouchers, a voucher; the",
            empty >> 20
        )?;
        writeln!(f, "answers that it remembers are in it.\n")?;
        writeln!(f, "| start | seconds | lowest to highest | bytes a voucher |")?;
        writeln!(f, "|---|---:|---:|---:|")?;
        let rows = [
            ("newest snapshot and tail", &self.from_snapshot),
            ("whole journal", &self.from_nothing),
        ];
        for (start, measured) in rows {
            let mut seconds: Vec<_> = measured.iter().map(|(seconds, _)| *seconds).collect();
            seconds.sort_by(f64::total_cmp);
            let (low, high) = (seconds[0], seconds[seconds.len() - 1]);
            let median = seconds[seconds.len() / 2];
            let most = measured.iter().map(|(_, bytes)| *bytes).max().unwrap_or_default();
            let each = most.saturating_sub(*empty) / u64::from(*events);
            writeln!(f, "| {start} | {median:.2} | {low:.2} to {high:.2} | {each} |")?;
        }
        let StateMemory { issued, locked } = self.state;
        writeln!(
            f,
            "\nThe decider's state alone, in a process without anything else: {issued} bytes a"
        )?;
        writeln!(f, "voucher that is issued, {locked} with a lock on it.")
    }
}
