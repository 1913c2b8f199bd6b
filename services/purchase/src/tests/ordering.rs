//! Frameworks: without volume, so that nothing is delivered or invoiced but what was ordered.

use loopledger_model::purchase::Refusal;
use loopledger_testkit::{at, id, period};
use rust_decimal::Decimal;

use super::*;

fn agreed() -> Story<Purchase> {
    blank().after([sign(framework())])
}

fn ordered() -> Story<Purchase> {
    agreed().after([Command::PlaceOrder(order("or-1", "100"))])
}

fn above(ordered: i64, taken: i64, asked: &str) -> Refusal {
    Refusal::AboveOrders {
        contract: id("k-1"),
        ordered: Decimal::from(ordered),
        taken: Decimal::from(taken),
        asked: id(asked),
    }
}

#[test]
fn a_framework_is_signed_without_quantity_and_whatever_else_with_one() {
    accepts(blank(), &sign(framework()));
    let with_volume = Contract { quantity: Some(id("1")), ..framework() };
    blank().when(sign(with_volume)).then_refused(Refusal::FrameworkWithVolume);
    let minimum = Terms { minimum: Some(id("1")), ..Terms::default() };
    blank().when(sign(with_terms(minimum, framework()))).then_refused(Refusal::FrameworkWithVolume);
    for kind in [None, Some(ContractKind::Lease), Some(ContractKind::Service)] {
        let without = Contract { kind, ..framework() };
        blank().when(sign(without)).then_refused(Refusal::QuantityMissing);
    }
}

#[test]
fn nothing_is_invoiced_or_delivered_beyond_what_was_ordered() {
    agreed().when(invoice("in-1", "k-1", "1", "9.50")).then_refused(above(0, 0, "1"));
    let story = ordered();
    story.when(invoice("in-1", "k-1", "100.5", "1")).then_refused(above(100, 0, "100.5"));
    let story = accepts(story, &invoice("in-1", "k-1", "60", "570"));
    story.when(invoice("in-2", "k-1", "41", "1")).then_refused(above(100, 60, "41"));
    let accept = |name, quantity| Command::AcceptDelivery(delivered(name, quantity));
    story.when(accept("dl-1", "101")).then_refused(above(100, 0, "101"));
    let story = accepts(story, &accept("dl-1", "100"));
    let more = Command::PlaceOrder(order("or-2", "1"));
    accepts(accepts(story, &more), &invoice("in-2", "k-1", "41", "389.50"));
}

#[test]
fn an_order_is_not_placed_again_with_other_content() {
    let other = Command::PlaceOrder(order("or-1", "101"));
    ordered().when(other).then_refused(Refusal::OrderExists { order: id("or-1") });
}

#[test]
fn nothing_is_ordered_from_what_is_not_signed_or_states_its_quantity() {
    let asked = || Command::PlaceOrder(order("or-1", "1"));
    blank().when(asked()).then_refused(Refusal::UnknownContract { contract: id("k-1") });
    signed().when(asked()).then_refused(Refusal::NotAFramework { contract: id("k-1") });
}

#[test]
fn nothing_is_ordered_beyond_the_term_or_the_life_of_a_framework() {
    let service = period("2025-02-28", "2025-04-01");
    let early = PlaceOrder { service, ..order("or-1", "1") };
    let term = period("2025-03-01", "2025-05-01");
    agreed().when(Command::PlaceOrder(early)).then_refused(Refusal::OutsideTerm { service, term });
    let over = agreed().after([terminate("k-1", "2025-03-20", TerminationReason::EndedEarly)]);
    over.when(Command::PlaceOrder(order("or-1", "1")))
        .then_refused(Refusal::ContractEnded { contract: id("k-1"), ended_at: at("2025-03-20") });
}

#[test]
fn a_framework_that_nothing_was_ordered_from_was_never_executed() {
    accepts(agreed(), &terminate("k-1", "2025-03-20", TerminationReason::NeverExecuted));
}
