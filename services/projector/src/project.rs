//! Facts as rows: every read model is told of every fact.

use loopledger_journal::Commit;
use loopledger_model::{Event, Fact, Unreadable, facts};
use loopledger_views::rows::{self, Rows, Stamp};

use crate::error::Error;
use crate::loops::Loops;
use crate::{allocation, flows, fund, purchase, registry, voucher};

/// Adds what facts come to.
pub(crate) fn add(facts: &[Fact], rows: &mut Rows, loops: &mut Loops) -> Result<(), Error> {
    for fact in facts {
        if let Some(flow) = project(fact, rows) {
            rows.cut_searches.extend(loops.add(&flow)?);
            rows.flows.push(flow);
        }
    }
    Ok(())
}

pub(crate) fn facts_of(commit: &Commit) -> Result<Vec<Fact>, Unreadable> {
    facts(commit.partition.context, commit.position, commit.recorded_at, &commit.body)
}

/// Adds a fact's rows but for the flow that it may be, which is handed out.
fn project(fact: &Fact, rows: &mut Rows) -> Option<rows::Flow> {
    let stamp = Stamp::of(fact);
    match &fact.event {
        Event::Registry(event) => registry::project(stamp, event, rows),
        Event::Voucher(event) => voucher::project(stamp, event, rows),
        Event::Fund(event) => fund::project(stamp, event, rows),
        Event::Purchase(event) => purchase::project(stamp, event, rows),
        Event::Allocation(event) => allocation::project(stamp, event, rows),
    }
    flows::flow(stamp, &fact.event)
}

#[cfg(test)]
mod tests;
