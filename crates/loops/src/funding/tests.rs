//! Paths of capital in time.

#![expect(clippy::unwrap_used, reason = "a test fails where its example is wrong")]

use super::*;
use crate::flow::Recorded;

/// A capital payment written `A-B 3`: who, to whom, on which day.
fn flow((text, index): (&str, u32)) -> CapitalFlow<&str> {
    let (pair, at) = text.split_once(' ').unwrap();
    let (from, to) = pair.split_once('-').unwrap();
    let recorded = Recorded { position: 1, index };
    CapitalFlow { from, to, moment: Moment { at: at.parse().unwrap(), recorded } }
}

fn path(text: &str, from: &str, to: &str, since: i64) -> Option<String> {
    let path = funding_path(text.split(", ").zip(0..).map(flow), from, to, since)?;
    let steps = path.iter().map(|flow| format!("{}-{} {}", flow.from, flow.to, flow.moment.at));
    Some(steps.collect::<Vec<_>>().join(", "))
}

#[test]
fn capital_through_a_fund_is_a_funding_path() {
    assert_eq!(path("A-B 1, B-C 2", "A", "C", 0).unwrap(), "A-B 1, B-C 2");
}

#[test]
fn a_fund_that_paid_before_it_was_paid_is_none() {
    assert_eq!(path("A-B 2, B-C 1", "A", "C", 0), None);
}

#[test]
fn on_one_day_the_recorded_order_decides() {
    assert_eq!(path("A-B 1, B-C 1", "A", "C", 0).unwrap(), "A-B 1, B-C 1");
    assert_eq!(path("B-C 1, A-B 1", "A", "C", 0), None);
}

#[test]
fn the_first_payment_counts_from_the_given_day() {
    assert_eq!(path("A-B 5, B-C 9", "A", "C", 5).unwrap(), "A-B 5, B-C 9");
    assert_eq!(path("A-B 5, B-C 9", "A", "C", 6), None);
}

#[test]
fn the_shortest_path_is_named_even_when_a_longer_one_is_earlier() {
    assert_eq!(path("A-B 1, B-C 2, A-C 3", "A", "C", 0).unwrap(), "A-C 3");
}

#[test]
fn four_payments_are_a_path_and_five_are_not() {
    let chain = "A-B 1, B-C 2, C-D 3, D-E 4, E-F 5";
    assert_eq!(path(chain, "A", "E", 0).unwrap(), "A-B 1, B-C 2, C-D 3, D-E 4");
    assert_eq!(path(chain, "A", "F", 0), None);
}

#[test]
fn a_party_does_not_fund_itself() {
    assert_eq!(path("A-B 1, B-A 2", "A", "A", 0), None);
}
