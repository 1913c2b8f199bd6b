//! Every rule raises its finding with its figures and facts, and none just below its figure.

mod cards;
mod contracts;
mod evidence;
mod money;
mod pools;

use loopledger_model::purchase::ContractUnit;
use loopledger_model::{Precision, Sparsity, WorkloadClass};
use loopledger_testkit::{at, id};

use super::*;
use crate::flow_kind::FlowKind;
use crate::rows::{Allocation, Contract, Flow, Stamp};

pub(crate) fn stamp(position: u64, from: &str) -> Stamp {
    Stamp { position, fact_index: 0, at: at(from), recorded_at: at(from) }
}

/// The positions of facts that are the first of their commits.
fn facts(positions: &[u64]) -> Vec<FactId> {
    positions.iter().map(|position| FactId { position: *position, index: 0 }).collect()
}

fn found(evidence: Evidence) -> Vec<Finding> {
    evidence.findings(&FindingQuery::default()).expect("rows that agree")
}

#[track_caller]
fn only(evidence: Evidence) -> Finding {
    let mut found = found(evidence);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[track_caller]
fn has(finding: &Finding, figures: &[(&str, &str)]) {
    for (name, figure) in figures {
        assert_eq!(finding.figures.get(*name).map(String::as_str), Some(*figure), "{name}");
    }
}

fn flow(position: u64, kind: FlowKind, way: (&str, &str), amount: &str, date: &str) -> Flow {
    Flow {
        stamp: stamp(position, date),
        id: format!("f-{position}"),
        from_party: id(way.0),
        to_party: id(way.1),
        kind,
        amount: amount.parse().expect("an amount"),
        currency: id("CNY"),
        contract: None,
        invoice: None,
        buyer: None,
        stake_percent: None,
        note: None,
    }
}

/// 600 P BF16 dense for half a year at 5991 CNY per P and month, from A to C.
pub(crate) fn contract(position: u64, name: &str) -> Contract {
    Contract {
        stamp: stamp(position, "2025-01-10"),
        id: id(name),
        buyer: id("c"),
        seller: id("a"),
        currency: id("CNY"),
        price_per_unit: id("5991"),
        kind: None,
        unit: ContractUnit::PMonth,
        quantity: Some(id("3600")),
        declared_p: Some(id("600")),
        rating: None,
        precision: Some(Precision::Bf16),
        sparsity: Some(Sparsity::Dense),
        model: None,
        cards: None,
        from_at: at("2025-02-01"),
        to_at: at("2025-08-01"),
        backing_contract: None,
        terms: None,
    }
}

fn allocation(position: u64, name: &str, contract: &str, cards: u32) -> Allocation {
    Allocation {
        stamp: stamp(position, "2025-02-01"),
        id: id(name),
        pool: id("p"),
        contract: id(contract),
        cards,
        to_at: at("2025-08-01"),
        class: None,
    }
}

#[test]
fn findings_come_by_rule_then_time_then_subject_and_can_be_asked_for_by_rule_and_party() {
    let evidence = || Evidence { loops: money::one_loop("20", "30"), ..Evidence::default() };
    let rules: Vec<_> = found(evidence()).into_iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, [Rule::LoopRatioAboveThreshold, Rule::VoucherInsideLoop]);
    let asked = |rule, party: Option<&str>| {
        let query = FindingQuery { rule, party: party.map(id) };
        evidence().findings(&query).expect("rows that agree").len()
    };
    assert_eq!(asked(Some(Rule::VoucherInsideLoop), None), 1);
    assert_eq!(asked(None, Some("a")), 2);
    assert_eq!(asked(Some(Rule::OversoldPool), Some("a")), 0);
    assert_eq!(asked(None, Some("z")), 0);
}
