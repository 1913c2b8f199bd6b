//! allocation's facts as rows: pools and their cards over time, shortfalls, reservations, allocations,
//! metered usage and electricity.

use loopledger_model::allocation::{self, Event};
use loopledger_views::micros;
use loopledger_views::rows::{
    Allocation, AllocationEnd, CardChange, CardCount, CardPlacing, Electricity, Oversell, Pool,
    PoolShortfall, PoolStage, PoolState, Provenance, Reservation, ReservationConfirmation,
    ReservationEnd, Rows, Stamp, Usage,
};

pub(crate) fn project(stamp: Stamp, event: Event, rows: &mut Rows) {
    match event {
        Event::PoolRegistered(pool) => registered(stamp, pool, rows),
        Event::PoolChanged(change) => rows.pool_states.push(PoolState {
            stamp,
            pool: change.pool,
            cards: change.cards,
            lit: change.lit,
        }),
        Event::PoolFellShort(shortage) => rows.pool_shortfalls.push(PoolShortfall {
            stamp,
            pool: shortage.pool,
            lit: shortage.lit,
            allocated: shortage.allocated,
        }),
        Event::CardsAllocated(allocation) => rows.allocations.push(given(stamp, allocation)),
        Event::AllocationEnded(ended) => rows.allocation_ends.push(AllocationEnd {
            stamp,
            allocation: ended.allocation,
            pool: ended.pool,
            contract: ended.contract,
        }),
        Event::UsageMetered(metered) => rows.usages.push(usage(stamp, metered)),
        Event::OversellPermitted(permitted) => rows.oversells.push(oversell(stamp, permitted)),
        Event::CardsReserved(reserved) => rows.reservations.push(reservation(stamp, reserved)),
        Event::ReservationConfirmed(confirmed) => {
            let (reservation, allocation) = (confirmed.reservation, confirmed.allocation);
            let pool = confirmed.pool;
            let row = ReservationConfirmation { stamp, reservation, allocation, pool };
            rows.reservation_confirmations.push(row);
        }
        Event::ReservationEnded(ended) => {
            let (reservation, pool, ending) = (ended.reservation, ended.pool, ended.ending);
            rows.reservation_ends.push(ReservationEnd { stamp, reservation, pool, ending });
        }
        Event::StageReached(reached) => {
            let (pool, stage, source) = (reached.pool, reached.stage, reached.source);
            rows.pool_stages.push(PoolStage { stamp, pool, stage, source });
        }
        Event::CardPlaced(placed) => {
            let (pool, serial, owner) = (placed.pool, placed.serial, placed.owner);
            rows.card_placings.push(CardPlacing { stamp, pool, serial, owner });
        }
        Event::CardChanged(allocation::ChangeCard { pool, serial, state, reason, .. }) => {
            rows.card_changes.push(CardChange { stamp, pool, serial, state, reason });
        }
        Event::CardsCounted(allocation::CountCards { pool, state, cards, .. }) => {
            rows.card_counts.push(CardCount { stamp, pool, state, cards });
        }
        Event::ProvenanceRecorded(said) => rows.provenances.push(provenance(stamp, said)),
        Event::ElectricityRead(reading) => rows.electricity.push(electricity(stamp, reading)),
    }
}

fn registered(stamp: Stamp, pool: allocation::Pool, rows: &mut Rows) {
    let (cards, lit) = (pool.cards, pool.lit);
    rows.pool_states.push(PoolState { stamp, pool: pool.id.clone(), cards, lit });
    rows.pools.push(Pool {
        stamp,
        id: pool.id,
        operator: pool.operator,
        site: pool.site,
        model: pool.model,
    });
}

fn given(stamp: Stamp, given: allocation::Allocation) -> Allocation {
    Allocation {
        stamp,
        id: given.id,
        pool: given.pool,
        contract: given.contract,
        cards: given.cards,
        to_at: micros(given.period.to()),
        class: given.class,
    }
}

fn usage(stamp: Stamp, usage: allocation::UsageMetered) -> Usage {
    Usage {
        stamp,
        id: usage.id,
        allocation: usage.allocation,
        from_at: micros(usage.window.from()),
        card_hours: usage.card_hours,
        source: usage.source,
        class: usage.class,
    }
}

fn oversell(stamp: Stamp, permitted: allocation::Oversell) -> Oversell {
    Oversell {
        stamp,
        pool: permitted.pool,
        factor: permitted.factor,
        from_at: micros(permitted.period.from()),
        to_at: micros(permitted.period.to()),
        by_person: permitted.by,
        of_party: permitted.of,
    }
}

fn reservation(stamp: Stamp, reserved: allocation::Reservation) -> Reservation {
    Reservation {
        stamp,
        id: reserved.id,
        pool: reserved.pool,
        cards: reserved.cards,
        from_at: micros(reserved.period.from()),
        to_at: micros(reserved.period.to()),
        held_until_at: micros(reserved.held_until),
        contract: reserved.contract,
        class: reserved.class,
    }
}

fn provenance(stamp: Stamp, said: allocation::Provenance) -> Provenance {
    Provenance {
        stamp,
        pool: said.pool,
        serial: said.serial,
        supplier: said.supplier,
        document: said.document,
        source: said.source,
    }
}

fn electricity(stamp: Stamp, reading: allocation::ElectricityReading) -> Electricity {
    Electricity {
        stamp,
        id: reading.id,
        pool: reading.pool,
        from_at: micros(reading.window.from()),
        kwh: reading.kwh,
        source: reading.source,
    }
}
