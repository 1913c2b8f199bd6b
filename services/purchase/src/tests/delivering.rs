//! Deliveries: what a buyer accepts is within its contract, and what was delivered was executed.

use loopledger_model::purchase::Refusal;
use loopledger_testkit::{id, period};
use rust_decimal::Decimal;

use super::*;

fn accept(delivery: AcceptDelivery) -> Command {
    Command::AcceptDelivery(delivery)
}

#[test]
fn all_of_a_contract_may_be_delivered_part_by_part() {
    let story = accepts(signed(), &accept(delivered("dl-1", "400")));
    accepts(story, &accept(delivered("dl-2", "600")));
}

#[test]
fn another_delivery_under_the_same_id_is_refused() {
    let story = signed().after([accept(delivered("dl-1", "400"))]);
    story
        .when(accept(delivered("dl-1", "401")))
        .then_refused(Refusal::DeliveryExists { delivery: id("dl-1") });
}

#[test]
fn a_delivery_of_a_contract_that_is_not_signed_is_refused() {
    blank()
        .when(accept(delivered("dl-1", "400")))
        .then_refused(Refusal::UnknownContract { contract: id("k-1") });
}

#[test]
fn a_delivery_outside_the_term_is_refused() {
    for days in [("2025-02-28", "2025-04-01"), ("2025-03-01", "2025-05-02")] {
        let service = period(days.0, days.1);
        let outside = AcceptDelivery { service, ..delivered("dl-1", "1") };
        let term = period("2025-03-01", "2025-05-01");
        signed().when(accept(outside)).then_refused(Refusal::OutsideTerm { service, term });
    }
}

#[test]
fn more_than_the_contract_is_for_is_not_accepted() {
    let story = signed().after([accept(delivered("dl-1", "400"))]);
    story.when(accept(delivered("dl-2", "600.5"))).then_refused(Refusal::AboveDelivery {
        quantity: id("1000"),
        accepted: Decimal::from(400),
        asked: id("600.5"),
    });
}

#[test]
fn nothing_is_delivered_after_the_end() {
    let early = TerminationReason::EndedEarly;
    let story = signed().after([terminate("k-1", "2025-03-31", early)]);
    story
        .when(accept(delivered("dl-1", "1")))
        .then_refused(Refusal::ContractEnded { contract: id("k-1"), ended_at: at("2025-03-31") });
    let story = signed().after([terminate("k-1", "2025-04-01", early)]);
    accepts(story, &accept(delivered("dl-1", "1")));
}

#[test]
fn what_was_delivered_was_executed() {
    let story = signed().after([accept(delivered("dl-1", "1"))]);
    let never = terminate("k-1", "2025-04-05", TerminationReason::NeverExecuted);
    story.when(never).then_refused(Refusal::WasDelivered { contract: id("k-1"), deliveries: 1 });
    let early = terminate("k-1", "2025-04-05", TerminationReason::EndedEarly);
    accepts(story, &early);
}
