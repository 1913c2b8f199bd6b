//! The report: medians over the rounds, their spread, and the ratio to the peer under the same load.

use std::collections::BTreeMap;
use std::fmt;

use crate::clients::{Load, Outcome};

#[derive(Default)]
pub struct Report {
    /// By clients, payments a request and side: an outcome a round.
    outcomes: BTreeMap<(usize, usize, &'static str), Vec<Outcome>>,
}

const PEER: &str = "PostgreSQL by hand";

impl Report {
    pub fn add(&mut self, side: &'static str, load: Load, bulk: usize, outcome: Outcome) {
        self.outcomes.entry((load.clients, bulk, side)).or_default().push(outcome);
    }

    /// The peer at its best, whatever the number of clients.
    fn best_peer(&self) -> f64 {
        let peers = self.outcomes.iter().filter(|((_, _, side), _)| *side == PEER);
        peers.map(|(_, outcomes)| median(outcomes, Outcome::per_second)).fold(0.0, f64::max)
    }
}

fn median(outcomes: &[Outcome], of: impl Fn(&Outcome) -> f64) -> f64 {
    let mut figures: Vec<f64> = outcomes.iter().map(of).collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        writeln!(
            f,
            "Payments on 100,000 invoices, {cores} cores, fsync before every acknowledgement on both sides."
        )?;
        writeln!(
            f,
            "Clients, services and servers share the machine. Medians of the rounds; the ratio is to the best"
        )?;
        writeln!(f, "figure of PostgreSQL by hand at any number of clients.\n")?;
        writeln!(
            f,
            "| clients | payments a request | side | payments/s | lowest to highest | p50 ms | p99 ms | ratio |"
        )?;
        writeln!(f, "|---:|---:|---|---:|---:|---:|---:|---:|")?;
        let best = self.best_peer();
        for ((clients, bulk, side), outcomes) in &self.outcomes {
            let speed = median(outcomes, Outcome::per_second);
            let each = outcomes.iter().map(Outcome::per_second);
            let (low, high) =
                each.fold((f64::MAX, 0.0), |(low, high): (f64, f64), s| (low.min(s), high.max(s)));
            let latency =
                |share| median(outcomes, |outcome| f64::from(outcome.percentile(share))) / 1000.0;
            writeln!(
                f,
                "| {clients} | {bulk} | {side} | {speed:.0} | {low:.0} to {high:.0} | {:.2} | {:.2} | {:.1} |",
                latency(0.5),
                latency(0.99),
                speed / best
            )?;
        }
        Ok(())
    }
}
