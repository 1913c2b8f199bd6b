//! An amount over time: what was added to it and taken from it when, in whatever order that was
//! recorded.
//!
//! Invariant: no more is ever taken than was added, so every balance is between zero and what was
//! added in all.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::{Currency, Money, MoneyError};
use serde::{Deserialize, Serialize};

/// What comes in at an instant comes before what goes out at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Side {
    In,
    Out,
}

/// Entries of one instant are in the order of `O`; entries alike in both are one entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "O: Deserialize<'de> + Ord"))]
pub struct Timeline<O> {
    entries: BTreeMap<(Timestamp, O), Money>,
    added: Money,
    taken: Money,
}

impl<O: Ord> Timeline<O> {
    pub fn new(currency: Currency) -> Self {
        let zero = Money::zero(currency);
        Self { entries: BTreeMap::new(), added: zero, taken: zero }
    }

    pub const fn currency(&self) -> Currency {
        self.added.currency()
    }

    /// All that was added.
    pub const fn added(&self) -> Money {
        self.added
    }

    /// When anything was last entered.
    pub fn latest(&self) -> Option<Timestamp> {
        self.entries.last_key_value().map(|((at, _), _)| *at)
    }

    /// What is left at an instant, once everything of that instant has happened.
    pub fn left_at(&self, at: Timestamp) -> Result<Money, MoneyError> {
        let zero = Money::zero(self.currency());
        let past = self.entries.iter().take_while(|((when, _), _)| *when <= at);
        past.map(|(_, change)| *change).try_fold(zero, Money::checked_add)
    }

    /// What was added until an instant, that instant included.
    pub fn added_by(&self, at: Timestamp) -> Result<Money, MoneyError> {
        let zero = Money::zero(self.currency());
        let past = self.entries.iter().take_while(|((when, _), _)| *when <= at);
        let mut added = past.map(|(_, change)| *change).filter(|change| change.is_positive());
        added.try_fold(zero, Money::checked_add)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether anything was entered at this instant or before it.
    pub fn begins_by(&self, at: Timestamp) -> bool {
        self.entries.first_key_value().is_some_and(|((first, _), _)| *first <= at)
    }

    /// The later instants at which anything was entered.
    pub fn instants_after(&self, at: Timestamp) -> impl Iterator<Item = Timestamp> {
        self.entries.keys().map(|(when, _)| *when).skip_while(move |when| *when <= at)
    }

    /// What was added, or below zero taken, by instant.
    pub fn entries(&self) -> impl Iterator<Item = (Timestamp, Money)> {
        self.entries.iter().map(|((when, _), change)| (*when, *change))
    }

    /// What is left once everything entered has happened.
    pub fn left(&self) -> Result<Money, MoneyError> {
        self.added.checked_sub(self.taken)
    }

    /// The first instant from `at` on at which less than `amount` is left, and what is left then.
    ///
    /// Walks back from the latest entry, so that it costs nothing where nothing was entered after
    /// `at`.
    pub fn shortfall(
        &self,
        at: Timestamp,
        amount: Money,
    ) -> Result<Option<(Timestamp, Money)>, MoneyError> {
        let mut left = self.left()?;
        let mut short = None;
        for ((when, _), change) in self.entries.iter().rev().take_while(|((t, _), _)| *t > at) {
            if amount.exceeds(left)? {
                short = Some((*when, left));
            }
            left = left.checked_sub(*change)?;
        }
        Ok(if amount.exceeds(left)? { Some((at, left)) } else { short })
    }

    /// Whether what was added in all can still be counted with `amount` more.
    pub fn can_count(&self, amount: Money) -> Result<(), MoneyError> {
        self.added.checked_add(amount).map(|_| ())
    }

    pub fn add(&mut self, at: Timestamp, order: O, amount: Money) -> Result<(), MoneyError> {
        self.added = self.added.checked_add(amount)?;
        self.enter(at, order, amount)
    }

    pub fn take(&mut self, at: Timestamp, order: O, amount: Money) -> Result<(), MoneyError> {
        self.taken = self.taken.checked_add(amount)?;
        self.enter(at, order, Money::zero(self.currency()).checked_sub(amount)?)
    }

    fn enter(&mut self, at: Timestamp, order: O, change: Money) -> Result<(), MoneyError> {
        let zero = Money::zero(self.currency());
        let entry = self.entries.entry((at, order)).or_insert(zero);
        *entry = entry.checked_add(change)?;
        Ok(())
    }
}

impl Timeline<Side> {
    pub fn put(&mut self, at: Timestamp, amount: Money) -> Result<(), MoneyError> {
        self.add(at, Side::In, amount)
    }

    pub fn draw(&mut self, at: Timestamp, amount: Money) -> Result<(), MoneyError> {
        self.take(at, Side::Out, amount)
    }
}
