//! Known answers by hand, and the bounds against every attribution of small cases.

#![expect(clippy::unwrap_used, reason = "a test fails where its example is wrong")]

use expect_test::{Expect, expect};
use proptest::prelude::*;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Zero;

use super::network::TimeNetwork;
use super::*;
use crate::rounding::decimal;

/// Movements of payments written `A-C 100, C-A 80` on the path of these parties, the root first.
fn movements(path: &str, payments: &str) -> Vec<Movement> {
    let path: Vec<&str> = path.split(' ').collect();
    let place = |name: &str| path.iter().position(|other| *other == name);
    let mut movements = Vec::new();
    for payment in payments.split(", ") {
        let (pair, amount) = payment.split_once(' ').unwrap();
        let (from, to) = pair.split_once('-').unwrap();
        let amount = amount.parse().unwrap();
        let (from, to) = (place(from), place(to));
        if let (Some(leg), Some(to)) = (from, to)
            && (leg + 1) % path.len() == to
        {
            movements.push(Movement::Leg { leg, amount });
            continue;
        }
        let beyond_root = |place: Option<usize>| place.filter(|place| *place > 0);
        movements.extend(beyond_root(from).map(|party| Movement::Exit { party, amount }));
        movements.extend(beyond_root(to).map(|party| Movement::OtherIn { party, amount }));
    }
    movements
}

fn check(path: &str, payments: &str, expected: &Expect) {
    let amounts = Amounts::of(path.split(' ').count(), &movements(path, payments));
    expected.assert_eq(&format!(
        "lower {}, fifo {}, pro rata {}, upper {}; out {}, received {}",
        amounts.returned_lower,
        amounts.returned_fifo,
        amounts.returned_pro_rata.decimal(1, 2),
        amounts.returned_upper,
        amounts.capital_out,
        amounts.received,
    ));
}

#[test]
fn a_direct_loop_returns_what_is_paid_back() {
    check(
        "A C",
        "A-C 100, C-A 80",
        &expect!["lower 80, fifo 80, pro rata 80.00, upper 80; out 100, received 80"],
    );
}

#[test]
fn a_fund_in_between_changes_nothing_when_there_is_no_other_money() {
    check(
        "A B C",
        "A-B 100, B-C 100, C-A 90",
        &expect!["lower 90, fifo 90, pro rata 90.00, upper 90; out 100, received 90"],
    );
}

#[test]
fn other_money_at_every_party_makes_all_four_answers_differ() {
    check(
        "A B C",
        "X-B 100, A-B 100, B-C 100, Y-C 50, G-C 30, C-A 120",
        &expect!["lower 0, fifo 0, pro rata 33.33, upper 100; out 100, received 120"],
    );
}

#[test]
fn a_return_larger_than_all_other_money_is_certain_in_part() {
    check(
        "A B C",
        "X-B 100, A-B 100, B-C 200, C-A 150",
        &expect!["lower 50, fifo 50, pro rata 75.00, upper 100; out 100, received 150"],
    );
}

#[test]
fn two_funds_and_a_reseller_each_keep_a_part() {
    check(
        "A F1 F2 C R",
        "A-F1 100, F1-F2 60, Z-F2 40, F2-C 100, C-R 90, R-A 70",
        &expect!["lower 30, fifo 60, pro rata 42.00, upper 60; out 100, received 70"],
    );
}

#[test]
fn the_same_money_twice_round_counts_twice() {
    check(
        "A B C",
        "A-B 100, B-C 100, C-A 100, A-B 100, B-C 100, C-A 100",
        &expect!["lower 200, fifo 200, pro rata 200.00, upper 200; out 200, received 200"],
    );
}

#[test]
fn what_comes_before_the_capital_is_not_returned() {
    check(
        "A C",
        "C-A 80, A-C 100",
        &expect!["lower 0, fifo 0, pro rata 0.00, upper 0; out 100, received 80"],
    );
}

#[test]
fn a_balance_that_was_spent_elsewhere_caps_what_can_return() {
    check(
        "A C",
        "A-C 100, C-V 50, Y-C 50, C-A 100",
        &expect!["lower 50, fifo 50, pro rata 50.00, upper 50; out 100, received 100"],
    );
}

#[test]
fn what_a_payment_lacks_is_outside_money() {
    check(
        "A C",
        "A-C 30, C-A 100, A-C 100, C-V 150, C-A 20",
        &expect!["lower 30, fifo 30, pro rata 30.00, upper 30; out 130, received 120"],
    );
}

#[test]
fn a_payment_on_the_path_that_is_no_leg_takes_the_tag_off() {
    check(
        "A B C",
        "A-B 100, B-C 100, C-B 100, B-C 100, C-A 100",
        &expect!["lower 0, fifo 0, pro rata 0.00, upper 0; out 100, received 100"],
    );
    check(
        "A B C",
        "A-B 100, A-C 40, B-C 60, C-A 100",
        &expect!["lower 60, fifo 60, pro rata 60.00, upper 60; out 100, received 100"],
    );
}

