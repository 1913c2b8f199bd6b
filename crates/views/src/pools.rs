//! Answer: every pool with its project's stages, its cards and where they come from, what is
//! reserved and given of them, and who permitted that more is sold.
//!
//! Invariant: what sources say is told beside what others say, each with its fact; nothing here
//! judges a card or a pool.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::allocation::{CardSerial, CardState, Stage};
use loopledger_model::registry::ControlStatus;
use loopledger_model::{CardModel, Country, FactId, PartyId, PersonId, PoolId, Position, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_postgres::Transaction;

use crate::as_of::As;
use crate::cards::{Cards, Disputed};
use crate::error::Error;
use crate::holdings::given;
use crate::reservations::held;
use crate::rows::{
    Allocation, CardCount, CardPlacing, Control, Oversell, Pool, PoolStage, PoolState, Provenance,
    Reservation,
};
use crate::spans::asked;
use crate::table::{cell, select};
use crate::views::Views;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pools {
    pub position: Position,
    /// The instant for which numbers of cards are told: the one asked for, or that of the last
    /// record about pools that whoever asks may see.
    pub at: Timestamp,
    /// By id.
    pub pools: Vec<PoolTold>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PoolTold {
    pub pool: PoolId,
    pub operator: PartyId,
    pub site: Text,
    pub model: CardModel,
    pub registered_at: Timestamp,
    pub event: FactId,
    pub cards: u32,
    pub lit: u32,
    pub allocated: u64,
    pub reserved: u64,
    /// The latest.
    pub stage: Option<Stage>,
    /// By date.
    pub stages: Vec<StageTold>,
    /// By date.
    pub oversells: Vec<OversellTold>,
    /// Cards whose serial numbers are known, by their latest state.
    pub serials: BTreeMap<String, u64>,
    /// The latest count of each state, where cards were counted.
    pub counts: Vec<CountTold>,
    /// Cards that another pool has too.
    pub disputed: Vec<DisputedCard>,
    /// Owners of cards that are not the operator's.
    pub owners: BTreeMap<PartyId, u64>,
    pub provenances: Vec<ProvenanceTold>,
    /// How sources say the export of its model is controlled.
    pub controls: Vec<ControlTold>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StageTold {
    pub stage: Stage,
    pub at: Timestamp,
    pub source: Option<Text>,
    pub event: FactId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OversellTold {
    pub factor: String,
    pub from: Timestamp,
    pub to: Timestamp,
    pub permitted_at: Timestamp,
    pub by: PersonId,
    pub of: PartyId,
    pub event: FactId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CountTold {
    pub state: CardState,
    pub cards: u32,
    pub at: Timestamp,
    pub event: FactId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DisputedCard {
    pub serial: CardSerial,
    /// All that have it.
    pub pools: Vec<PoolId>,
    pub at: Timestamp,
    pub events: Vec<FactId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProvenanceTold {
    pub serial: Option<CardSerial>,
    pub at: Timestamp,
    pub supplier: Text,
    pub document: Option<Text>,
    pub source: Text,
    pub event: FactId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ControlTold {
    pub destination: Country,
    pub status: ControlStatus,
    pub at: Timestamp,
    pub source: Text,
    pub event: FactId,
}

/// The rows that pools are told from.
struct Told {
    pools: Vec<Pool>,
    states: Vec<PoolState>,
    stages: Vec<PoolStage>,
    oversells: Vec<Oversell>,
    counts: Vec<CardCount>,
    provenances: Vec<Provenance>,
    controls: Vec<Control>,
    allocations: Vec<Allocation>,
    reservations: Vec<Reservation>,
    cards: Cards,
}

impl Told {
    async fn load(transaction: &Transaction<'_>, seen: As, at: Timestamp) -> Result<Self, Error> {
        let times = [&seen.of as _, &seen.known as _];
        let then = [&seen.of as _, &seen.known as _, &at as _];
        let running = format!("{} AND at <= $3 AND to_at > $3", As::CONDITION);
        Ok(Self {
            pools: select(transaction, As::CONDITION, &times).await?,
            states: select(transaction, As::CONDITION, &times).await?,
            stages: select(transaction, As::CONDITION, &times).await?,
            oversells: select(transaction, As::CONDITION, &times).await?,
            counts: select(transaction, As::CONDITION, &times).await?,
            provenances: select(transaction, As::CONDITION, &times).await?,
            controls: select(transaction, As::CONDITION, &times).await?,
            allocations: given(transaction, &running, &then, seen).await?,
            reservations: held(transaction, seen, at).await?,
            cards: Cards::load(transaction, seen).await?,
        })
    }

    fn pools(&self, only: Option<&PoolId>, at: Timestamp) -> Vec<PoolTold> {
        let (states, disputed) = (self.cards.states(at), self.cards.disputed());
        let wanted = self.pools.iter().filter(|row| only.is_none_or(|only| row.id == *only));
        let mut pools: Vec<_> = wanted
            .map(|pool| {
                let serials = states.get(&pool.id);
                let mut told = self.pool(pool, at);
                for state in serials.into_iter().flat_map(BTreeMap::values) {
                    *told.serials.entry(state.to_string()).or_default() += 1;
                }
                told.disputed = disputed_of(&pool.id, &disputed);
                told
            })
            .collect();
        pools.sort_by(|a, b| a.pool.cmp(&b.pool));
        pools
    }

    fn pool(&self, pool: &Pool, at: Timestamp) -> PoolTold {
        let id = &pool.id;
        let of_pool = self.states.iter().filter(|row| row.pool == *id && row.stamp.at <= at);
        let totals = of_pool.max_by_key(|row| (row.stamp.at, row.stamp.fact()));
        let (cards, lit) = totals.map_or((0, 0), |row| (row.cards, row.lit));
        let given = self.allocations.iter().filter(|row| row.pool == *id && row.to_at > at);
        let held = self.reservations.iter().filter(|row| row.pool == *id);
        let stages = self.stages_of(id);
        let by_then = stages.iter().rev().find(|stage| stage.at <= at);
        PoolTold {
            pool: id.clone(),
            operator: pool.operator.clone(),
            site: pool.site.clone(),
            model: pool.model.clone(),
            registered_at: pool.stamp.at,
            event: pool.stamp.fact(),
            cards,
            lit,
            allocated: given.map(|row| u64::from(row.cards)).sum(),
            reserved: held.map(|row| u64::from(row.cards)).sum(),
            stage: by_then.map(|stage| stage.stage),
            stages,
            oversells: self.oversells_of(id),
            serials: BTreeMap::new(),
            counts: self.counts_of(id, at),
            disputed: Vec::new(),
            owners: owners(self.cards.placings.iter().filter(|row| row.pool == *id)),
            provenances: self.provenances_of(id),
            controls: self.controls_of(&pool.model),
        }
    }

    fn stages_of(&self, pool: &PoolId) -> Vec<StageTold> {
        let of_pool = self.stages.iter().filter(|row| row.pool == *pool);
        let told = of_pool.map(|row| StageTold {
            stage: row.stage,
            at: row.stamp.at,
            source: row.source.clone(),
            event: row.stamp.fact(),
        });
        let mut stages: Vec<_> = told.collect();
        stages.sort_by_key(|stage| (stage.at, stage.event));
        stages
    }

    fn oversells_of(&self, pool: &PoolId) -> Vec<OversellTold> {
        let of_pool = self.oversells.iter().filter(|row| row.pool == *pool);
        let told = of_pool.map(|row| OversellTold {
            factor: row.factor.to_string(),
            from: row.from_at,
            to: row.to_at,
            permitted_at: row.stamp.at,
            by: row.by_person.clone(),
            of: row.of_party.clone(),
            event: row.stamp.fact(),
        });
        let mut oversells: Vec<_> = told.collect();
        oversells.sort_by_key(|permitted| permitted.from);
        oversells
    }

    fn counts_of(&self, pool: &PoolId, at: Timestamp) -> Vec<CountTold> {
        let mut latest: BTreeMap<CardState, &CardCount> = BTreeMap::new();
        for row in self.counts.iter().filter(|row| row.pool == *pool && row.stamp.at <= at) {
            let known = latest.entry(row.state).or_insert(row);
            if known.stamp.at < row.stamp.at {
                *known = row;
            }
        }
        let told = latest.into_values().map(|row| CountTold {
            state: row.state,
            cards: row.cards,
            at: row.stamp.at,
            event: row.stamp.fact(),
        });
        told.collect()
    }

    fn provenances_of(&self, pool: &PoolId) -> Vec<ProvenanceTold> {
        let of_pool = self.provenances.iter().filter(|row| row.pool == *pool);
        let told = of_pool.map(|row| ProvenanceTold {
            serial: row.serial.clone(),
            at: row.stamp.at,
            supplier: row.supplier.clone(),
            document: row.document.clone(),
            source: row.source.clone(),
            event: row.stamp.fact(),
        });
        told.collect()
    }

    fn controls_of(&self, model: &CardModel) -> Vec<ControlTold> {
        let of_model = self.controls.iter().filter(|row| row.model == *model);
        let told = of_model.map(|row| ControlTold {
            destination: row.destination,
            status: row.status,
            at: row.stamp.at,
            source: row.source.clone(),
            event: row.stamp.fact(),
        });
        let mut controls: Vec<_> = told.collect();
        controls.sort_by_key(|control| (control.destination, control.at, control.event));
        controls
    }
}

/// How many cards each owner was recorded to have when they were placed last.
fn owners<'a>(placings: impl Iterator<Item = &'a CardPlacing>) -> BTreeMap<PartyId, u64> {
    let mut latest: BTreeMap<&CardSerial, &CardPlacing> = BTreeMap::new();
    for row in placings {
        let known = latest.entry(&row.serial).or_insert(row);
        if known.stamp.at < row.stamp.at {
            *known = row;
        }
    }
    let mut owners = BTreeMap::new();
    for owner in latest.into_values().filter_map(|row| row.owner.as_ref()) {
        *owners.entry(owner.clone()).or_default() += 1;
    }
    owners
}

fn disputed_of(pool: &PoolId, disputed: &[Disputed]) -> Vec<DisputedCard> {
    let of_pool = disputed.iter().filter(|card| card.pools.contains(pool));
    let told = of_pool.map(|card| DisputedCard {
        serial: card.serial.clone(),
        pools: card.pools.iter().cloned().collect(),
        at: card.at,
        events: card.facts.iter().copied().collect(),
    });
    told.collect()
}

/// The instant that is asked for, or that of the last record about pools.
async fn told_at(transaction: &Transaction<'_>, seen: As) -> Result<Timestamp, Error> {
    const ABOUT_POOLS: [&str; 7] = [
        "pools",
        "pool_states",
        "allocations",
        "allocation_ends",
        "reservations",
        "reservation_ends",
        "reservation_confirmations",
    ];
    if let Some(of) = seen.of {
        return Ok(of);
    }
    let last = ABOUT_POOLS.map(|table| {
        format!(
            "SELECT max(recorded_at) AS recorded_at FROM {table} \
             WHERE $1::TIMESTAMPTZ IS NULL OR recorded_at <= $1"
        )
    });
    let question = format!("SELECT max(recorded_at) FROM ({}) AS last", last.join(" UNION ALL "));
    let row = asked(&question, transaction.query_one(&question, &[&seen.known])).await?;
    let last: Option<Timestamp> = cell(&row, 0, "pools", "recorded_at")?;
    Ok(last.unwrap_or(Timestamp::UNIX_EPOCH))
}

impl Views {
    /// One pool, or all.
    pub async fn pools(&self, pool: Option<&PoolId>, seen: As) -> Result<Pools, Error> {
        let mut connection = self.connection().await?;
        let (transaction, position) = self.snapshot(&mut connection).await?;
        let seen = seen.in_rows();
        let at = told_at(&transaction, seen).await?;
        let told = Told::load(&transaction, seen, at).await?;
        Ok(Pools { position, at, pools: told.pools(pool, at) })
    }
}
