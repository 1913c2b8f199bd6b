//! Card-hours of each pool in a stretch of time: installed, lit, allocated, covered by telemetry,
//! and busy.
//!
//! Invariant: sums are exact. A usage window that is partly outside counts by the part of its time
//! that is inside.

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

pub(crate) struct Meters<'a> {
    span: Span,
    states: BTreeMap<&'a PoolId, Vec<&'a PoolState>>,
    allocations: BTreeMap<&'a PoolId, Vec<&'a Allocation>>,
    usages: BTreeMap<&'a PoolId, Vec<&'a Usage>>,
}

impl<'a> Meters<'a> {
    pub(crate) fn of(holdings: &'a Holdings, span: Span) -> Self {
        Self {
            span,
            states: grouped(&holdings.states, |state| &state.pool),
            allocations: grouped(&holdings.allocations, |allocation| &allocation.pool),
            usages: grouped(&holdings.usages, |usage| &usage.pool),
        }
    }

    pub(crate) fn hours(&self, pool: &PoolId) -> Hours {
        let steps = Steps::of(of_pool(&self.states, pool).iter().copied());
        let allocations = of_pool(&self.allocations, pool);
        let usages = of_pool(&self.usages, pool);
        let by_allocation: BTreeMap<&AllocationId, Vec<&Usage>> =
            grouped(usages.iter().copied(), |usage| &usage.allocation);
        let (mut allocated, mut covered) = (0, 0);
        for allocation in allocations {
            let given = Span::of(allocation.stamp.at, allocation.to_at).within(self.span);
            let cards = i128::from(allocation.cards);
            let seen = by_allocation.get(&allocation.id).into_iter().flatten();
            let windows = seen.map(|usage| window(usage).within(given)).collect();
            allocated += cards * i128::from(given.length());
            covered += cards * i128::from(covered_time(windows));
        }
        Hours {
            installed: hours(steps.integral(|step| step.cards, self.span)),
            lit: hours(steps.integral(|step| step.lit, self.span)),
            allocated: hours(allocated),
            covered: hours(covered),
            busy: usages.iter().map(|usage| self.busy(usage)).sum(),
        }
    }

    fn busy(&self, usage: &Usage) -> BigRational {
        let window = window(usage);
        let inside = window.within(self.span).length();
        let metered = figures::exact(usage.card_hours.value());
        match window.length() {
            0 => BigRational::zero(),
            length if length == inside => metered,
            length => metered * BigRational::new(inside.into(), length.into()),
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

/// The time that at least one of the windows covers.
fn covered_time(mut windows: Vec<Span>) -> i64 {
    windows.sort_unstable();
    let (mut covered, mut until) = (0, i64::MIN);
    for window in windows {
        let fresh = Span { from: window.from.max(until), to: window.to };
        covered += fresh.length();
        until = until.max(window.to);
    }
    covered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(windows: &[(i64, i64)]) -> Vec<Span> {
        windows.iter().map(|&(from, to)| Span { from, to }).collect()
    }

    #[test]
    fn time_that_two_windows_cover_counts_once() {
        assert_eq!(covered_time(spans(&[])), 0);
        assert_eq!(covered_time(spans(&[(0, 10), (5, 12), (20, 21)])), 13);
        assert_eq!(covered_time(spans(&[(0, 10), (2, 3), (9, 11)])), 11);
        assert_eq!(covered_time(spans(&[(8, 3), (4, 6)])), 2);
    }
}
