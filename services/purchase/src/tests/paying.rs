//! The buyer's payments.

use loopledger_model::purchase::Refusal;
use loopledger_testkit::{at, cny, id, money};

use super::*;

#[test]
fn an_invoice_is_paid_in_parts_up_to_its_amount() {
    let story = accepts(invoiced(), &pay("pm-1", "in-1", "600"));
    let story = accepts(story, &pay("pm-2", "in-1", "350"));
    let contract = story.state.signed(&id("k-1")).expect("signed");
    assert_eq!(contract.paid, cny("950"));
}

#[test]
fn a_payment_above_what_is_left_of_the_invoice_is_refused() {
    paid().when(pay("pm-2", "in-1", "350.01")).then_refused(Refusal::AboveInvoice {
        invoice: id("in-1"),
        invoiced: cny("950"),
        paid: cny("600"),
        asked: cny("350.01"),
    });
}

#[test]
fn a_payment_is_not_recorded_again_with_other_content() {
    let Command::RecordPayment(first) = pay("pm-1", "in-1", "600") else { panic!("a payment") };
    for other in [
        RecordPayment { invoice: id("in-2"), ..first.clone() },
        RecordPayment { amount: cny("1"), ..first.clone() },
        RecordPayment { at: at("2025-04-21"), ..first.clone() },
        RecordPayment { reference: None, ..first.clone() },
        RecordPayment { reference: Some(id("bank-0002")), ..first },
    ] {
        paid()
            .when(Command::RecordPayment(other))
            .then_refused(Refusal::PaymentExists { payment: id("pm-1") });
    }
}

#[test]
fn a_payment_of_an_invoice_that_is_not_issued_is_refused() {
    invoiced()
        .when(pay("pm-1", "in-2", "1"))
        .then_refused(Refusal::UnknownInvoice { invoice: id("in-2") });
}

#[test]
fn a_payment_in_another_currency_is_refused() {
    let Command::RecordPayment(one) = pay("pm-1", "in-1", "1") else { panic!("a payment") };
    let dollars = RecordPayment { amount: money("1", "USD"), ..one };
    invoiced()
        .when(Command::RecordPayment(dollars))
        .then_refused(Refusal::WrongCurrency { amount: money("1", "USD"), currency: id("CNY") });
}

#[test]
fn a_payment_of_nothing_is_refused() {
    for amount in ["0", "-5"] {
        invoiced()
            .when(pay("pm-1", "in-1", amount))
            .then_refused(Refusal::NotPositive { amount: cny(amount) });
    }
}

#[test]
fn an_invoice_is_paid_after_the_end_of_its_contract_too() {
    let story = invoiced().after([terminate("k-1", "2025-04-01", TerminationReason::Breach)]);
    accepts(story, &pay("pm-1", "in-1", "950"));
}