#[test]
fn early_money_that_was_lost_need_not_be_the_roots() {
    check(
        "A B C",
        "A-B 100, X-B 100, B-C 100, C-V 100, B-C 100, C-A 100",
        &expect!["lower 0, fifo 0, pro rata 50.00, upper 100; out 100, received 100"],
    );
}

#[test]
fn pro_rata_stays_an_exact_fraction() {
    let payments = "X-B 1, A-B 2, B-C 3, Y-C 4, C-A 5";
    let amounts = Amounts::of(3, &movements("A B C", payments));
    assert_eq!(amounts.returned_pro_rata.exact(), BigRational::new(10.into(), 7.into()));
}

/// What the parties hold, and how much of it an attribution calls the root's.
#[derive(Clone)]
struct Held {
    balance: i128,
    tagged: i128,
}

/// The smallest and the largest return over every whole-unit attribution there is.
fn all_attributions(held: &[Held], movements: &[Movement], returned: i128) -> (i128, i128) {
    let Some((movement, rest)) = movements.split_first() else { return (returned, returned) };
    let received = |held: &[Held], party: usize, amount: i128, tagged: i128| {
        let mut held = held.to_vec();
        held[party].balance += amount;
        held[party].tagged += tagged;
        held
    };
    let (payer, payee, amount) = match *movement {
        Movement::OtherIn { party, amount } => {
            return all_attributions(&received(held, party, amount, 0), rest, returned);
        }
        Movement::Leg { leg: 0, amount } => {
            return all_attributions(&received(held, 1, amount, amount), rest, returned);
        }
        Movement::Leg { leg, amount } => (leg, Some(leg + 1), amount),
        Movement::Exit { party, amount } => (party, None, amount),
    };
    let Held { balance, tagged } = held[payer].clone();
    let covered = balance.min(amount);
    let fewest = (tagged - (balance - covered)).max(0);
    (fewest..=tagged.min(covered))
        .map(|leaving| {
            let mut next = received(held, payer, -covered, -leaving);
            let mut back = returned;
            match payee {
                Some(payee) if payee < held.len() => {
                    next = received(&next, payee, amount, leaving);
                }
                Some(_) => back += leaving,
                None => {}
            }
            all_attributions(&next, rest, back)
        })
        .reduce(|(low, high), (lower, higher)| (low.min(lower), high.max(higher)))
        .expect("some of the tagged money leaves with every payment, be it none")
}

/// Pro rata as its definition says it: tagged amounts, one fraction at a time.
fn pro_rata_by_definition(parties: usize, movements: &[Movement]) -> BigRational {
    let whole = |amount: i128| BigRational::from_integer(amount.into());
    let mut balances = vec![BigRational::zero(); parties];
    let mut tagged = balances.clone();
    let mut returned = BigRational::zero();
    for movement in movements {
        let (payer, payee, amount) = match *movement {
            Movement::Leg { leg, amount } => (leg, Some(leg + 1), whole(amount)),
            Movement::Exit { party, amount } => (party, None, whole(amount)),
            Movement::OtherIn { party, amount } => {
                balances[party] += whole(amount);
                continue;
            }
        };
        let leaving = if payer == 0 {
            amount.clone()
        } else {
            balances[payer] = balances[payer].clone().max(amount.clone());
            let leaving = &tagged[payer] * &amount / &balances[payer];
            balances[payer] -= &amount;
            tagged[payer] -= &leaving;
            leaving
        };
        match payee {
            Some(payee) if payee < parties => {
                balances[payee] += amount;
                tagged[payee] += leaving;
            }
            Some(_) => returned += leaving,
            None => {}
        }
    }
    returned
}

fn any_movement(parties: usize) -> impl Strategy<Value = Movement> {
    let leg = (0..parties, 1..=4_i128).prop_map(|(leg, amount)| Movement::Leg { leg, amount });
    let other = (1..parties, 1..=4_i128, any::<bool>()).prop_map(|(party, amount, out)| {
        if out { Movement::Exit { party, amount } } else { Movement::OtherIn { party, amount } }
    });
    prop_oneof![2 => leg, 1 => other]
}

