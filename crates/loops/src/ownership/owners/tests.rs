//! Beneficial owners and ultimate controllers: the published examples of the 50 % rule (OFAC FAQ
//! 401) under each method, cross-holdings, funds, joint control and circles of it.

#![expect(clippy::unwrap_used, reason = "a test fails where its example is wrong")]

use expect_test::{Expect, expect};
use num_bigint::BigInt;
use proptest::prelude::*;

use super::*;
use crate::ownership::{half, percent};
use crate::rounding::decimal;

fn ownership(text: &str) -> Ownership {
    let stake = |text: &str| {
        let (pair, share) = text.split_once(' ').unwrap();
        let (owner, owned) = pair.split_once('-').unwrap();
        let share = percent(share.parse().unwrap(), 0);
        Stake { owner: owner.to_owned(), owned: owned.to_owned(), share }
    };
    Ownership::of(text.split(", ").map(stake)).unwrap()
}

fn in_percent(share: &BigRational) -> String {
    decimal(&(share * BigInt::from(100)), 2)
}

fn stakes(stakes: &[Stake]) -> String {
    let text =
        |stake: &Stake| format!("{}-{} {}", stake.owner, stake.owned, in_percent(&stake.share));
    stakes.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// Each owner: economic share, cascade share, whether it controls, its chain, its cascade.
fn told(owners: &[Owner]) -> String {
    let one = |owner: &Owner| {
        let economic = owner.economic.as_ref().map_or("none".to_owned(), in_percent);
        let controls = if owner.controls { "controls" } else { "-" };
        let (name, cascade) = (&owner.owner, in_percent(&owner.cascade));
        let (chain, through) = (stakes(&owner.chain), stakes(&owner.through));
        format!("{name}: {economic} | {cascade} | {controls} | {chain} | {through}\n")
    };
    owners.iter().map(one).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "an expectation reads better without `&`")]
fn check(text: &str, owned: &str, expected: Expect) {
    let stakes = ownership(text);
    expected.assert_eq(&told(&stakes.owners(&stakes, owned, &half())));
}

