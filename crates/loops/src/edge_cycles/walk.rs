//! Follows money backwards from each edge, taken as the last one of its cycles, to the party that
//! it reaches: the root.
//!
//! Of all edges from one party to the next on the way, those that some way on is left for are kept
//! in one chain. A walk that has been without a cycle for long first builds a table of what the
//! root's money reaches, then asks which of the parties on the way cannot be passed any more and
//! goes back behind the first of them. Each such question costs no more than the steps before it.
//!
//! Invariants: every cycle is met once, at its last edge and on its way of parties. The marks are
//! those of the root: the latest edge from it to each party that is before the last edge.

use std::ops::ControlFlow;

use super::reach::{Question, Reach};
use super::timeline::{NONE, Timeline};
use super::{CycleBounds, CycleCounts, CyclesError, Tell};

/// So many steps without a cycle are nothing.
const PATIENCE: usize = 256;

/// An edge of a chain. Chains run from the latest edge to the earliest.
#[derive(Debug, Clone, Copy)]
struct Way {
    rank: u32,
    /// The ways on from here to the last edge, from this edge and the later ones of the chain.
    ways: u64,
}

/// A party on the way, with the chain by which it is left.
#[derive(Debug, Clone, Copy)]
struct Stop {
    party: u32,
    chain: usize,
    /// Before which edge into it, in the list of those, the next one to look at stands.
    next: usize,
}

/// A table of what the root's money reaches when it avoids the first parties of the way, while so
/// many parties are on it.
struct Table {
    reach: Reach,
    stops: Option<usize>,
}

pub(super) struct Walk<'a, 't> {
    timeline: &'a Timeline,
    window: Option<i128>,
    max_hops: usize,
    counts: CycleCounts,
    tell: Option<Tell<'t>>,
    ended: bool,
    /// By party, for the root at hand.
    marks: Vec<u32>,
    on_way: Vec<bool>,
    stops: Vec<Stop>,
    chains: Vec<Way>,
    root: u32,
    last: u32,
    first: u32,
    /// Steps since the last edge was taken and since the last cycle, and how many to take before
    /// asking what can be reached.
    steps: usize,
    fruitless: usize,
    patience: usize,
    pub(super) least_patience: usize,
    open: Table,
    beyond: Table,
}

impl<'a, 't> Walk<'a, 't> {
    pub(super) fn new(
        timeline: &'a Timeline,
        bounds: &CycleBounds,
        tell: Option<Tell<'t>>,
    ) -> Self {
        let parties = timeline.parties;
        let table = || Table { reach: Reach::new(parties, bounds.max_hops), stops: None };
        Self {
            timeline,
            window: bounds.window,
            max_hops: bounds.max_hops.unwrap_or(usize::MAX),
            counts: CycleCounts::default(),
            tell,
            ended: false,
            marks: vec![NONE; parties],
            on_way: vec![false; parties],
            stops: Vec::new(),
            chains: Vec::new(),
            root: 0,
            last: 0,
            first: 0,
            steps: 0,
            fruitless: 0,
            patience: PATIENCE,
            least_patience: PATIENCE,
            open: table(),
            beyond: table(),
        }
    }

    pub(super) fn run(mut self) -> Result<CycleCounts, CyclesError> {
        for root in (0..).take(self.timeline.parties) {
            self.run_root(root)?;
            if self.ended {
                break;
            }
        }
        Ok(self.counts)
    }

    fn run_root(&mut self, root: u32) -> Result<(), CyclesError> {
        let timeline = self.timeline;
        let (leaving, reaching) =
            (timeline.leaving.of_party(root), timeline.reaching.of_party(root));
        if leaving.is_empty() || self.max_hops < 2 {
            return Ok(());
        }
        self.root = root;
        self.patience = self.least_patience;
        let mut left = leaving;
        for &edge in left {
            self.marks[timeline.to[edge as usize] as usize] = edge;
        }
        for &last in reaching.iter().rev() {
            while let Some((&edge, before)) = left.split_last()
                && edge > last
            {
                self.marks[timeline.to[edge as usize] as usize] = timeline.earlier[edge as usize];
                left = before;
            }
            let first = timeline.window_start(last, self.window);
            if left.last().is_some_and(|edge| *edge >= first) {
                self.close_with(last, first)?;
            }
            if self.ended {
                break;
            }
        }
        for &edge in leaving {
            self.marks[timeline.to[edge as usize] as usize] = NONE;
        }
        Ok(())
    }

