//! How contracts end before their time.

use loopledger_model::purchase::Refusal;
use loopledger_testkit::{at, cny, id, money};

use super::*;

const REASONS: [TerminationReason; 3] =
    [TerminationReason::EndedEarly, TerminationReason::NeverExecuted, TerminationReason::Breach];

#[test]
fn a_contract_ends_for_any_reason() {
    for reason in REASONS {
        accepts(signed(), &terminate("k-1", "2025-03-20", reason));
    }
}

#[test]
fn a_contract_that_is_not_signed_does_not_end() {
    signed()
        .when(terminate("k-2", "2025-03-20", TerminationReason::Breach))
        .then_refused(Refusal::UnknownContract { contract: id("k-2") });
}

#[test]
fn a_contract_ends_once() {
    let story = paid().after([terminate("k-1", "2025-03-20", TerminationReason::Breach)]);
    for other in [
        terminate("k-1", "2025-03-21", TerminationReason::Breach),
        terminate("k-1", "2025-03-20", TerminationReason::EndedEarly),
        refunding("1", terminate("k-1", "2025-03-20", TerminationReason::Breach)),
    ] {
        story.when(other).then_refused(Refusal::ContractEnded {
            contract: id("k-1"),
            ended_at: at("2025-03-20"),
        });
    }
}

#[test]
fn a_refund_in_another_currency_is_refused() {
    let ending = terminate("k-1", "2025-04-30", TerminationReason::Breach);
    let Command::TerminateContract(ending) = ending else { panic!("a termination") };
    let dollars = TerminateContract { refund: Some(money("1", "USD")), ..ending };
    paid()
        .when(Command::TerminateContract(dollars))
        .then_refused(Refusal::WrongCurrency { amount: money("1", "USD"), currency: id("CNY") });
}

#[test]
fn a_refund_of_nothing_is_refused() {
    let ending = terminate("k-1", "2025-04-30", TerminationReason::Breach);
    paid().when(refunding("0", ending)).then_refused(Refusal::NotPositive { amount: cny("0") });
}

#[test]
fn a_contract_with_invoices_was_executed() {
    let story = invoiced().after([invoice("in-2", "k-1", "1", "1")]);
    story
        .when(terminate("k-1", "2025-04-30", TerminationReason::NeverExecuted))
        .then_refused(Refusal::WasExecuted { contract: id("k-1"), invoices: 2 });
}

#[test]
fn all_that_was_paid_may_be_refunded_and_no_more() {
    let story = paid().after([invoice("in-2", "k-1", "10", "95"), pay("pm-2", "in-2", "90")]);
    let ending = || terminate("k-1", "2025-04-30", TerminationReason::EndedEarly);
    story.when(refunding("690.01", ending())).then_refused(Refusal::AbovePaid {
        contract: id("k-1"),
        paid: cny("690"),
        asked: cny("690.01"),
    });
    accepts(story, &refunding("690", ending()));
}

#[test]
fn nothing_is_refunded_where_nothing_was_paid() {
    let ending = terminate("k-1", "2025-03-20", TerminationReason::NeverExecuted);
    signed().when(refunding("0.01", ending)).then_refused(Refusal::AbovePaid {
        contract: id("k-1"),
        paid: cny("0"),
        asked: cny("0.01"),
    });
}

#[test]
fn a_contract_ends_even_where_later_service_was_invoiced_already() {
    let story = signed().after([invoice("in-1", "k-1", "100", "950")]);
    accepts(story, &terminate("k-1", "2025-03-20", TerminationReason::Breach));
}

#[test]
fn a_penalty_is_that_of_a_side_and_of_something_in_the_contracts_currency() {
    let Command::TerminateContract(plain) = ended_by(ContractSide::Buyer, "1") else {
        panic!("a termination")
    };
    let asked = |end| signed().when(Command::TerminateContract(end));
    asked(TerminateContract { by: None, ..plain.clone() }).then_refused(Refusal::SideMissing);
    asked(TerminateContract { penalty: Some(cny("0")), ..plain.clone() })
        .then_refused(Refusal::NotPositive { amount: cny("0") });
    let dollars = money("1", "USD");
    asked(TerminateContract { penalty: Some(dollars), ..plain })
        .then_refused(Refusal::WrongCurrency { amount: dollars, currency: id("CNY") });
}

#[test]
fn each_side_owes_what_the_terms_give_of_what_is_not_invoiced_and_no_more() {
    let terms = Terms {
        price_steps: vec![PriceStep { from: at("2025-03-16"), price_per_unit: id("10") }],
        penalties: Penalties { buyer: Some(id("30")), seller: Some(id("5")) },
        ..Terms::default()
    };
    let agreed = with_terms(terms, contract("k-1", "buyer", "provider"));
    let march = ("2025-03-01", "2025-03-16");
    let invoiced = invoice_for(march, "in-1", "k-1", "100", "950");
    let story = || blank().after([sign(agreed.clone()), invoiced.clone()]);
    for (side, limit, above) in
        [(ContractSide::Buyer, "2700", "2700.01"), (ContractSide::Seller, "450", "450.01")]
    {
        story().when(ended_by(side, above)).then_refused(Refusal::AbovePenaltyTerms {
            contract: id("k-1"),
            side,
            limit: cny(limit),
            asked: cny(above),
        });
        accepts(story(), &ended_by(side, limit));
    }
}

#[test]
fn where_the_terms_are_silent_a_penalty_is_what_is_recorded() {
    accepts(signed(), &ended_by(ContractSide::Seller, "999999"));
}