#[test]
fn a_half_of_a_half_is_a_quarter_by_products_and_a_half_by_cascade() {
    check(
        "X-A 50, A-B 50",
        "B",
        expect![[r#"
            A: 50.00 | 50.00 | controls | A-B 50.00 | A-B 50.00
            X: 25.00 | 50.00 | controls | X-A 50.00, A-B 50.00 | X-A 50.00, A-B 50.00
        "#]],
    );
}

#[test]
fn two_quarters_through_controlled_parties_make_a_half_by_cascade() {
    check(
        "X-A 50, X-B 50, A-C 25, B-C 25",
        "C",
        expect![[r#"
            A: 25.00 | 25.00 | - | A-C 25.00 | A-C 25.00
            B: 25.00 | 25.00 | - | B-C 25.00 | B-C 25.00
            X: 25.00 | 50.00 | controls | X-B 50.00, B-C 25.00 | X-A 50.00, A-C 25.00, X-B 50.00, B-C 25.00
        "#]],
    );
}

#[test]
fn a_direct_tenth_adds_to_what_a_controlled_party_holds() {
    check(
        "X-A 50, X-B 10, A-B 40",
        "B",
        expect![[r#"
            A: 40.00 | 40.00 | - | A-B 40.00 | A-B 40.00
            X: 30.00 | 50.00 | controls | X-A 50.00, A-B 40.00 | X-B 10.00, X-A 50.00, A-B 40.00
        "#]],
    );
}

#[test]
fn chains_of_small_stakes_add_up_where_no_single_one_is_enough() {
    let wide = ownership("X-A 40, X-B 40, A-C 40, B-C 40");
    let owners = wide.owners(&wide, "C", &half());
    let owner = owners.iter().find(|owner| owner.owner == "X").unwrap();
    assert_eq!((in_percent(owner.share()), owner.controls), ("32.00".to_owned(), false));
}

#[test]
fn a_limited_partners_share_is_economic_and_its_managers_is_control() {
    let economic = ownership("P-F 70, Q-F 30, F-C 60");
    let control = ownership("G-F 100, F-C 60");
    let owners = told(&economic.owners(&control, "C", &half()));
    expect![[r#"
        F: 60.00 | 60.00 | controls | F-C 60.00 | F-C 60.00
        G: 0.00 | 60.00 | controls |  | G-F 100.00, F-C 60.00
        P: 42.00 | 0.00 | - | P-F 70.00, F-C 60.00 | 
        Q: 18.00 | 0.00 | - | Q-F 30.00, F-C 60.00 | 
    "#]]
    .assert_eq(&owners);
    assert_eq!(control.ultimate_controller("C", &half()), "G");
}

#[test]
fn cross_holdings_are_followed_round_and_a_full_circle_leaves_the_cascade() {
    check(
        "X-A 50, A-B 50, B-A 20",
        "B",
        expect![[r#"
            A: 55.56 | 50.00 | controls | A-B 50.00 | A-B 50.00
            X: 27.78 | 50.00 | controls | X-A 50.00, A-B 50.00 | X-A 50.00, A-B 50.00
        "#]],
    );
    let full = ownership("X-A 10, A-B 100, B-A 100");
    let owners = full.owners(&full, "B", &half());
    assert!(owners.iter().all(|owner| owner.economic.is_err()), "{owners:?}");
    assert_eq!(in_percent(owners[0].share()), "100.00");
}

#[test]
fn nobody_is_above_a_party_without_holders() {
    let chain = ownership("X-A 50, A-B 50");
    assert_eq!(chain.owners(&chain, "X", &half()), []);
    assert_eq!(chain.owners(&chain, "unheard of", &half()), []);
}

#[test]
fn the_ultimate_controller_is_at_the_top_of_the_cascade() {
    let chain = ownership("X-A 50, A-B 50, Y-B 49, B-C 20, X-C 30, Z-X 49");
    for party in ["A", "B", "C", "X"] {
        assert_eq!(chain.ultimate_controller(party, &half()), "X", "{party}");
    }
    assert_eq!(chain.ultimate_controller("Y", &half()), "Y");
    assert_eq!(chain.ultimate_controller("unheard of", &half()), "unheard of");
}

#[test]
fn of_two_controllers_and_of_a_circle_the_alphabetically_first_is_named() {
    let joint = ownership("Q-A 50, P-A 50, A-B 100");
    assert_eq!(joint.ultimate_controller("A", &half()), "P");
    assert_eq!(joint.ultimate_controller("B", &half()), "P");
    let circle = ownership("C-B 60, B-C 60, C-A 100");
    for party in ["A", "B", "C"] {
        assert_eq!(circle.ultimate_controller(party, &half()), "B", "{party}");
    }
}

proptest! {
    /// What controls what, straight from the definition: the least set that is closed under it.
    #[test]
    fn controllers_are_those_of_the_least_fixed_point(
        pairs in proptest::collection::vec((0..6_u8, 0..6_u8, 1..=60_i128), 1..14)
    ) {
        let name = |number: u8| format!("p{number}");
        let all: Vec<Stake> = pairs
            .iter()
            .filter(|(owner, owned, _)| owner != owned)
            .map(|(owner, owned, share)| Stake {
                owner: name(*owner), owned: name(*owned), share: percent(*share, 0),
            })
            .collect();
        let ownership = Ownership::of(all.clone()).unwrap();
        for top in (0..6).map(name) {
            let mut mine = BTreeSet::from([top.clone()]);
            loop {
                let held = |owned: &String| -> BigRational {
                    let of = |stake: &&Stake| stake.owned == *owned && mine.contains(&stake.owner);
                    all.iter().filter(of).map(|stake| &stake.share).sum()
                };
                let fresh: Vec<String> = (0..6).map(name)
                    .filter(|party| !mine.contains(party) && held(party) >= half()).collect();
                if fresh.is_empty() {
                    break;
                }
                mine.extend(fresh);
            }
            mine.remove(&top);
            let told: BTreeSet<String> =
                ownership.controlled_by(&top, &half()).into_iter().map(str::to_owned).collect();
            prop_assert_eq!(&told, &mine);
            for party in &mine {
                let ultimate = ownership.ultimate_controller(party, &half());
                let commands = ownership.controlled_by(ultimate, &half());
                prop_assert!(ultimate == party || commands.contains(&party.as_str()));
            }
            for owner in ownership.owners(&ownership, &top, &half()) {
                let commands = ownership.controlled_by(&owner.owner, &half());
                prop_assert_eq!(owner.controls, commands.contains(&top.as_str()));
                prop_assert_eq!(owner.controls, owner.cascade >= half());
            }
        }
    }
}
