//! The report in Markdown: medians over the rounds, their spread, and the ratio to the best peer.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::bare::Stored;
use crate::clients::Outcome;
use crate::peer::Work;
use crate::reservations::Reservations;
use crate::restart::Restart;

pub const LEDGER: &str = "loopledger";
/// Asked within its own process.
pub const NEAR: &str = "loopledger, in one process";
pub const FILE: &str = "file, append and fdatasync";
pub const NATS: &str = "nats-server, bare";

/// One load of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    pub clients: usize,
    /// Commands a request.
    pub bulk: usize,
    pub side: &'static str,
}

#[derive(Default)]
struct Measured {
    outcomes: Vec<Outcome>,
    stored: Vec<Stored>,
}

/// A message size and how many are in flight; the side that stores them.
type Limit = (usize, usize, &'static str);

#[derive(Default)]
pub struct Report {
    pub machine: String,
    pub conditions: String,
    works: BTreeMap<(Work, Cell), Measured>,
    hot: BTreeMap<&'static str, Vec<Outcome>>,
    pub hot_units: u64,
    limits: BTreeMap<Limit, Vec<Outcome>>,
    pub restart: Option<Restart>,
    pub reservations: Option<Reservations>,
    /// Its part as Markdown; empty where it was not measured.
    pub views: String,
}

impl Report {
    pub fn add(&mut self, work: Work, cell: Cell, outcome: Outcome) {
        self.works.entry((work, cell)).or_default().outcomes.push(outcome);
    }

    /// What a measurement of the ledger added to its stream.
    pub fn add_stored(&mut self, work: Work, cell: Cell, stored: Stored) {
        self.works.entry((work, cell)).or_default().stored.push(stored);
    }

    pub fn add_hot(&mut self, side: &'static str, outcome: Outcome) {
        self.hot.entry(side).or_default().push(outcome);
    }

    pub fn add_limit(&mut self, limit: Limit, outcome: Outcome) {
        self.limits.entry(limit).or_default().push(outcome);
    }

    /// The peers' best, at any number of clients.
    fn best_peer(&self, work: Work) -> Option<f64> {
        let is_peer = |cell: &Cell| ![LEDGER, NEAR].contains(&cell.side);
        let peers = self.works.iter().filter(|((of, cell), _)| *of == work && is_peer(cell));
        peers.map(|(_, measured)| median(&measured.outcomes, Outcome::per_second)).reduce(f64::max)
    }

    /// The bytes of the ledger's average commit, over all its measurements with so many clients and one command a
    /// request.
    pub fn commit_bytes(&self, clients: usize) -> Option<usize> {
        let cells = self.works.iter().filter(|((_, cell), _)| {
            cell.side == LEDGER && cell.bulk == 1 && cell.clients == clients
        });
        let (commits, bytes) = cells
            .flat_map(|(_, measured)| &measured.stored)
            .fold((0, 0), |(commits, bytes), some| (commits + some.commits, bytes + some.bytes));
        usize::try_from(bytes.checked_div(commits)?).ok()
    }

    fn write_work(&self, f: &mut fmt::Formatter<'_>, work: Work) -> fmt::Result {
        let cells: Vec<_> = self.works.iter().filter(|((of, _), _)| *of == work).collect();
        if cells.is_empty() {
            return Ok(());
        }
        let best = self.best_peer(work);
        writeln!(f, "\n## W1: durable {}\n", format!("{work:?}").to_lowercase())?;
        writeln!(
            f,
            "| clients | a request | side | a second | lowest to highest | p50 ms | p99 ms | to the best peer | a commit | bytes a commit |"
        )?;
        writeln!(f, "|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|")?;
        for ((_, cell), measured) in cells {
            let speed = median(&measured.outcomes, Outcome::per_second);
            let ratio = best.map_or_else(String::new, |best| format!("{:.2}", speed / best));
            write!(f, "| {} | {} | {} |", cell.clients, cell.bulk, cell.side)?;
            write!(f, "{} {ratio} |", figures(&measured.outcomes))?;
            match measured.commit(&cell.side) {
                Some((commands, bytes)) => writeln!(f, " {commands:.0} | {bytes:.0} |")?,
                None => writeln!(f, " | |")?,
            }
        }
        Ok(())
    }

    fn write_hot(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.hot.is_empty() {
            return Ok(());
        }
        let units = self.hot_units;
        writeln!(f, "\n## W2: one hot voucher of {units} units, 16 clients\n")?;
        writeln!(
            f,
            "Every client redeems one unit after the other until it is refused. The ledger has to give out exactly\n\
             {units} in every round, or the benchmark stops; what its peers gave out is told. The event-sourced\n\
             peers are measured in the first round only; disintegrate-postgres needs PostgreSQL 16, and before it the marks of its\n\
             transactions are made by this benchmark.\n"
        )?;
        writeln!(f, "| side | given out | a second | lowest to highest | p50 ms | p99 ms |")?;
        writeln!(f, "|---|---:|---:|---:|---:|---:|")?;
        for (side, outcomes) in &self.hot {
            let given: BTreeSet<String> = outcomes.iter().map(|o| o.done.to_string()).collect();
            let given = given.into_iter().collect::<Vec<_>>().join(", ");
            writeln!(f, "| {side} | {given} |{}", figures(outcomes))?;
        }
        Ok(())
    }

    fn write_limits(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.limits.is_empty() {
            return Ok(());
        }
        writeln!(f, "\n## Limit: bare fsynced appends\n")?;
        writeln!(
            f,
            "Those of {ONE_COMMIT_BYTES} bytes with one in flight are measured beside one client's commands too.\n"
        )?;
        writeln!(
            f,
            "| side | bytes | in flight | a second | lowest to highest | p50 ms | p99 ms | MB/s |"
        )?;
        writeln!(f, "|---|---:|---:|---:|---:|---:|---:|---:|")?;
        for ((bytes, in_flight, side), outcomes) in &self.limits {
            let megabytes = median(outcomes, Outcome::per_second) * *bytes as f64 / 1e6;
            writeln!(
                f,
                "| {side} | {bytes} | {in_flight} |{} {megabytes:.1} |",
                figures(outcomes)
            )?;
        }
        let Some(bare) = self.limits.get(&(ONE_COMMIT_BYTES, 1, NATS)) else { return Ok(()) };
        let bare = median(bare, Outcome::per_second);
        for work in [Work::Redemptions, Work::Payments] {
            for (side, how) in [(NEAR, "within the process"), (LEDGER, "over NATS")] {
                let one = Cell { clients: 1, bulk: 1, side };
                if let Some(measured) = self.works.get(&(work, one)) {
                    let one = median(&measured.outcomes, Outcome::per_second);
                    writeln!(
                        f,
                        "\nOne client's {}, asked {how}, take {:.2} times as long as a bare append of \
                         {ONE_COMMIT_BYTES} bytes.",
                        format!("{work:?}").to_lowercase(),
                        bare / one
                    )?;
                }
            }
        }
        Ok(())
    }
}

/// A commit of one command takes about as much.
pub const ONE_COMMIT_BYTES: usize = 400;

impl Measured {
    /// Commands and bytes of an average commit.
    fn commit(&self, side: &str) -> Option<(f64, f64)> {
        let (commits, bytes) = self
            .stored
            .iter()
            .fold((0, 0), |(commits, bytes), some| (commits + some.commits, bytes + some.bytes));
        if side != LEDGER || commits == 0 {
            return None;
        }
        Some((self.commands() / commits as f64, bytes as f64 / commits as f64))
    }

    /// What was done in the warm-ups too, since the stream has that as well.
    fn commands(&self) -> f64 {
        self.outcomes.iter().map(|outcome| outcome.done_in_all as f64).sum()
    }
}

/// Speed, its spread and latencies, as cells of a table.
fn figures(outcomes: &[Outcome]) -> String {
    let speed = median(outcomes, Outcome::per_second);
    let each = outcomes.iter().map(Outcome::per_second);
    let (low, high) =
        each.fold((f64::MAX, 0.0), |(low, high): (f64, f64), s| (low.min(s), high.max(s)));
    let latency = |share| median(outcomes, |outcome| outcome.percentile(share)) / 1000.0;
    format!(" {speed:.0} | {low:.0} to {high:.0} | {:.2} | {:.2} |", latency(0.5), latency(0.99))
}

fn median(outcomes: &[Outcome], of: impl Fn(&Outcome) -> f64) -> f64 {
    let mut figures: Vec<f64> = outcomes.iter().map(of).collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Benchmarks\n\nWritten by `make bench`.\n")?;
        write!(f, "{}{}", self.machine, self.conditions)?;
        self.write_work(f, Work::Redemptions)?;
        self.write_work(f, Work::Payments)?;
        self.write_hot(f)?;
        self.write_limits(f)?;
        if let Some(restart) = &self.restart {
            write!(f, "\n## Restart and memory\n\n{restart}")?;
        }
        if let Some(reservations) = &self.reservations {
            write!(f, "\n## Reservations of one pool\n\n{reservations}")?;
        }
        f.write_str(&self.views)?;
        Ok(())
    }
}
