//! Stretches of time in microseconds, and what a pool holds over time.

use jiff::Timestamp;

use crate::columns::micros;
use crate::rows::PoolState;

/// From an instant up to, but not including, a later one, in microseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) from: i64,
    pub(crate) to: i64,
}

impl Span {
    pub(crate) fn of(from: Timestamp, to: Timestamp) -> Self {
        Self { from: micros(from).as_microsecond(), to: micros(to).as_microsecond() }
    }

    /// Zero where it is empty.
    pub(crate) fn length(self) -> i64 {
        self.to.saturating_sub(self.from).max(0)
    }

    pub(crate) fn within(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), to: self.to.min(other.to) }
    }

    pub(crate) const fn contains(self, instant: i64) -> bool {
        self.from <= instant && instant < self.to
    }
}

/// The cards of a pool from an instant on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) at: i64,
    pub(crate) cards: u32,
    pub(crate) lit: u32,
}

/// A pool's totals over time. Before its first step it has no cards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Steps(Vec<Step>);

impl Steps {
    /// Of states in the order in which they were recorded: of two at one instant the later recorded
    /// holds.
    pub(crate) fn of<'a>(states: impl IntoIterator<Item = &'a PoolState>) -> Self {
        let step = |state: &PoolState| Step {
            at: state.stamp.at.as_microsecond(),
            cards: state.cards,
            lit: state.lit,
        };
        let mut steps: Vec<Step> = states.into_iter().map(step).collect();
        steps.sort_by_key(|step| step.at);
        Self(steps)
    }

    pub(crate) fn changes(&self) -> impl Iterator<Item = i64> {
        self.0.iter().map(|step| step.at)
    }

    pub(crate) fn cards_at(&self, instant: i64) -> u32 {
        let after = self.0.partition_point(|step| step.at <= instant);
        self.0[..after].last().map_or(0, |step| step.cards)
    }

    /// What a total comes to over a span, in card-microseconds.
    pub(crate) fn integral(&self, total: fn(&Step) -> u32, span: Span) -> i128 {
        let ends = self.changes().skip(1).chain([i64::MAX]);
        let part = |(step, to): (&Step, i64)| {
            let held = Span { from: step.at, to }.within(span).length();
            i128::from(total(step)) * i128::from(held)
        };
        self.0.iter().zip(ends).map(part).sum()
    }
}
