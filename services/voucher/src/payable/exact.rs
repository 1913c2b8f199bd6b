//! Exact amounts: decimals, and fractions where a division leaves none, that nothing but a programme's rounding rounds.

use std::cmp::Ordering;
use std::fmt;

use loopledger_model::voucher::RoundingUnit;
use loopledger_model::{Rounding, RoundingMode};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};
use rust_decimal::Decimal;

/// A number; the same in whichever form it stands.
#[derive(Debug, Clone)]
pub(crate) enum Exact {
    /// With as few decimals as write it.
    Decimal { mantissa: i128, scale: u32 },
    /// What is no decimal, or too long for one.
    Fraction(BigRational),
}

impl Exact {
    pub(crate) const fn zero() -> Self {
        Self::Decimal { mantissa: 0, scale: 0 }
    }

    pub(crate) const fn of(value: Decimal) -> Self {
        Self::trimmed(value.mantissa(), value.scale())
    }

    pub(crate) fn plus(&self, other: &Self) -> Self {
        let sum = self.aligned(other).and_then(|(left, right, scale)| {
            left.checked_add(right).map(|sum| Self::trimmed(sum, scale))
        });
        sum.unwrap_or_else(|| Self::from_ratio(self.ratio() + other.ratio()))
    }

    pub(crate) fn less(&self, other: &Self) -> Self {
        let rest = self.aligned(other).and_then(|(left, right, scale)| {
            left.checked_sub(right).map(|rest| Self::trimmed(rest, scale))
        });
        rest.unwrap_or_else(|| Self::from_ratio(self.ratio() - other.ratio()))
    }

    pub(crate) fn times(&self, other: &Self) -> Self {
        let product = self.as_decimal().zip(other.as_decimal()).and_then(|(left, right)| {
            let mantissa = left.0.checked_mul(right.0)?;
            Some(Self::trimmed(mantissa, left.1 + right.1))
        });
        product.unwrap_or_else(|| Self::from_ratio(self.ratio() * other.ratio()))
    }

    /// Nothing over nothing is nothing.
    pub(crate) fn over(&self, other: &Self) -> Self {
        let divisor = other.ratio();
        if divisor.is_zero() { Self::zero() } else { Self::from_ratio(self.ratio() / divisor) }
    }

    /// Itself, or zero where it is below.
    pub(crate) fn or_zero(self) -> Self {
        if self < Self::zero() { Self::zero() } else { self }
    }

    /// Brought to so many decimals of a unit, and never to more than the currency has.
    pub(crate) fn rounded(&self, rounding: Rounding, unit: RoundingUnit, exponent: u32) -> Self {
        let digits = rounding.digits.min(exponent + unit.zeros());
        let (kept, zeros) =
            (digits.saturating_sub(unit.zeros()), unit.zeros().saturating_sub(digits));
        if let Some((mantissa, scale)) = self.as_decimal() {
            if zeros == 0 && scale <= kept {
                return self.clone();
            }
            if let Some(unit) = ten_to(scale.saturating_sub(kept) + zeros)
                && let Some(scaled) = ten_to(zeros)
                && let Some(raised) = ten_to(kept.saturating_sub(scale))
                && let Some(mantissa) = mantissa.checked_mul(raised)
            {
                let whole = rounded_quotient(mantissa, unit, rounding.mode);
                if let Some(mantissa) = whole.checked_mul(scaled) {
                    return Self::trimmed(mantissa, kept);
                }
            }
        }
        let scale = BigRational::new(power_of_ten(digits), power_of_ten(unit.zeros()));
        Self::from_ratio(rounded_ratio(&(self.ratio() * &scale), rounding.mode) / scale)
    }

    /// As a decimal, if it is one that a ledger can hold.
    pub(crate) fn decimal(&self) -> Option<Decimal> {
        let (mantissa, scale) = self.as_decimal().filter(|(_, scale)| *scale <= 12)?;
        Decimal::try_from_i128_with_scale(mantissa, scale).ok()
    }

    const fn trimmed(mut mantissa: i128, mut scale: u32) -> Self {
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        Self::Decimal { mantissa, scale }
    }

