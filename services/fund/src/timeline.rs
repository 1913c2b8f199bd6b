//! An amount over time: what was added to it and taken from it when, in whatever order that was
//! recorded.
//!
//! Invariant: no more is ever taken than was added, so every balance is between zero and what was
//! added in all.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::{Currency, Money, MoneyError};
use serde::{Deserialize, Serialize};

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

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether anything was entered at this instant or before it.
    pub fn begins_by(&self, at: Timestamp) -> bool {
        self.entries.first_key_value().is_some_and(|((first, _), _)| *first <= at)
    }

    /// What is left once everything entered has happened.
    pub fn left(&self) -> Result<Money, MoneyError> {
        self.added.checked_sub(self.taken)
    }

    /// What was added and what was taken until an instant, that instant included.
    pub fn until(&self, at: Timestamp) -> Result<(Money, Money), MoneyError> {
        let zero = Money::zero(self.currency());
        let past = self.entries.iter().take_while(|((when, _), _)| *when <= at);
        past.map(|(_, change)| *change).try_fold((zero, zero), |(added, taken), change| {
            if change.is_positive() {
                Ok((added.checked_add(change)?, taken))
            } else {
                Ok((added, taken.checked_sub(change)?))
            }
        })
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
