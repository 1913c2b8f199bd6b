//! How many cards of each pool are lit, through time, and for which windows they are metered.
//!
//! Invariant: from an instant to the next one that is known, the count stays the same.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use loopledger_model::voucher::Refusal;
use loopledger_model::{CardHours, ContractId, FactId, Period, PoolId};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Lit {
    pools: BTreeMap<PoolId, BTreeMap<Timestamp, u32>>,
}

/// The windows of a pool's usage, and whose they are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Windows {
    by_start: BTreeMap<(Timestamp, FactId), ContractId>,
    longest: SignedDuration,
}

impl Windows {
    pub(crate) fn record(&mut self, window: Period, fact: FactId, contract: ContractId) {
        self.longest = self.longest.max(window.to().duration_since(window.from()));
        self.by_start.insert((window.from(), fact), contract);
    }

    /// Those that may overlap a window: none starts longer before it than the longest is.
    pub(crate) fn overlapping(
        &self,
        window: Period,
    ) -> impl Iterator<Item = (&(Timestamp, FactId), &ContractId)> {
        let first = FactId { position: 0, index: 0 };
        let earliest = window.from().checked_sub(self.longest).unwrap_or(Timestamp::MIN);
        self.by_start.range((earliest, first)..(window.to(), first))
    }
}

impl Lit {
    pub(crate) fn record(&mut self, pool: &PoolId, at: Timestamp, lit: u32) {
        self.pools.entry(pool.clone()).or_default().insert(at, lit);
    }

    /// Refuses usage that no lit cards can have given: each window by itself, and windows of one
    /// pool that overlap together. It comes by pool, and then by when it starts.
    pub(crate) fn bears<'a>(
        &self,
        usage: impl Iterator<Item = (&'a PoolId, Period, CardHours)>,
    ) -> Result<(), Refusal> {
        let mut last: Option<(&PoolId, Period, Decimal)> = None;
        for (pool, window, card_hours) in usage {
            let metered = card_hours.value();
            self.has(pool, window, metered)?;
            let joined = last.filter(|(of, span, _)| *of == pool && span.overlaps(&window));
            let Some((_, span, sum)) = joined else {
                last = Some((pool, window, metered));
                continue;
            };
            let end = span.to().max(window.to());
            let span = Period::new(span.from(), end).expect("it is none the shorter");
            let sum = sum.saturating_add(metered);
            self.has(pool, span, sum)?;
            last = Some((pool, span, sum));
        }
        Ok(())
    }

    /// Of a pool that is not known nothing is said: nothing is metered in a pool before its registration.
    fn has(&self, pool: &PoolId, window: Period, metered: Decimal) -> Result<(), Refusal> {
        let Some(changes) = self.pools.get(pool) else { return Ok(()) };
        let before = changes.range(..=window.from()).next_back().map_or(0, |(_, lit)| *lit);
        let steps = changes.range(window.from()..window.to()).map(|(at, lit)| (*at, *lit));
        let (mut since, mut lit, mut sum) = (window.from(), before, 0_i128);
        for (at, next) in steps.chain([(window.to(), 0)]) {
            sum += i128::from(lit) * (at.as_nanosecond() - since.as_nanosecond());
            (since, lit) = (at, next);
        }
        let lit = CardHours::of_billionths(sum / CardHours::NANOSECONDS);
        if metered <= lit {
            return Ok(());
        }
        Err(Refusal::AboveLit { pool: pool.clone(), window, lit, metered })
    }
}
