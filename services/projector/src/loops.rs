//! The loops that flows make, kept in memory as a graph and told anew where a batch has changed
//! them.

use std::collections::BTreeSet;

use loopledger_loops::Cycle;
use loopledger_views::rows::{CutSearch, Flow};
use loopledger_views::{Error, FlowGraph, LoopFound};

#[derive(Debug)]
pub(crate) struct Loops {
    graph: FlowGraph,
    changed: BTreeSet<Cycle>,
}

impl Loops {
    /// Those of flows that are stored.
    pub(crate) fn of(flows: &[Flow]) -> Result<Self, Error> {
        Ok(Self { graph: FlowGraph::of(flows)?, changed: BTreeSet::new() })
    }

    /// Adds a flow; tells when the search for loops through it was cut short.
    pub(crate) fn add(&mut self, flow: &Flow) -> Result<Option<CutSearch>, Error> {
        let added = self.graph.add(flow)?;
        self.changed.extend(added.cycles);
        Ok(added.search_was_cut.then_some(CutSearch { stamp: flow.stamp }))
    }

    /// The loops that are new or changed since this was last asked.
    pub(crate) fn changed(&mut self) -> Vec<LoopFound> {
        let changed = std::mem::take(&mut self.changed);
        changed.iter().filter_map(|cycle| self.graph.found(cycle)).collect()
    }
}
