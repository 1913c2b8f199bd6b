//! Polynomials with few terms over intervals within [0, 1], in fixed point, rounded outwards.
//!
//! Invariant: the exact value at every point of an interval lies within the range that is told for it.

/// 1 in fixed point.
pub const ONE: u64 = 1 << POINT;
pub const POINT: u32 = 62;
/// The absolute values of all coefficients come to less than 2 to this.
const SIZE: u32 = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    Minus,
    Zero,
    Plus,
}

impl Sign {
    pub const fn of(number: i128) -> Self {
        match number {
            ..0 => Self::Minus,
            0 => Self::Zero,
            1.. => Self::Plus,
        }
    }

    /// One is above zero and the other below.
    pub const fn is_opposite(self, other: Self) -> bool {
        matches!((self, other), (Self::Minus, Self::Plus) | (Self::Plus, Self::Minus))
    }
}

/// From the least to the most that a value can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    least: i128,
    most: i128,
}

impl Range {
    /// The sign of all values in it, where they have the same and none is zero.
    pub const fn sign(self) -> Option<Sign> {
        if self.least > 0 {
            Some(Sign::Plus)
        } else if self.most < 0 {
            Some(Sign::Minus)
        } else {
            None
        }
    }

    fn plus(self, other: Self) -> Self {
        Self { least: self.least + other.least, most: self.most + other.most }
    }

    /// Times a factor between two bounds, neither below 0 nor above 1.
    fn times(self, (from, to): (u64, u64)) -> Self {
        let least = self.least * i128::from(if self.least < 0 { to } else { from });
        let most = self.most * i128::from(if self.most < 0 { from } else { to });
        Self { least: least >> POINT, most: -(-most >> POINT) }
    }
}

/// A power of a factor between two bounds.
fn power((from, to): (u64, u64), mut exponent: u64) -> (u64, u64) {
    let (mut base, mut product) = ((from, to), (ONE, ONE));
    while exponent > 0 {
        if exponent % 2 == 1 {
            product = (floor(product.0, base.0), ceil(product.1, base.1));
        }
        base = (floor(base.0, base.0), ceil(base.1, base.1));
        exponent /= 2;
    }
    product
}

fn floor(left: u64, right: u64) -> u64 {
    let product = (u128::from(left) * u128::from(right)) >> POINT;
    u64::try_from(product).expect("a product of factors up to 1 is up to 1")
}

fn ceil(left: u64, right: u64) -> u64 {
    let product = (u128::from(left) * u128::from(right)).div_ceil(u128::from(ONE));
    u64::try_from(product).expect("a product of factors up to 1 is up to 1")
}

/// Its coefficients are multiplied by a power of two of its own, so only its sign means anything.
pub struct Polynomial {
    /// How much each exponent is above the one before it, and the coefficient.
    terms: Vec<(u64, Range)>,
}

impl Polynomial {
    /// Terms by ascending exponent; none where the coefficients are beyond 126 bits in all.
    pub fn new(terms: &[(u64, i128)]) -> Option<Self> {
        let size = terms.iter().try_fold(0_i128, |sum, (_, c)| sum.checked_add(c.checked_abs()?));
        let bits = 128 - size.filter(|size| *size < 1 << 126)?.leading_zeros();
        let mut before = 0;
        let terms = terms.iter().map(|(exponent, coefficient)| {
            let range = if bits <= SIZE {
                let exact = coefficient << (SIZE - bits);
                Range { least: exact, most: exact }
            } else {
                let beyond = bits - SIZE;
                Range { least: coefficient >> beyond, most: -(-coefficient >> beyond) }
            };
            let above = exponent - before;
            before = *exponent;
            (above, range)
        });
        Some(Self { terms: terms.collect() })
    }

    /// What the value can be anywhere between two points.
    pub fn over(&self, from: u64, to: u64) -> Range {
        let zero = Range { least: 0, most: 0 };
        self.terms.iter().rev().fold(zero, |rest, (above, coefficient)| {
            rest.plus(*coefficient).times(power((from, to), *above))
        })
    }
}

#[cfg(test)]
mod tests {
    use num_bigint::BigInt;
    use proptest::prelude::*;

    use super::*;

    /// The sign of the exact value at a point.
    fn exact(terms: &[(u64, i128)], at: u64) -> Sign {
        let degree = terms.last().map_or(0, |(exponent, _)| *exponent);
        let value: BigInt = terms.iter().fold(BigInt::from(0), |sum, (exponent, coefficient)| {
            let power = BigInt::from(at).pow(u32::try_from(*exponent).expect("small"));
            let rest = BigInt::from(ONE).pow(u32::try_from(degree - exponent).expect("small"));
            sum + power * rest * coefficient
        });
        match value.sign() {
            num_bigint::Sign::Minus => Sign::Minus,
            num_bigint::Sign::NoSign => Sign::Zero,
            num_bigint::Sign::Plus => Sign::Plus,
        }
    }

    fn terms() -> impl Strategy<Value = Vec<(u64, i128)>> {
        let coefficient = prop_oneof![-1_000..1_000_i128, -(1_i128 << 90)..(1_i128 << 90)];
        prop::collection::btree_map(0..40_u64, coefficient, 1..8)
            .prop_map(|terms| terms.into_iter().collect())
    }

    proptest! {
        #[test]
        fn a_sign_that_is_told_of_a_part_is_that_of_every_point_in_it(
            terms in terms(), a in 0..=ONE, width in 0..=ONE / 8, share in 0..=64_u64,
        ) {
            let (from, to) = (a.min(ONE - width), a.min(ONE - width) + width);
            let polynomial = Polynomial::new(&terms).expect("within bounds");
            let point = from + (to - from) / 64 * share;
            if let Some(sign) = polynomial.over(from, to).sign() {
                prop_assert_eq!(sign, exact(&terms, point));
            }
            if let Some(sign) = polynomial.over(point, point).sign() {
                prop_assert_eq!(sign, exact(&terms, point));
            }
        }
    }
}
