//! Cards in two pools, cards used beyond what is said of them, electricity that does not agree.

use super::*;
use crate::cards::Cards;
use crate::findings::cards::{Drawn, Energy, Serials, Workloads};
use crate::holdings::{Busy, Holdings};
use crate::rows::{Capability, CardPlacing, CardSpec, Pool, PoolState, Usage};
use crate::steps::Span;

fn pool(position: u64, name: &str, operator: &str) -> Pool {
    Pool {
        stamp: stamp(position, "2025-01-01"),
        id: id(name),
        operator: id(operator),
        site: id("Nanning"),
        model: id("L40S"),
    }
}

fn placed(position: u64, pool: &str, serial: &str) -> CardPlacing {
    let stamp = stamp(position, "2025-01-10");
    CardPlacing { stamp, pool: id(pool), serial: id(serial), owner: None }
}

#[test]
fn a_card_that_two_pools_have_is_found_with_both_operators() {
    let pools = vec![pool(1, "p", "a"), pool(2, "q", "b")];
    let placings = vec![placed(3, "p", "sn-1"), placed(4, "q", "sn-1"), placed(5, "q", "sn-2")];
    let cards = Cards { placings, changes: Vec::new() };
    let finding = only(Evidence { serials: Serials { pools, cards }, ..Evidence::default() });
    assert_eq!((finding.rule, finding.subject.as_str()), (Rule::SerialInTwoPools, "sn-1"));
    assert_eq!((finding.at, finding.facts.clone()), (at("2025-01-10"), facts(&[3, 4])));
    assert_eq!(finding.parties, ["a", "b"]);
    has(&finding, &[("numerator", "2"), ("threshold", "1"), ("pools", "p q")]);
}

fn capability(position: u64, source: &str, workloads: &str) -> Capability {
    Capability {
        stamp: stamp(position, "2024-06-01"),
        model: id("L40S"),
        workloads: workloads.to_owned(),
        source: id(source),
    }
}

fn workloads(capabilities: Vec<Capability>) -> Evidence {
    let class = Some(WorkloadClass::PreTraining);
    let given = Allocation { class, ..allocation(4, "al-1", "k-1", 8) };
    let workloads = Workloads {
        pools: vec![pool(1, "p", "a")],
        capabilities,
        allocations: vec![given, allocation(5, "al-2", "k-1", 8)],
        usages: Vec::new(),
    };
    Evidence { workloads, ..Evidence::default() }
}

#[test]
fn a_workload_that_no_source_names_is_found_and_one_that_any_names_is_not() {
    let without = || capability(2, "data sheet", "fine_tuning inference");
    let finding = only(workloads(vec![without()]));
    assert_eq!((finding.rule, finding.subject.as_str()), (Rule::WorkloadBeyondCapability, "al-1"));
    has(&finding, &[("numerator", "0"), ("denominator", "1"), ("class", "pre_training")]);
    assert_eq!((finding.facts, finding.parties), (facts(&[2, 4]), vec!["a".to_owned()]));
    let lab = || capability(3, "lab", "pre_training");
    assert_eq!(found(workloads(vec![without(), lab()])), []);
    assert_eq!(found(workloads(Vec::new())), [], "nobody says what it is for");
    let later = Capability { stamp: stamp(3, "2025-06-01"), ..without() };
    assert_eq!(found(workloads(vec![later])), [], "nobody had said so by then");
}

#[test]
fn metered_usage_of_a_class_that_no_source_names_is_found_too() {
    let mut evidence = workloads(vec![capability(2, "data sheet", "inference")]);
    evidence.workloads.allocations[0].class = None;
    evidence.workloads.usages.push(Usage {
        stamp: stamp(6, "2025-03-02"),
        id: id("us-1"),
        allocation: id("al-1"),
        from_at: at("2025-03-01"),
        card_hours: id("24"),
        source: id("slurm"),
        class: Some(WorkloadClass::FineTuning),
    });
    let finding = only(evidence);
    assert_eq!((finding.at, finding.facts), (at("2025-03-01"), facts(&[2, 6])));
}

/// Ten cards of 350 W for a day of which 120 card-hours were busy: between 4.2 kWh idle and 84 kWh,
/// with server and site 252 kWh.
fn drawn(kwh: &str, tdp_w: Option<&str>) -> Evidence {
    let window = loopledger_testkit::period("2025-03-01", "2025-03-02");
    let pool = pool(1, "p", "a");
    let state = PoolState { stamp: pool.stamp, pool: id("p"), cards: 10, lit: 10 };
    let busy = Busy {
        pool: id("p"),
        window: Span::of(window.from(), window.to()),
        card_hours: crate::figures::whole(120),
    };
    let holdings = Holdings { states: vec![state], busy: vec![busy], ..Holdings::default() };
    let spec = CardSpec {
        stamp: stamp(2, "2024-01-01"),
        model: id("L40S"),
        precision: Precision::Bf16,
        sparsity: Sparsity::Dense,
        p_per_card: id("0.362"),
        tdp_w: tdp_w.map(id),
        source: None,
    };
    let kwh = crate::figures::exact(kwh.parse().expect("a decimal"));
    let drawn = Drawn { pool, window, kwh, facts: facts(&[3]), holdings };
    let energy = Energy { drawn: vec![drawn], specs: vec![spec] };
    Evidence { energy, ..Evidence::default() }
}

#[test]
fn electricity_outside_what_the_cards_can_draw_is_found_and_what_is_on_a_bound_is_not() {
    let finding = only(drawn("4.199", Some("350")));
    assert_eq!((finding.rule, finding.subject.as_str()), (Rule::EnergyOutsideBounds, "p"));
    has(&finding, &[("numerator", "4.199"), ("denominator", "42"), ("ceiling_kwh", "252")]);
    has(&finding, &[("busy_card_hours", "120"), ("installed_card_hours", "240")]);
    assert_eq!((finding.at, finding.facts), (at("2025-03-02"), facts(&[1, 2, 3])));
    let above = only(drawn("252.001", Some("350")));
    has(&above, &[("numerator", "252.001"), ("denominator", "84"), ("floor_kwh", "4.2")]);
    has(&above, &[("threshold", "3.0")]);
    for kwh in ["4.2", "100", "252"] {
        assert_eq!(found(drawn(kwh, Some("350"))), [], "{kwh}");
    }
    assert_eq!(found(drawn("1000", None)), [], "nobody says what its cards draw");
}
