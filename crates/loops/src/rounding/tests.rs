//! Halves, signs and places.

use super::*;

fn fraction(numerator: i64, denominator: i64) -> BigRational {
    BigRational::new(numerator.into(), denominator.into())
}

#[test]
fn a_half_goes_up() {
    assert_eq!(round_half_up(&fraction(1, 2), 0), 1);
    assert_eq!(round_half_up(&fraction(5, 1000), 2), 1);
    assert_eq!(round_half_up(&fraction(-1, 2), 0), 0);
    assert_eq!(round_half_up(&fraction(-3, 2), 0), -1);
}

#[test]
fn less_than_a_half_goes_down() {
    assert_eq!(round_half_up(&fraction(100, 3), 0), 33);
    assert_eq!(round_half_up(&fraction(49_999, 100_000), 0), 0);
    assert_eq!(round_half_up(&fraction(-4, 3), 0), -1);
}

#[test]
fn a_decimal_has_all_its_places() {
    assert_eq!(decimal(&fraction(412, 1000), 6), "0.412000");
    assert_eq!(decimal(&fraction(2, 3), 6), "0.666667");
    assert_eq!(decimal(&fraction(100, 3), 2), "33.33");
    assert_eq!(decimal(&fraction(7, 1), 0), "7");
    assert_eq!(decimal(&fraction(0, 1), 2), "0.00");
    assert_eq!(decimal(&fraction(-1, 8), 2), "-0.12");
}
