//! Loops, and a buyer's spending.

use super::*;
use crate::findings::loops::Loops;
use crate::findings::suppliers::Suppliers;
use crate::loops::Source;

/// A puts 100 into C, which pays `returned` for compute; vouchers pay A `vouchers` for C's invoices
/// and 70 for those of somebody else.
pub(super) fn one_loop(returned: &str, vouchers: &str) -> Loops {
    let voucher = |position, buyer: &str, amount: &str| Flow {
        buyer: Some(id(buyer)),
        ..flow(position, FlowKind::VoucherPayment, ("city", "a"), amount, "2025-04-01")
    };
    let mut flows = vec![
        flow(1, FlowKind::Investment, ("a", "c"), "100", "2025-01-01"),
        flow(2, FlowKind::ComputePayment, ("c", "a"), returned, "2025-03-01"),
    ];
    let mut paid = vec![voucher(4, "d", "70")];
    if vouchers != "0" {
        paid.insert(0, voucher(3, "c", vouchers));
    }
    flows.extend(paid.iter().cloned());
    Loops { source: Some(Source::Flows(flows)), voucher_payments: paid }
}

fn loops(returned: &str, vouchers: &str) -> Evidence {
    Evidence { loops: one_loop(returned, vouchers), ..Evidence::default() }
}

#[test]
fn voucher_money_inside_a_loop_is_found_with_its_part_of_all_that_the_provider_got() {
    let finding = only(loops("5", "30"));
    assert_eq!(finding.rule, Rule::VoucherInsideLoop);
    assert_eq!((finding.subject.as_str(), finding.version), ("a > c > a", 1));
    assert_eq!(finding.parties, ["a", "c"]);
    assert_eq!((finding.amount.as_deref(), finding.currency), (Some("30.00"), Some(id("CNY"))));
    has(&finding, &[("numerator", "30.00"), ("denominator", "100.00"), ("ratio", "0.300000")]);
    assert_eq!(finding.facts, facts(&[1, 2, 3]));
    assert_eq!(finding.at, at("2025-04-01"));
    assert_eq!(
        finding.text,
        "30.00 CNY of voucher money was paid to a for invoices of c, inside the loop a > c > a; \
         100.00 CNY of voucher money was paid to a in all"
    );
}

#[test]
fn a_loop_without_vouchers_of_its_own_is_no_such_finding() {
    assert_eq!(found(loops("5", "0")), []);
}

#[test]
fn a_loop_ratio_above_the_threshold_is_found_and_one_at_it_is_not() {
    let finding = only(loops("10.01", "0"));
    assert_eq!((finding.rule, finding.at), (Rule::LoopRatioAboveThreshold, at("2025-03-01")));
    let figures = [("numerator", "10.01"), ("denominator", "100.00"), ("ratio", "0.100100")];
    has(&finding, &figures);
    has(&finding, &[("threshold", "0.10")]);
    assert_eq!(finding.facts, facts(&[1, 2]));
    assert_eq!(found(loops("10.00", "0")), []);
}

/// A puts money into fund B, which invests in C; C pays A and X for compute.
fn spending(to_a: &str, to_x: &str) -> Evidence {
    let capital = vec![
        flow(1, FlowKind::Contribution, ("a", "b"), "100", "2024-01-01"),
        flow(2, FlowKind::Investment, ("b", "c"), "100", "2024-02-01"),
        flow(3, FlowKind::Investment, ("z", "c"), "100", "2024-02-01"),
    ];
    let payments = vec![
        flow(4, FlowKind::ComputePayment, ("c", "a"), to_a, "2025-03-01"),
        flow(5, FlowKind::ComputePayment, ("c", "x"), to_x, "2025-04-01"),
    ];
    Evidence { suppliers: Suppliers { capital, payments }, ..Evidence::default() }
}

#[test]
fn a_provider_that_funds_its_buyer_and_gets_most_of_its_spending_is_found() {
    let finding = only(spending("50.01", "49.99"));
    assert_eq!((finding.rule, finding.subject.as_str()), (Rule::SoleSupplierShare, "c"));
    assert_eq!(finding.parties, ["a", "b", "c"]);
    let figures = [("numerator", "50.01"), ("denominator", "100.00"), ("ratio", "0.500100")];
    has(&finding, &figures);
    has(&finding, &[("threshold", "0.50"), ("funding_steps", "2")]);
    assert_eq!(finding.facts, facts(&[1, 2, 4, 5]));
    assert_eq!(finding.at, at("2025-03-01"));
}

#[test]
fn half_of_the_spending_and_a_provider_that_funds_nobody_are_no_such_finding() {
    assert_eq!(found(spending("50", "50")), []);
    assert_eq!(found(spending("10", "90")), []);
}

#[test]
fn capital_that_has_come_further_than_four_steps_does_not_count() {
    let chain = |steps: usize| {
        let names = ["a", "f1", "f2", "f3", "f4", "c"];
        let way = &names[5 - steps..];
        let legs = way.windows(2).zip(1..);
        let capital = legs.map(|(pair, position)| {
            flow(position, FlowKind::Investment, (pair[0], pair[1]), "1", "2024-01-01")
        });
        let paid = flow(9, FlowKind::ComputePayment, ("c", way[0]), "1", "2025-03-01");
        let suppliers = Suppliers { capital: capital.collect(), payments: vec![paid] };
        found(Evidence { suppliers, ..Evidence::default() })
    };
    assert_eq!((chain(4).len(), chain(5).len()), (1, 0));
}
