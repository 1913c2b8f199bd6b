//! Why allocation says no.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::card::{CardSerial, CardState, Stage};
use super::reservation::ReservationEnding;
use crate::decimal::{CardHours, OversellFactor};
use crate::id::{AllocationId, ContractId, PartyId, PoolId, ReadingId, ReservationId, UsageId};
use crate::text::Text;
use crate::time::Period;

/// The first that applies.
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
        "pool {pool} has {lit} cards lit at {at}, of which {allocated} are allocated or reserved: {asked} do not \
         fit"
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
    #[error(
        "of the {lit} cards that pool {pool} has lit at {at}, {may} may be sold by permission, and {allocated} are \
         allocated or reserved: {asked} do not fit"
    )]
    AbovePermitted { pool: PoolId, at: Timestamp, lit: u32, may: u64, allocated: u64, asked: u32 },
    #[error("overselling of pool {pool} is permitted by {factor} in {period} already")]
    OversellExists { pool: PoolId, factor: OversellFactor, period: Period },
    #[error("reservation {reservation} is made already, with other content")]
    ReservationExists { reservation: ReservationId },
    #[error("reservation {reservation} is not made")]
    UnknownReservation { reservation: ReservationId },
    #[error(
        "a reservation has to be held for a while: it is made at {at} and held until {held_until}"
    )]
    NotHeld { at: Timestamp, held_until: Timestamp },
    #[error(
        "a reservation of {period} cannot be held until {held_until}: its cards are of no use then"
    )]
    HeldTooLong { period: Period, held_until: Timestamp },
    #[error("reservation {reservation} became allocation {allocation} at {confirmed_at}")]
    ReservationConfirmed {
        reservation: ReservationId,
        allocation: AllocationId,
        confirmed_at: Timestamp,
    },
    #[error("reservation {reservation} was {ending} at {ended_at}")]
    ReservationEnded { reservation: ReservationId, ending: ReservationEnding, ended_at: Timestamp },
    #[error("{at} is before reservation {reservation} was made ({made_at})")]
    BeforeReservation { reservation: ReservationId, made_at: Timestamp, at: Timestamp },
    #[error("reservation {reservation} is held until {held_until}: at {at} it can only expire")]
    HoldRanOut { reservation: ReservationId, held_until: Timestamp, at: Timestamp },
    #[error("reservation {reservation} is held until {held_until}: it does not expire at {at}")]
    StillHeld { reservation: ReservationId, held_until: Timestamp, at: Timestamp },
    #[error("reservation {reservation} is for contract {contract}")]
    ReservedForAnother { reservation: ReservationId, contract: ContractId },
    #[error("pool {pool} reached the stage {stage} at {at} already")]
    StageExists { pool: PoolId, at: Timestamp, stage: Stage },
    #[error("card {serial} is in pool {pool} since {since} already")]
    CardIsThere { pool: PoolId, serial: CardSerial, since: Timestamp },
    #[error("card {serial} is not in pool {pool} at {at}: place it first")]
    CardNotThere { pool: PoolId, serial: CardSerial, at: Timestamp },
    #[error("card {serial} of pool {pool} is {state} from {at} on already")]
    CardStateExists { pool: PoolId, serial: CardSerial, at: Timestamp, state: CardState },
    #[error("card {serial} of pool {pool} is recorded as {state} at {later}, after {at}")]
    CardSeenLater {
        pool: PoolId,
        serial: CardSerial,
        at: Timestamp,
        later: Timestamp,
        state: CardState,
    },
    #[error("{cards} cards of pool {pool} were counted as {state} at {at} already")]
    CountExists { pool: PoolId, at: Timestamp, state: CardState, cards: u32 },
    #[error("pool {pool} has {installed} cards at {at}: {cards} of them cannot be {state}")]
    CountAboveInstalled {
        pool: PoolId,
        at: Timestamp,
        installed: u32,
        state: CardState,
        cards: u32,
    },
    #[error(
        "{said_by} says at {at} where cards of pool {pool} come from already, with other content"
    )]
    ProvenanceExists { pool: PoolId, at: Timestamp, said_by: Text },
    #[error("reading {reading} is recorded already, with other content")]
    ReadingExists { reading: ReadingId },
    #[error("the window {window} of {meter} overlaps that of reading {reading}")]
    ReadingOverlaps { reading: ReadingId, meter: Text, window: Period },
}
