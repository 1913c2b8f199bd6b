//! Money paid in advance: it moves once, is used once, and what is left of it goes back.

use loopledger_model::purchase::Refusal;
use loopledger_testkit::{cny, id, money};

use super::*;

const PREPAID: AdvanceKind = AdvanceKind::Prepayment;
const DEPOSIT: AdvanceKind = AdvanceKind::Deposit;

/// pm-a was prepaid and pm-b deposited before in-1 was issued for 950.
fn advanced() -> Story<Purchase> {
    let advances = [advance("pm-a", PREPAID, "700"), advance("pm-b", DEPOSIT, "300")];
    signed().after(advances).after([invoice("in-1", "k-1", "100", "950")])
}

fn above(kind: AdvanceKind, held: &str, asked: &str) -> Refusal {
    Refusal::AboveAdvance { contract: id("k-1"), kind, held: cny(held), asked: cny(asked) }
}

#[test]
fn an_advance_is_set_against_invoices_and_what_is_left_goes_back() {
    let story = accepts(signed(), &advance("pm-a", PREPAID, "700"));
    let story = accepts(story, &invoice("in-1", "k-1", "100", "950"));
    let story = accepts(story, &apply("au-1", PREPAID, Some("in-1"), "600"));
    story
        .when(apply("au-2", PREPAID, Some("in-1"), "101"))
        .then_refused(above(PREPAID, "100", "101"));
    let story = accepts(story, &pay("pm-1", "in-1", "350"));
    let story = accepts(story, &refund("rf-1", RefundOf::Prepayment, "100"));
    story
        .when(refund("rf-2", RefundOf::Prepayment, "0.01"))
        .then_refused(above(PREPAID, "0", "0.01"));
    let contract = story.state.signed(&id("k-1")).expect("signed");
    assert_eq!(contract.paid, cny("950"));
}

#[test]
fn one_kind_of_advance_does_not_stand_in_for_the_other() {
    advanced()
        .when(apply("au-1", DEPOSIT, Some("in-1"), "301"))
        .then_refused(above(DEPOSIT, "300", "301"));
    advanced()
        .when(refund("rf-1", RefundOf::Deposit, "300.01"))
        .then_refused(above(DEPOSIT, "300", "300.01"));
    accepts(advanced(), &refund("rf-1", RefundOf::Deposit, "300"));
}

#[test]
fn an_advance_and_a_payment_have_their_ids_from_one_stock() {
    let exists = Refusal::PaymentExists { payment: id("pm-1") };
    paid().when(advance("pm-1", PREPAID, "600")).then_refused(exists.clone());
    let story = invoiced().after([advance("pm-1", PREPAID, "600")]);
    story.when(pay("pm-1", "in-1", "600")).then_refused(exists.clone());
    story.when(advance("pm-1", DEPOSIT, "600")).then_refused(exists);
}

#[test]
fn an_advance_for_what_is_not_signed_of_nothing_or_in_another_currency_is_refused() {
    let asked = |amount| advance("pm-a", PREPAID, amount);
    blank().when(asked("1")).then_refused(Refusal::UnknownContract { contract: id("k-1") });
    signed().when(asked("0")).then_refused(Refusal::NotPositive { amount: cny("0") });
    let Command::RecordAdvance(plain) = asked("1") else { panic!("an advance") };
    signed()
        .when(Command::RecordAdvance(RecordAdvance { amount: money("1", "USD"), ..plain }))
        .then_refused(Refusal::WrongCurrency { amount: money("1", "USD"), currency: id("CNY") });
}

#[test]
fn money_in_advance_is_recorded_after_the_end_too() {
    let over = signed().after([terminate("k-1", "2025-03-20", TerminationReason::Breach)]);
    accepts(over, &advance("pm-a", PREPAID, "1"));
}

#[test]
fn a_use_is_not_recorded_again_with_other_content() {
    advanced()
        .after([apply("au-1", PREPAID, Some("in-1"), "600")])
        .when(apply("au-1", PREPAID, Some("in-1"), "1"))
        .then_refused(Refusal::AdvanceUseExists { use_id: id("au-1") });
}

#[test]
fn an_advance_is_used_for_open_invoices_of_its_own_contract_only() {
    let other = [sign(contract("k-2", "buyer", "provider")), invoice("in-2", "k-2", "1", "9.50")];
    let story = advanced().after(other);
    story
        .when(apply("au-1", PREPAID, Some("in-9"), "1"))
        .then_refused(Refusal::UnknownInvoice { invoice: id("in-9") });
    story
        .when(apply("au-1", PREPAID, Some("in-2"), "1"))
        .then_refused(Refusal::ForeignInvoice { invoice: id("in-2"), contract: id("k-2") });
    let story = story.after([pay("pm-1", "in-1", "900")]);
    story.when(apply("au-1", PREPAID, Some("in-1"), "51")).then_refused(Refusal::AboveInvoice {
        invoice: id("in-1"),
        invoiced: cny("950"),
        paid: cny("900"),
        asked: cny("51"),
    });
}

#[test]
fn a_deposit_is_set_against_the_penalty_that_its_buyer_owes() {
    let none = Refusal::NoPenaltyOwed { contract: id("k-1") };
    let asked = |name, amount| apply(name, DEPOSIT, None, amount);
    advanced().when(asked("au-1", "1")).then_refused(none.clone());
    let by_seller = advanced().after([ended_by(ContractSide::Seller, "200")]);
    by_seller.when(asked("au-1", "1")).then_refused(none);
    let story = advanced().after([ended_by(ContractSide::Buyer, "200")]);
    let story = accepts(story, &asked("au-1", "150"));
    story.when(asked("au-2", "51")).then_refused(Refusal::AbovePenalty {
        contract: id("k-1"),
        penalty: cny("200"),
        settled: cny("150"),
        asked: cny("51"),
    });
    let story = accepts(story, &asked("au-2", "50"));
    accepts(story, &refund("rf-1", RefundOf::Deposit, "100"));
}
