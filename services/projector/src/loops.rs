//! The loops that flows make, kept in memory as a graph and told anew where a batch has changed
//! them.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;
use std::thread::available_parallelism;

use loopledger_loops::{Cycle, Trail};
use loopledger_service::metrics;
use loopledger_views::rows::{CutSearch, Flow};
use loopledger_views::{Error, FlowGraph, StoredLoop};

/// Fewer loops are worked out before a thread has begun.
const WORTH_A_THREAD: usize = 8;
/// With more trails than these, only those of the last batch are kept.
const MOST_TRAILS: usize = 1_000;

#[derive(Debug, Default)]
pub(crate) struct Loops {
    graph: FlowGraph,
    changed: BTreeSet<Cycle>,
    /// Where the loops' amounts are gone on with from.
    trails: BTreeMap<Cycle, Trail>,
}

impl Loops {
    /// Those that are stored.
    pub(crate) fn of(graph: FlowGraph) -> Self {
        Self { graph, ..Self::default() }
    }

    /// Works out once what the loops have come to, so that the first payments into them do not wait for it.
    pub(crate) fn follow_trails(&mut self) {
        self.changed.extend(self.graph.cycles().take(MOST_TRAILS));
        self.changed();
    }

    /// Adds flows; tells of those through which the search for loops was cut short.
    pub(crate) fn add(&mut self, flows: &[Flow]) -> Result<Vec<CutSearch>, Error> {
        let mut cut = Vec::new();
        let (before, budget) = self.graph.steps();
        for flow in flows {
            let added = self.graph.add(flow)?;
            self.changed.extend(added.cycles);
            cut.extend(added.search_was_cut.then_some(CutSearch { stamp: flow.stamp }));
        }
        let (after, _) = self.graph.steps();
        let count = |family, count| metrics::figure(family, &[]).add(count);
        count("loopledger_loop_searches_total", flows.len() as u64);
        count("loopledger_loop_searches_cut_total", cut.len() as u64);
        count("loopledger_loop_steps_total", after - before);
        metrics::figure("loopledger_loop_steps_budget", &[]).set(budget);
        Ok(cut)
    }

    /// The loops that are new or changed since this was last asked.
    pub(crate) fn changed(&mut self) -> Vec<StoredLoop> {
        let trails = &mut self.trails;
        let changed = std::mem::take(&mut self.changed).into_iter();
        let with_trail = |cycle| trails.remove_entry(&cycle).unwrap_or((cycle, Trail::default()));
        let mut changed: Vec<(Cycle, Trail)> = changed.map(with_trail).collect();
        let processors = available_parallelism().map_or(1, usize::from);
        let share = changed.len().div_ceil(processors).max(WORTH_A_THREAD);
        let graph = &self.graph;
        let found = |share: &mut [(Cycle, Trail)]| -> Vec<StoredLoop> {
            share.iter_mut().filter_map(|(cycle, trail)| graph.found(cycle, trail)).collect()
        };
        let loops = std::thread::scope(|scope| {
            let mut shares = changed.chunks_mut(share);
            let first = shares.next().unwrap_or_default();
            let others: Vec<_> = shares.map(|share| scope.spawn(move || found(share))).collect();
            let mut loops = found(first);
            for other in others {
                loops.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
            }
            loops
        });
        if self.trails.len() + changed.len() > MOST_TRAILS {
            self.trails.clear();
        }
        self.trails.extend(changed.into_iter().take(MOST_TRAILS));
        loops
    }
}
