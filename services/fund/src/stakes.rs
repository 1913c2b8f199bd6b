//! The part of a company that is held, over time.
//!
//! Invariant: of every company it is between nothing and the whole at the end of every instant.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::Percent;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Changes in billionths of a percent, which is as fine as percentages are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stakes {
    changes: BTreeMap<Timestamp, i64>,
}

const WHOLE: i64 = 100_000_000_000;

impl Stakes {
    pub fn add(&mut self, at: Timestamp, stake: Percent) {
        *self.changes.entry(at).or_default() += billionths(stake);
    }

    pub fn take(&mut self, at: Timestamp, stake: Percent) {
        *self.changes.entry(at).or_default() -= billionths(stake);
    }

    /// The most that is held at an instant or after it, if so much more does not fit beside it.
    pub fn crowded(&self, at: Timestamp, asked: Percent) -> Option<Percent> {
        let held = self.held_from(at).max().unwrap_or_default();
        let held = (held + billionths(asked) > WHOLE).then(|| Decimal::new(held, 9).normalize());
        held.map(|held| Percent::new(held).expect("beside a percentage there is no room for it"))
    }

    /// Whether so much is held at an instant and ever after.
    pub fn holds(&self, at: Timestamp, asked: Percent) -> bool {
        self.held_from(at).all(|held| held >= billionths(asked))
    }

    /// At an instant and after every later change.
    fn held_from(&self, at: Timestamp) -> impl Iterator<Item = i64> {
        let before: i64 = self.changes.range(..=at).map(|(_, change)| change).sum();
        let later = self.changes.range(at..).filter(move |(when, _)| **when > at);
        let later = later.scan(before, |held, (_, change)| {
            *held += change;
            Some(*held)
        });
        std::iter::once(before).chain(later)
    }
}

fn billionths(stake: Percent) -> i64 {
    let mut exact = stake.value();
    exact.rescale(9);
    i64::try_from(exact.mantissa()).expect("a percentage is at most 100")
}