    const fn as_decimal(&self) -> Option<(i128, u32)> {
        match self {
            Self::Decimal { mantissa, scale } => Some((*mantissa, *scale)),
            Self::Fraction(_) => None,
        }
    }

    /// Both with the same number of decimals, where there is room for it.
    fn aligned(&self, other: &Self) -> Option<(i128, i128, u32)> {
        let ((left, left_scale), (right, right_scale)) =
            self.as_decimal().zip(other.as_decimal())?;
        let scale = left_scale.max(right_scale);
        let left = left.checked_mul(ten_to(scale - left_scale)?)?;
        let right = right.checked_mul(ten_to(scale - right_scale)?)?;
        Some((left, right, scale))
    }

    fn ratio(&self) -> BigRational {
        match self {
            Self::Decimal { mantissa, scale } => {
                BigRational::new((*mantissa).into(), power_of_ten(*scale))
            }
            Self::Fraction(ratio) => ratio.clone(),
        }
    }

    fn from_ratio(ratio: BigRational) -> Self {
        let decimal = decimals(&ratio).and_then(|scale| {
            let mantissa = (&ratio * power_of_ten(scale)).to_integer().to_i128()?;
            Some(Self::trimmed(mantissa, scale))
        });
        decimal.unwrap_or(Self::Fraction(ratio))
    }
}

impl Ord for Exact {
    fn cmp(&self, other: &Self) -> Ordering {
        match self.aligned(other) {
            Some((left, right, _)) => left.cmp(&right),
            None => self.ratio().cmp(&other.ratio()),
        }
    }
}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Exact {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Exact {}

/// How many decimals it takes to write it, if any number does.
fn decimals(ratio: &BigRational) -> Option<u32> {
    let mut rest = ratio.denom().clone();
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

fn rounded_quotient(dividend: i128, divisor: i128, mode: RoundingMode) -> i128 {
    let (whole, rest) = (dividend / divisor, (dividend % divisor).abs());
    let to_half = rest.cmp(&(divisor - rest));
    whole + if goes_away(to_half, whole % 2 != 0, mode) { dividend.signum() } else { 0 }
}

fn rounded_ratio(value: &BigRational, mode: RoundingMode) -> BigRational {
    let whole = value.trunc();
    let half = BigRational::new(BigInt::one(), BigInt::from(2));
    let to_half = (value - &whole).abs().cmp(&half);
    let is_odd = !(whole.to_integer() % BigInt::from(2)).is_zero();
    if goes_away(to_half, is_odd, mode) { whole + value.signum() } else { whole }
}

/// Whether a rest that compares so to one half is rounded away from zero.
fn goes_away(to_half: Ordering, is_odd: bool, mode: RoundingMode) -> bool {
    match mode {
        RoundingMode::Truncate => false,
        RoundingMode::HalfUp => to_half.is_ge(),
        RoundingMode::HalfEven => to_half.is_gt() || (to_half.is_eq() && is_odd),
    }
}

const fn ten_to(digits: u32) -> Option<i128> {
    10_i128.checked_pow(digits)
}

fn power_of_ten(digits: u32) -> BigInt {
    BigInt::from(10).pow(digits)
}

/// A decimal where one is exact, otherwise a fraction in lowest terms.
impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (is_negative, digits, places) = match self {
            Self::Decimal { mantissa, scale } => {
                (*mantissa < 0, mantissa.unsigned_abs().to_string(), *scale)
            }
            Self::Fraction(ratio) => match decimals(ratio) {
                None => return write!(f, "{}/{}", ratio.numer(), ratio.denom()),
                Some(places) => {
                    let scaled = (ratio * power_of_ten(places)).to_integer();
                    (scaled.is_negative(), scaled.magnitude().to_string(), places)
                }
            },
        };
        let places = places as usize;
        let digits = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        let sign = if is_negative { "-" } else { "" };
        let point = if places > 0 { "." } else { "" };
        write!(f, "{sign}{whole}{point}{fraction}")
    }
}
