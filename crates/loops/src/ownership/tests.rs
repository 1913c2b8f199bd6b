//! Look-through: the published examples of the 50 % rule (OFAC FAQ 401), cross-holdings, and
//! filings that do not add up.

#![expect(clippy::unwrap_used, reason = "a test fails where its example is wrong")]

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::rounding::decimal;

/// Stakes written `X-A 50`: who, of what, how many percent.
fn ownership(text: &str) -> Ownership {
    let stake = |text: &str| {
        let (pair, share) = text.split_once(' ').unwrap();
        let (owner, owned) = pair.split_once('-').unwrap();
        let share = percent(share.parse().unwrap(), 0);
        Stake { owner: owner.to_owned(), owned: owned.to_owned(), share }
    };
    Ownership::of(text.split(", ").map(stake)).unwrap()
}

fn economic(text: &str, owner: &str, owned: &str) -> String {
    match ownership(text).economic_share(owner, owned) {
        Ok(share) => decimal(&share, 6),
        Err(error) => error.to_string(),
    }
}

fn stakes(stakes: &[Stake]) -> String {
    let text = |stake: &Stake| {
        let percent = decimal(&(&stake.share * BigInt::from(100)), 0);
        format!("{}-{} {percent}", stake.owner, stake.owned)
    };
    stakes.iter().map(text).collect::<Vec<_>>().join(", ")
}

fn check_related(text: &str, first: &str, second: &str, expected: &Expect) {
    let told = match ownership(text).related(first, second, &half()) {
        None => "unrelated".to_owned(),
        Some(Relation::Same) => "same".to_owned(),
        Some(Relation::Control { controller, controlled, stakes: by }) => {
            format!("{controller} controls {controlled}: {}", stakes(&by))
        }
        Some(Relation::CommonControl { controller, first, second }) => {
            format!("{controller} controls both: {}; {}", stakes(&first), stakes(&second))
        }
    };
    expected.assert_eq(&told);
}

#[test]
fn a_half_of_a_half_is_controlled_though_its_economic_share_is_a_quarter() {
    let chain = "X-A 50, A-B 50";
    assert_eq!(ownership(chain).controlled_by("X", &half()), ["A", "B"]);
    assert_eq!(economic(chain, "X", "B"), "0.250000");
    check_related(chain, "X", "B", &expect!["X controls B: X-A 50, A-B 50"]);
    check_related(chain, "B", "X", &expect!["X controls B: X-A 50, A-B 50"]);
}

#[test]
fn two_quarters_held_through_controlled_parties_are_control() {
    let diamond = "X-A 50, X-B 50, A-C 25, B-C 25";
    assert_eq!(ownership(diamond).controlled_by("X", &half()), ["A", "B", "C"]);
    assert_eq!(economic(diamond, "X", "C"), "0.250000");
    check_related(diamond, "X", "C", &expect!["X controls C: X-A 50, X-B 50, A-C 25, B-C 25"]);
}

#[test]
fn a_direct_stake_adds_to_a_controlled_partys() {
    let both = "X-A 50, X-B 10, A-B 40";
    assert_eq!(ownership(both).controlled_by("X", &half()), ["A", "B"]);
    assert_eq!(economic(both, "X", "B"), "0.300000");
}

#[test]
fn stakes_of_parties_that_are_not_controlled_do_not_count() {
    let minority = "X-A 49, A-B 100, X-B 49";
    assert_eq!(ownership(minority).controlled_by("X", &half()), Vec::<&str>::new());
    assert_eq!(ownership(minority).controlled_by("X", &percent(49, 0)), ["A", "B"]);
    assert_eq!(ownership(minority).controlled_by("nobody", &half()), Vec::<&str>::new());
}

#[test]
fn parties_under_one_controller_are_related() {
    let group = "X-A 60, X-B 30, C-B 20, X-C 51, Z-D 100";
    check_related(group, "A", "B", &expect!["X controls both: X-A 60; X-C 51, X-B 30, C-B 20"]);
    check_related(group, "A", "D", &expect!["unrelated"]);
    check_related(group, "A", "unheard of", &expect!["unrelated"]);
    check_related(group, "A", "A", &expect!["same"]);
}

