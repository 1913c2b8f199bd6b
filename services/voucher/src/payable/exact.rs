//! Exact amounts: fractions that nothing but a programme's rounding brings back to decimals.

use std::fmt;

use loopledger_model::voucher::RoundingUnit;
use loopledger_model::{Rounding, RoundingMode};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};
use rust_decimal::Decimal;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Exact(BigRational);

impl Exact {
    pub(crate) fn zero() -> Self {
        Self(BigRational::zero())
    }

    pub(crate) fn of(value: Decimal) -> Self {
        Self(BigRational::new(value.mantissa().into(), power_of_ten(value.scale())))
    }

    pub(crate) fn plus(&self, other: &Self) -> Self {
        Self(&self.0 + &other.0)
    }

    pub(crate) fn less(&self, other: &Self) -> Self {
        Self(&self.0 - &other.0)
    }

    pub(crate) fn times(&self, other: &Self) -> Self {
        Self(&self.0 * &other.0)
    }

    /// Nothing over nothing is nothing.
    pub(crate) fn over(&self, other: &Self) -> Self {
        if other.0.is_zero() { Self::zero() } else { Self(&self.0 / &other.0) }
    }

    /// Itself, or zero where it is below.
    pub(crate) fn or_zero(self) -> Self {
        if self.0.is_negative() { Self::zero() } else { self }
    }

    /// Brought to so many decimals of a unit, and never to more than the currency has.
    pub(crate) fn rounded(&self, rounding: Rounding, unit: RoundingUnit, exponent: u32) -> Self {
        let digits = rounding.digits.min(exponent + unit.zeros());
        let scale = BigRational::new(power_of_ten(digits), power_of_ten(unit.zeros()));
        let scaled = &self.0 * &scale;
        let whole = scaled.trunc();
        let rest = (&scaled - &whole).abs();
        let half = BigRational::new(BigInt::one(), BigInt::from(2));
        let odd = !(whole.to_integer() % BigInt::from(2)).is_zero();
        let away = match rounding.mode {
            RoundingMode::Truncate => false,
            RoundingMode::HalfUp => rest >= half,
            RoundingMode::HalfEven => rest > half || (rest == half && odd),
        };
        let rounded = if away { whole + scaled.signum() } else { whole };
        Self(rounded / scale)
    }

    /// As a decimal, if it is one that a ledger can hold.
    pub(crate) fn decimal(&self) -> Option<Decimal> {
        let digits = self.digits().filter(|digits| *digits <= 12)?;
        let mantissa = (&self.0 * power_of_ten(digits)).to_integer().to_i128()?;
        Decimal::try_from_i128_with_scale(mantissa, digits).ok()
    }

    /// How many decimals it takes to write it, if any number does.
    fn digits(&self) -> Option<u32> {
        let mut rest = self.0.denom().clone();
        let mut count = |prime: u32| {
            let prime = BigInt::from(prime);
            let mut times = 0;
            while (&rest % &prime).is_zero() {
                rest /= &prime;
                times += 1;
            }
            times
        };
        let digits = count(2).max(count(5));
        rest.is_one().then_some(digits)
    }
}

fn power_of_ten(digits: u32) -> BigInt {
    BigInt::from(10).pow(digits)
}

/// A decimal where one is exact, otherwise a fraction in lowest terms.
impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(digits) = self.digits() else {
            return write!(f, "{}/{}", self.0.numer(), self.0.denom());
        };
        let scaled = (&self.0 * power_of_ten(digits)).to_integer();
        let places = digits as usize;
        let text = format!("{:0>width$}", scaled.magnitude(), width = places + 1);
        let (whole, fraction) = text.split_at(text.len() - places);
        let sign = if scaled.is_negative() { "-" } else { "" };
        let point = if places > 0 { "." } else { "" };
        write!(f, "{sign}{whole}{point}{fraction}")
    }
}
