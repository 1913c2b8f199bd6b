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

/// A commit as the archive keeps it.
pub(crate) fn archived(commit: &Commit) -> rows::Commit {
    rows::Commit {
        position: commit.position,
        partition: commit.partition.to_string(),
        commit_id: commit.id.to_string(),
        recorded_at: commit.recorded_at.to_string(),
        recorded_by: commit.by.clone(),
        traceparent: commit.traceparent.clone(),
        body: commit.body.to_vec(),
    }
}

#[cfg(test)]
mod tests;
