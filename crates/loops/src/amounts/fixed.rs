//! Shares in fixed point, in units of 2^-256, and sums of amounts times shares.
//!
//! Invariants: a share is 0 to 1. A mixture is rounded down, by less than one unit, and says whether it was. Sums
//! are exact: amounts that add up to less than 2^127 times shares stay below 2^384.

use num_bigint::{BigInt, BigUint};

pub(super) const FRACTION_BITS: u32 = 256;

const LIMBS: usize = 5;
const WIDE_LIMBS: usize = 7;

/// The lowest limb first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Fixed([u64; LIMBS]);

/// A sum of amounts times shares, or times units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Wide([u64; WIDE_LIMBS]);

impl Fixed {
    pub(super) const ONE: Self = Self([0, 0, 0, 0, 1]);

    pub(super) const fn units(units: u64) -> Self {
        Self([units, 0, 0, 0, 0])
    }

    /// What a balance comes to that a payment is mixed into; false where a part of a unit was lost. One of the
    /// amounts is positive and none negative.
    pub(super) fn mixed(&self, balance: i128, paid: &Self, amount: i128) -> (Self, bool) {
        let mut sum = Wide::default();
        sum.add(self, balance);
        sum.add(paid, amount);
        let total = (balance + amount).unsigned_abs();
        let (quotient, exact) = match u64::try_from(total) {
            Ok(total) => sum.over(total),
            Err(_) => sum.over_long(total),
        };
        let (share, beyond) = quotient.0.split_at(LIMBS);
        assert!(beyond.iter().all(|limb| *limb == 0), "a mixture of shares is a share");
        let mut limbs = [0; LIMBS];
        limbs.copy_from_slice(share);
        (Self(limbs), exact)
    }
}

impl Wide {
    /// Adds an amount, which is not negative, times a share.
    pub(super) fn add(&mut self, share: &Fixed, amount: i128) {
        let amount = amount.unsigned_abs();
        self.add_shifted(share, amount as u64, 0);
        self.add_shifted(share, (amount >> 64) as u64, 1);
    }

    fn add_shifted(&mut self, share: &Fixed, factor: u64, places: usize) {
        if factor == 0 {
            return;
        }
        let limbs = share.0.iter().copied().chain(std::iter::repeat(0));
        let mut carry = 0_u128;
        for (limb, into) in limbs.zip(&mut self.0[places..]) {
            let sum = u128::from(limb) * u128::from(factor) + u128::from(*into) + carry;
            *into = sum as u64;
            carry = sum >> 64;
        }
        assert_eq!(carry, 0, "amounts add up below 2^127");
    }

    /// The quotient, and whether there is no remainder.
    fn over(&self, divisor: u64) -> (Self, bool) {
        let (mut quotient, mut rest) = ([0; WIDE_LIMBS], 0_u64);
        for place in (0..WIDE_LIMBS).rev() {
            let dividend = u128::from(rest) << 64 | u128::from(self.0[place]);
            quotient[place] = (dividend / u128::from(divisor)) as u64;
            rest = (dividend % u128::from(divisor)) as u64;
        }
        (Self(quotient), rest == 0)
    }

    fn over_long(&self, divisor: u128) -> (Self, bool) {
        let (dividend, divisor) = (self.number(), BigUint::from(divisor));
        let quotient = &dividend / &divisor;
        let exact = &quotient * &divisor == dividend;
        let mut limbs = [0; WIDE_LIMBS];
        limbs.iter_mut().zip(quotient.iter_u64_digits()).for_each(|(limb, digit)| *limb = digit);
        (Self(limbs), exact)
    }

    fn number(&self) -> BigUint {
        let bytes: Vec<u8> = self.0.iter().flat_map(|limb| limb.to_le_bytes()).collect();
        BigUint::from_bytes_le(&bytes)
    }
}

impl From<&Wide> for BigInt {
    fn from(sum: &Wide) -> Self {
        sum.number().into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(share: &Fixed) -> BigInt {
        let mut sum = Wide::default();
        sum.add(share, 1);
        BigInt::from(&sum)
    }

    fn share() -> impl Strategy<Value = Fixed> {
        prop_oneof![
            Just(Fixed::default()),
            Just(Fixed::ONE),
            any::<[u64; 4]>().prop_map(|[a, b, c, d]| Fixed([a, b, c, d, 0])),
        ]
    }

    fn amount() -> impl Strategy<Value = i128> {
        prop_oneof![1..1_000_i128, 1..(1_i128 << 70), 1..(1_i128 << 125)]
    }

    proptest! {
        #[test]
        fn a_mixture_is_the_weighted_mean_rounded_down(
            (own, paid) in (share(), share()),
            (balance, amount) in (prop_oneof![Just(0_i128), amount()], amount()),
        ) {
            let (mixed, exact) = own.mixed(balance, &paid, amount);
            let sum = number(&own) * balance + number(&paid) * amount;
            let total = BigInt::from(balance + amount);
            prop_assert_eq!(number(&mixed), &sum / &total);
            prop_assert_eq!(exact, number(&mixed) * total == sum);
        }

        #[test]
        fn a_sum_is_exact(parts in proptest::collection::vec((share(), 1..(1_i128 << 120)), 0..20)) {
            let (mut sum, mut expected) = (Wide::default(), BigInt::default());
            for (share, amount) in &parts {
                sum.add(share, *amount);
                expected += number(share) * *amount;
            }
            prop_assert_eq!(BigInt::from(&sum), expected);
        }
    }
}
