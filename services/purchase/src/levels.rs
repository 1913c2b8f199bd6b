//! How much of something is taken at each instant: a level that steps up and down over time.
//!
//! Invariant: a level holds from its step up to the next one; before the first step it is zero.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::Period;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Levels(BTreeMap<Timestamp, Decimal>);

impl Levels {
    pub fn at(&self, instant: Timestamp) -> Decimal {
        self.0.range(..=instant).next_back().map_or(Decimal::ZERO, |(_, level)| *level)
    }

    /// The first instant of a period at which the level is above `most`, and the level then.
    pub fn first_above(&self, period: &Period, most: Decimal) -> Option<(Timestamp, Decimal)> {
        let steps = self.0.range(period.from()..period.to()).map(|(at, level)| (*at, *level));
        let mut levels = [(period.from(), self.at(period.from()))].into_iter().chain(steps);
        levels.find(|(_, level)| *level > most)
    }

    /// Lifts the level all through a period.
    pub fn raise(&mut self, period: &Period, by: Decimal) {
        self.change(period, |level| level.checked_add(by));
    }

    /// Lowers the level all through a period in which it was raised by as much.
    pub fn lower(&mut self, period: &Period, by: Decimal) {
        self.change(period, |level| level.checked_sub(by));
    }

    fn change(&mut self, period: &Period, to: impl Fn(Decimal) -> Option<Decimal>) {
        for edge in [period.from(), period.to()] {
            let level = self.at(edge);
            self.0.entry(edge).or_insert(level);
        }
        for (_, level) in self.0.range_mut(period.from()..period.to()) {
            *level = to(*level).expect("a level is at most what one backing contract declares");
        }
    }
}

#[cfg(test)]
mod tests {
    use loopledger_testkit::{at, period};

    use super::*;

    fn number(value: i64) -> Decimal {
        Decimal::from(value)
    }

    #[test]
    fn a_level_holds_within_its_period_only() {
        let mut levels = Levels::default();
        levels.raise(&period("2025-01-10", "2025-01-20"), number(5));
        levels.raise(&period("2025-01-15", "2025-01-25"), number(3));
        let seen = ["2025-01-09", "2025-01-10", "2025-01-15", "2025-01-20", "2025-01-25"];
        assert_eq!(seen.map(|day| levels.at(at(day))), [0, 5, 8, 3, 0].map(number));
    }

    #[test]
    fn the_first_instant_above_is_found_where_the_level_steps_or_the_period_begins() {
        let mut levels = Levels::default();
        levels.raise(&period("2025-01-10", "2025-01-20"), number(5));
        levels.raise(&period("2025-01-15", "2025-01-25"), number(3));
        let above = |from, to, most| levels.first_above(&period(from, to), number(most));
        let found = |day, level| Some((at(day), number(level)));
        assert_eq!(above("2025-01-01", "2025-01-31", 4), found("2025-01-10", 5));
        assert_eq!(above("2025-01-01", "2025-01-31", 7), found("2025-01-15", 8));
        assert_eq!(above("2025-01-12", "2025-01-14", 4), found("2025-01-12", 5));
        assert_eq!(above("2025-01-01", "2025-01-15", 5), None);
        assert_eq!(above("2025-01-20", "2025-01-31", 3), None);
    }

    #[test]
    fn what_was_raised_can_be_lowered_for_the_rest_of_the_time() {
        let mut levels = Levels::default();
        levels.raise(&period("2025-01-10", "2025-01-20"), number(5));
        levels.lower(&period("2025-01-13", "2025-01-20"), number(5));
        let seen = ["2025-01-12", "2025-01-13", "2025-01-20"];
        assert_eq!(seen.map(|day| levels.at(at(day))), [5, 0, 0].map(number));
    }
}
