//! Exact fractions made into decimals, where an answer is written down and nowhere before.
//!
//! Invariant: a half goes up, towards positive infinity; nothing else is ever rounded.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::ToPrimitive;

/// `value` x 10^`digits`, rounded half up: what a scaled integer or a decimal's mantissa holds.
///
/// # Panics
/// If the result does not fit; an amount or a ratio of a loop does up to nine digits.
pub fn round_half_up(value: &BigRational, digits: u32) -> i128 {
    scaled(value, digits).to_i128().expect("an amount or a ratio of a loop fits in 128 bits")
}

/// `value` with exactly `digits` decimal places, rounded half up: `0.412000`.
pub fn decimal(value: &BigRational, digits: u32) -> String {
    let scaled = scaled(value, digits);
    let sign = if scaled < BigInt::ZERO { "-" } else { "" };
    let places = digits as usize;
    let text = format!("{:0>width$}", scaled.magnitude(), width = places + 1);
    let (whole, fraction) = text.split_at(text.len() - places);
    let point = if places > 0 { "." } else { "" };
    format!("{sign}{whole}{point}{fraction}")
}

fn scaled(value: &BigRational, digits: u32) -> BigInt {
    let twice: BigInt = value.numer() * BigInt::from(10).pow(digits) * 2;
    let half_up = BigRational::new_raw(twice + value.denom(), value.denom() * 2);
    half_up.floor().to_integer()
}

#[cfg(test)]
mod tests;
