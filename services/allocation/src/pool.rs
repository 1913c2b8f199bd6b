//! One pool through time: its totals, how many of its lit cards are free, and how many may still be
//! reserved or given.
//!
//! Invariants: the totals in force at an instant are those of the latest change up to it, else
//! those registered; `free` is at every instant the lit cards less those allocated, below zero
//! where cards went dark under an allocation or were sold more than once; `left` is at every
//! instant the limit less what is reserved and allocated. The limit is the number of lit cards,
//! times the factor where overselling is permitted.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::allocation::{ChangePool, Oversell, Pool, PoolChanged};
use loopledger_model::{OversellFactor, Period};
use serde::{Deserialize, Serialize};

use crate::calendar::Calendar;
use crate::cards::Cards;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    pub cards: u32,
    pub lit: u32,
}

/// An instant at which too few cards are there, and what it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortage {
    pub at: Timestamp,
    pub lit: u32,
    /// Above `lit` where overselling is permitted.
    pub limit: u64,
    pub taken: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardPool {
    pub registered: Pool,
    changes: BTreeMap<Timestamp, Totals>,
    /// By when they begin; they do not overlap.
    permissions: BTreeMap<Timestamp, Oversell>,
    free: Calendar,
    left: Calendar,
    pub cards: Cards,
}

impl CardPool {
    pub fn new(registered: Pool) -> Self {
        let (mut free, mut left) = (Calendar::default(), Calendar::default());
        for calendar in [&mut free, &mut left] {
            calendar.shift(registered.at, registered.lit.into());
        }
        let (changes, permissions) = (BTreeMap::new(), BTreeMap::new());
        Self { registered, changes, permissions, free, left, cards: Cards::default() }
    }

    /// The change that was made for this very instant.
    pub fn changed_at(&self, at: Timestamp) -> Option<Totals> {
        self.changes.get(&at).copied()
    }

    /// The totals after a change; what it leaves out is carried over from those in force.
    pub fn totals_after(&self, change: &ChangePool) -> Totals {
        let before = self.totals_at(change.at);
        Totals {
            cards: change.cards.unwrap_or(before.cards),
            lit: change.lit.unwrap_or(before.lit),
        }
    }

    /// The permission to oversell that touches a period.
    pub fn permission_in(&self, period: Period) -> Option<&Oversell> {
        let (_, latest) = self.permissions.range(..period.to()).next_back()?;
        latest.period.overlaps(&period).then_some(latest)
    }

    /// Where in the period fewer than `cards` may be reserved or given.
    pub fn first_without(&self, cards: u32, period: Period) -> Option<Shortage> {
        let (at, left) =
            self.left.first_below(period.from(), Some(period.to()), i64::from(cards))?;
        let (lit, limit) = (self.totals_at(at).lit, self.limit_at(at));
        Some(Shortage { at, lit, limit: limit.unsigned_abs(), taken: taken(limit, left) })
    }

    /// Where in the period less may be given than is reserved or given, of which `cards` that are
    /// about to be given are a part.
    pub fn first_exceeded(&self, cards: u32, period: Period) -> Option<Shortage> {
        let (at, left) = self.left.first_below(period.from(), Some(period.to()), 0)?;
        let (lit, limit) = (self.totals_at(at).lit, self.limit_at(at));
        let others = taken(limit, left) - u64::from(cards);
        Some(Shortage { at, lit, limit: limit.unsigned_abs(), taken: others })
    }

    /// Where fewer cards would be lit than allocated if `lit` were from `at` to the next change.
    pub fn first_short_with(&self, at: Timestamp, lit: u32) -> Option<Shortage> {
        let gained = i64::from(lit) - i64::from(self.totals_at(at).lit);
        let (at, free) = self.free.first_below(at, self.next_change(at), -gained)?;
        let allocated = taken(i64::from(lit), free + gained);
        Some(Shortage { at, lit, limit: lit.into(), taken: allocated })
    }

