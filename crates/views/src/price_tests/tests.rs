//! Discounts from reference prices, worked out by hand.

use loopledger_model::purchase::Rating;
use loopledger_model::{Precision, Sparsity};
use loopledger_testkit::id;
use serde_json::{Value, json};

use super::*;
use crate::findings::tests::{self as findings, stamp};

fn price(position: u64, model: &str, amount: &str, date: &str, source: &str) -> ReferencePrice {
    ReferencePrice {
        stamp: stamp(position, date),
        model: id(model),
        unit: PriceUnit::CardHour,
        price: id(amount),
        currency: id("CNY"),
        source: id(source),
    }
}

fn spec(position: u64, model: &str, p: &str) -> CardSpec {
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

/// At 5,256 for a P and month.
fn contract() -> Contract {
    Contract { price_per_unit: id("5256"), ..findings::contract(9, "k-1") }
}

/// 8 an hour for a card of 1 P are 5,840 for a P and month, 12 for one of 2 P are 4,380; one source is older, and one
/// price later than the signing.
fn test(contract: &Contract) -> PriceTest {
    let prices = [
        price(1, "A1", "8", "2025-01-01", "index"),
        price(2, "A1", "7", "2024-12-01", "index"),
        price(3, "B2", "12", "2025-01-02", "index"),
        price(4, "A1", "10", "2025-01-11", "index"),
        price(5, "B2", "14.4", "2024-12-31", "broker"),
    ];
    let specs = [spec(6, "A1", "1"), spec(7, "B2", "2")];
    tested(contract, &Benchmarks::of(&prices, &specs), &RULES)
}

fn figures_of(test: &PriceTest) -> Value {
    json!([test.reference_low, test.reference_high, test.discount_low, test.discount_high])
}

#[test]
fn an_unknown_model_gives_an_interval_over_the_references_of_all() {
    let hidden = test(&contract());
    // 1 - 5256 / 4380 and 1 - 5256 / 5840.
    assert_eq!(figures_of(&hidden), json!(["4380", "5840", "-0.200000", "0.100000"]));
    assert_eq!((hidden.model, hidden.reason, hidden.price.as_str()), (None, None, "5256"));
    let row = |of: &PriceReference| {
        json!([of.model, of.price, of.source, of.event, of.spec, of.told, of.at])
    };
    assert_eq!(
        hidden.references.iter().map(row).collect::<Vec<_>>(),
        [
            json!(["A1", "8", "index", "1.0", "6.0", "5840", "2025-01-01T00:00:00Z"]),
            json!(["B2", "14.4", "broker", "5.0", "7.0", "5256", "2024-12-31T00:00:00Z"]),
            json!(["B2", "12", "index", "3.0", "7.0", "4380", "2025-01-02T00:00:00Z"]),
        ]
    );
}

#[test]
fn a_named_model_gives_one_figure_where_its_sources_agree_and_else_their_span() {
    let one = test(&Contract { model: Some(id("A1")), ..contract() });
    assert_eq!(figures_of(&one), json!(["5840", "5840", "0.100000", "0.100000"]));
    let two = test(&Contract { model: Some(id("B2")), ..contract() });
    assert_eq!(figures_of(&two), json!(["4380", "5256", "-0.200000", "0.000000"]));
}

#[test]
fn hours_of_cards_are_compared_without_p() {
    let by_hour = Contract {
        unit: ContractUnit::CardHour,
        price_per_unit: id("6"),
        rating: Some(Rating::Measured),
        ..contract()
    };
    let found = test(&by_hour);
    assert_eq!(figures_of(&found), json!(["8", "14.4", "0.250000", "0.583333"]));
    assert!(found.references.iter().all(|reference| reference.spec.is_none()));
}

#[test]
fn a_contract_that_cannot_be_compared_is_told_why() {
    let none = json!([null, null, null, null]);
    for (change, why) in [
        (Contract { rating: Some(Rating::Measured), ..contract() }, "was measured"),
        (Contract { precision: None, sparsity: None, ..contract() }, "neither precision nor"),
        (Contract { model: Some(id("C3")), ..contract() }, "no reference price of C3 in CNY"),
        (Contract { currency: id("USD"), ..contract() }, "of any model in USD, of the 365 days"),
        (Contract { sparsity: Some(Sparsity::Sparse), ..contract() }, "told for a p_month"),
        (Contract { stamp: stamp(9, "2026-02-01"), ..contract() }, "up to the signing"),
    ] {
        let told = test(&change);
        assert_eq!((figures_of(&told), told.references.len()), (none.clone(), 0));
        let reason = told.reason.expect("a reason");
        assert!(reason.contains(why), "{reason}");
    }
}
