//! allocation: card pools, how many of their cards are lit, who was given which of them when, and what was metered.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::compute::CardModel;
use crate::decimal::CardHours;
use crate::evidence::Evidence;
use crate::id::{AllocationId, ContractId, PartyId, PoolId, UsageId};
use crate::text::Text;
use crate::time::Period;

/// A pool of like cards on one site. `cards` are installed, `lit` of them are powered and healthy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    pub id: PoolId,
    pub operator: PartyId,
    pub site: Text,
    pub model: CardModel,
    pub cards: u32,
    pub lit: u32,
    pub at: Timestamp,
}

/// New totals of a pool from `at` on, until its next change; what is absent stays as it is at `at`.
/// At the very instant of the registration they take the place of the registered totals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePool {
    pub pool: PoolId,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cards: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lit: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PoolChanged {
    pub pool: PoolId,
    pub at: Timestamp,
    pub cards: u32,
    pub lit: u32,
}

/// Cards of a pool given to a contract for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Allocation {
    pub id: AllocationId,
    pub pool: PoolId,
    pub contract: ContractId,
    pub cards: u32,
    pub period: Period,
}

/// Cards are given back before their time: their contract ended, or they are not needed any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndAllocation {
    pub allocation: AllocationId,
    /// From here on they are free again.
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllocationEnded {
    pub allocation: AllocationId,
    pub pool: PoolId,
    pub contract: ContractId,
    pub cards: u32,
    pub at: Timestamp,
    /// Until when they were given.
    pub given_until: Timestamp,
}

/// Card-hours that a scheduler or a meter saw busy during a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeterUsage {
    pub id: UsageId,
    pub allocation: AllocationId,
    pub window: Period,
    pub card_hours: CardHours,
    pub source: Text,
    /// The file in which it was read; where else it was read makes it no other usage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UsageMetered {
    pub id: UsageId,
    pub allocation: AllocationId,
    pub pool: PoolId,
    pub contract: ContractId,
    pub window: Period,
    pub card_hours: CardHours,
    pub source: Text,
    /// The file in which it was read; where else it was read makes it no other usage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

/// Fewer cards are lit than are allocated: a fact that happened, recorded next to the change that brought it about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PoolFellShort {
    pub pool: PoolId,
    /// The first instant at which it is short.
    pub at: Timestamp,
    pub lit: u32,
    pub allocated: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    RegisterPool(Pool),
    ChangePool(ChangePool),
    Allocate(Allocation),
    EndAllocation(EndAllocation),
    MeterUsage(MeterUsage),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    PoolRegistered(Pool),
    PoolChanged(PoolChanged),
    PoolFellShort(PoolFellShort),
    CardsAllocated(Allocation),
    AllocationEnded(AllocationEnded),
    UsageMetered(UsageMetered),
}

impl Event {
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::PoolRegistered(pool) => pool.at,
            Self::PoolChanged(change) => change.at,
            Self::PoolFellShort(shortage) => shortage.at,
            Self::CardsAllocated(allocation) => allocation.period.from(),
            Self::AllocationEnded(ended) => ended.at,
            Self::UsageMetered(usage) => usage.window.to(),
        }
    }
}

/// Why allocation says no, the first that applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Refusal {
    #[error("pool {pool} is registered already, with other content")]
    PoolExists { pool: PoolId },
    #[error("allocation {allocation} is made already, with other content")]
    AllocationExists { allocation: AllocationId },
    #[error("usage {usage} is metered already, with other content")]
    UsageExists { usage: UsageId },
    #[error("pool {pool} changed at {at} already, to {cards} cards of which {lit} lit")]
    ChangeExists { pool: PoolId, at: Timestamp, cards: u32, lit: u32 },
    #[error("party {party} is not registered")]
    UnknownParty { party: PartyId },
    #[error("pool {pool} is not registered")]
    UnknownPool { pool: PoolId },
    #[error("{at} is before pool {pool} was registered ({registered_at})")]
    BeforePool { pool: PoolId, registered_at: Timestamp, at: Timestamp },
    #[error("{lit} cards cannot be lit where {cards} are installed")]
    AboveInstalled { cards: u32, lit: u32 },
    #[error("the change of pool {pool} states neither cards nor lit")]
    NothingChanged { pool: PoolId },
    #[error("contract {contract} is not signed")]
    UnknownContract { contract: ContractId },
    #[error("contract {contract} ended at {ended_at}")]
    ContractEnded { contract: ContractId, ended_at: Timestamp },
    #[error("the allocation from {period} is not within the contract's term {term}")]
    OutsideTerm { period: Period, term: Period },
    #[error("an allocation needs at least one card")]
    NoCards,
    #[error(
        "pool {pool} has {lit} cards lit at {at}, of which {allocated} are allocated: {asked} do not fit"
    )]
    AboveLit { pool: PoolId, at: Timestamp, lit: u32, allocated: u64, asked: u32 },
    #[error("allocation {allocation} is not made")]
    UnknownAllocation { allocation: AllocationId },
    #[error("allocation {allocation} ended at {ended_at} already")]
    AllocationEnded { allocation: AllocationId, ended_at: Timestamp },
    #[error("allocation {allocation} runs from {period}: at {at} it cannot be ended early")]
    NotRunning { allocation: AllocationId, period: Period, at: Timestamp },
    #[error("usage of allocation {allocation} is metered up to {metered_to}, beyond {at}")]
    UsedAfterwards { allocation: AllocationId, metered_to: Timestamp, at: Timestamp },
    #[error("the window {window} is not within the allocation's {period}")]
    OutsideAllocation { window: Period, period: Period },
    #[error(
        "allocation {allocation} has {allocated} card-hours in {window}, of which {metered} are metered: {asked} do not fit"
    )]
    AboveAllocated {
        allocation: AllocationId,
        window: Period,
        #[schemars(with = "String")]
        allocated: rust_decimal::Decimal,
        /// Already metered in `window`; 0 where what is asked is too much by itself.
        #[schemars(with = "String")]
        metered: rust_decimal::Decimal,
        asked: CardHours,
    },
}
