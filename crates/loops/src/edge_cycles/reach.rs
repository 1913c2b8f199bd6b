//! When money that leaves a party can first be at each other one, by the number of edges it takes,
//! without passing some parties.
//!
//! Invariant: a walk that avoids the same parties, starts no earlier and ends before the same rank
//! is at no party before the arrival that is told here.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::timeline::{NONE, Timeline};

/// With more edges than this a table does not tell how many it took.
const MOST_LEVELS: usize = 16;

/// What is asked: money leaving `root` from rank `first` on that arrives before rank `end`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    pub(super) root: u32,
    pub(super) first: u32,
    pub(super) end: u32,
}

#[derive(Debug)]
pub(super) struct Reach {
    /// `levels[h - 1][party]`: the rank of arrival over at most `h` edges. One level alone is for
    /// any number of edges.
    levels: Vec<Vec<u32>>,
    counts_hops: bool,
    reached: Vec<u32>,
    /// What the last table took to build.
    pub(super) cost: usize,
}

impl Reach {
    /// For the ways before the last edge of cycles of at most so many.
    pub(super) fn new(parties: usize, max_hops: Option<usize>) -> Self {
        let hops = max_hops.map(|most| most.saturating_sub(2).max(1));
        let hops = hops.filter(|hops| *hops <= MOST_LEVELS);
        Self {
            levels: vec![vec![NONE; parties]; hops.unwrap_or(1)],
            counts_hops: hops.is_some(),
            reached: Vec::new(),
            cost: 0,
        }
    }

    /// The rank at which money can first be at a party over at most so many edges.
    pub(super) fn arrival(&self, party: u32, hops: usize) -> u32 {
        let level = if self.counts_hops { hops.min(self.levels.len()) } else { 1 };
        self.levels[level - 1][party as usize]
    }

    /// Makes the table anew unless that looks at more edges than the limit; then nothing is left.
    pub(super) fn build(
        &mut self,
        timeline: &Timeline,
        question: Question,
        avoided: &[bool],
        limit: usize,
    ) -> bool {
        self.clear();
        self.cost = 0;
        let built = if self.counts_hops {
            self.build_levels(timeline, question, avoided, limit)
        } else {
            self.build_any(timeline, question, avoided, limit)
        };
        if !built {
            self.clear();
        }
        built
    }

    fn clear(&mut self) {
        for party in self.reached.drain(..) {
            for level in &mut self.levels {
                level[party as usize] = NONE;
            }
        }
    }

    fn build_levels(
        &mut self,
        timeline: &Timeline,
        question: Question,
        avoided: &[bool],
        limit: usize,
    ) -> bool {
        let Question { root, first, end } = question;
        let mut frontier = vec![(root, first)];
        for level in 0..self.levels.len() {
            let mut changed = Vec::new();
            for (party, from) in frontier.drain(..) {
                let leaving = timeline.leaving.between(party, from, end);
                self.cost += leaving.len() + 1;
                if self.cost > limit {
                    return false;
                }
                for &rank in leaving {
                    let to = timeline.to[rank as usize];
                    if to == root || avoided[to as usize] {
                        continue;
                    }
                    if self.levels[self.levels.len() - 1][to as usize] == NONE {
                        self.reached.push(to);
                    }
                    if rank < self.levels[level][to as usize] {
                        changed.push(to);
                        for later in &mut self.levels[level..] {
                            later[to as usize] = rank;
                        }
                    }
                }
            }
            changed.sort_unstable();
            changed.dedup();
            let arrivals = &self.levels[level];
            frontier = changed.into_iter().map(|to| (to, arrivals[to as usize] + 1)).collect();
        }
        true
    }

    fn build_any(
        &mut self,
        timeline: &Timeline,
        question: Question,
        avoided: &[bool],
        limit: usize,
    ) -> bool {
        let Question { root, first, end } = question;
        let mut waiting = BinaryHeap::from([Reverse((first, root))]);
        while let Some(Reverse((from, party))) = waiting.pop() {
            if party != root && self.levels[0][party as usize] + 1 != from {
                continue;
            }
            let leaving = timeline.leaving.between(party, from, end);
            self.cost += leaving.len() + 1;
            if self.cost > limit {
                return false;
            }
            for &rank in leaving {
                let to = timeline.to[rank as usize];
                let arrival = &mut self.levels[0][to as usize];
                if to == root || avoided[to as usize] || *arrival <= rank {
                    continue;
                }
                if *arrival == NONE {
                    self.reached.push(to);
                }
                *arrival = rank;
                waiting.push(Reverse((rank + 1, to)));
            }
        }
        true
    }
}
