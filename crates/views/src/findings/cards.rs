//! Findings about cards: in two pools at once, used for what nobody says they can be used for, and
//! electricity that their cards do not explain.
//!
//! Invariant: what no source speaks of raises nothing: neither a class of workload without a stated
//! capability, nor electricity of a model whose power is not published.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use loopledger_loops::BigRational;
use loopledger_model::{
    AllocationId, CardModel, FactId, PartyId, Period, PoolId, Text, Watts, WorkloadClass,
};
use tokio_postgres::Transaction;

use super::Finding;
use super::rules::{Rule, RuleSet};
use crate::as_of::As;
use crate::cards::{Cards, Disputed};
use crate::error::Error;
use crate::figures::{self, whole};
use crate::holdings::{Holdings, metered_beside_electricity};
use crate::meters::{Meters, grouped};
use crate::rows::{Allocation, Capability, CardSpec, Electricity, Pool, PoolState, Usage};
use crate::steps::Span;
use crate::table::select;

const WATTS_PER_KILOWATT: u32 = 1_000;

#[derive(Default)]
pub(super) struct Serials {
    pub(super) pools: Vec<Pool>,
    pub(super) cards: Cards,
}

impl Serials {
    pub(super) async fn load(transaction: &Transaction<'_>, seen: As) -> Result<Self, Error> {
        let times = [&seen.of as _, &seen.known as _];
        let pools = select(transaction, As::CONDITION, &times).await?;
        Ok(Self { pools, cards: Cards::load(transaction, seen).await? })
    }

    pub(super) fn findings(&self, rules: &RuleSet) -> Vec<Finding> {
        let operators: BTreeMap<&PoolId, &PartyId> =
            self.pools.iter().map(|pool| (&pool.id, &pool.operator)).collect();
        let disputed = self.cards.disputed();
        let above = disputed.iter().filter(|card| card.pools.len() > rules.pools_of_a_card);
        above.map(|card| in_several_pools(card, &operators, rules)).collect()
    }
}

fn in_several_pools(
    card: &Disputed,
    operators: &BTreeMap<&PoolId, &PartyId>,
    rules: &RuleSet,
) -> Finding {
    let Disputed { serial, pools, at, facts } = card;
    let named: Vec<&str> = pools.iter().map(PoolId::as_str).collect();
    Finding::of(Rule::SerialInTwoPools, serial, *at, facts.iter().copied())
        .between(pools.iter().filter_map(|pool| operators.get(pool)))
        .figure("numerator", pools.len())
        .figure("threshold", rules.pools_of_a_card)
        .figure("pools", named.join(" "))
        .saying(format!("card {serial} is in the pools {} at once", named.join(", ")))
}

#[derive(Default)]
pub(super) struct Workloads {
    pub(super) pools: Vec<Pool>,
    pub(super) capabilities: Vec<Capability>,
    /// Those that are said to be for something, or whose usage is.
    pub(super) allocations: Vec<Allocation>,
    /// The first of each allocation and class.
    pub(super) usages: Vec<Usage>,
}

/// Cards of a pool that are said to be used for something.
struct Use<'a> {
    allocation: &'a AllocationId,
    pool: &'a PoolId,
    class: WorkloadClass,
    at: Timestamp,
    fact: FactId,
}

impl Workloads {
    pub(super) async fn load(transaction: &Transaction<'_>, seen: As) -> Result<Self, Error> {
        let times = [&seen.of as _, &seen.known as _];
        let told = As::CONDITION;
        let classed = format!("{told} AND class IS NOT NULL");
        let given = format!(
            "{told} AND (class IS NOT NULL OR id IN (SELECT allocation FROM usages WHERE {classed}))"
        );
        let first = format!(
            "(position, fact_index) IN (SELECT DISTINCT ON (allocation, class) position, fact_index \
             FROM usages WHERE {classed} ORDER BY allocation, class, from_at, position, fact_index)"
        );
        Ok(Self {
            pools: select(transaction, told, &times).await?,
            capabilities: select(transaction, told, &times).await?,
            allocations: select(transaction, &given, &times).await?,
            usages: select(transaction, &first, &times).await?,
        })
    }

    pub(super) fn findings(&self, rules: &RuleSet) -> Vec<Finding> {
        let given = self.allocations.iter().filter_map(|row| {
            let (allocation, pool, class) = (&row.id, &row.pool, row.class?);
            Some(Use { allocation, pool, class, at: row.stamp.at, fact: row.stamp.fact() })
        });
        let pools: BTreeMap<&AllocationId, &PoolId> =
            self.allocations.iter().map(|row| (&row.id, &row.pool)).collect();
        let metered = self.usages.iter().filter_map(|row| {
            let allocation = &row.allocation;
            let (pool, class) = (*pools.get(allocation)?, row.class?);
            Some(Use { allocation, pool, class, at: row.from_at, fact: row.stamp.fact() })
        });
        given.chain(metered).filter_map(|used| self.beyond(&used, rules)).collect()
    }

    fn beyond(&self, used: &Use<'_>, rules: &RuleSet) -> Option<Finding> {
        let pool = self.pools.iter().find(|pool| pool.id == *used.pool)?;
        let mut latest: BTreeMap<&Text, &Capability> = BTreeMap::new();
        let of_model = self.capabilities.iter().filter(|row| row.model == pool.model);
        for row in of_model.filter(|row| row.stamp.at <= used.at) {
            let known = latest.entry(&row.source).or_insert(row);
            if known.stamp.at <= row.stamp.at {
                *known = row;
            }
        }
        let says =
            |row: &&&Capability| row.workloads.split(' ').any(|class| class == used.class.name());
        let saying = latest.values().filter(says).count();
        if latest.is_empty() || saying > rules.sources_of_a_use {
            return None;
        }
        let (Use { allocation, class, .. }, model) = (used, &pool.model);
        let facts = latest.values().map(|row| row.stamp.fact()).chain([used.fact]);
        let finding = Finding::of(Rule::WorkloadBeyondCapability, allocation, used.at, facts)
            .between([&pool.operator])
            .figure("numerator", saying)
            .figure("denominator", latest.len())
            .figure("threshold", rules.sources_of_a_use)
            .figure("class", class)
            .figure("model", model)
            .saying(format!(
                "cards of model {model} are used for {class} by allocation {allocation}, and of \
                 {} sources that say what they are for {saying} name it",
                latest.len()
            ));
        Some(finding)
    }
}

