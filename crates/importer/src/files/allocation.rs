//! Rows of allocation: pools and their cards, reservations and what becomes of them, allocations and their early ends,
//! usage, electricity.

use loopledger_model::allocation::{
    Allocation, ChangeCard, ChangePool, Command, ConfirmReservation, CountCards,
    ElectricityReading, EndAllocation, EndReservation, MeterUsage, Oversell, PlaceCard, Pool,
    Provenance, Reservation, StageReached,
};

use super::{Cells, Draft, whole};

pub(super) fn pool(row: &mut Cells<'_>) -> Option<Draft> {
    let pool = whole!(Pool {
        id: row.one("id"),
        operator: row.one("operator"),
        site: row.one("site"),
        model: row.one("model"),
        cards: row.one("cards"),
        lit: row.one("lit"),
        at: row.one("at"),
    })?;
    Some(Draft::dated(pool.at, Command::RegisterPool(pool)))
}

pub(super) fn pool_change(row: &mut Cells<'_>) -> Option<Draft> {
    let change = whole!(ChangePool {
        pool: row.one("pool"),
        at: row.one("at"),
        cards: row.maybe("cards"),
        lit: row.maybe("lit"),
    })?;
    Some(Draft::dated(change.at, Command::ChangePool(change)))
}

pub(super) fn allocation(row: &mut Cells<'_>) -> Option<Draft> {
    let allocation = whole!(Allocation {
        id: row.one("id"),
        pool: row.one("pool"),
        contract: row.one("contract"),
        cards: row.one("cards"),
        period: row.period(),
        class: row.maybe("class"),
    })?;
    Some(Draft::dated(allocation.period.from(), Command::Allocate(allocation)))
}

pub(super) fn end(row: &mut Cells<'_>) -> Option<Draft> {
    let end = whole!(EndAllocation { allocation: row.one("allocation"), at: row.one("at") })?;
    Some(Draft::dated(end.at, Command::EndAllocation(end)))
}

/// It takes effect at the end of its window, when it is known.
pub(super) fn usage(row: &mut Cells<'_>) -> Option<Draft> {
    let usage = whole!(MeterUsage {
        id: row.one("id"),
        allocation: row.one("allocation"),
        window: row.period(),
        card_hours: row.one("card_hours"),
        source: row.one("source"),
        evidence: Some(None),
        class: row.maybe("class"),
    })?;
    Some(Draft::dated(usage.window.to(), Command::MeterUsage(usage)))
}

pub(super) fn oversell(row: &mut Cells<'_>) -> Option<Draft> {
    let permitted = whole!(Oversell {
        pool: row.one("pool"),
        factor: row.one("factor"),
        period: row.period(),
        at: row.one("at"),
        by: row.one("by"),
        of: row.one("of"),
    })?;
    Some(Draft::dated(permitted.at, Command::PermitOversell(permitted)))
}

pub(super) fn reservation(row: &mut Cells<'_>) -> Option<Draft> {
    let reserved = whole!(Reservation {
        id: row.one("id"),
        pool: row.one("pool"),
        cards: row.one("cards"),
        period: row.period(),
        at: row.one("at"),
        held_until: row.one("held_until"),
        contract: row.maybe("contract"),
        class: row.maybe("class"),
    })?;
    Some(Draft::dated(reserved.at, Command::Reserve(reserved)))
}

pub(super) fn confirmation(row: &mut Cells<'_>) -> Option<Draft> {
    let confirmed = whole!(ConfirmReservation {
        reservation: row.one("reservation"),
        allocation: row.one("allocation"),
        contract: row.one("contract"),
        at: row.one("at"),
    })?;
    Some(Draft::dated(confirmed.at, Command::ConfirmReservation(confirmed)))
}

pub(super) fn reservation_end(row: &mut Cells<'_>) -> Option<Draft> {
    let ended = whole!(EndReservation {
        reservation: row.one("reservation"),
        ending: row.one("ending"),
        at: row.one("at"),
    })?;
    Some(Draft::dated(ended.at, Command::EndReservation(ended)))
}

pub(super) fn stage(row: &mut Cells<'_>) -> Option<Draft> {
    let reached = whole!(StageReached {
        pool: row.one("pool"),
        stage: row.one("stage"),
        at: row.one("at"),
        source: row.maybe("source"),
    })?;
    Some(Draft::dated(reached.at, Command::RecordStage(reached)))
}

pub(super) fn card(row: &mut Cells<'_>) -> Option<Draft> {
    let placed = whole!(PlaceCard {
        pool: row.one("pool"),
        serial: row.one("serial"),
        at: row.one("at"),
        owner: row.maybe("owner"),
    })?;
    Some(Draft::dated(placed.at, Command::PlaceCard(placed)))
}

pub(super) fn card_change(row: &mut Cells<'_>) -> Option<Draft> {
    let changed = whole!(ChangeCard {
        pool: row.one("pool"),
        serial: row.one("serial"),
        state: row.one("state"),
        at: row.one("at"),
        reason: row.maybe("reason"),
    })?;
    Some(Draft::dated(changed.at, Command::ChangeCard(changed)))
}

pub(super) fn card_count(row: &mut Cells<'_>) -> Option<Draft> {
    let counted = whole!(CountCards {
        pool: row.one("pool"),
        state: row.one("state"),
        cards: row.one("cards"),
        at: row.one("at"),
    })?;
    Some(Draft::dated(counted.at, Command::CountCards(counted)))
}

pub(super) fn provenance(row: &mut Cells<'_>) -> Option<Draft> {
    let said = whole!(Provenance {
        pool: row.one("pool"),
        serial: row.maybe("serial"),
        at: row.one("at"),
        supplier: row.one("supplier"),
        document: row.maybe("document"),
        source: row.one("source"),
    })?;
    Some(Draft::dated(said.at, Command::RecordProvenance(said)))
}

/// It takes effect at the end of its window, when it is known.
pub(super) fn electricity(row: &mut Cells<'_>) -> Option<Draft> {
    let reading = whole!(ElectricityReading {
        id: row.one("id"),
        pool: row.one("pool"),
        window: row.period(),
        kwh: row.one("kwh"),
        source: row.one("source"),
        evidence: Some(None),
    })?;
    Some(Draft::dated(reading.window.to(), Command::ReadElectricity(reading)))
}
