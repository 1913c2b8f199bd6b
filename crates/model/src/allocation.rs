//! allocation: card pools and the cards in them, who has reserved or was given which of them when, and what was
//! metered.

mod card;
mod refusal;
mod reservation;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::compute::{CardModel, WorkloadClass};
use crate::decimal::{CardHours, KilowattHours};
use crate::evidence::Evidence;
use crate::id::{AllocationId, ContractId, PartyId, PoolId, ReadingId, UsageId};
use crate::text::Text;
use crate::time::Period;

pub use card::{
    CardSerial, CardState, ChangeCard, CountCards, NotACardSerial, PlaceCard, Provenance, Stage,
    StageReached,
};
pub use refusal::Refusal;
pub use reservation::{
    ConfirmReservation, EndReservation, Oversell, Reservation, ReservationConfirmed,
    ReservationEnded, ReservationEnding,
};

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
    /// What they are meant for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<WorkloadClass>,
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
    /// What the cards were busy with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<WorkloadClass>,
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
    /// What the cards were busy with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<WorkloadClass>,
}

/// Electricity that a meter saw go into a pool during a window, with all that is around its cards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ElectricityReading {
    pub id: ReadingId,
    pub pool: PoolId,
    pub window: Period,
    pub kwh: KilowattHours,
    /// The meter; its windows do not overlap.
    pub source: Text,
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
    PermitOversell(Oversell),
    Reserve(Reservation),
    ConfirmReservation(ConfirmReservation),
    EndReservation(EndReservation),
    RecordStage(StageReached),
    PlaceCard(PlaceCard),
    ChangeCard(ChangeCard),
    CountCards(CountCards),
    RecordProvenance(Provenance),
    ReadElectricity(ElectricityReading),
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
    OversellPermitted(Oversell),
    CardsReserved(Reservation),
    ReservationConfirmed(ReservationConfirmed),
    ReservationEnded(ReservationEnded),
    StageReached(StageReached),
    CardPlaced(PlaceCard),
    CardChanged(ChangeCard),
    CardsCounted(CountCards),
    ProvenanceRecorded(Provenance),
    ElectricityRead(ElectricityReading),
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
            Self::OversellPermitted(permitted) => permitted.at,
            Self::CardsReserved(reserved) => reserved.at,
            Self::ReservationConfirmed(confirmed) => confirmed.at,
            Self::ReservationEnded(ended) => ended.at,
            Self::StageReached(reached) => reached.at,
            Self::CardPlaced(placed) => placed.at,
            Self::CardChanged(changed) => changed.at,
            Self::CardsCounted(counted) => counted.at,
            Self::ProvenanceRecorded(provenance) => provenance.at,
            Self::ElectricityRead(reading) => reading.window.to(),
        }
    }
}
