//! All views made anew from a journal of mixed events, at a tenth of its length and at all of it.
//!
//! Invariant: a rebuild counts only if its rows equal the live ones, which another path has made, and took their place.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use loopledger_projector::{Deps, Limits, Step, catch_up, rebuild};

use super::{Plan, Store, bare, cpu, listener, settle};

struct Rebuilt {
    events: u64,
    /// Until the last rows are handed to PostgreSQL.
    copied: Duration,
    /// Until rows and indexes are in the database.
    written: Duration,
    /// Until they are compared with the live ones, row by row.
    compared: Duration,
    /// Until they have taken their place.
    exchanged: Duration,
    /// Of all processors, this process's and the servers', until rows and indexes are in the database.
    processors: Duration,
    peak_bytes: u64,
}

/// Fills the store in any case; rebuilds and reports only where that is wanted.
pub async fn measure(plan: &Plan, store: &mut Store) -> anyhow::Result<String> {
    let mut measured = Vec::new();
    for events in plan.sizes {
        eprintln!("views: a journal of {events} events");
        let missing = events.saturating_sub(store.history.events());
        store.history.append(&store.deps.journal, missing).await?;
        catch_up(&store.deps, None).await?;
        if plan.has("rebuild") {
            let mut rounds = Vec::new();
            for round in 1..=plan.rounds {
                eprintln!("rebuild: round {round} of {}", plan.rounds);
                settle(&store.database_url).await?;
                rounds.push(one(store).await?);
            }
            rounds.sort_by_key(|rebuilt| rebuilt.written);
            measured.push(rounds);
        }
    }
    if measured.is_empty() {
        return Ok(String::new());
    }
    settle(&store.database_url).await?;
    let bare = bare::measure(&store.database_url).await?;
    let peers = listener::measure(store, plan.sample).await?;
    Ok(write(&measured, &peers)? + &bare)
}

async fn one(store: &Store) -> anyhow::Result<Rebuilt> {
    // The highest mark of this process's memory starts anew.
    std::fs::write("/proc/self/clear_refs", "5").context("cannot reset the peak of memory")?;
    let deps = Deps { limits: Limits::REBUILD, ..store.deps.clone() };
    let (start, used) = (Instant::now(), cpu::used()?);
    let [mut copied, mut written, mut compared] = [Duration::ZERO; 3];
    let mut used_then = None;
    let rebuilt = rebuild(&deps, false, &mut |step| match step {
        Step::Loading { .. } => copied = start.elapsed(),
        Step::Comparing { .. } => {
            written = start.elapsed();
            used_then = cpu::used().ok();
        }
        Step::Exchanging => compared = start.elapsed(),
    })
    .await?;
    let exchanged = start.elapsed();
    let differing: Vec<_> = rebuilt.comparison.differing().map(|one| &one.live.table).collect();
    anyhow::ensure!(differing.is_empty(), "rebuilt rows differ: {differing:?}");
    anyhow::ensure!(rebuilt.exchanged_at.is_some(), "rebuilt rows took nobody's place");
    anyhow::ensure!(rebuilt.events == store.history.events(), "{} events", rebuilt.events);
    let (events, peak_bytes) = (rebuilt.events, peak_bytes()?);
    let processors = used_then.context("nothing was compared")?.saturating_sub(used);
    eprintln!(
        "{events} events: copied {copied:?}, written {written:?} by {processors:?} of a processor, exchanged {exchanged:?}"
    );
    Ok(Rebuilt { events, copied, written, compared, exchanged, processors, peak_bytes })
}

fn peak_bytes() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes * 1024)
}

fn write(measured: &[Vec<Rebuilt>], peers: &[listener::Peer]) -> Result<String, std::fmt::Error> {
    let mut report = "\n## Rebuild of all views\n\n\
         Mixed events of a seeded history: of a hundred commits 80 metering, 12 invoices and payments, 6 vouchers, 2\n\
         capital. The ledger reads them from the journal, keeps the archive, all tables and the loops, and builds the\n\
         indexes; then it compares every table with the live one, row by row, and exchanges them. Peers write each\n\
         event of a sample of the same history to one table, from a PostgreSQL table, without any of that:\n\
         the listener as its documentation shows it, a statement an event; by hand, a transaction of 1,000 events.\n\
         Before each, the disk is given what earlier work has left to be written (CHECKPOINT, sync).\n\
         Memory is the rebuilding process's, without the servers; processor time is its own and theirs, on all cores, and\n\
         does not count what else ran on the machine.\n\n\
         | side | events | events/s into PostgreSQL | lowest to highest | µs an event | of a processor | events/s, compared and exchanged | peak MiB |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|\n"
        .to_owned();
    let speed = |events: u64, time: Duration| events as f64 / time.as_secs_f64();
    let mut costs = Vec::new();
    for rounds in measured {
        let (Some(fast), Some(slow)) = (rounds.first(), rounds.last()) else { continue };
        let middle = &rounds[rounds.len() / 2];
        let cost = middle.written.as_secs_f64() * 1e6 / middle.events as f64;
        costs.push(cost);
        let peak = rounds.iter().map(|one| one.peak_bytes).max().unwrap_or_default() >> 20;
        writeln!(
            report,
            "| loopledger | {} | {:.0} | {:.0} to {:.0} | {cost:.2} | {:.2} | {:.0} | {peak} |",
            middle.events,
            speed(middle.events, middle.written),
            speed(slow.events, slow.written),
            speed(fast.events, fast.written),
            middle.processors.as_secs_f64() * 1e6 / middle.events as f64,
            speed(middle.events, middle.exchanged),
        )?;
    }
    for peer in peers {
        let cost = peer.took.as_secs_f64() * 1e6 / peer.events as f64;
        let per_second = speed(peer.events, peer.took);
        writeln!(
            report,
            "| {} | {} | {per_second:.0} | | {cost:.2} | | | |",
            peer.name, peer.events
        )?;
    }
    writeln!(
        report,
        "\nWhere the time goes, in seconds:\n\n\
         | events | read, decoded, copied | indexes, loops, statistics | compared | exchanged |\n\
         |---:|---:|---:|---:|---:|"
    )?;
    for rounds in measured {
        let Some(one) = rounds.get(rounds.len() / 2) else { continue };
        let marks = [Duration::ZERO, one.copied, one.written, one.compared, one.exchanged];
        write!(report, "| {} |", one.events)?;
        for stage in marks.windows(2) {
            write!(report, " {:.2} |", (stage[1] - stage[0]).as_secs_f64())?;
        }
        writeln!(report)?;
    }
    if let [few, .., many] = costs[..] {
        writeln!(
            report,
            "\nAn event of the whole costs {:.2} times one of the tenth.",
            many / few
        )?;
        for peer in peers {
            let cost = peer.took.as_secs_f64() * 1e6 / peer.events as f64;
            writeln!(
                report,
                "The ledger's rebuild is {:.1} times as fast as {}.",
                cost / many,
                peer.name
            )?;
        }
    }
    Ok(report)
}
