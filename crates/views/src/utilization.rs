//! Answer: how many card-hours of each pool were installed, lit, allocated and busy, and what was
//! sold of it.
//!
//! Invariants: every sum is exact, in card-microseconds or as a fraction, and rounded only where it
//! is written down. A telemetry gap lowers the coverage and nothing else. A zero denominator gives
//! nothing, never zero.

use jiff::Timestamp;
use loopledger_model::{CardModel, ContractId, PartyId, Period, PoolId, Position};
use serde::{Deserialize, Serialize};

use crate::as_of::As;
use crate::error::Error;
use crate::figures;
use crate::holdings::Holdings;
use crate::meters::Meters;
use crate::oversold::{BasisShare, Market};
use crate::steps::Span;
use crate::views::Views;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Utilization {
    pub position: Position,
    pub from: Timestamp,
    pub to: Timestamp,
    /// By id.
    pub pools: Vec<PoolUtilization>,
    /// Contracts in force in the period whose seller has no pool and which were given no cards;
    /// none are named where one pool is asked for.
    pub contracts_without_pool: Vec<ContractId>,
}

/// What is sold and what stands behind it is told for the worst instant of the period: the one at
/// which most is sold of what there is, the earliest where there are several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolUtilization {
    pub pool: PoolId,
    pub operator: PartyId,
    pub model: CardModel,
    pub installed_card_hours: String,
    pub lit_card_hours: String,
    pub allocated_card_hours: String,
    pub busy_card_hours: String,
    /// Lit of installed.
    pub lighting_rate: Option<String>,
    /// Allocated of lit.
    pub allocation_rate: Option<String>,
    /// Busy of lit.
    pub busy_rate: Option<String>,
    /// The share of the allocated card time that telemetry speaks of.
    pub coverage: Option<String>,
    /// Absent where P on unlike bases is sold: see `by_basis`.
    pub sold_p: Option<String>,
    pub physical_p: Option<String>,
    pub oversold: Option<bool>,
    pub worst_at: Timestamp,
    pub by_basis: Vec<BasisShare>,
    /// Contracts that say neither P nor cards of a model whose P is published.
    pub contracts_without_p: usize,
}

impl Views {
    pub async fn utilization(
        &self,
        pool: Option<&PoolId>,
        period: Period,
        seen: As,
    ) -> Result<Utilization, Error> {
        let mut connection = self.connection().await?;
        let (transaction, position) = self.snapshot(&mut connection).await?;
        let holdings = Holdings::load(&transaction, period, seen).await?;
        drop(transaction);
        drop(connection);
        let pool = pool.cloned();
        let work = move || holdings.utilization(position, period, pool.as_ref());
        let worked_out = tokio::task::spawn_blocking(work).await;
        Ok(worked_out.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic())))
    }
}

impl Holdings {
    /// Of one pool, or of all.
    pub fn utilization(
        &self,
        position: Position,
        period: Period,
        pool: Option<&PoolId>,
    ) -> Utilization {
        let span = Span::of(period.from(), period.to());
        let market = Market::of(self, span);
        let meters = Meters::of(self, span);
        let mut pools: Vec<_> = self
            .pools
            .iter()
            .filter(|row| pool.is_none_or(|pool| row.id == *pool))
            .map(|row| {
                let hours = meters.hours(&row.id);
                let sales = market.worst(&row.id);
                PoolUtilization {
                    pool: row.id.clone(),
                    operator: row.operator.clone(),
                    model: row.model.clone(),
                    installed_card_hours: figures::quantity(&hours.installed),
                    lit_card_hours: figures::quantity(&hours.lit),
                    allocated_card_hours: figures::quantity(&hours.allocated),
                    busy_card_hours: figures::quantity(&hours.busy),
                    lighting_rate: figures::ratio(&hours.lit, &hours.installed),
                    allocation_rate: figures::ratio(&hours.allocated, &hours.lit),
                    busy_rate: figures::ratio(&hours.busy, &hours.lit),
                    coverage: figures::ratio(&hours.covered, &hours.allocated),
                    sold_p: sales.sold_p,
                    physical_p: sales.physical_p,
                    oversold: sales.oversold,
                    worst_at: sales.at,
                    by_basis: sales.by_basis,
                    contracts_without_p: sales.contracts_without_p,
                }
            })
            .collect();
        pools.sort_by(|a, b| a.pool.cmp(&b.pool));
        let contracts_without_pool =
            if pool.is_none() { market.contracts_without_pool() } else { Vec::new() };
        let (from, to) = (period.from(), period.to());
        Utilization { position, from, to, pools, contracts_without_pool }
    }
}

#[cfg(test)]
mod tests;