    /// All cycles whose last edge this is.
    fn close_with(&mut self, last: u32, first: u32) -> Result<(), CyclesError> {
        (self.last, self.first) = (last, first);
        (self.steps, self.fruitless) = (0, 0);
        (self.open.stops, self.beyond.stops) = (None, None);
        self.chains.push(Way { rank: last, ways: 1 });
        self.arrive(self.timeline.from[last as usize], 0)?;
        while let Some(stop) = self.stops.last_mut() {
            let reaching = self.timeline.reaching.of_party(stop.party);
            let edge = stop.next.checked_sub(1).map(|next| reaching[next]);
            let Some(edge) = edge.filter(|edge| *edge >= first) else {
                self.go_back();
                continue;
            };
            stop.next -= 1;
            let bound = self.chains[stop.chain].rank;
            self.step(edge, bound)?;
            if self.ended {
                self.go_back_to(0);
            }
        }
        self.chains.clear();
        Ok(())
    }

    /// Follows an edge into the last stop, which is left before `bound` at the latest.
    fn step(&mut self, edge: u32, bound: u32) -> Result<(), CyclesError> {
        let timeline = self.timeline;
        self.steps += 1;
        self.fruitless += 1;
        let party = timeline.from[edge as usize];
        // The later edges of the two parties were walked with the latest of them.
        let walked = timeline.later[edge as usize] < bound;
        if walked || party == self.root || self.on_way[party as usize] {
            return Ok(());
        }
        // The edges taken with this one, and those that are left to come from the root.
        let taken = self.stops.len() + 1;
        let left = self.max_hops - taken;
        let marked = self.marks[party as usize];
        let closes = marked != NONE && marked >= self.first;
        if left == 1 && !closes || !self.can_come(party, left, edge) {
            return Ok(());
        }
        let next = self.chains.len();
        self.chain(edge, self.stops.last().map_or(0, |stop| stop.chain), next)?;
        if left == 1 {
            self.close(party, next, taken)?;
            self.chains.truncate(next);
        } else {
            self.arrive(party, next)?;
        }
        if self.steps >= self.patience {
            self.reconsider();
        }
        Ok(())
    }

    /// Whether the root's money may be at the party before an edge, over at most so many edges.
    fn can_come(&self, party: u32, hops: usize, before: u32) -> bool {
        [&self.open, &self.beyond]
            .into_iter()
            .all(|table| table.stops.is_none_or(|_| table.reach.arrival(party, hops) < before))
    }

    /// The chain of an edge and those before it of the same two parties, on to the chain at `on`
    /// which ends at `end`.
    fn chain(&mut self, edge: u32, on: usize, end: usize) -> Result<(), CyclesError> {
        let (mut edge, mut at, mut sum, mut ways) = (edge, on, 0_u64, 0);
        while edge != NONE && edge >= self.first {
            while at < end && self.chains[at].rank > edge {
                ways = self.chains[at].ways;
                at += 1;
            }
            sum = sum.checked_add(ways).ok_or(CyclesError::TooManyCycles)?;
            self.chains.push(Way { rank: edge, ways: sum });
            edge = self.timeline.earlier[edge as usize];
        }
        Ok(())
    }

    fn arrive(&mut self, party: u32, chain: usize) -> Result<(), CyclesError> {
        let bound = self.chains[chain].rank;
        let reaching = self.timeline.reaching.of_party(party);
        let may_go_on = self.max_hops - self.stops.len() > 2;
        let next = if may_go_on { reaching.partition_point(|edge| *edge < bound) } else { 0 };
        self.close(party, chain, self.stops.len() + 1)?;
        self.on_way[party as usize] = true;
        self.stops.push(Stop { party, chain, next });
        Ok(())
    }

    /// The cycles whose first edge goes straight to the party, which is left by the newest chain,
    /// with so many edges after it.
    fn close(&mut self, party: u32, chain: usize, taken: usize) -> Result<(), CyclesError> {
        let marked = self.marks[party as usize];
        let end = self.chains.len();
        if marked == NONE || marked < self.first {
            return Ok(());
        }
        self.chain(marked, chain, end)?;
        let cycles = self.chains.last().map_or(0, |way| way.ways);
        if cycles > 0 {
            self.fruitless = 0;
            self.counts.add(taken + 1, cycles);
            self.list(chain, end);
        }
        self.chains.truncate(end);
        Ok(())
    }

