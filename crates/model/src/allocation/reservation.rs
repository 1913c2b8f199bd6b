//! Cards that are held for somebody before they are given, and permissions to sell more of them than there are.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::compute::WorkloadClass;
use crate::decimal::OversellFactor;
use crate::id::{AllocationId, ContractId, PartyId, PersonId, PoolId, ReservationId};
use crate::text::names;
use crate::time::Period;

/// In this period so many times the pool's lit cards may be reserved and allocated, rounded down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Oversell {
    pub pool: PoolId,
    pub factor: OversellFactor,
    pub period: Period,
    /// When it is permitted.
    pub at: Timestamp,
    /// Who permits it, for which party.
    pub by: PersonId,
    pub of: PartyId,
}

/// Cards of a pool that nobody else is given in the period, while they are held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reservation {
    pub id: ReservationId,
    pub pool: PoolId,
    pub cards: u32,
    pub period: Period,
    /// When it is made.
    pub at: Timestamp,
    /// From here on it can only expire.
    pub held_until: Timestamp,
    /// Where it is known already for which contract they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<ContractId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<WorkloadClass>,
}

/// All that was reserved is given to a contract, for the whole period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmReservation {
    pub reservation: ReservationId,
    /// What it becomes.
    pub allocation: AllocationId,
    pub contract: ContractId,
    pub at: Timestamp,
}

/// Recorded next to the allocation that it became.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReservationConfirmed {
    pub reservation: ReservationId,
    pub allocation: AllocationId,
    pub pool: PoolId,
    pub at: Timestamp,
}

/// How a reservation ends that became no allocation.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ReservationEnding {
    /// Given up while it was held.
    Released,
    /// Held for as long as it was to be.
    Expired,
}

names!(ReservationEnding, "ending": Released = "released", Expired = "expired");

/// The cards are free again from `at` on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndReservation {
    pub reservation: ReservationId,
    pub ending: ReservationEnding,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReservationEnded {
    pub reservation: ReservationId,
    pub pool: PoolId,
    pub cards: u32,
    pub ending: ReservationEnding,
    pub at: Timestamp,
    /// What was reserved.
    pub period: Period,
}