    pub fn change(&mut self, change: &PoolChanged) {
        let gained = i64::from(change.lit) - i64::from(self.totals_at(change.at).lit);
        let next = self.next_change(change.at);
        self.free.shift(change.at, gained);
        if let Some(next) = next {
            self.free.shift(next, -gained);
        }
        let totals = Totals { cards: change.cards, lit: change.lit };
        let before = self.limits(change.at, next);
        let earlier = self.changes.insert(change.at, totals);
        assert!(earlier.is_none(), "pool {} changed twice at {}", change.pool, change.at);
        self.relimit(&before, change.at, next);
    }

    /// Whether none was there for any of its time.
    pub fn permit(&mut self, permission: &Oversell) -> bool {
        if self.permission_in(permission.period).is_some() {
            return false;
        }
        let (from, to) = (permission.period.from(), permission.period.to());
        let before = self.limits(from, Some(to));
        self.permissions.insert(from, permission.clone());
        self.relimit(&before, from, Some(to));
        true
    }

    pub fn allocate(&mut self, cards: u32, period: Period) {
        self.free.shift(period.from(), -i64::from(cards));
        self.free.shift(period.to(), cards.into());
        self.reserve(cards, period);
    }

    /// What was allocated until the second instant is free from the first one on.
    pub fn release(&mut self, cards: u32, (from, to): (Timestamp, Timestamp)) {
        self.free.shift(from, cards.into());
        self.free.shift(to, -i64::from(cards));
        self.give_up(cards, (from, to));
    }

    pub fn reserve(&mut self, cards: u32, period: Period) {
        self.left.shift(period.from(), -i64::from(cards));
        self.left.shift(period.to(), cards.into());
    }

    /// What was reserved until the second instant is reserved no more from the first one on.
    pub fn give_up(&mut self, cards: u32, (from, to): (Timestamp, Timestamp)) {
        self.left.shift(from, cards.into());
        self.left.shift(to, -i64::from(cards));
    }

    pub fn totals_at(&self, at: Timestamp) -> Totals {
        let registered = Totals { cards: self.registered.cards, lit: self.registered.lit };
        self.changes.range(..=at).next_back().map_or(registered, |(_, totals)| *totals)
    }

    /// The change that follows one at an instant that has none yet.
    fn next_change(&self, at: Timestamp) -> Option<Timestamp> {
        self.changes.range(at..).next().map(|(next, _)| *next)
    }

    fn factor_at(&self, at: Timestamp) -> Option<OversellFactor> {
        let (_, latest) = self.permissions.range(..=at).next_back()?;
        latest.period.contains(at).then_some(latest.factor)
    }

    fn limit_at(&self, at: Timestamp) -> i64 {
        let lit = self.totals_at(at).lit;
        let limit = self.factor_at(at).map_or(u64::from(lit), |factor| factor.of(lit));
        limit.try_into().expect("a hundred times 2^32 at most")
    }

    /// The limit from `from` on, and wherever it may step before `until`.
    fn limits(&self, from: Timestamp, until: Option<Timestamp>) -> Vec<(Timestamp, i64)> {
        let changes = self.changes.range(from..).map(|(at, _)| *at);
        let ends = self.permissions.values().map(|permitted| permitted.period.to());
        let instants = self.permissions.range(from..).map(|(at, _)| *at).chain(changes).chain(ends);
        let inside = |at: &Timestamp| *at > from && until.is_none_or(|until| *at < until);
        let mut instants: Vec<Timestamp> = instants.filter(inside).chain([from]).collect();
        instants.sort_unstable();
        instants.dedup();
        instants.into_iter().map(|at| (at, self.limit_at(at))).collect()
    }

    /// Puts what the limits are now in the place of what they were.
    fn relimit(&mut self, before: &[(Timestamp, i64)], from: Timestamp, until: Option<Timestamp>) {
        let after = self.limits(from, until);
        for (limits, sign) in [(before, -1), (after.as_slice(), 1)] {
            let mut level = 0;
            for (at, limit) in limits {
                self.left.shift(*at, sign * (limit - level));
                level = *limit;
            }
            if let Some(until) = until {
                self.left.shift(until, -sign * level);
            }
        }
    }
}

fn taken(limit: i64, left: i64) -> u64 {
    (limit - left).try_into().expect("cards are taken, never added")
}
