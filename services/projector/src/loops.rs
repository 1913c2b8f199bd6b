//! The loops that flows make, kept in memory as a graph and told anew where a batch has changed
//! them.

use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::thread::available_parallelism;

use loopledger_loops::Cycle;
use loopledger_views::rows::{CutSearch, Flow};
use loopledger_views::{Error, FlowGraph, StoredLoop};

/// Fewer loops are worked out before a thread has begun.
const WORTH_A_THREAD: usize = 8;

#[derive(Debug, Default)]
pub(crate) struct Loops {
    graph: FlowGraph,
    changed: BTreeSet<Cycle>,
}

impl Loops {
    /// Those that are stored.
    pub(crate) const fn of(graph: FlowGraph) -> Self {
        Self { graph, changed: BTreeSet::new() }
    }

    /// Adds flows; tells of those through which the search for loops was cut short.
    pub(crate) fn add(&mut self, flows: &[Flow]) -> Result<Vec<CutSearch>, Error> {
        let mut cut = Vec::new();
        for flow in flows {
            let added = self.graph.add(flow)?;
            self.changed.extend(added.cycles);
            cut.extend(added.search_was_cut.then_some(CutSearch { stamp: flow.stamp }));
        }
        Ok(cut)
    }

    /// The loops that are new or changed since this was last asked.
    pub(crate) fn changed(&mut self) -> Vec<StoredLoop> {
        let changed: Vec<Cycle> = std::mem::take(&mut self.changed).into_iter().collect();
        let processors = available_parallelism().map_or(1, usize::from);
        let share = changed.len().div_ceil(processors).max(WORTH_A_THREAD);
        let graph = &self.graph;
        let found = |share: &[Cycle]| -> Vec<StoredLoop> {
            share.iter().filter_map(|cycle| graph.found(cycle)).collect()
        };
        std::thread::scope(|scope| {
            let mut shares = changed.chunks(share);
            let first = shares.next().unwrap_or_default();
            let others: Vec<_> = shares.map(|share| scope.spawn(move || found(share))).collect();
            let mut loops = found(first);
            for other in others {
                loops.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
            }
            loops
        })
    }
}
