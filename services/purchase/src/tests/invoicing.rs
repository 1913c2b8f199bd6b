//! Invoices: what may be billed on a contract.

use loopledger_model::purchase::Refusal;
use loopledger_model::{Money, MoneyError};
use loopledger_testkit::{at, cny, id, money, period};
use rust_decimal::Decimal;

use super::*;

#[test]
fn an_invoice_within_the_contract_is_issued() {
    accepts(signed(), &invoice("in-1", "k-1", "100", "950"));
}

#[test]
fn an_invoice_may_be_below_the_price() {
    accepts(signed(), &invoice("in-1", "k-1", "100", "0.01"));
}

#[test]
fn an_invoice_is_not_issued_again_with_other_content() {
    let exists = Refusal::InvoiceExists { invoice: id("in-1") };
    for other in [
        invoice("in-1", "k-1", "100", "949.99"),
        invoice("in-1", "k-1", "100.5", "950"),
        invoice("in-1", "k-2", "100", "950"),
        invoice_for(("2025-03-02", "2025-04-01"), "in-1", "k-1", "100", "950"),
    ] {
        invoiced().when(other).then_refused(exists.clone());
    }
}

#[test]
fn an_invoice_that_was_paid_meanwhile_is_still_the_same_invoice() {
    paid().when(invoice("in-1", "k-1", "100.000", "950")).then_nothing();
}

#[test]
fn an_invoice_on_a_contract_that_is_not_signed_is_refused() {
    signed()
        .when(invoice("in-1", "k-2", "1", "1"))
        .then_refused(Refusal::UnknownContract { contract: id("k-2") });
}

#[test]
fn service_after_the_end_cannot_be_invoiced_but_service_before_it_can() {
    let story = signed().after([terminate("k-1", "2025-03-20", TerminationReason::EndedEarly)]);
    story
        .when(invoice_for(("2025-03-01", "2025-03-21"), "in-1", "k-1", "1", "1"))
        .then_refused(Refusal::ContractEnded { contract: id("k-1"), ended_at: at("2025-03-20") });
    accepts(story, &invoice_for(("2025-03-01", "2025-03-20"), "in-1", "k-1", "1", "1"));
}

#[test]
fn nothing_can_be_invoiced_on_a_contract_that_was_never_executed() {
    let story = signed().after([terminate("k-1", "2025-06-01", TerminationReason::NeverExecuted)]);
    story
        .when(invoice("in-1", "k-1", "1", "1"))
        .then_refused(Refusal::ContractEnded { contract: id("k-1"), ended_at: at("2025-06-01") });
}

#[test]
fn an_invoice_in_another_currency_is_refused() {
    let Command::IssueInvoice(other) = invoice("in-1", "k-1", "1", "1") else { panic!("one") };
    let dollars = IssueInvoice { amount: money("1", "USD"), ..other };
    signed()
        .when(Command::IssueInvoice(dollars))
        .then_refused(Refusal::WrongCurrency { amount: money("1", "USD"), currency: id("CNY") });
}

#[test]
fn an_invoice_of_nothing_is_refused() {
    signed()
        .when(invoice("in-1", "k-1", "1", "0"))
        .then_refused(Refusal::NotPositive { amount: cny("0") });
}

#[test]
fn service_outside_the_term_is_refused() {
    for service in [("2025-02-28", "2025-03-05"), ("2025-04-20", "2025-05-02")] {
        signed().when(invoice_for(service, "in-1", "k-1", "1", "1")).then_refused(
            Refusal::OutsideTerm {
                service: period(service.0, service.1),
                term: period("2025-03-01", "2025-05-01"),
            },
        );
    }
}

#[test]
fn all_of_the_quantity_may_be_invoiced_and_no_more() {
    let story = invoiced();
    story.when(invoice("in-2", "k-1", "900.000000001", "1")).then_refused(Refusal::AboveQuantity {
        quantity: id("1000"),
        invoiced: Decimal::from(100),
        asked: id("900.000000001"),
    });
    accepts(story, &invoice("in-2", "k-1", "900", "1"));
}

#[test]
fn an_amount_above_the_price_is_refused() {
    signed().when(invoice("in-1", "k-1", "100", "950.01")).then_refused(Refusal::AbovePrice {
        quantity: id("100"),
        limit: cny("950"),
        asked: cny("950.01"),
    });
}

#[test]
fn the_price_is_rounded_half_up_to_the_minor_unit() {
    for (quantity, limit, above) in [("0.01", "0.10", "0.11"), ("0.009", "0.09", "0.10")] {
        accepts(signed(), &invoice("in-1", "k-1", quantity, limit));
        signed().when(invoice("in-1", "k-1", quantity, above)).then_refused(Refusal::AbovePrice {
            quantity: id(quantity),
            limit: cny(limit),
            asked: cny(above),
        });
    }
    let won = Contract {
        currency: id("KRW"),
        price_per_unit: id("0.5"),
        ..contract("k-1", "buyer", "provider")
    };
    let Command::IssueInvoice(one) = invoice("in-1", "k-1", "1", "1") else { panic!("one") };
    let one = IssueInvoice { amount: money("1", "KRW"), ..one };
    accepts(blank().after([sign(won)]), &Command::IssueInvoice(one));
}

#[test]
fn a_price_beyond_what_can_be_counted_is_refused() {
    let huge = Contract {
        price_per_unit: id("999999999999999"),
        quantity: Some(id("999999999999999")),
        ..contract("k-1", "buyer", "provider")
    };
    let too_large = MoneyError::TooLarge {
        amount: Decimal::from(999_999_999_999_999_u64),
        currency: cny("1").currency(),
    };
    blank()
        .after([sign(huge)])
        .when(invoice("in-1", "k-1", "999999999999999", "1"))
        .then_refused(Refusal::BeyondBounds { reason: too_large.to_string() });
}

#[test]
fn payments_beyond_what_can_be_counted_are_refused() {
    let huge = Contract {
        price_per_unit: id("500000000000000"),
        quantity: Some(id("4000")),
        ..contract("k-1", "buyer", "provider")
    };
    let most = "1000000000000000000";
    let most = Money::new(most.parse().expect("a number"), id("CNY")).expect("countable");
    let all = |name| {
        let Command::IssueInvoice(one) = invoice(name, "k-1", "2000", "1") else { panic!("one") };
        Command::IssueInvoice(IssueInvoice { amount: most, ..one })
    };
    let half = "500000000000000000";
    let story = blank().after([
        sign(huge),
        all("in-1"),
        all("in-2"),
        pay("pm-1", "in-1", half),
        pay("pm-2", "in-1", half),
    ]);
    let sum =
        MoneyError::TooLarge { amount: most.amount() + cny("1").amount(), currency: id("CNY") };
    story
        .when(pay("pm-3", "in-2", "1"))
        .then_refused(Refusal::BeyondBounds { reason: sum.to_string() });
}
