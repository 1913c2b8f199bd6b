//! Facts as rows: every read model is told of every fact.

use loopledger_journal::Commit;
use loopledger_model::{Event, Fact, Unreadable, facts};
use loopledger_views::rows::{Rows, Stamp};

use crate::{allocation, flows, fund, purchase, registry, voucher};

/// Adds what facts come to.
pub(crate) fn add(facts: Vec<Fact>, rows: &mut Rows) {
    for fact in facts {
        let stamp = Stamp::of(&fact);
        rows.flows.extend(flows::flow(stamp, &fact.event));
        match fact.event {
            Event::Registry(event) => registry::project(stamp, event, rows),
            Event::Voucher(event) => voucher::project(stamp, event, rows),
            Event::Fund(event) => fund::project(stamp, &event, rows),
            Event::Purchase(event) => purchase::project(stamp, &event, rows),
            Event::Allocation(event) => allocation::project(stamp, event, rows),
        }
    }
}

pub(crate) fn facts_of(commit: &Commit) -> Result<Vec<Fact>, Unreadable> {
    facts(commit.partition.context, commit.position, commit.recorded_at, &commit.body)
}

#[cfg(test)]
mod tests;