    /// Tells the cycles that begin with the edges from `end` on and leave by the chain before them.
    fn list(&mut self, chain: usize, end: usize) {
        let Some(tell) = self.tell.as_mut() else { return };
        let mut bounds = vec![end..self.chains.len(), chain..end];
        for stop in self.stops.iter().rev().filter(|stop| stop.chain < chain) {
            let end = bounds.last().map_or(chain, |later| later.start);
            bounds.push(stop.chain..end);
        }
        let mut chosen: Vec<usize> = Vec::with_capacity(bounds.len());
        let mut next = bounds[0].end;
        let mut cycle = Vec::with_capacity(bounds.len());
        loop {
            let level = chosen.len();
            let after = level.checked_sub(1).map(|before| self.chains[chosen[before]].rank);
            let way = next.checked_sub(1).filter(|way| *way >= bounds[level].start);
            let Some(way) = way else {
                let Some(back) = chosen.pop() else { return };
                next = back;
                continue;
            };
            next = way;
            let rank = self.chains[way].rank;
            let leads_on = level > 0 || self.chains[way].ways > 0;
            if !leads_on || after.is_some_and(|after| rank <= after) {
                continue;
            }
            if level + 1 < bounds.len() {
                chosen.push(way);
                next = bounds[level + 1].end;
                continue;
            }
            let ways = chosen.iter().chain([&way]);
            let places = &self.timeline.place;
            cycle.clear();
            cycle.extend(ways.map(|way| places[self.chains[*way].rank as usize] as usize));
            if tell(&cycle) == ControlFlow::Break(()) {
                self.ended = true;
                return;
            }
        }
    }

    fn go_back(&mut self) {
        let Some(stop) = self.stops.pop() else { return };
        self.on_way[stop.party as usize] = false;
        self.chains.truncate(stop.chain);
        if self.beyond.stops.is_some_and(|stops| self.stops.len() < stops) {
            self.beyond.stops = None;
        }
    }

    fn go_back_to(&mut self, stops: usize) {
        while self.stops.len() > stops {
            self.go_back();
        }
    }

    /// What to do after many steps: to know what the root's money reaches at all, and then what it
    /// reaches without the parties on the way.
    fn reconsider(&mut self) {
        if self.open.stops.is_none() && self.steps >= self.patience {
            if !self.build_open(self.steps) {
                self.patience *= 2;
            }
        } else if self.fruitless >= self.patience.max(self.open.reach.cost) {
            let limit = std::mem::take(&mut self.fruitless);
            if !self.leave_dead_ends(limit) {
                self.patience *= 2;
            }
        }
    }

    fn build_open(&mut self, limit: usize) -> bool {
        self.build(0, limit, |walk| &mut walk.open)
    }

    /// Builds a table that avoids so many parties of the way, unless that takes too long.
    fn build(
        &mut self,
        stops: usize,
        limit: usize,
        table: impl Fn(&mut Self) -> &mut Table,
    ) -> bool {
        let bound = stops.checked_sub(1).map(|before| self.chains[self.stops[before].chain].rank);
        let question =
            Question { root: self.root, first: self.first, end: bound.unwrap_or(self.last) };
        for stop in &self.stops[stops..] {
            self.on_way[stop.party as usize] = false;
        }
        let avoided = std::mem::take(&mut self.on_way);
        let timeline = self.timeline;
        let table = table(self);
        let built = table.reach.build(timeline, question, &avoided, limit);
        table.stops = built.then_some(stops);
        self.on_way = avoided;
        for stop in &self.stops[stops..] {
            self.on_way[stop.party as usize] = true;
        }
        built
    }

    /// Goes back before the first party on the way that the root's money cannot come to without
    /// one of those after it. False when that takes too long to find out.
    fn leave_dead_ends(&mut self, limit: usize) -> bool {
        let (mut alive, mut dead) = (0, self.stops.len());
        let mut probe = dead.saturating_sub(1);
        while alive + 1 < dead {
            if !self.build(probe, limit, |walk| &mut walk.beyond) {
                return false;
            }
            let Stop { party, chain, .. } = self.stops[probe];
            let left = self.max_hops - probe - 1;
            if self.beyond.reach.arrival(party, left) < self.chains[chain].rank {
                alive = probe;
            } else {
                dead = probe;
            }
            probe = usize::midpoint(alive, dead);
        }
        self.go_back_to(dead);
        self.build(self.stops.len().max(1), limit, |walk| &mut walk.beyond)
    }
}
