//! The search for loops that a new flow closes: all party cycles through it that money can have
//! followed in order.
//!
//! The new flow is first followed forwards (earliest arrival first) to every root that its money
//! could end at, then backwards (latest departure first) to that root. On a given sequence of
//! parties and leg types these greedy choices decide whether any choice of flows closes, so
//! parallel payments cost a binary search and no branching; they are also the shortest way in time,
//! so the window is checked on them. A flow newer than all others has
//! nothing after it: only its own arrival is tried.
//!
//! Invariant: when the steps run out, the result says so; what was found until then is still right.

use std::collections::{BTreeMap, BTreeSet};

use crate::flow::{Flow, Leg, Moment, Party};
use crate::market::{Link, Market, earliest_after, latest_before};

/// How far a loop may reach and how long the search for it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The most capital legs of a loop.
    pub capital_legs: usize,
    /// The most compute legs of a loop.
    pub compute_legs: usize,
    /// The longest that may pass, in microseconds, from the capital that leaves the root to the
    /// payment that comes back; any time when absent.
    pub window: Option<i64>,
    /// The most links that the search for one new flow looks at.
    pub steps: u64,
}

impl Bounds {
    /// Two years: capital is spent long after it was put in.
    const WINDOW_US: i64 = 730 * 24 * 60 * 60 * 1_000_000;

    /// Whether money that left and came back at these times was away no longer than may be.
    pub(crate) fn span(&self, left: i64, back: i64) -> bool {
        self.window.is_none_or(|window| back.saturating_sub(left) <= window)
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self { capital_legs: 4, compute_legs: 3, window: Some(Self::WINDOW_US), steps: 200_000 }
    }
}

/// From so many steps on, taken or just ahead, a search pays for a table of what the root's money can reach, and prunes with it.
const STEPS_BEFORE_TABLE: u64 = 256;

#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Parties of each cycle, root first.
    pub(crate) cycles: BTreeSet<Vec<Party>>,
    pub(crate) truncated: bool,
    /// How many steps were taken.
    pub(crate) steps: u64,
}

/// Legs of each type: used on the way forwards, or left on the way backwards.
#[derive(Debug, Clone, Copy)]
struct Legs {
    capital: usize,
    compute: usize,
}

struct Search<'a> {
    market: &'a Market,
    bounds: &'a Bounds,
    new: &'a Flow,
    steps: u64,
    found: Found,
    /// The path from the new flow's payer on, in the direction of the money.
    ahead: Vec<Party>,
    /// The path before the new flow's payer, nearest first.
    behind: Vec<Party>,
    /// When its money came back to the root that is searched for.
    back: i64,
    reach: Option<Reach>,
}

/// Finds every loop that closes with the new flow on one of its legs. The flow is already in the
/// market.
pub(crate) fn cycles_through(market: &Market, bounds: &Bounds, new: &Flow) -> Found {
    let Some(leg) = new.kind.leg() else { return Found::default() };
    let mut search = Search {
        market,
        bounds,
        new,
        steps: 0,
        found: Found::default(),
        ahead: vec![new.from],
        behind: Vec::new(),
        back: new.at,
        reach: None,
    };
    let used = match leg {
        Leg::Capital => Legs { capital: 1, compute: 0 },
        Leg::Compute => Legs { capital: 0, compute: 1 },
    };
    let fits = used.capital <= bounds.capital_legs && used.compute <= bounds.compute_legs;
    let before = bounds.capital_legs.saturating_sub(1);
    if fits && (leg == Leg::Compute || search.root_behind(new.from, new.moment(), before)) {
        search.arrive(new.to, new.moment(), used);
    }
    Found { steps: search.steps, ..search.found }
}

