//! The cards that a published contract's figure implies, as they were worked out by hand.

use loopledger_model::purchase::{ContractUnit, Rating};
use loopledger_testkit::{at, id};

use super::*;
use crate::rows::Stamp;

fn stamp(position: u64, from: &str) -> Stamp {
    Stamp { position, fact_index: 0, at: at(from), recorded_at: at(from) }
}

fn spec(position: u64, model: &str, sparsity: Sparsity, p: &str) -> CardSpec {
    CardSpec {
        stamp: stamp(position, "2024-01-01"),
        model: id(model),
        precision: Precision::Bf16,
        sparsity,
        p_per_card: id(p),
        tdp_w: None,
        source: Some(id("data sheet")),
    }
}

fn contract(p: Option<&str>, precision: Precision, sparsity: Sparsity) -> Contract {
    Contract {
        stamp: stamp(90, "2025-01-01"),
        id: id("k-1"),
        buyer: id("buyer"),
        seller: id("seller"),
        currency: id("CNY"),
        price_per_unit: id("5991"),
        kind: None,
        unit: ContractUnit::PMonth,
        quantity: Some(id("92700")),
        declared_p: p.map(id),
        rating: None,
        precision: Some(precision),
        sparsity: Some(sparsity),
        model: None,
        cards: None,
        from_at: at("2025-02-01"),
        to_at: at("2030-02-01"),
        backing_contract: None,
        terms: None,
    }
}

fn cards() -> Vec<CardSpec> {
    use Sparsity::{Dense, Sparse};
    vec![
        spec(1, "H100", Dense, "0.989"),
        spec(2, "H100", Sparse, "1.979"),
        spec(3, "B200", Dense, "2.25"),
        spec(4, "A100", Dense, "0.312"),
        spec(5, "910B", Dense, "0.32"),
        spec(6, "H20", Dense, "0.148"),
    ]
}

fn told(implied: &[ImpliedCards]) -> Vec<(String, String, String)> {
    let row = |of: &'_ ImpliedCards| (of.model.to_string(), of.cards.clone(), of.servers.clone());
    implied.iter().map(row).collect()
}

fn rows_of(rows: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    let owned = |(model, cards, servers): &(&str, &str, &str)| {
        ((*model).to_owned(), (*cards).to_owned(), (*servers).to_owned())
    };
    rows.iter().map(owned).collect()
}

#[test]
fn the_contract_over_1545_p_implies_the_cards_that_were_worked_out_by_hand() {
    let rows = cards();
    let dense = contract(Some("1545"), Precision::Bf16, Sparsity::Dense);
    let found = Specs::of(&rows).implied(&dense);
    assert_eq!(
        told(&found.implied),
        rows_of(&[
            ("910B", "4828.125", "603.515625"),
            ("A100", "4951.923077", "618.990385"),
            ("B200", "686.666667", "85.833333"),
            ("H100", "1562.184024", "195.273003"),
            ("H20", "10439.189189", "1304.898649"),
        ])
    );
    assert_eq!(found.reason, None);
    let hints: Vec<_> = found.implied.iter().map(|cards| &cards.whole_servers).collect();
    assert_eq!(hints, [&None; 5], "1 P servers of H20 go into any whole number");
    let other = found.other_reading.expect("sparse figures are published");
    assert_eq!(other.sparsity, Sparsity::Sparse);
    assert_eq!(told(&other.implied), rows_of(&[("H100", "780.697322", "97.587165")]));
    assert_eq!(other.implied[0].server_p, "15");
    assert_eq!(other.implied[0].whole_servers.as_deref(), Some("103"));
    assert_eq!(other.implied[0].spec.to_string(), "2.0");
    assert_eq!(other.implied[0].source, Some(id("data sheet")));
}

#[test]
fn the_same_figure_declared_sparse_implies_half_the_cards() {
    let rows = cards();
    let sparse = contract(Some("1545"), Precision::Bf16, Sparsity::Sparse);
    let found = Specs::of(&rows).implied(&sparse);
    assert_eq!(told(&found.implied), rows_of(&[("H100", "780.697322", "97.587165")]));
    let beside = contract(Some("1546"), Precision::Bf16, Sparsity::Sparse);
    assert_eq!(Specs::of(&rows).implied(&beside).implied[0].whole_servers, None);
}

#[test]
fn a_whole_number_of_cards_is_told() {
    let rows = [spec(1, "X", Sparsity::Dense, "0.25")];
    let whole = |p| {
        let contract = contract(Some(p), Precision::Bf16, Sparsity::Dense);
        let found = Specs::of(&rows).implied(&contract).implied.remove(0);
        (found.whole_cards, found.whole_servers)
    };
    assert_eq!(whole("100"), (true, Some("50".to_owned())));
    assert_eq!(whole("100.25"), (true, None));
    assert_eq!(whole("100.3"), (false, None));
}

#[test]
fn p_of_another_precision_is_not_compared_and_the_reason_is_told() {
    let rows = cards();
    let on_fp8 = contract(Some("1545"), Precision::Fp8, Sparsity::Dense);
    let found = Specs::of(&rows).implied(&on_fp8);
    assert_eq!((found.implied, found.other_reading), (vec![], None));
    let reason = found.reason.expect("a reason");
    assert_eq!(reason, "no card's P is published on fp8 dense; P on other bases is not compared");
    let silent = contract(None, Precision::Bf16, Sparsity::Dense);
    let found = Specs::of(&rows).implied(&silent);
    assert_eq!(found.reason.as_deref(), Some("the contract declares no P"));
}

#[test]
fn measured_p_is_not_divided_by_rated_p() {
    let rows = cards();
    let declared = contract(Some("1545"), Precision::Bf16, Sparsity::Dense);
    let measured = Contract { rating: Some(Rating::Measured), ..declared };
    let found = Specs::of(&rows).implied(&measured);
    assert_eq!((found.implied, found.other_reading), (vec![], None));
    assert!(found.reason.expect("a reason").contains("was measured"));
    let rated = Contract { rating: Some(Rating::Rated), ..measured };
    assert_eq!(Specs::of(&rows).implied(&rated).implied.len(), 5);
}

#[test]
fn of_several_versions_that_of_the_signing_is_in_force() {
    let mut rows = cards();
    for (position, from, p) in [(7, "2024-06-01", "0.9"), (8, "2025-06-01", "0.8")] {
        let newer = spec(position, "H100", Sparsity::Dense, p);
        rows.push(CardSpec { stamp: stamp(position, from), ..newer });
    }
    let dense = contract(Some("1545"), Precision::Bf16, Sparsity::Dense);
    let found = Specs::of(&rows).implied(&dense).implied;
    let h100 = found.iter().filter(|cards| cards.model == id("H100"));
    let versions: Vec<_> = h100.map(|cards| (cards.spec.to_string(), cards.in_force)).collect();
    assert_eq!(
        versions,
        [("1.0".to_owned(), false), ("7.0".to_owned(), true), ("8.0".to_owned(), false)]
    );
}
