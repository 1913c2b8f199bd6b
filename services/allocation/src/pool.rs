//! One pool through time: its totals, and how many of its lit cards are free.
//!
//! Invariants: the totals in force at an instant are those of the latest change up to it, else
//! those registered; `free` is at every instant the lit cards less those allocated, below zero
//! where cards went dark under an allocation.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::Period;
use loopledger_model::allocation::{ChangePool, Pool, PoolChanged};
use serde::{Deserialize, Serialize};

use crate::calendar::Calendar;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    pub cards: u32,
    pub lit: u32,
}

/// An instant at which too few lit cards are free, and what it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortage {
    pub at: Timestamp,
    pub lit: u32,
    pub allocated: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardPool {
    pub registered: Pool,
    changes: BTreeMap<Timestamp, Totals>,
    free: Calendar,
}

impl CardPool {
    pub fn new(registered: Pool) -> Self {
        let mut free = Calendar::default();
        free.shift(registered.at, registered.lit.into());
        Self { registered, changes: BTreeMap::new(), free }
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

    /// Where in the period fewer than `cards` are free.
    pub fn first_without(&self, cards: u32, period: Period) -> Option<Shortage> {
        let (at, free) =
            self.free.first_below(period.from(), Some(period.to()), i64::from(cards))?;
        Some(shortage(at, self.totals_at(at).lit, free))
    }

    /// Where fewer cards would be lit than allocated if `lit` were from `at` to the next change.
    pub fn first_short_with(&self, at: Timestamp, lit: u32) -> Option<Shortage> {
        let gained = i64::from(lit) - i64::from(self.totals_at(at).lit);
        let (at, free) = self.free.first_below(at, self.next_change(at), -gained)?;
        Some(shortage(at, lit, free + gained))
    }

    pub fn change(&mut self, change: &PoolChanged) {
        let gained = i64::from(change.lit) - i64::from(self.totals_at(change.at).lit);
        self.free.shift(change.at, gained);
        if let Some(next) = self.next_change(change.at) {
            self.free.shift(next, -gained);
        }
        let totals = Totals { cards: change.cards, lit: change.lit };
        let earlier = self.changes.insert(change.at, totals);
        assert!(earlier.is_none(), "pool {} changed twice at {}", change.pool, change.at);
    }

    pub fn allocate(&mut self, cards: u32, period: Period) {
        self.free.shift(period.from(), -i64::from(cards));
        self.free.shift(period.to(), cards.into());
    }

    /// What was allocated until the second instant is free from the first one on.
    pub fn release(&mut self, cards: u32, (from, to): (Timestamp, Timestamp)) {
        self.free.shift(from, cards.into());
        self.free.shift(to, -i64::from(cards));
    }

    fn totals_at(&self, at: Timestamp) -> Totals {
        let registered = Totals { cards: self.registered.cards, lit: self.registered.lit };
        self.changes.range(..=at).next_back().map_or(registered, |(_, totals)| *totals)
    }

    /// The change that follows one at an instant that has none yet.
    fn next_change(&self, at: Timestamp) -> Option<Timestamp> {
        self.changes.range(at..).next().map(|(next, _)| *next)
    }
}

fn shortage(at: Timestamp, lit: u32, free: i64) -> Shortage {
    let allocated = i64::from(lit) - free;
    let allocated = allocated.try_into().expect("cards are given, never taken back");
    Shortage { at, lit, allocated }
}
