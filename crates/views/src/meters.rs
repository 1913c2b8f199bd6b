//! Card-hours of each pool in stretches of time: installed, lit, allocated, covered by telemetry,
//! and busy.
//!
//! Invariant: sums are exact, whole card-microseconds wherever they come from numbers of cards. A
//! usage window that is partly outside counts by the part of its time that is inside.

use std::collections::BTreeMap;

use loopledger_loops::BigRational;
use loopledger_model::{AllocationId, PoolId};
use num_traits::Zero;

use crate::holdings::{Busy, Holdings, Seen};
use crate::rows::{Allocation, PoolState};
use crate::steps::{Span, Steps, merged};

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
    busy: BTreeMap<&'a PoolId, Vec<&'a Busy>>,
    seen: BTreeMap<&'a PoolId, Vec<&'a Seen>>,
}

impl<'a> Meters<'a> {
    pub(crate) fn of(holdings: &'a Holdings) -> Self {
        Self {
            states: grouped(&holdings.states, |state| &state.pool),
            allocations: grouped(&holdings.allocations, |allocation| &allocation.pool),
            busy: grouped(&holdings.busy, |busy| &busy.pool),
            seen: grouped(&holdings.seen, |seen| &seen.pool),
        }
    }

    /// The hours of each of these spans, which follow each other without a gap.
    pub(crate) fn series(&self, pool: &PoolId, spans: &[Span]) -> Vec<Hours> {
        let mut sums = vec![Sums::none(); spans.len()];
        self.count_states(pool, spans, &mut sums);
        self.count_allocations(pool, spans, &mut sums);
        for busy in of_pool(&self.busy, pool) {
            count_busy(busy, spans, &mut sums);
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
        let seen = of_pool(&self.seen, pool);
        let by_allocation: BTreeMap<&AllocationId, Vec<&Seen>> =
            grouped(seen.iter().copied(), |seen| &seen.allocation);
        for allocation in of_pool(&self.allocations, pool) {
            let given = Span::of(allocation.stamp.at, allocation.to_at);
            let cards = i128::from(allocation.cards);
            for (place, time) in given.across(spans) {
                sums[place].allocated += cards * i128::from(time);
            }
            let seen = by_allocation.get(&allocation.id).into_iter().flatten();
            let windows = seen.map(|seen| seen.window.within(given)).collect();
            for covered in merged(windows) {
                for (place, time) in covered.across(spans) {
                    sums[place].covered += cards * i128::from(time);
                }
            }
        }
    }
}

fn count_busy(busy: &Busy, spans: &[Span], sums: &mut [Sums]) {
    let Busy { window, card_hours, .. } = busy;
    for (place, time) in window.across(spans) {
        if time == window.length() {
            sums[place].busy += card_hours;
        } else {
            let share = BigRational::new(time.into(), window.length().into());
            sums[place].busy += card_hours * share;
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