impl Search<'_> {
    /// Counts a step; false when there is none left.
    fn step(&mut self) -> bool {
        if self.steps >= self.bounds.steps {
            self.found.truncated = true;
        } else {
            self.steps += 1;
        }
        !self.found.truncated
    }

    /// Whether money for a capital leg can have come, over at most so many capital legs, from a
    /// party that is paid for compute at all. Most new capital has no such party behind it.
    fn root_behind(&mut self, party: Party, bound: Moment, legs: usize) -> bool {
        let market = self.market;
        if !market.links_in(Leg::Compute, party).is_empty() {
            return true;
        }
        legs > 0
            && market.links_in(Leg::Capital, party).iter().any(|link| {
                // Without steps left it is for the search to say so.
                !self.step()
                    || latest_before(market.flows_of(*link), bound).is_some_and(|departure| {
                        self.bounds.span(departure.at, self.new.at)
                            && self.root_behind(link.party, departure, legs - 1)
                    })
            })
    }

    /// The new flow's money stands at `party` since `moment`.
    fn arrive(&mut self, party: Party, moment: Moment, used: Legs) {
        if party == self.new.from {
            let within = self.bounds.span(self.new.at, moment.at);
            if used.capital > 0 && used.compute > 0 && within {
                self.found.cycles.insert(self.ahead.clone());
            }
            return;
        }
        if self.ahead.contains(&party) {
            return;
        }
        if used.compute > 0 && !self.market.links_out(Leg::Capital, party).is_empty() {
            self.search_back_to(party, moment, used);
        }
        self.ahead.push(party);
        if used.compute == 0 && used.capital < self.bounds.capital_legs {
            let next = Legs { capital: used.capital + 1, ..used };
            self.follow(Leg::Capital, party, moment, next);
        }
        if used.compute < self.bounds.compute_legs {
            let next = Legs { compute: used.compute + 1, ..used };
            self.follow(Leg::Compute, party, moment, next);
        }
        self.ahead.pop();
    }

    fn follow(&mut self, leg: Leg, party: Party, moment: Moment, used: Legs) {
        let market = self.market;
        for &link in market.links_out(leg, party) {
            if !self.step() {
                return;
            }
            if let Some(next) = earliest_after(market.flows_of(link), moment)
                && self.bounds.span(self.new.at, next.at)
            {
                self.arrive(link.party, next, used);
            }
        }
    }

    /// The new flow's money came back to the root at `back`.
    fn search_back_to(&mut self, root: Party, back: Moment, used: Legs) {
        let left = if used.capital > 0 {
            Legs { capital: self.bounds.capital_legs - used.capital, compute: 0 }
        } else {
            let compute = self.bounds.compute_legs - used.compute;
            Legs { capital: self.bounds.capital_legs, compute }
        };
        self.reach = None;
        self.back = back.at;
        self.depart(root, self.new.from, self.new.moment(), left);
    }

    /// Looks for money of the root's that can be at `party` before `bound`.
    fn depart(&mut self, root: Party, party: Party, bound: Moment, left: Legs) {
        if !self.reachable(root, party, bound, left) {
            return;
        }
        let market = self.market;
        if left.capital > 0
            && let Some(first) = latest_before(market.between(Leg::Capital, root, party), bound)
            && self.bounds.span(first.at, self.back)
        {
            self.close(root);
        }
        if left.capital > 1 {
            let before = Legs { capital: left.capital - 1, compute: 0 };
            self.trace(root, market.links_in(Leg::Capital, party), bound, before);
        }
        if left.compute > 0 {
            let before = Legs { compute: left.compute - 1, ..left };
            self.trace(root, market.links_in(Leg::Compute, party), bound, before);
        }
    }

    fn trace(&mut self, root: Party, links: &[Link], bound: Moment, left: Legs) {
        for &link in links {
            if !self.step() {
                return;
            }
            let on_path = |path: &[Party]| path.contains(&link.party);
            if link.party == root || on_path(&self.ahead) || on_path(&self.behind) {
                continue;
            }
            if let Some(departure) = latest_before(self.market.flows_of(link), bound)
                && self.bounds.span(departure.at, self.back)
            {
                self.behind.push(link.party);
                self.depart(root, link.party, departure, left);
                self.behind.pop();
            }
        }
    }

    fn close(&mut self, root: Party) {
        let behind = self.behind.iter().rev();
        let parties = std::iter::once(&root).chain(behind).chain(&self.ahead);
        self.found.cycles.insert(parties.copied().collect());
    }

    fn reachable(&mut self, root: Party, party: Party, bound: Moment, left: Legs) -> bool {
        let links = [Leg::Capital, Leg::Compute].map(|leg| self.market.links_in(leg, party).len());
        let ahead = links.iter().sum::<usize>() as u64;
        if self.reach.is_none() && self.steps + ahead >= STEPS_BEFORE_TABLE {
            let mut reach = Reach::start(root);
            for level in 1..self.bounds.capital_legs + self.bounds.compute_legs {
                let leg =
                    if level <= self.bounds.capital_legs { Leg::Capital } else { Leg::Compute };
                self.extend(&mut reach, leg);
            }
            self.reach = Some(reach);
        }
        // Compute legs are only left while all capital legs are, so the sum names one level.
        self.reach.as_ref().is_none_or(|reach| {
            reach.levels[left.capital + left.compute]
                .get(&party)
                .is_some_and(|arrival| *arrival < bound)
        })
    }

    fn extend(&mut self, reach: &mut Reach, leg: Leg) {
        let market = self.market;
        let last = reach.levels.last().expect("a table of reach starts with the root's level");
        let mut next = last.clone();
        for (&party, &arrival) in last {
            for &link in market.links_out(leg, party) {
                if !self.step() {
                    break;
                }
                if let Some(later) = earliest_after(market.flows_of(link), arrival) {
                    let best = next.entry(link.party).or_insert(later);
                    *best = later.min(*best);
                }
            }
        }
        reach.levels.push(next);
    }
}

/// When the root's money can first be at each party, by the number of legs it may have taken: level
/// 0 is the root itself, then one level per capital leg, then one per compute leg.
struct Reach {
    levels: Vec<BTreeMap<Party, Moment>>,
}

impl Reach {
    fn start(root: Party) -> Self {
        Self { levels: vec![BTreeMap::from([(root, Moment::MIN)])] }
    }
}
