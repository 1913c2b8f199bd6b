//! Contracts on paper, contracts that were never executed, and prices.

use loopledger_model::purchase::{ContractKind, PriceStep, Rating, Terms};
use rust_decimal::Decimal;

use super::*;
use crate::findings::contracts::{Contracts, NeverExecuted};
use crate::findings::prices::Prices;
use crate::rows::{CardSpec, Invoice, MoveKind, Order, ReferencePrice, Termination, VoucherMove};

/// A contract of which nothing is known, asked about later.
fn paper(until: &str) -> Contracts {
    Contracts {
        contracts: vec![contract(3, "k-1")],
        until: Some(at(until)),
        ..Contracts::default()
    }
}

fn invoice(position: u64, name: &str) -> Invoice {
    Invoice {
        stamp: stamp(position, "2025-03-01"),
        id: id("in-1"),
        contract: id(name),
        buyer: id("c"),
        seller: id("a"),
        from_at: at("2025-02-01"),
        to_at: at("2025-03-01"),
        quantity: id("1"),
        amount: "5991".parse().expect("an amount"),
        currency: id("CNY"),
    }
}

fn ended(position: u64, date: &str, reason: &str) -> Termination {
    Termination {
        stamp: stamp(position, date),
        contract: id("k-1"),
        buyer: id("c"),
        seller: id("a"),
        reason: id(reason),
        refund: None,
        currency: None,
        side: None,
        penalty: None,
    }
}

fn papers(contracts: Contracts) -> Vec<Finding> {
    found(Evidence { contracts, ..Evidence::default() })
}

#[test]
fn a_contract_without_model_delivery_order_and_payment_is_found_thirty_days_after_its_start() {
    let finding = papers(paper("2025-03-03")).remove(0);
    assert_eq!(finding.rule, Rule::ContractWithoutModelAndDelivery);
    assert_eq!((finding.subject.as_str(), finding.at), ("k-1", at("2025-03-03")));
    assert_eq!(finding.parties, ["c", "a"]);
    assert_eq!(finding.amount.as_deref(), Some("21567600.00"));
    has(&finding, &[("numerator", "4"), ("denominator", "4"), ("threshold", "3")]);
    has(&finding, &[("absent", "model, delivery, order, payment")]);
    assert_eq!(finding.facts, facts(&[3]));
    assert_eq!(papers(paper("2025-03-02T23:59:59Z")), []);
}

#[test]
fn an_order_leaves_three_absent_and_a_payment_two() {
    let ordered = || Contracts { invoices: vec![invoice(4, "k-1")], ..paper("2025-06-01") };
    let finding = papers(ordered()).remove(0);
    has(&finding, &[("numerator", "3"), ("absent", "model, delivery, payment")]);
    assert_eq!(finding.facts, facts(&[3, 4]));
    let mut paid = flow(5, FlowKind::ComputePayment, ("c", "a"), "1", "2025-04-01");
    paid.contract = Some(id("k-1"));
    assert_eq!(papers(Contracts { payments: vec![paid], ..ordered() }), []);
}

#[test]
fn an_order_from_a_framework_is_one_and_gives_it_its_worth() {
    let mut framework = paper("2025-06-01");
    framework.contracts[0].kind = Some(ContractKind::Framework);
    framework.contracts[0].quantity = None;
    framework.orders.push(Order {
        stamp: stamp(4, "2025-03-01"),
        id: id("or-1"),
        contract: id("k-1"),
        from_at: at("2025-03-01"),
        to_at: at("2025-04-01"),
        quantity: id("10"),
    });
    let finding = papers(framework).remove(0);
    has(&finding, &[("numerator", "3"), ("absent", "model, delivery, payment")]);
    assert_eq!(finding.amount.as_deref(), Some("59910.00"));
    assert_eq!(finding.facts, facts(&[3, 4]));
}

#[test]
fn a_contract_that_ended_before_it_could_be_delivered_is_found_when_it_ended() {
    let end = ended(6, "2025-01-28", "never_executed");
    let finding = papers(Contracts { terminations: vec![end], ..paper("2025-01-28") }).remove(0);
    assert_eq!((finding.at, finding.facts), (at("2025-01-28"), facts(&[3, 6])));
}