/// What was read of a pool in one window, by all its meters.
pub(super) struct Drawn {
    pub(super) pool: Pool,
    pub(super) window: Period,
    pub(super) kwh: BigRational,
    pub(super) facts: Vec<FactId>,
    pub(super) holdings: Holdings,
}

#[derive(Default)]
pub(super) struct Energy {
    pub(super) drawn: Vec<Drawn>,
    pub(super) specs: Vec<CardSpec>,
}

impl Energy {
    pub(super) async fn load(transaction: &Transaction<'_>, seen: As) -> Result<Self, Error> {
        let times = [&seen.of as _, &seen.known as _];
        let pools: Vec<Pool> = select(transaction, As::CONDITION, &times).await?;
        let readings: Vec<Electricity> = select(transaction, As::CONDITION, &times).await?;
        let states: Vec<PoolState> = select(transaction, As::CONDITION, &times).await?;
        let of_pool = grouped(&states, |row| &row.pool);
        let mut metered = metered_beside_electricity(transaction, seen).await?;
        let mut windows: BTreeMap<(PoolId, Timestamp, Timestamp), Vec<Electricity>> =
            BTreeMap::new();
        for row in readings {
            let window = (row.pool.clone(), row.from_at, row.stamp.at);
            windows.entry(window).or_default().push(row);
        }
        let mut energy =
            Self { drawn: Vec::new(), specs: select(transaction, As::CONDITION, &times).await? };
        for ((pool, from, to), readings) in windows {
            let states = of_pool.get(&pool).into_iter().flatten();
            let states = states.map(|row| PoolState::clone(row)).collect();
            let busy = metered.remove(&(pool.clone(), Span::of(from, to))).unwrap_or_default();
            let pool = pools.iter().find(|row| row.id == pool);
            let (Some(pool), Ok(window)) = (pool, Period::new(from, to)) else { continue };
            energy.drawn.push(Drawn {
                pool: pool.clone(),
                window,
                kwh: readings.iter().map(|row| figures::exact(row.kwh.value())).sum(),
                facts: readings.iter().map(|row| row.stamp.fact()).collect(),
                holdings: Holdings { states, busy, ..Holdings::default() },
            });
        }
        Ok(energy)
    }

    pub(super) fn findings(&self, rules: &RuleSet) -> Vec<Finding> {
        self.drawn.iter().filter_map(|drawn| self.outside(drawn, rules)).collect()
    }

    fn outside(&self, drawn: &Drawn, rules: &RuleSet) -> Option<Finding> {
        let powers = self.powers(&drawn.pool.model, drawn.window.to());
        let least = powers.iter().map(|(watts, _)| *watts).min()?;
        let most = powers.iter().map(|(watts, _)| *watts).max()?;
        let span = Span::of(drawn.window.from(), drawn.window.to());
        let hours = Meters::of(&drawn.holdings).series(&drawn.pool.id, &[span]);
        let hours = hours.into_iter().next()?;
        let kwh_of = |hours: &BigRational, watts: Watts| {
            hours * figures::exact(watts.value()) / whole(WATTS_PER_KILOWATT)
        };
        let (busy, full) = (kwh_of(&hours.busy, least), kwh_of(&hours.installed, most));
        let around = rules.host_factor.checked_mul(rules.pue)?;
        let floor = &busy * figures::exact(rules.idle_share);
        let ceiling = &full * figures::exact(around);
        let (of, threshold, side) = if drawn.kwh < floor {
            (&busy, rules.idle_share, "below what cards that were busy so long draw when idle")
        } else if drawn.kwh > ceiling {
            (&full, around, "above what all its cards can draw with all that is around them")
        } else {
            return None;
        };
        let (pool, kwh) = (&drawn.pool, figures::quantity(&drawn.kwh));
        let specs = powers.iter().map(|(_, fact)| *fact);
        let facts = specs.chain(drawn.facts.iter().copied()).chain([pool.stamp.fact()]);
        let finding = Finding::of(Rule::EnergyOutsideBounds, &pool.id, drawn.window.to(), facts)
            .between([&pool.operator])
            .figure("numerator", &kwh)
            .figure("denominator", figures::quantity(of))
            .figure("threshold", threshold)
            .figure("floor_kwh", figures::quantity(&floor))
            .figure("ceiling_kwh", figures::quantity(&ceiling))
            .figure("busy_card_hours", figures::quantity(&hours.busy))
            .figure("installed_card_hours", figures::quantity(&hours.installed))
            .saying(format!("{kwh} kWh were read of pool {} in {}, {side}", pool.id, drawn.window));
        Some(finding)
    }

    /// What sources say that a card of a model draws, each power with a fact that says so.
    fn powers(&self, model: &CardModel, by: Timestamp) -> BTreeSet<(Watts, FactId)> {
        let of_model = self.specs.iter().filter(|row| row.model == *model && row.stamp.at <= by);
        of_model.filter_map(|row| Some((row.tdp_w?, row.stamp.fact()))).collect()
    }
}
