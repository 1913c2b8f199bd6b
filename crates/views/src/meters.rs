//! Card-hours of each pool in stretches of time: installed, lit, allocated, covered by telemetry,
//! and busy.
//!
//! Invariant: sums are exact, whole card-microseconds wherever they come from numbers of cards. A
//! usage window that is partly outside counts by the part of its time that is inside.

use std::collections::BTreeMap;

use loopledger_loops::BigRational;
use loopledger_model::{AllocationId, PoolId};
use num_traits::Zero;

use crate::figures;
use crate::holdings::Holdings;
use crate::rows::{Allocation, PoolState, Usage};
use crate::steps::{Span, Steps};

const HOUR_US: i64 = 3_600_000_000;

/// Card-hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hours {
    pub(crate) installed: BigRational,
    pub(crate) lit: BigRational,
    pub(crate) allocated: BigRational,
    /// Allocated card-hours in which a usage window exists.
    pub(crate) covered: BigRational,
    pub(crate) busy: BigRational,
}

/// Card-microseconds, but for what is busy: that is metered in fractions of a card-hour.
#[derive(Debug, Clone)]
struct Sums {
    installed: i128,
    lit: i128,
    allocated: i128,
    covered: i128,
    busy: BigRational,
}

impl Sums {
    fn none() -> Self {
        Self { installed: 0, lit: 0, allocated: 0, covered: 0, busy: BigRational::zero() }
    }

    fn in_hours(self) -> Hours {
        Hours {
            installed: hours(self.installed),
            lit: hours(self.lit),
            allocated: hours(self.allocated),
            covered: hours(self.covered),
            busy: self.busy,
        }
    }
}

pub(crate) struct Meters<'a> {
    states: BTreeMap<&'a PoolId, Vec<&'a PoolState>>,
    allocations: BTreeMap<&'a PoolId, Vec<&'a Allocation>>,
    usages: BTreeMap<&'a PoolId, Vec<&'a Usage>>,
}

impl<'a> Meters<'a> {
    pub(crate) fn of(holdings: &'a Holdings) -> Self {
        Self {
            states: grouped(&holdings.states, |state| &state.pool),
            allocations: grouped(&holdings.allocations, |allocation| &allocation.pool),
            usages: grouped(&holdings.usages, |usage| &usage.pool),
        }
    }

    /// The hours of each of these spans, which follow each other without a gap.
    pub(crate) fn series(&self, pool: &PoolId, spans: &[Span]) -> Vec<Hours> {
        let mut sums = vec![Sums::none(); spans.len()];
        self.count_states(pool, spans, &mut sums);
        self.count_allocations(pool, spans, &mut sums);
        for usage in of_pool(&self.usages, pool) {
            count_busy(usage, spans, &mut sums);
        }
        sums.into_iter().map(Sums::in_hours).collect()
    }

    fn count_states(&self, pool: &PoolId, spans: &[Span], sums: &mut [Sums]) {
        let steps = Steps::of(of_pool(&self.states, pool).iter().copied());
        for (step, held) in steps.held() {
            for (place, time) in held.across(spans) {
                sums[place].installed += i128::from(step.cards) * i128::from(time);
                sums[place].lit += i128::from(step.lit) * i128::from(time);
            }
        }
    }

    fn count_allocations(&self, pool: &PoolId, spans: &[Span], sums: &mut [Sums]) {
        let usages = of_pool(&self.usages, pool);
        let by_allocation: BTreeMap<&AllocationId, Vec<&Usage>> =
            grouped(usages.iter().copied(), |usage| &usage.allocation);
        for allocation in of_pool(&self.allocations, pool) {
            let given = Span::of(allocation.stamp.at, allocation.to_at);
            let cards = i128::from(allocation.cards);
            for (place, time) in given.across(spans) {
                sums[place].allocated += cards * i128::from(time);
            }
            let seen = by_allocation.get(&allocation.id).into_iter().flatten();
            let windows = seen.map(|usage| window(usage).within(given)).collect();
            for covered in merged(windows) {
                for (place, time) in covered.across(spans) {
                    sums[place].covered += cards * i128::from(time);
                }
            }
        }
    }
}

fn count_busy(usage: &Usage, spans: &[Span], sums: &mut [Sums]) {
    let window = window(usage);
    let metered = figures::exact(usage.card_hours.value());
    for (place, time) in window.across(spans) {
        if time == window.length() {
            sums[place].busy += &metered;
        } else {
            let share = BigRational::new(time.into(), window.length().into());
            sums[place].busy += &metered * share;
        }
    }
}

fn of_pool<'m, T>(groups: &'m BTreeMap<&PoolId, Vec<T>>, pool: &PoolId) -> &'m [T] {
    groups.get(pool).map_or(&[], Vec::as_slice)
}

pub(crate) fn grouped<'a, K: Ord, T>(
    rows: impl IntoIterator<Item = &'a T>,
    key: impl Fn(&'a T) -> &'a K,
) -> BTreeMap<&'a K, Vec<&'a T>> {
    let mut groups: BTreeMap<&K, Vec<&T>> = BTreeMap::new();
    for row in rows {
        groups.entry(key(row)).or_default().push(row);
    }
    groups
}

fn hours(card_micros: i128) -> BigRational {
    BigRational::new(card_micros.into(), HOUR_US.into())
}

fn window(usage: &Usage) -> Span {
    Span::of(usage.from_at, usage.stamp.at)
}

/// The time that at least one of the windows covers, in spans that do not touch each other.
fn merged(mut windows: Vec<Span>) -> Vec<Span> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(windows: &[(i64, i64)]) -> Vec<Span> {
        windows.iter().map(|&(from, to)| Span { from, to }).collect()
    }

    #[test]
    fn time_that_two_windows_cover_counts_once() {
        assert_eq!(merged(spans(&[])), []);
        assert_eq!(merged(spans(&[(0, 10), (5, 12), (20, 21)])), spans(&[(0, 12), (20, 21)]));
        assert_eq!(merged(spans(&[(0, 10), (2, 3), (9, 11)])), spans(&[(0, 11)]));
        assert_eq!(merged(spans(&[(8, 3), (4, 6)])), spans(&[(4, 6)]));
    }

    #[test]
    fn time_is_shared_out_among_the_spans_that_it_touches() {
        let days = spans(&[(0, 10), (10, 20), (20, 30)]);
        let across = |from, to| Span { from, to }.across(&days).collect::<Vec<_>>();
        assert_eq!(across(-5, 5), [(0, 5)]);
        assert_eq!(across(5, 25), [(0, 5), (1, 10), (2, 5)]);
        assert_eq!(across(10, 20), [(1, 10)]);
        assert_eq!(across(30, 40), []);
        assert_eq!(across(12, 12), []);
    }
}
