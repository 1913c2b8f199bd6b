//! The loops that flows make, kept in memory as a graph and told anew where a batch has changed
//! them.

use std::collections::BTreeSet;

use loopledger_loops::Cycle;
use loopledger_views::rows::{CutSearch, Flow};
use loopledger_views::{Error, FlowGraph, LoopFound};

#[derive(Debug, Default)]
pub(crate) struct Loops {
    graph: FlowGraph,
    changed: BTreeSet<Cycle>,
}

impl Loops {
    /// Those of flows that are stored.
    pub(crate) fn of(flows: &[Flow]) -> Result<Self, Error> {
        Ok(Self { graph: FlowGraph::of(flows)?, changed: BTreeSet::new() })
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
    pub(crate) fn changed(&mut self) -> Vec<LoopFound> {
        let changed = std::mem::take(&mut self.changed);
        changed.iter().filter_map(|cycle| self.graph.found(cycle)).collect()
    }
}
