//! Stretches of time in microseconds, and what a pool holds over time.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use loopledger_model::FactId;

use crate::columns::micros;
use crate::rows::PoolState;

pub(crate) const DAY_US: i64 = 24 * 60 * 60 * 1_000_000;

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

    /// The day in UTC on which it begins.
    pub(crate) fn day(self) -> Date {
        let from = Timestamp::from_microsecond(self.from).expect("a span begins at an instant");
        from.to_zoned(TimeZone::UTC).date()
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

    /// How much of it is in each of the spans that it touches, which follow each other: their
    /// places and the time.
    pub(crate) fn across(self, spans: &[Self]) -> impl Iterator<Item = (usize, i64)> {
        let first = spans.partition_point(|span| span.to <= self.from);
        let touched = spans[first..].iter().take_while(move |span| span.from < self.to);
        let parts = (first..).zip(touched.map(move |span| self.within(*span).length()));
        parts.filter(|(_, time)| *time > 0)
    }
}

/// The time that at least one of the windows covers, in spans that do not touch each other.
pub(crate) fn merged(mut windows: Vec<Span>) -> Vec<Span> {
    windows.retain(|window| window.length() > 0);
    windows.sort_unstable();
    let mut merged: Vec<Span> = Vec::new();
    for window in windows {
        match merged.last_mut() {
            Some(last) if window.from <= last.to => last.to = last.to.max(window.to),
            _ => merged.push(window),
        }
    }
    merged
}

/// The cards of a pool from an instant on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) at: i64,
    pub(crate) cards: u32,
    pub(crate) lit: u32,
    pub(crate) fact: FactId,
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
            fact: state.stamp.fact(),
        };
        let mut steps: Vec<Step> = states.into_iter().map(step).collect();
        steps.sort_by_key(|step| step.at);
        Self(steps)
    }

    pub(crate) fn changes(&self) -> impl Iterator<Item = i64> {
        self.0.iter().map(|step| step.at)
    }

    /// The step that holds at an instant; before the first there is none.
    pub(crate) fn at(&self, instant: i64) -> Option<&Step> {
        let after = self.0.partition_point(|step| step.at <= instant);
        self.0[..after].last()
    }

    /// Each step with the span in which it holds.
    pub(crate) fn held(&self) -> impl Iterator<Item = (&Step, Span)> {
        let ends = self.changes().skip(1).chain([i64::MAX]);
        self.0.iter().zip(ends).map(|(step, to)| (step, Span { from: step.at, to }))
    }
}