fn any_history(longest: usize) -> impl Strategy<Value = (usize, Vec<Movement>)> {
    (2..=4_usize).prop_flat_map(move |parties| {
        (Just(parties), proptest::collection::vec(any_movement(parties), 1..=longest))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_bounds_are_the_extremes_of_all_attributions((parties, movements) in any_history(10)) {
        let nothing = vec![Held { balance: 0, tagged: 0 }; parties];
        let (lowest, highest) = all_attributions(&nothing, &movements, 0);
        let amounts = Amounts::of(parties, &movements);
        prop_assert_eq!((amounts.returned_lower, amounts.returned_upper), (lowest, highest));
    }

    #[test]
    fn the_conventions_lie_between_the_bounds((parties, movements) in any_history(60)) {
        let amounts = Amounts::of(parties, &movements);
        let whole = |amount: i128| BigRational::from_integer(amount.into());
        let (lower, upper) = (amounts.returned_lower, amounts.returned_upper);
        prop_assert!(0 <= lower && upper <= amounts.capital_out && upper <= amounts.received);
        prop_assert!(lower <= amounts.returned_fifo && amounts.returned_fifo <= upper);
        let pro_rata = amounts.returned_pro_rata.exact();
        prop_assert!(whole(lower) <= pro_rata && pro_rata <= whole(upper));
    }

    #[test]
    fn pro_rata_is_what_its_definition_says((parties, movements) in any_history(60)) {
        let amounts = Amounts::of(parties, &movements);
        let by_definition = pro_rata_by_definition(parties, &movements);
        prop_assert_eq!(amounts.returned_pro_rata.exact(), by_definition);
    }

    #[test]
    fn what_is_written_down_is_what_the_fraction_rounds_to(
        (parties, movements) in any_history(80),
        per in prop_oneof![Just(1), Just(100), Just(2_000), 1..=1_000_i128],
    ) {
        let written = Amounts::of(parties, &movements).returned_pro_rata;
        let exact = pro_rata_by_definition(parties, &movements) / BigInt::from(per);
        for digits in 0..=9 {
            prop_assert_eq!(written.decimal(per, digits), decimal(&exact, digits));
        }
    }

    #[test]
    fn pro_rata_is_equal_where_the_fractions_are(
        (parties, movements) in any_history(12),
        (others_parties, others) in any_history(12),
    ) {
        let [one, other] = [(parties, &movements), (others_parties, &others)]
            .map(|(parties, movements)| Amounts::of(parties, movements).returned_pro_rata);
        prop_assert_eq!(one == other, one.exact() == other.exact());
    }

    #[test]
    fn the_cheapest_cut_is_the_largest_flow((parties, movements) in any_history(200)) {
        let flow = TimeNetwork::of(parties, &movements).most_returned();
        let mut walk = Walk::of(parties);
        movements.iter().for_each(|movement| walk.step(*movement));
        prop_assert_eq!(walk.most_returned(), flow);
    }

    #[test]
    fn a_path_too_long_to_cut_has_the_same_bounds((parties, movements) in any_history(60)) {
        // The money goes all the way round on further legs at once.
        let longer = MOST_PARTIES_TO_CUT + 1;
        let prolonged: Vec<Movement> = movements.iter().flat_map(|movement| match *movement {
            Movement::Leg { leg, amount } if leg + 1 == parties => {
                (leg..longer).map(|leg| Movement::Leg { leg, amount }).collect()
            }
            movement @ (Movement::Leg { .. } | Movement::Exit { .. } | Movement::OtherIn { .. }) => {
                vec![movement]
            }
        }).collect();
        prop_assert_eq!(Amounts::of(longer, &prolonged), Amounts::of(parties, &movements));
    }
}

#[test]
fn a_tie_that_the_bounds_leave_open_is_rounded_as_the_fraction() {
    // A sixth of 2,499 is 416.5, and a sixth has no end in binary places.
    let payments = "X-C 2500, A-C 500, C-A 2499";
    let pro_rata = Amounts::of(2, &movements("A C", payments)).returned_pro_rata;
    assert_eq!(pro_rata.exact(), BigRational::new(833.into(), 2.into()));
    assert_eq!(pro_rata.decimal(1, 0), "417");
    let payments = "X-C 2500, A-C 500, C-A 2500";
    let more = Amounts::of(2, &movements("A C", payments)).returned_pro_rata;
    assert_eq!((more.decimal(1, 0), more == pro_rata), ("417".to_owned(), false));
}

/// A company that is funded, pays others and pays its investor, over and over; with its shares
/// never the same twice.
fn long_history(rounds: i128) -> Vec<Movement> {
    let one = |round: i128| {
        let amount = |of: i128| of + round * 7_919 % 1_009;
        [
            Movement::Leg { leg: 0, amount: amount(100_000) },
            Movement::OtherIn { party: 1, amount: amount(50_000) },
            Movement::Leg { leg: 1, amount: amount(120_000) },
            Movement::Exit { party: 2, amount: amount(30_000) },
            Movement::Leg { leg: 2, amount: amount(80_000) },
        ]
    };
    (0..rounds).flat_map(one).collect()
}

#[test]
fn a_long_history_takes_no_more_room_than_its_movements() {
    let short = Amounts::of(3, &long_history(100));
    let exact = short.returned_pro_rata.exact();
    assert_eq!(short.returned_pro_rata.decimal(100, 2), decimal(&(exact / BigInt::from(100)), 2));
    let long = Amounts::of(3, &long_history(24_000));
    assert!(long.returned_lower <= long.returned_fifo && long.returned_fifo <= long.returned_upper);
    let pro_rata: i128 = long.returned_pro_rata.decimal(1, 0).parse().unwrap();
    assert!((long.returned_lower..=long.returned_upper).contains(&pro_rata));
}