#[test]
fn two_associates_of_one_investor_are_not_related() {
    check_related("X-A 30, X-B 30", "A", "B", &expect!["unrelated"]);
}

#[test]
fn evidence_leaves_out_what_else_is_controlled() {
    let wide = "X-A 100, X-B 100, X-C 100, B-D 100, D-E 80";
    check_related(wide, "X", "E", &expect!["X controls E: X-B 100, B-D 100, D-E 80"]);
}

#[test]
fn cross_holdings_are_followed_round_and_round() {
    let cross = "X-A 50, A-B 50, B-A 20";
    assert_eq!(economic(cross, "X", "A"), "0.555556");
    assert_eq!(economic(cross, "X", "B"), "0.277778");
    assert_eq!(economic(cross, "A", "A"), "0.111111");
    assert_eq!(economic("X-A 60, A-A 40", "X", "A"), "1.000000");
}

#[test]
fn stakes_that_circle_in_full_have_no_finite_share() {
    let error = "`X` has no finite share of `B`: the stakes around `B` circle back in full, \
                 check their filings";
    assert_eq!(economic("X-A 10, A-B 100, B-A 100", "X", "B"), error);
    let above = economic("X-A 10, A-B 150, B-A 100", "X", "B");
    assert_eq!(above, error);
}

#[test]
fn a_full_circle_elsewhere_is_no_hindrance() {
    assert_eq!(economic("X-C 10, X-A 10, A-B 100, B-A 100", "X", "C"), "0.100000");
    assert_eq!(economic("X-C 10, A-B 100, B-A 100, A-C 90", "X", "C"), "0.100000");
}

#[test]
fn control_runs_through_circles() {
    let circle = "X-A 60, A-B 60, B-A 40, B-X 100";
    assert_eq!(ownership(circle).controlled_by("X", &half()), ["A", "B"]);
    check_related(circle, "A", "X", &expect!["A controls X: A-B 60, B-X 100"]);
}

#[test]
fn stakes_of_one_owner_add_up() {
    assert_eq!(economic("X-A 20, X-A 35", "X", "A"), "0.550000");
    assert_eq!(ownership("X-A 20, X-A 35").controlled_by("X", &half()), ["A"]);
}

#[test]
fn a_negative_stake_is_refused() {
    let stake = Stake { owner: "X".into(), owned: "A".into(), share: percent(-5, 0) };
    let error = Ownership::of([stake]).unwrap_err();
    assert_eq!(error, OwnershipError::NegativeShare { owner: "X".into(), owned: "A".into() });
}

#[test]
fn percentages_keep_their_decimals() {
    assert_eq!(percent(125, 1), BigRational::new(1.into(), 8.into()));
    assert_eq!(percent(3333, 2), BigRational::new(3333.into(), 10_000.into()));
}

proptest! {
    /// With every party at most 90 % held, the shares solve Y = A + YA.
    #[test]
    fn the_economic_share_satisfies_its_equation(
        pairs in proptest::collection::vec((0..6_u8, 0..6_u8, 1..=15_i128), 1..20)
    ) {
        let name = |number: u8| format!("p{number}");
        let stake = |(owner, owned, share): &(u8, u8, i128)| Stake {
            owner: name(*owner),
            owned: name(*owned),
            share: percent(*share, 0),
        };
        let mut held = [0; 6];
        let fits = |pair: &&(u8, u8, i128)| {
            let held = &mut held[usize::from(pair.1)];
            *held += pair.2;
            *held <= 90
        };
        let all: Vec<Stake> = pairs.iter().filter(fits).map(stake).collect();
        let ownership = Ownership::of(all.clone()).unwrap();
        let share = |owner: &str, owned: &str| ownership.economic_share(owner, owned).unwrap();
        for (owner, owned) in (0..6).flat_map(|a| (0..6).map(move |b| (name(a), name(b)))) {
            let into = all.iter().filter(|stake| stake.owned == owned);
            let expected: BigRational = into
                .map(|stake| {
                    let itself = i64::from(stake.owner == owner);
                    let held = share(&owner, &stake.owner) + BigInt::from(itself);
                    held * &stake.share
                })
                .sum();
            prop_assert_eq!(share(&owner, &owned), expected);
        }
    }
}
