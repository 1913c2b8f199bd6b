//! Evidence that stands in more than one place.

use super::*;
use crate::findings::twice::Twice;
use crate::rows::Usage;

fn paid(position: u64, reference: &str, date: &str) -> Flow {
    let flow = flow(position, FlowKind::ComputePayment, ("c", "a"), "100", date);
    Flow { note: Some(id(reference)), ..flow }
}

fn evidence(twice: Twice) -> Evidence {
    Evidence { twice, ..Evidence::default() }
}

#[test]
fn a_reference_on_two_payments_is_found_when_the_second_is_made() {
    let payments = vec![
        paid(5, "bank-1", "2025-04-01"),
        paid(6, "bank-1", "2025-03-01"),
        paid(7, "bank-2", "2025-03-01"),
    ];
    let finding = only(evidence(Twice { payments, ..Twice::default() }));
    assert_eq!((finding.rule, finding.subject.as_str()), (Rule::EvidenceUsedTwice, "bank-1"));
    assert_eq!((finding.at, finding.amount.as_deref()), (at("2025-04-01"), Some("200.00")));
    has(&finding, &[("numerator", "2"), ("threshold", "1"), ("evidence", "reference")]);
    assert_eq!((finding.facts, finding.parties), (facts(&[5, 6]), vec!["c".into(), "a".into()]));
}

/// So many card-hours of February, of one of ten cards' allocations.
fn used(position: u64, allocation: &str, hours: &str) -> Usage {
    Usage {
        stamp: stamp(position, "2025-03-01"),
        id: id(&format!("us-{position}")),
        allocation: id(allocation),
        from_at: at("2025-02-01"),
        card_hours: id(hours),
        source: id("slurm"),
        class: None,
    }
}

fn readings(usages: Vec<Usage>) -> Vec<Finding> {
    let allocations = vec![allocation(1, "al-1", "k-1", 10), allocation(2, "al-2", "k-1", 10)];
    let contracts = vec![contract(3, "k-1")];
    found(evidence(Twice { usages, allocations, contracts, ..Twice::default() }))
}

#[test]
fn a_reading_that_two_allocations_carry_is_found() {
    let finding = readings(vec![used(5, "al-1", "6719"), used(6, "al-2", "6719")]).remove(0);
    assert_eq!(finding.rule, Rule::EvidenceUsedTwice);
    assert_eq!(finding.subject, "slurm 2025-02-01T00:00:00Z 2025-03-01T00:00:00Z 6719");
    has(&finding, &[("numerator", "2"), ("evidence", "reading"), ("card_hours", "6719")]);
    assert_eq!((finding.facts, finding.parties), (facts(&[5, 6]), vec!["c".into(), "a".into()]));
}

#[test]
fn readings_that_differ_or_are_idle_or_full_or_of_one_allocation_are_no_such_finding() {
    for (first, second, hours) in [
        ("al-1", "al-2", ["6719", "6718"]),
        ("al-1", "al-2", ["0", "0"]),
        ("al-1", "al-2", ["6720", "6720"]),
        ("al-1", "al-1", ["100", "100"]),
    ] {
        let usages = vec![used(5, first, hours[0]), used(6, second, hours[1])];
        assert_eq!(readings(usages), [], "{hours:?}");
    }
}