#[test]
fn a_contract_that_names_cards_or_was_given_some_or_is_backed_by_one_that_was_is_not_found() {
    let given = [id("k-1")].into();
    assert_eq!(papers(Contracts { delivered: given, ..paper("2025-06-01") }), []);
    let mut named = paper("2025-06-01");
    named.contracts[0].cards = Some(8);
    assert_eq!(papers(named), []);
    let mut resold = paper("2025-06-01");
    resold.contracts[0].backing_contract = Some(id("k-0"));
    resold.contracts.push(contract(2, "k-0"));
    resold.delivered = [id("k-0")].into();
    assert_eq!(papers(resold), []);
}

fn moved(position: u64, kind: MoveKind, amount: &str, date: &str) -> VoucherMove {
    VoucherMove {
        stamp: stamp(position, date),
        voucher: id("v-1"),
        programme: id("cv"),
        kind,
        amount: amount.parse().expect("an amount"),
        free_change: Decimal::ZERO,
        locked_change: Decimal::ZERO,
        currency: id("CNY"),
        lock: Some(id("lk-1")),
        redemption: None,
        settlement: None,
        contract: (kind == MoveKind::Locked).then(|| id("k-1")),
        invoice: None,
        provider: None,
    }
}

fn executed(end: Termination, moves: Vec<VoucherMove>) -> Vec<Finding> {
    let contracts = vec![contract(3, "k-1")];
    let ended = NeverExecuted { terminations: vec![end], contracts, moves };
    found(Evidence { ended, ..Evidence::default() })
}

#[test]
fn a_contract_that_was_never_executed_after_a_voucher_was_locked_to_it_is_found() {
    let end = || ended(7, "2025-03-28", "never_executed");
    let locked = moved(5, MoveKind::Locked, "200", "2025-03-01");
    let released = moved(6, MoveKind::Released, "50", "2025-03-20");
    let finding = executed(end(), vec![locked, released]).remove(0);
    assert_eq!(finding.rule, Rule::NeverExecutedAfterVoucher);
    assert_eq!((finding.subject.as_str(), finding.at), ("k-1", at("2025-03-28")));
    assert_eq!(finding.amount.as_deref(), Some("200.00"));
    has(&finding, &[("numerator", "150.00"), ("denominator", "200.00"), ("released", "50.00")]);
    assert_eq!(finding.facts, facts(&[3, 5, 6, 7]));
    assert_eq!(executed(end(), vec![]), []);
    let later = moved(8, MoveKind::Locked, "200", "2025-03-29");
    assert_eq!(executed(end(), vec![later]), []);
}

fn card(position: u64, model: &str, p: &str) -> CardSpec {
    CardSpec {
        stamp: stamp(position, "2024-01-01"),
        model: id(model),
        precision: Precision::Bf16,
        sparsity: Sparsity::Dense,
        p_per_card: id(p),
        tdp_w: None,
        source: None,
    }
}

fn price(position: u64, model: &str, unit: &str, amount: &str, date: &str) -> ReferencePrice {
    ReferencePrice {
        stamp: stamp(position, date),
        model: id(model),
        unit: id(unit),
        price: id(amount),
        currency: id("CNY"),
        source: id("index"),
    }
}

/// 8 CNY an hour for a card of 1 P are 5840 a P and month; 12 for one of 2 P are 4380.
fn priced(amount: &str, change: impl FnOnce(&mut Prices)) -> Vec<Finding> {
    let mut signed = contract(9, "k-1");
    signed.price_per_unit = id(amount);
    let mut prices = Prices {
        contracts: vec![signed],
        prices: vec![
            price(1, "A1", "card_hour", "8", "2025-01-01"),
            price(2, "B2", "card_hour", "12", "2025-01-02"),
        ],
        specs: vec![card(3, "A1", "1"), card(4, "B2", "2")],
    };
    change(&mut prices);
    found(Evidence { prices, ..Evidence::default() })
}

#[test]
fn a_price_outside_the_span_of_all_models_is_found_where_the_model_is_unknown() {
    let finding = priced("3503.99", |_| {}).remove(0);
    assert_eq!((finding.rule, finding.at), (Rule::PriceOutsideReference, at("2025-01-10")));
    has(&finding, &[("numerator", "3503.99"), ("denominator", "4380"), ("ratio", "0.799998")]);
    has(&finding, &[("reference_low", "4380"), ("reference_high", "5840"), ("model", "unknown")]);
    has(&finding, &[("side", "below"), ("threshold", "0.80"), ("references", "2")]);
    assert_eq!(finding.facts, facts(&[1, 2, 3, 4, 9]));
    assert_eq!(priced("3504", |_| {}), []);
    assert_eq!(priced("7008", |_| {}), []);
    let above = priced("7008.01", |_| {}).remove(0);
    has(&above, &[("side", "above"), ("denominator", "5840"), ("threshold", "1.20")]);
}

