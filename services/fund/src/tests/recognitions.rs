//! Reinvestment that is recognised: of a registered company, a purchase by its payment, a payment once.

use loopledger_model::fund::{RecognitionKind, Refusal};
use loopledger_testkit::{at, cny, id};

use super::*;

fn recognition(name: &str, payment: Option<&str>) -> RecogniseReinvestment {
    let purchase = payment.is_some();
    RecogniseReinvestment {
        id: id(name),
        fund: id("fund-1"),
        kind: if purchase { RecognitionKind::LocalPurchase } else { RecognitionKind::MovedIn },
        company: id("company-c"),
        amount: cny("40"),
        at: at("2025-04-01"),
        payment: payment.map(id),
    }
}

fn recognise(recognition: RecogniseReinvestment) -> Command {
    Command::RecogniseReinvestment(recognition)
}

#[test]
fn what_moved_in_and_what_was_bought_is_recognised() {
    let story = accepts(funded(), &recognise(recognition("r-1", None)));
    accepts(story, &recognise(recognition("r-2", Some("pm-1"))));
    let decision = rests_on(&funded(), recognise(recognition("r-1", None)));
    assert_eq!(decision, [7]);
}

#[test]
fn another_recognition_under_the_same_id_is_refused() {
    let story = funded().after([recognise(recognition("r-1", None))]);
    let other = RecogniseReinvestment { amount: cny("41"), ..recognition("r-1", None) };
    story
        .when(recognise(other))
        .then_refused(Refusal::RecognitionExists { recognition: id("r-1") });
}

#[test]
fn a_payment_is_counted_once_by_a_fund() {
    let story = funded().after([recognise(recognition("r-1", Some("pm-1")))]);
    story
        .when(recognise(recognition("r-2", Some("pm-1"))))
        .then_refused(Refusal::PaymentRecognised { payment: id("pm-1"), recognition: id("r-1") });
}

#[test]
fn a_purchase_names_its_payment_and_nothing_else_names_one() {
    let refusal = || Refusal::PaymentOfRecognition { recognition: id("r-1") };
    let without = RecogniseReinvestment { payment: None, ..recognition("r-1", Some("pm-1")) };
    funded().when(recognise(without)).then_refused(refusal());
    let kind = RecognitionKind::RegisteredLocally;
    let with = RecogniseReinvestment { kind, ..recognition("r-1", Some("pm-1")) };
    funded().when(recognise(with)).then_refused(refusal());
}

#[test]
fn a_recognition_of_nobody_of_no_fund_too_early_of_nothing_or_in_another_currency_is_refused() {
    let plain = || recognition("r-1", None);
    for (wrong, refusal) in [
        (
            RecogniseReinvestment { company: id("nobody"), ..plain() },
            Refusal::UnknownParty { party: id("nobody") },
        ),
        (
            RecogniseReinvestment { fund: id("fund-2"), ..plain() },
            Refusal::UnknownFund { fund: id("fund-2") },
        ),
        (
            RecogniseReinvestment { at: at("2025-02-28"), ..plain() },
            Refusal::BeforeFormation {
                fund: id("fund-1"),
                formed_at: at("2025-03-01"),
                at: at("2025-02-28"),
            },
        ),
        (
            RecogniseReinvestment { amount: cny("0"), ..plain() },
            Refusal::NotPositive { amount: cny("0") },
        ),
    ] {
        funded().when(recognise(wrong)).then_refused(refusal);
    }
    let dollars = in_dollars(recognise(plain()));
    let Command::RecogniseReinvestment(RecogniseReinvestment { amount, .. }) = &dollars else {
        panic!("a recognition")
    };
    let wrong = Refusal::WrongCurrency { amount: *amount, currency: id("CNY") };
    funded().when(dollars).then_refused(wrong);
}
