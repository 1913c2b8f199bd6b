//! Answer: how many card-hours of each pool were installed, lit, allocated and busy, and what was
//! sold of it.
//!
//! Invariants: every sum is exact, in card-microseconds or as a fraction, and rounded only where it
//! is written down. A telemetry gap lowers the coverage and nothing else. A zero denominator gives
//! nothing, never zero.

use jiff::Timestamp;
use jiff::civil::Date;
use loopledger_model::{CardModel, ContractId, FactId, PartyId, Period, PoolId, Position};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::as_of::As;
use crate::error::Error;
use crate::figures;
use crate::holdings::Holdings;
use crate::meters::{Hours, Meters};
use crate::oversold::{BasisShare, Market, Sales};
use crate::steps::{DAY_US, Span};
use crate::views::Views;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PoolUtilization {
    pub pool: PoolId,
    pub operator: PartyId,
    pub model: CardModel,
    #[serde(flatten)]
    pub figures: PoolFigures,
    /// Only where it was asked for by day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<Vec<PoolDay>>,
}

/// The part of a day, in UTC, that is in the period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PoolDay {
    pub day: Date,
    #[serde(flatten)]
    pub figures: PoolFigures,
}

/// What is sold and what stands behind it is told for the worst instant of the time: the one at
/// which most is sold of what there is, the earliest where there are several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PoolFigures {
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
    /// The specification by which `physical_p` counts cards in P.
    pub physical_spec: Option<FactId>,
    pub oversold: Option<bool>,
    pub worst_at: Timestamp,
    pub by_basis: Vec<BasisShare>,
    /// Contracts that say neither P nor cards of a model whose P is published.
    pub contracts_without_p: usize,
}

/// A period that is short enough to be told day by day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByDay(Period);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{period} is longer than {} days, the most that are told day by day", ByDay::MOST)]
pub struct TooManyDays {
    pub period: Period,
}

impl ByDay {
    /// Ten years.
    pub const MOST: i64 = 3_660;

    pub fn new(period: Period) -> Result<Self, TooManyDays> {
        let length = Span::of(period.from(), period.to()).length();
        if length > Self::MOST * DAY_US { Err(TooManyDays { period }) } else { Ok(Self(period)) }
    }

    fn spans(self) -> Vec<Span> {
        let Span { from, to } = Span::of(self.0.from(), self.0.to());
        let after = |at: i64| at.div_euclid(DAY_US).saturating_add(1).saturating_mul(DAY_US);
        let starts = std::iter::successors(Some(from), |at| Some(after(*at)));
        let starts = starts.take_while(|at| *at < to);
        starts.map(|at| Span { from: at, to: after(at).min(to) }).collect()
    }
}

/// What is wanted: the whole period only, or also its days.
#[derive(Debug, Clone, Copy)]
enum Detail {
    Whole(Period),
    Days(ByDay),
}

impl Detail {
    const fn period(self) -> Period {
        match self {
            Self::Whole(period) | Self::Days(ByDay(period)) => period,
        }
    }
}

impl Views {
    pub async fn utilization(
        &self,
        pool: Option<&PoolId>,
        period: Period,
        seen: As,
    ) -> Result<Utilization, Error> {
        self.utilization_in(pool, Detail::Whole(period), seen).await
    }

    /// With every day of the period by itself.
    pub async fn utilization_by_day(
        &self,
        pool: Option<&PoolId>,
        days: ByDay,
        seen: As,
    ) -> Result<Utilization, Error> {
        self.utilization_in(pool, Detail::Days(days), seen).await
    }

    async fn utilization_in(
        &self,
        pool: Option<&PoolId>,
        detail: Detail,
        seen: As,
    ) -> Result<Utilization, Error> {
        let mut connection = self.connection().await?;
        let (transaction, position) = self.snapshot(&mut connection).await?;
        let (period, by_day) = (detail.period(), matches!(detail, Detail::Days(_)));
        let holdings = Holdings::load(&transaction, pool, period, by_day, seen).await?;
        drop(transaction);
        drop(connection);
        let pool = pool.cloned();
        let work = move || holdings.told(position, detail, pool.as_ref());
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
        self.told(position, Detail::Whole(period), pool)
    }

    pub fn utilization_by_day(
        &self,
        position: Position,
        days: ByDay,
        pool: Option<&PoolId>,
    ) -> Utilization {
        self.told(position, Detail::Days(days), pool)
    }

    fn told(&self, position: Position, detail: Detail, pool: Option<&PoolId>) -> Utilization {
        let period = detail.period();
        let (from, to) = (period.from(), period.to());
        let whole = [Span::of(from, to)];
        let days = match detail {
            Detail::Whole(_) => None,
            Detail::Days(days) => Some(days.spans()),
        };
        let (market, meters) = (Market::of(self, whole[0]), Meters::of(self));
        let series = |pool: &PoolId, spans: &[Span]| {
            let (hours, sales) = (meters.series(pool, spans), market.series(pool, spans));
            hours.into_iter().zip(sales).map(|(hours, sales)| PoolFigures::of(&hours, sales))
        };
        let mut pools: Vec<_> = self
            .pools
            .iter()
            .filter(|row| pool.is_none_or(|pool| row.id == *pool))
            .map(|row| PoolUtilization {
                pool: row.id.clone(),
                operator: row.operator.clone(),
                model: row.model.clone(),
                figures: series(&row.id, &whole).next().expect("one span has one set of figures"),
                days: days.as_ref().map(|days| {
                    let figures = days.iter().zip(series(&row.id, days));
                    figures.map(|(span, figures)| PoolDay { day: span.day(), figures }).collect()
                }),
            })
            .collect();
        pools.sort_by(|a, b| a.pool.cmp(&b.pool));
        let contracts_without_pool =
            if pool.is_none() { market.contracts_without_pool() } else { Vec::new() };
        Utilization { position, from, to, pools, contracts_without_pool }
    }
}

impl PoolFigures {
    fn of(hours: &Hours, sales: Sales) -> Self {
        Self {
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
            physical_spec: sales.physical_spec,
            oversold: sales.oversold,
            worst_at: sales.at,
            by_basis: sales.by_basis,
            contracts_without_p: sales.contracts_without_p,
        }
    }
}

#[cfg(test)]
mod tests;
