//! Pools that are sold above what they hold.

use loopledger_model::purchase::Rating;

use super::*;
use crate::findings::pools::Pools;
use crate::holdings::Holdings;
use crate::rows::{CardSpec, Pool, PoolShortfall, PoolState};

/// A pool of A of H100 with 0.989 P each, and one contract over 600 P: 606.67 cards.
fn pool(cards: u32, lit: u32) -> Pools {
    let spec = CardSpec {
        stamp: stamp(1, "2024-01-01"),
        model: id("H100"),
        precision: Precision::Bf16,
        sparsity: Sparsity::Dense,
        p_per_card: id("0.989"),
        tdp_w: None,
        source: None,
    };
    let pool = Pool {
        stamp: stamp(2, "2025-01-01"),
        id: id("p"),
        operator: id("a"),
        site: id("Nanning"),
        model: id("H100"),
    };
    let state = PoolState { stamp: pool.stamp, pool: id("p"), cards, lit };
    let holdings = Holdings {
        pools: vec![pool],
        states: vec![state],
        specs: vec![spec],
        contracts: vec![contract(3, "k-1")],
        allocations: vec![allocation(4, "al-1", "k-1", 600)],
        ..Holdings::default()
    };
    Pools { holdings, ..Pools::default() }
}

fn evidence(pools: Pools) -> Evidence {
    Evidence { pools, ..Evidence::default() }
}

#[test]
fn a_pool_that_is_sold_above_its_installed_cards_is_found() {
    let all = found(evidence(pool(606, 606)));
    let rules: Vec<_> = all.iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, [Rule::OversoldPool, Rule::SoldButDark], "what is not there is not lit");
    let finding = &all[0];
    assert_eq!((finding.subject.as_str(), finding.at), ("p", at("2025-02-01")));
    assert_eq!(finding.parties, ["a", "c"]);
    has(finding, &[("numerator", "600"), ("denominator", "599.334"), ("ratio", "1.001111")]);
    has(finding, &[("threshold", "1"), ("basis", "bf16 dense"), ("contracts", "1")]);
    assert_eq!(finding.facts, facts(&[1, 2, 3, 4]));
}

#[test]
fn a_pool_that_is_sold_above_its_lit_cards_is_found_dark() {
    let finding = only(evidence(pool(607, 606)));
    assert_eq!((finding.rule, finding.at), (Rule::SoldButDark, at("2025-02-01")));
    has(&finding, &[("numerator", "600"), ("denominator", "599.334"), ("threshold", "1")]);
    assert_eq!(finding.facts, facts(&[1, 2, 3, 4]));
    assert_eq!(
        finding.text,
        "of pool p, 600 P bf16 dense are sold and 599.334 P are lit; what is sold is above 1 times \
         what is lit"
    );
}

#[test]
fn enough_lit_cards_and_an_earlier_day_are_no_such_finding() {
    assert_eq!(found(evidence(pool(607, 607))), []);
    let before = Pools { until: Some(at("2025-01-31T23:59:59Z")), ..pool(1, 1) };
    assert_eq!(found(evidence(before)), []);
    let then = Pools { until: Some(at("2025-02-01")), ..pool(1, 1) };
    assert_eq!(found(evidence(then)).len(), 2, "an instant is included in what is as of it");
}

#[test]
fn p_sold_without_any_cards_has_no_ratio() {
    let all = found(evidence(pool(0, 0)));
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].figures.get("ratio"), None);
    has(&all[0], &[("numerator", "600"), ("denominator", "0")]);
}

#[test]
fn measured_p_is_not_compared_with_published_p_but_the_cards_it_names_are_counted() {
    let measured = |cards| {
        let mut pools = pool(606, 606);
        let contract = &mut pools.holdings.contracts[0];
        contract.rating = Some(Rating::Measured);
        (contract.model, contract.cards) = (Some(id("H100")), cards);
        found(evidence(pools))
    };
    assert_eq!(measured(None), []);
    assert_eq!(measured(Some(606)), []);
    has(&measured(Some(607))[0], &[("numerator", "600.323"), ("denominator", "599.334")]);
}

#[test]
fn p_on_unlike_bases_is_told_apart() {
    let mut pools = pool(606, 606);
    let mut sparse = contract(5, "k-2");
    sparse.sparsity = Some(Sparsity::Sparse);
    sparse.declared_p = Some(id("10"));
    pools.holdings.contracts.push(sparse);
    let finding = found(evidence(pools)).remove(0);
    assert_eq!(finding.figures.get("numerator"), None);
    has(&finding, &[("numerator_bf16_dense", "600"), ("numerator_bf16_sparse", "10")]);
    assert_eq!(finding.figures.get("denominator_bf16_sparse"), None, "nobody has published it");
}

#[test]
fn a_recorded_shortfall_is_found_by_its_cards() {
    let mut pools = pool(1000, 1000);
    let row = PoolShortfall { stamp: stamp(8, "2025-04-01"), pool: id("p"), lit: 8, allocated: 9 };
    pools.shortfalls.push(row);
    let finding = only(evidence(pools));
    assert_eq!((finding.rule, finding.at), (Rule::SoldButDark, at("2025-04-01")));
    has(&finding, &[("numerator", "9"), ("denominator", "8"), ("basis", "cards")]);
    assert_eq!((finding.facts, finding.parties), (facts(&[8]), vec!["a".to_owned()]));
}
