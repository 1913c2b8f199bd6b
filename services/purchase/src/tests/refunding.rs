//! Refunds: however many, they never come to more than was paid.

use loopledger_model::purchase::Refusal;
use loopledger_testkit::{cny, id, money};

use super::*;

fn above(paid: &str, asked: &str) -> Refusal {
    Refusal::AbovePaid { contract: id("k-1"), paid: cny(paid), asked: cny(asked) }
}

#[test]
fn two_refunds_that_would_each_fit_do_not_both_go_through() {
    let (one, other) =
        (refund("rf-1", RefundOf::Invoices, "400"), refund("rf-2", RefundOf::Invoices, "400"));
    paid().when(other.clone()).then([event(&other, "buyer", "provider")]);
    let story = accepts(paid(), &one);
    story.when(other).then_refused(above("200", "400"));
    accepts(story, &refund("rf-3", RefundOf::Invoices, "200"));
}

#[test]
fn what_goes_back_at_the_end_and_by_refunds_comes_out_of_the_same_money() {
    let ending = terminate("k-1", "2025-04-30", TerminationReason::EndedEarly);
    let story = paid().after([refund("rf-1", RefundOf::Invoices, "400")]);
    story.when(refunding("200.01", ending.clone())).then_refused(above("200", "200.01"));
    let story = accepts(story, &refunding("150", ending));
    story.when(refund("rf-2", RefundOf::Invoices, "50.01")).then_refused(above("50", "50.01"));
    accepts(story, &refund("rf-2", RefundOf::Invoices, "50"));
}

#[test]
fn an_advance_that_was_set_against_an_invoice_was_paid_for_it() {
    let story = invoiced().after([
        advance("pm-a", AdvanceKind::Prepayment, "700"),
        apply("au-1", AdvanceKind::Prepayment, Some("in-1"), "500"),
    ]);
    story.when(refund("rf-1", RefundOf::Invoices, "501")).then_refused(above("500", "501"));
    accepts(story, &refund("rf-1", RefundOf::Invoices, "500"));
}

#[test]
fn a_refund_is_not_recorded_again_with_other_content() {
    paid()
        .after([refund("rf-1", RefundOf::Invoices, "400")])
        .when(refund("rf-1", RefundOf::Invoices, "1"))
        .then_refused(Refusal::RefundExists { refund: id("rf-1") });
}

#[test]
fn a_refund_for_what_is_not_signed_of_nothing_or_in_another_currency_is_refused() {
    let asked = |amount| refund("rf-1", RefundOf::Invoices, amount);
    blank().when(asked("1")).then_refused(Refusal::UnknownContract { contract: id("k-1") });
    paid().when(asked("0")).then_refused(Refusal::NotPositive { amount: cny("0") });
    let Command::RecordRefund(plain) = asked("1") else { panic!("a refund") };
    paid()
        .when(Command::RecordRefund(RecordRefund { amount: money("1", "USD"), ..plain }))
        .then_refused(Refusal::WrongCurrency { amount: money("1", "USD"), currency: id("CNY") });
}
