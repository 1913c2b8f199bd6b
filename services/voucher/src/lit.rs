//! How many cards of each pool are lit, through time.
//!
//! Invariant: from an instant to the next one that is known, the count stays the same.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::voucher::Refusal;
use loopledger_model::{CardHours, Period, PoolId};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// How many nanoseconds of one card make 10^-9 card-hours, the least that is metered.
const NANOSECONDS: i128 = 3_600;

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Lit {
    pools: BTreeMap<PoolId, BTreeMap<Timestamp, u32>>,
}

impl Lit {
    pub(crate) fn record(&mut self, pool: &PoolId, at: Timestamp, lit: u32) {
        self.pools.entry(pool.clone()).or_default().insert(at, lit);
    }

    /// Refuses usage that no lit cards can have given: each window by itself, and windows of one
    /// pool that overlap together.
    pub(crate) fn bears<'a>(
        &self,
        usage: impl Iterator<Item = (&'a PoolId, Period, CardHours)>,
    ) -> Result<(), Refusal> {
        let mut last: BTreeMap<&PoolId, (Period, Decimal)> = BTreeMap::new();
        for (pool, window, card_hours) in usage {
            let metered = card_hours.value();
            self.has(pool, window, metered)?;
            let joined = last.get(pool).filter(|(span, _)| span.overlaps(&window));
            let (span, sum) = joined.map_or((window, metered), |(span, sum)| {
                let end = span.to().max(window.to());
                let span = Period::new(span.from(), end).expect("it is none the shorter");
                (span, sum.saturating_add(metered))
            });
            self.has(pool, span, sum)?;
            last.insert(pool, (span, sum));
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
        let lit = Decimal::from_i128_with_scale(sum / NANOSECONDS, 9).normalize();
        if metered <= lit {
            return Ok(());
        }
        Err(Refusal::AboveLit { pool: pool.clone(), window, lit, metered })
    }
}