#[test]
fn a_contract_that_names_its_model_is_held_against_that_model_only() {
    let named = |prices: &mut Prices| prices.contracts[0].model = Some(id("A1"));
    assert_eq!(priced("4672", named), []);
    let finding = priced("4671.99", named).remove(0);
    has(&finding, &[("reference_low", "5840"), ("reference_high", "5840"), ("model", "A1")]);
    assert_eq!(finding.facts, facts(&[1, 3, 9]));
}

/// 181 days, of which 59 at 5,840 and 122 at the second price.
#[test]
fn a_price_that_steps_is_held_against_the_references_by_its_mean() {
    let stepping = |price: &str| {
        let steps = vec![PriceStep { from: at("2025-04-01"), price_per_unit: id(price) }];
        let terms = Box::new(Terms { price_steps: steps, ..Terms::default() });
        move |prices: &mut Prices| prices.contracts[0].terms = Some(terms)
    };
    assert_eq!(priced("5840", stepping("2375")), []);
    let finding = priced("5840", stepping("2374")).remove(0);
    has(&finding, &[("numerator", "3503.801105"), ("side", "below")]);
}

#[test]
fn measured_p_is_not_held_against_prices_by_published_p() {
    let measured = |prices: &mut Prices| prices.contracts[0].rating = Some(Rating::Measured);
    assert_eq!(priced("1", measured), []);
    let rated = |prices: &mut Prices| prices.contracts[0].rating = Some(Rating::Rated);
    assert_eq!(priced("1", rated).len(), 1);
    let by_hour = |prices: &mut Prices| {
        prices.contracts[0].rating = Some(Rating::Measured);
        prices.contracts[0].unit = ContractUnit::CardHour;
    };
    assert_eq!(priced("1", by_hour).len(), 1, "no P is in a price for an hour");
}

#[test]
fn only_prices_of_the_year_before_signing_in_the_currency_and_on_the_basis_count() {
    let far = "1";
    assert_eq!(priced(far, |prices| prices.prices[0].currency = id("USD")).len(), 1);
    let dated = |date: &'static str| {
        move |prices: &mut Prices| {
            prices.prices.truncate(1);
            prices.prices[0].stamp = stamp(1, date);
        }
    };
    assert_eq!(priced(far, dated("2025-01-11")), [], "a later price");
    assert_eq!(priced(far, dated("2024-01-10")), [], "more than 365 days before");
    assert_eq!(priced(far, dated("2024-01-11")).len(), 1);
    let unlike = |prices: &mut Prices| {
        for spec in &mut prices.specs {
            spec.sparsity = Sparsity::Sparse;
        }
    };
    assert_eq!(priced(far, unlike), [], "P on unlike bases are not compared");
    let bare = |prices: &mut Prices| prices.prices.clear();
    assert_eq!(priced(far, bare), [], "no reference, no finding");
}

#[test]
fn prices_in_other_units_are_told_in_the_contracts() {
    let only = |unit: &'static str, amount: &'static str| {
        move |prices: &mut Prices| prices.prices = vec![price(1, "B2", unit, amount, "2025-01-02")]
    };
    for (unit, amount, low) in [
        ("card_hour", "12", "4380"),
        ("card_month", "8760", "4380"),
        ("server_month", "70080", "4380"),
        ("p_month", "4380", "4380"),
        ("p_year", "52560", "4380"),
    ] {
        let finding = priced("1", only(unit, amount)).remove(0);
        has(&finding, &[("reference_low", low), ("references", "1")]);
    }
    assert_eq!(priced("1", only("million_tokens", "1")), []);
    let by_hour = |prices: &mut Prices| prices.contracts[0].unit = ContractUnit::CardHour;
    let finding = priced("6.39", by_hour).remove(0);
    has(&finding, &[("reference_low", "8"), ("reference_high", "12"), ("unit", "card_hour")]);
    assert_eq!(priced("6.4", by_hour), []);
}
