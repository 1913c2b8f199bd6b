//! Rates of return that are known, that are none, and that are many.

use jiff::Timestamp;
use loopledger_testkit::at;
use num_traits::{One, Signed};
use proptest::prelude::*;

use super::*;

fn flows(dated: &[(&str, i128)]) -> BTreeMap<i64, i128> {
    let day = |at: Timestamp| at.as_second().div_euclid(86_400);
    dated.iter().map(|(date, amount)| (day(at(date)), *amount)).collect()
}

fn one(rate: &str) -> Irr {
    Irr { status: IrrStatus::One, rate: Some(rate.to_owned()), rates: Vec::new() }
}

fn without_rate(status: IrrStatus) -> Irr {
    Irr { status, rate: None, rates: Vec::new() }
}

/// The example in the documentation of spreadsheets' XIRR, which gives 0.373362535.
#[test]
fn the_example_of_spreadsheets_gives_their_figure() {
    let dated = flows(&[
        ("2008-01-01", -10_000),
        ("2008-03-01", 2_750),
        ("2008-10-30", 4_250),
        ("2009-02-15", 3_250),
        ("2009-04-01", 2_750),
    ]);
    assert_eq!(irr(&dated), one("0.373363"));
}

#[test]
fn a_year_of_ten_per_cent_is_ten_per_cent() {
    assert_eq!(irr(&flows(&[("2025-01-01", -100), ("2026-01-01", 110)])), one("0.100000"));
    assert_eq!(irr(&flows(&[("2025-01-01", 100), ("2026-01-01", -110)])), one("0.100000"));
}

#[test]
fn a_loss_is_a_rate_below_zero() {
    assert_eq!(irr(&flows(&[("2025-01-01", -100), ("2026-01-01", 50)])), one("-0.500000"));
    assert_eq!(irr(&flows(&[("2025-01-01", -1_000_000), ("2026-01-01", 1)])), one("-0.999999"));
}

#[test]
fn money_that_comes_back_as_it_went_bears_nothing() {
    assert_eq!(irr(&flows(&[("2025-01-01", -100), ("2025-07-01", 100)])), one("0.000000"));
}

#[test]
fn amounts_of_one_sign_have_no_rate() {
    assert_eq!(irr(&BTreeMap::new()), without_rate(IrrStatus::None));
    assert_eq!(irr(&flows(&[("2025-01-01", -100)])), without_rate(IrrStatus::None));
    let paid = flows(&[("2025-01-01", -100), ("2026-01-01", -5), ("2026-02-01", 0)]);
    assert_eq!(irr(&paid), without_rate(IrrStatus::None));
}

/// -100 + 230 x - 133 x^2 by years is never zero: 230^2 < 4 x 100 x 133.
#[test]
fn amounts_that_change_sign_twice_may_have_no_rate() {
    let dated = flows(&[("2025-01-01", -100), ("2026-01-01", 230), ("2027-01-01", -133)]);
    assert_eq!(irr(&dated), without_rate(IrrStatus::None));
}

/// -100 + 230 x - 132 x^2 by years is zero at x = 1 / 1.1 and at 1 / 1.2.
#[test]
fn two_rates_are_both_told_and_neither_is_the_rate() {
    let dated = flows(&[("2025-01-01", -100), ("2026-01-01", 230), ("2027-01-01", -132)]);
    let rates = vec!["0.100000".to_owned(), "0.200000".to_owned()];
    assert_eq!(irr(&dated), Irr { status: IrrStatus::Many, rate: None, rates });
}

/// By years of 365 days, (1 + r) of 0.5, 1 and 1.5.
#[test]
fn rates_below_at_and_above_zero_are_told_in_order() {
    let dated: BTreeMap<i64, i128> =
        [(0, -100), (365, 300), (730, -275), (1_095, 75)].into_iter().collect();
    let rates = ["-0.500000", "0.000000", "0.500000"].map(str::to_owned).to_vec();
    assert_eq!(irr(&dated), Irr { status: IrrStatus::Many, rate: None, rates });
}

/// -100 + 220 x - 121 x^2 touches zero at x = 1 / 1.1 and is below it elsewhere.
#[test]
fn a_rate_at_which_the_amounts_only_touch_zero_is_not_decided() {
    let dated = flows(&[("2025-01-01", -100), ("2026-01-01", 220), ("2027-01-01", -121)]);
    assert_eq!(irr(&dated), without_rate(IrrStatus::Undetermined));
}

#[test]
fn a_rate_too_steep_for_six_decimals_is_not_told() {
    let dated = flows(&[("2025-01-01", -100), ("2025-01-02", 200)]);
    assert_eq!(irr(&dated), without_rate(IrrStatus::Undetermined));
}

#[test]
fn ten_years_of_monthly_calls_and_quarterly_returns_have_one_rate() {
    let mut dated = BTreeMap::new();
    for month in 0..60 {
        *dated.entry(month * 30).or_insert(0) -= 10_000_000_i128;
    }
    for quarter in 4..40 {
        *dated.entry(quarter * 91 + 1).or_insert(0) += 25_000_000_i128;
    }
    let found = irr(&dated);
    assert_eq!(found.status, IrrStatus::One, "{found:?}");
}

/// What yearly amounts come to at a rate.
fn present_value(yearly: &[i128], rate: &BigRational) -> BigRational {
    let growth = rate + BigRational::one();
    let zero = BigRational::from_integer(BigInt::from(0));
    yearly.iter().rev().fold(zero, |later, amount| {
        later / &growth + BigRational::from_integer(BigInt::from(*amount))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn around_each_rate_the_present_value_changes_sign(
        yearly in prop::collection::vec(-1_000..1_000_i128, 2..6),
    ) {
        let days = (0..).map(|year| year * 365);
        let found = irr(&days.zip(yearly.iter().copied()).collect());
        let a_bit = BigRational::new(BigInt::from(2), BigInt::from(1_000_000));
        for rate in found.rate.iter().chain(&found.rates) {
            let (whole, digits) = rate.split_once('.').expect("six decimals");
            let millionths: BigInt = format!("{whole}{digits}").parse().expect("digits");
            let rate = BigRational::new(millionths, BigInt::from(1_000_000));
            if &rate - &a_bit <= -BigRational::one() {
                continue;
            }
            let below = present_value(&yearly, &(&rate - &a_bit));
            let above = present_value(&yearly, &(&rate + &a_bit));
            prop_assert!(!(below * above).is_positive(), "{rate} of {yearly:?}");
        }
    }

    #[test]
    fn one_change_of_sign_is_one_rate(
        paid in prop::collection::vec(1..1_000_000_i128, 1..8),
        back in prop::collection::vec(1..1_000_000_i128, 1..8),
    ) {
        let amounts = paid.iter().map(|amount| -amount).chain(back.iter().copied());
        let found = irr(&(0..).map(|quarter| quarter * 91).zip(amounts).collect());
        prop_assert!(
            matches!(found.status, IrrStatus::One | IrrStatus::Undetermined), "{found:?}"
        );
    }
}
