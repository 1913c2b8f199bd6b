//! What allocation answers, command by command.

use loopledger_model::allocation::{
    CardState, ChangeCard, ConfirmReservation, CountCards, EndReservation, Oversell, PlaceCard,
    Provenance, Reservation, ReservationConfirmed, ReservationEnded, ReservationEnding, Stage,
    StageReached,
};
use loopledger_model::purchase::{
    Contract, ContractTerminated, ContractUnit, Event as PurchaseEvent, TerminationReason,
};
use loopledger_model::registry::{Event as RegistryEvent, Party, PartyKind};
use loopledger_model::{Event as AnyEvent, FactId, Period};
use loopledger_testkit::{Story, at, fact, given, id, period};

use super::*;

mod allocations;
mod cards;
mod ends;
mod journals;
mod oversells;
mod pools;
mod reservations;
mod usages;

pub fn party(name: &str) -> AnyEvent {
    AnyEvent::Registry(RegistryEvent::PartyRegistered(Party {
        id: id(name),
        at: at("2024-01-01"),
        name: id(name),
        kind: PartyKind::Provider,
        country: None,
        uscc: None,
        lei: None,
    }))
}

pub fn contract(name: &str, term: Period) -> AnyEvent {
    AnyEvent::Purchase(PurchaseEvent::ContractSigned(Contract {
        id: id(name),
        buyer: id("C"),
        seller: id("A"),
        currency: id("CNY"),
        kind: None,
        price_per_unit: id("9.5"),
        unit: ContractUnit::CardHour,
        quantity: Some(id("100000")),
        declared_p: None,
        rating: None,
        basis: None,
        model: None,
        cards: None,
        at: at("2024-12-01"),
        term,
        backing_contract: None,
        terms: Box::default(),
    }))
}

fn terminated(name: &str, when: &str) -> AnyEvent {
    AnyEvent::Purchase(PurchaseEvent::ContractTerminated(ContractTerminated {
        contract: id(name),
        buyer: id("C"),
        seller: id("A"),
        at: at(when),
        reason: TerminationReason::EndedEarly,
        refund: None,
        by: None,
        penalty: None,
    }))
}

const OPERATOR: FactId = FactId { position: 1, index: 0 };
const SIGNED: FactId = FactId { position: 2, index: 0 };
const ENDED: FactId = FactId { position: 4, index: 0 };

/// 100 cards from January on, 80 of them lit.
fn pool() -> Pool {
    Pool {
        id: id("p"),
        operator: id("A"),
        site: id("Guizhou 2"),
        model: id("H200"),
        cards: 100,
        lit: 80,
        at: at("2025-01-01"),
    }
}

fn change(when: &str, cards: Option<u32>, lit: Option<u32>) -> Command {
    Command::ChangePool(ChangePool { pool: id("p"), at: at(when), cards, lit })
}

fn changed(when: &str, cards: u32, lit: u32) -> Event {
    Event::PoolChanged(PoolChanged { pool: id("p"), at: at(when), cards, lit })
}

fn short(when: &str, lit: u32, allocated: u64) -> Event {
    Event::PoolFellShort(PoolFellShort { pool: id("p"), at: at(when), lit, allocated })
}

fn cards(name: &str, cards: u32, from: &str, to: &str) -> allocation::Allocation {
    allocation::Allocation {
        id: id(name),
        pool: id("p"),
        contract: id("k"),
        cards,
        period: period(from, to),
        class: None,
    }
}

fn give(name: &str, number: u32, from: &str, to: &str) -> Command {
    Command::Allocate(cards(name, number, from, to))
}

fn end(name: &str, when: &str) -> Command {
    Command::EndAllocation(EndAllocation { allocation: id(name), at: at(when) })
}

fn usage(name: &str, from: &str, to: &str, card_hours: &str) -> MeterUsage {
    MeterUsage {
        id: id(name),
        allocation: id("a"),
        window: period(from, to),
        card_hours: id(card_hours),
        source: id("slurm"),
        evidence: None,
        class: None,
    }
}

fn meter(name: &str, from: &str, to: &str, card_hours: &str) -> Command {
    Command::MeterUsage(usage(name, from, to, card_hours))
}

/// A and its contract k over 2025 are known, and one that is of no concern.
fn story() -> Story<Allocation> {
    let year = period("2025-01-01", "2026-01-01");
    given::<Allocation>([]).knowing([
        fact(1, party("A")),
        fact(2, contract("k", year)),
        fact(3, contract("other", year)),
    ])
}

fn with_pool() -> Story<Allocation> {
    story().after([Command::RegisterPool(pool())])
}

/// Ten cards for the first ten days of March.
fn with_allocation() -> Story<Allocation> {
    with_pool().after([give("a", 10, "2025-03-01", "2025-03-11")])
}

fn rests_on(story: &Story<Allocation>, command: Command) -> Vec<FactId> {
    story.when(command).0.expect("accepted").rests_on
}
