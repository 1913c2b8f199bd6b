//! Takes out the edges that no cycle can have: those between parties that, within the window, do
//! not both reach each other.
//!
//! Time is cut into stretches of two windows that overlap by one, so every cycle lies in one whole;
//! its parties are then in one strongly connected component of the stretch. Components are found by
//! Tarjan's method without recursion, each stretch in time linear in its edges.

use super::timeline::Timeline;

/// Whether each edge is on a ring of some stretch, whatever the times in it.
pub(super) fn on_a_ring(timeline: &Timeline, window: Option<i128>) -> Vec<bool> {
    let mut on_a_ring = vec![false; timeline.edges()];
    let mut components = Components::of(timeline);
    let time = &timeline.time;
    let rank = |place: usize| u32::try_from(place).expect("there are less than 2^32 edges");
    let mut first = 0;
    while first < time.len() {
        let until = |windows: i128| match window {
            None => time.len(),
            Some(window) => {
                let last = time[first].saturating_add(window.saturating_mul(windows));
                first + time[first..].partition_point(|time| *time <= last)
            }
        };
        let (next, end) = (until(1), until(2));
        components.find(rank(first), rank(end));
        let pairs = timeline.from.iter().zip(&timeline.to);
        for (mark, (from, to)) in on_a_ring.iter_mut().zip(pairs).take(end).skip(first) {
            *mark |= components.component[*from as usize] == components.component[*to as usize];
        }
        first = next.max(first + 1);
    }
    on_a_ring
}

const UNSEEN: u32 = u32::MAX;

/// A party whose edges are being followed.
struct Visit<'a> {
    party: u32,
    edges: std::slice::Iter<'a, u32>,
}

/// By party; what is said of a party without an edge in the stretch is of an earlier one.
struct Components<'a> {
    timeline: &'a Timeline,
    component: Vec<u32>,
    /// The order in which parties were first seen.
    seen: Vec<u32>,
    /// The first seen party that is known to be reached from this one.
    lowest: Vec<u32>,
    /// Seen, and not in a component yet.
    open: Vec<u32>,
    visits: Vec<Visit<'a>>,
    count: u32,
}

impl<'a> Components<'a> {
    fn of(timeline: &'a Timeline) -> Self {
        Self {
            timeline,
            component: vec![UNSEEN; timeline.parties],
            seen: vec![UNSEEN; timeline.parties],
            lowest: vec![UNSEEN; timeline.parties],
            open: Vec::new(),
            visits: Vec::new(),
            count: 0,
        }
    }

    /// Finds those of the edges from one rank on and before another one.
    fn find(&mut self, first: u32, end: u32) {
        let stretch = first as usize..end as usize;
        let (from, to) = (&self.timeline.from[stretch.clone()], &self.timeline.to[stretch]);
        for &party in from.iter().chain(to) {
            self.seen[party as usize] = UNSEEN;
            self.component[party as usize] = UNSEEN;
        }
        self.count = 0;
        for &party in from {
            if self.seen[party as usize] == UNSEEN {
                self.visit(party, first, end);
                self.follow(first, end);
            }
        }
    }

    fn visit(&mut self, party: u32, first: u32, end: u32) {
        self.seen[party as usize] = self.count;
        self.lowest[party as usize] = self.count;
        self.count += 1;
        self.open.push(party);
        let edges = self.timeline.leaving.between(party, first, end).iter();
        self.visits.push(Visit { party, edges });
    }

    fn follow(&mut self, first: u32, end: u32) {
        while let Some(Visit { party, edges }) = self.visits.last_mut() {
            let party = *party as usize;
            if let Some(edge) = edges.next() {
                let to = self.timeline.to[*edge as usize];
                if self.seen[to as usize] == UNSEEN {
                    self.visit(to, first, end);
                } else if self.component[to as usize] == UNSEEN {
                    self.lowest[party] = self.lowest[party].min(self.seen[to as usize]);
                }
                continue;
            }
            self.visits.pop();
            if let Some(Visit { party: before, .. }) = self.visits.last() {
                let before = *before as usize;
                self.lowest[before] = self.lowest[before].min(self.lowest[party]);
            }
            if self.lowest[party] == self.seen[party] {
                self.close(party);
            }
        }
    }

    fn close(&mut self, root: usize) {
        while let Some(party) = self.open.pop() {
            self.component[party as usize] = self.seen[root];
            if party as usize == root {
                return;
            }
        }
    }
}
