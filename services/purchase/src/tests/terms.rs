//! The terms of a contract: kinds that say what they are, schedules in order, invoices at the price of their time.

use loopledger_model::purchase::{MAX_STEPS, Refusal};
use loopledger_testkit::{at, cny, id, money, period};

use super::*;

fn stepping(steps: &[(&str, &str)]) -> Contract {
    let step =
        |(from, price): &(&str, &str)| PriceStep { from: at(from), price_per_unit: id(price) };
    let price_steps = steps.iter().map(step).collect();
    with_terms(Terms { price_steps, ..Terms::default() }, contract("k-1", "buyer", "provider"))
}

#[test]
fn a_contract_of_every_kind_with_all_terms_is_signed() {
    let terms = Terms {
        price_steps: stepping(&[("2025-04-01", "9")]).terms.price_steps.clone(),
        minimum: Some(id("1000")),
        prepayment: Some(id("60")),
        deposit: Some(cny("500")),
        sla: Some(Sla {
            availability: Some(id("99.5")),
            deliver_by: Some(at("2025-03-05")),
            credit: id("10"),
        }),
        penalties: Penalties { buyer: Some(id("30")), seller: Some(id("5")) },
        refund_steps: vec![
            RefundStep { from: at("2025-02-20"), percent: id("100") },
            RefundStep { from: at("2025-04-01"), percent: id("0") },
        ],
    };
    for kind in [ContractKind::Lease, ContractKind::Service] {
        let plain = Contract { kind: Some(kind), ..contract("k-1", "buyer", "provider") };
        accepts(blank(), &sign(with_terms(terms.clone(), plain)));
    }
}

#[test]
fn a_resale_names_what_it_sells_from_and_only_a_resale_does() {
    let plain = contract("k-1", "buyer", "provider");
    let alone = Contract { kind: Some(ContractKind::Resale), ..plain.clone() };
    blank().when(sign(alone)).then_refused(Refusal::BackingMissing);
    let kind = Some(ContractKind::Lease);
    let lease = Contract { kind, backing_contract: Some(id("k-0")), ..plain };
    blank()
        .when(sign(lease))
        .then_refused(Refusal::NotAResale { backing: id("k-0"), kind: ContractKind::Lease });
}

#[test]
fn a_minimum_above_the_quantity_is_refused() {
    let terms = Terms { minimum: Some(id("1000.5")), ..Terms::default() };
    blank().when(sign(with_terms(terms, contract("k-1", "buyer", "provider")))).then_refused(
        Refusal::MinimumAboveQuantity { minimum: id("1000.5"), quantity: id("1000") },
    );
}

#[test]
fn a_deposit_of_nothing_or_in_another_currency_is_refused() {
    let asking = |deposit| {
        let terms = Terms { deposit: Some(deposit), ..Terms::default() };
        sign(with_terms(terms, contract("k-1", "buyer", "provider")))
    };
    blank().when(asking(cny("0"))).then_refused(Refusal::NotPositive { amount: cny("0") });
    blank()
        .when(asking(money("1", "USD")))
        .then_refused(Refusal::WrongCurrency { amount: money("1", "USD"), currency: id("CNY") });
}

#[test]
fn steps_come_one_after_the_other_within_the_term_and_not_without_end() {
    for day in ["2025-03-01", "2025-05-01"] {
        blank().when(sign(stepping(&[(day, "9")]))).then_refused(Refusal::StepOutsideTerm {
            at: at(day),
            term: period("2025-03-01", "2025-05-01"),
        });
    }
    for day in ["2025-04-01", "2025-03-31"] {
        let steps = [("2025-04-01", "9"), (day, "8")];
        blank().when(sign(stepping(&steps))).then_refused(Refusal::StepOutOfOrder { at: at(day) });
    }
    let back = RefundStep { from: at("2025-03-01"), percent: id("100") };
    let terms = Terms { refund_steps: vec![back, back], ..Terms::default() };
    blank()
        .when(sign(with_terms(terms, contract("k-1", "buyer", "provider"))))
        .then_refused(Refusal::StepOutOfOrder { at: at("2025-03-01") });
    let terms = Terms { refund_steps: vec![back; MAX_STEPS + 1], ..Terms::default() };
    blank()
        .when(sign(with_terms(terms, contract("k-1", "buyer", "provider"))))
        .then_refused(Refusal::TooManySteps { steps: MAX_STEPS + 1, most: MAX_STEPS });
}

#[test]
fn an_invoice_is_held_against_the_price_of_its_service_and_lies_within_one_step() {
    let agreed = stepping(&[("2025-03-16", "8"), ("2025-04-01", "10")]);
    let story = || blank().after([sign(agreed.clone())]);
    let asked = |days, amount| invoice_for(days, "in-1", "k-1", "10", amount);
    for (days, limit, above) in [
        (("2025-03-01", "2025-03-16"), "95", "95.01"),
        (("2025-03-16", "2025-04-01"), "80", "80.01"),
        (("2025-04-01", "2025-05-01"), "100", "100.01"),
    ] {
        accepts(story(), &asked(days, limit));
        story().when(asked(days, above)).then_refused(Refusal::AbovePrice {
            quantity: id("10"),
            limit: cny(limit),
            asked: cny(above),
        });
    }
    let days = ("2025-03-01", "2025-03-17");
    story().when(asked(days, "1")).then_refused(Refusal::AcrossPriceStep {
        service: period(days.0, days.1),
        at: at("2025-03-16"),
    });
}
