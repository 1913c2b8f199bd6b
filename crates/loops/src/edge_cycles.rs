//! The bare search: cycles of single edges in any list of dated edges, whatever the edges mean.
//!
//! Edges stand in the order of their time, then of the list. A cycle is a sequence of edges, each
//! later in that order than the one before, head to tail, that visits no party twice and ends where
//! it started, within the window from its first edge to its last. Parallel edges are cycles of
//! their own. An edge from a party to itself is none.
//!
//! Every edge is tried as the last one of a cycle, and its money is followed backwards. Parallel
//! edges are walked as one and counted by the number of ways on, so that counting costs the
//! different ways of parties and not the cycles. Edges that no cycle within the window can have
//! are taken out first; a walk that finds nothing for long works out what can be reached at all.
//!
//! Invariants: the counts and the list are exact, nothing is ever cut short. Memory is linear in
//! the number of edges.

mod narrow;
mod reach;
mod timeline;
mod walk;

use std::ops::ControlFlow;

use timeline::Timeline;
use walk::Walk;

/// Parties are numbers from zero, best without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatedEdge {
    pub from: u32,
    pub to: u32,
    /// In any unit, which is the window's too.
    pub time: i128,
}

/// Which cycles are wanted; all where nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CycleBounds {
    /// The longest that may pass from the first edge to the last.
    pub window: Option<i128>,
    pub max_hops: Option<usize>,
}

/// How many cycles there are of each number of edges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CycleCounts {
    by_hops: Vec<u128>,
}

impl CycleCounts {
    pub fn total(&self) -> u128 {
        self.by_hops.iter().sum()
    }

    /// Numbers of edges of which there are cycles, and how many.
    pub fn by_hops(&self) -> impl Iterator<Item = (usize, u128)> + '_ {
        self.by_hops.iter().copied().enumerate().filter(|(_, cycles)| *cycles > 0)
    }

    fn add(&mut self, hops: usize, cycles: u64) {
        if self.by_hops.len() <= hops {
            self.by_hops.resize(hops + 1, 0);
        }
        self.by_hops[hops] += u128::from(cycles);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CyclesError {
    #[error("{0} edges are more than can be searched: give less than {limit}", limit = u32::MAX)]
    TooManyEdges(usize),
    #[error(
        "more than {limit} cycles run through the same parties: give a smaller window",
        limit = u64::MAX
    )]
    TooManyCycles,
}

/// Counts the cycles.
///
/// # Errors
/// When there are too many edges, or too many cycles for a number to hold.
pub fn count_cycles(edges: &[DatedEdge], bounds: &CycleBounds) -> Result<CycleCounts, CyclesError> {
    search(edges, bounds, None)
}

/// Tells every cycle as the places of its edges in the list, in the order of time, and counts them.
/// The cycles that end at one party come together; it ends early when it is told to break.
///
/// # Errors
/// When there are too many edges, or too many cycles for a number to hold.
pub fn each_cycle(
    edges: &[DatedEdge],
    bounds: &CycleBounds,
    tell: &mut dyn FnMut(&[usize]) -> ControlFlow<()>,
) -> Result<CycleCounts, CyclesError> {
    search(edges, bounds, Some(tell))
}

/// Whoever wants to know each cycle.
type Tell<'a> = &'a mut dyn FnMut(&[usize]) -> ControlFlow<()>;

fn search(
    edges: &[DatedEdge],
    bounds: &CycleBounds,
    tell: Option<Tell<'_>>,
) -> Result<CycleCounts, CyclesError> {
    if u32::try_from(edges.len()).is_ok_and(|count| count < u32::MAX) {
        let timeline = Timeline::of(edges);
        let on_a_ring = narrow::on_a_ring(&timeline, bounds.window);
        let timeline = timeline.keep(&on_a_ring);
        Walk::new(&timeline, bounds, tell).run()
    } else {
        Err(CyclesError::TooManyEdges(edges.len()))
    }
}

#[cfg(test)]
mod tests;
