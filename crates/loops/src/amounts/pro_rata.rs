//! What came back if every payment takes the root's money out of a balance in the share in which it
//! is in there.
//!
//! The share of a balance is a fraction whose denominator grows with every payment. It is therefore
//! kept between two bounds, in fixed point; the fraction itself is worked out only where the bounds
//! leave open how a figure is rounded, or whether two are equal.
//!
//! With amounts below 2^100 and 2^40 movements, the bounds of a sum are within 2^-70 of each other.
//!
//! Invariants: the true fraction lies within the bounds, so what is written down is the true
//! fraction rounded. A share mixed from two is no further off than the worse of them and one last
//! place, since it lies between them by their weights and one division is rounded.

use std::sync::Arc;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};

use super::Movement;
use super::fixed::{FRACTION_BITS, Fixed, Wide};
use crate::rounding;

/// Bounds of an amount in minor units, in units of 2^-[`FRACTION_BITS`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Within {
    low: BigInt,
    high: BigInt,
}

impl Within {
    /// The amount over `per`, which is positive, with exactly `digits` decimal places, rounded half
    /// up; nothing where the bounds leave open which way.
    pub fn decimal(&self, per: i128, digits: u32) -> Option<String> {
        let of_bound = |bound: &BigInt| {
            let fraction = BigRational::new_raw(bound.clone(), BigInt::from(per) << FRACTION_BITS);
            rounding::decimal(&fraction, digits)
        };
        let low = of_bound(&self.low);
        (self.low == self.high || low == of_bound(&self.high)).then_some(low)
    }
}

/// An amount in minor units, a fraction.
#[derive(Debug, Clone)]
pub struct ProRata {
    within: Within,
    /// What the fraction is made from: nothing after the last return has a part in it.
    parties: usize,
    movements: Arc<[Movement]>,
}

impl ProRata {
    /// `lower` and `upper` are known to be bounds.
    pub(super) fn of(parties: usize, movements: &[Movement], lower: i128, upper: i128) -> Self {
        let returns = |movement: &Movement| match *movement {
            Movement::Leg { leg, .. } => leg + 1 == parties,
            Movement::Exit { .. } | Movement::OtherIn { .. } => false,
        };
        let end = movements.iter().rposition(returns).map_or(0, |last| last + 1);
        let movements = &movements[..end];
        let mut shares = Bounded::of(parties);
        movements.iter().for_each(|movement| shares.step(*movement));
        Self { within: shares.returned(lower, upper), parties, movements: movements.into() }
    }

    pub(crate) const fn within(&self) -> &Within {
        &self.within
    }

    /// The amount over `per`, which is positive, with exactly `digits` decimal places, rounded half
    /// up.
    pub fn decimal(&self, per: i128, digits: u32) -> String {
        self.within.decimal(per, digits).unwrap_or_else(|| {
            let (numerator, denominator) = self.fraction();
            rounding::decimal(&BigRational::new_raw(numerator, denominator * per), digits)
        })
    }

    /// The fraction itself; it takes long where there are thousands of movements.
    pub fn exact(&self) -> BigRational {
        let (numerator, denominator) = self.fraction();
        BigRational::new(numerator, denominator)
    }

    /// Not in lowest terms.
    fn fraction(&self) -> (BigInt, BigInt) {
        if self.within.low == self.within.high {
            return (self.within.low.clone(), BigInt::one() << FRACTION_BITS);
        }
        Shares::of(self.parties).returned(&self.movements)
    }
}

impl PartialEq for ProRata {
    fn eq(&self, other: &Self) -> bool {
        if self.within.high < other.within.low || other.within.high < self.within.low {
            return false;
        }
        if self.parties == other.parties && self.movements == other.movements {
            return true;
        }
        let (numerator, denominator) = self.fraction();
        let (others_numerator, others_denominator) = other.fraction();
        numerator * others_denominator == others_numerator * denominator
    }
}

impl Eq for ProRata {}

/// A share that is at least `low` and at most `error` more, both in last places.
#[derive(Debug, Clone, Copy, Default)]
struct Share {
    low: Fixed,
    error: u64,
}

/// The tagged share of every balance within bounds, and what came back. A payment out does not change its payer's
/// share; money in mixes into its payee's.
#[derive(Debug, Clone)]
pub(crate) struct Bounded {
    /// By party; the root's own money is all tagged.
    shares: Vec<Share>,
    balances: Vec<i128>,
    low: Wide,
    error: Wide,
}

impl Bounded {
    pub(crate) fn of(parties: usize) -> Self {
        let mut shares = vec![Share::default(); parties];
        shares[0].low = Fixed::ONE;
        let (low, error) = (Wide::default(), Wide::default());
        Self { shares, balances: vec![0; parties], low, error }
    }

    /// Money with this tagged share comes into a party's balance.
    fn mix(&mut self, party: usize, amount: i128, share: Share) {
        let (balance, own) = (self.balances[party], &mut self.shares[party]);
        self.balances[party] += amount;
        if balance == 0 {
            *own = share;
            return;
        }
        own.error = own.error.max(share.error);
        if own.low == share.low {
            return;
        }
        let (mixed, exact) = own.low.mixed(balance, &share.low, amount);
        own.low = mixed;
        own.error += u64::from(!exact);
    }

    fn pay(&mut self, party: usize, amount: i128) {
        let lacking = amount - self.balances[party];
        if lacking > 0 {
            self.mix(party, lacking, Share::default());
        }
        self.balances[party] -= amount;
    }

    /// The next movement.
    pub(crate) fn step(&mut self, movement: Movement) {
        match movement {
            Movement::Leg { leg, amount } => {
                if leg > 0 {
                    self.pay(leg, amount);
                }
                let share = self.shares[leg];
                if leg + 1 < self.shares.len() {
                    self.mix(leg + 1, amount, share);
                } else {
                    self.low.add(&share.low, amount);
                    self.error.add(&Fixed::units(share.error), amount);
                }
            }
            Movement::Exit { party, amount } => self.pay(party, amount),
            Movement::OtherIn { party, amount } => self.mix(party, amount, Share::default()),
        }
    }

    /// The bounds of what came back, which `lower` and `upper` are known to be too.
    pub(crate) fn returned(&self, lower: i128, upper: i128) -> Within {
        let low = BigInt::from(&self.low);
        let high = &low + BigInt::from(&self.error);
        let fixed = |amount: i128| BigInt::from(amount) << FRACTION_BITS;
        Within { low: low.max(fixed(lower)), high: high.min(fixed(upper)) }
    }
}

/// The same, exact: all shares over one common denominator.
struct Shares {
    /// Numerators by party; the root's is the denominator.
    tagged: Vec<BigInt>,
    balances: Vec<i128>,
    /// What came back, over the common denominator.
    returned: BigInt,
    /// The length of the denominator, in bits, from which on a common factor is looked for.
    reduce_at: u64,
}

impl Shares {
    const SHORT_BITS: u64 = 512;
    /// Denominators that get as long without a common factor rarely have one later, and looking
    /// for it would take longer than all else.
    const LONG_BITS: u64 = 1 << 14;

    fn of(parties: usize) -> Self {
        let mut tagged = vec![BigInt::zero(); parties];
        tagged[0] = BigInt::one();
        let balances = vec![0; parties];
        Self { tagged, balances, returned: BigInt::zero(), reduce_at: Self::SHORT_BITS }
    }

    fn mix(&mut self, party: usize, amount: i128, share: &BigInt) {
        let balance = self.balances[party];
        self.balances[party] += amount;
        if self.tagged[party] == *share {
            return;
        }
        let common = gcd(balance, amount);
        let (balance, amount) = (balance / common, amount / common);
        let mixed = &self.tagged[party] * balance + share * amount;
        let total = BigInt::from(balance + amount);
        if !total.is_one() {
            self.tagged.iter_mut().for_each(|tagged| *tagged *= &total);
            self.returned *= &total;
        }
        self.tagged[party] = mixed;
        self.reduce();
    }

    /// Divides all by what they have in common, now and then.
    fn reduce(&mut self) {
        if self.tagged[0].bits() < self.reduce_at {
            return;
        }
        let denominator = self.tagged[0].clone();
        let common = self.tagged[1..].iter().chain([&self.returned]).fold(
            denominator,
            |common, numerator| {
                let lowest = BigRational::new(numerator.clone(), common.clone());
                common / lowest.denom()
            },
        );
        self.tagged.iter_mut().for_each(|tagged| *tagged /= &common);
        self.returned /= &common;
        let next = (self.tagged[0].bits() * 2).max(Self::SHORT_BITS);
        self.reduce_at = if next > Self::LONG_BITS { u64::MAX } else { next };
    }

    fn pay(&mut self, party: usize, amount: i128) {
        let lacking = amount - self.balances[party];
        if lacking > 0 {
            self.mix(party, lacking, &BigInt::zero());
        }
        self.balances[party] -= amount;
    }

    /// What came back and its denominator.
    fn returned(mut self, movements: &[Movement]) -> (BigInt, BigInt) {
        for movement in movements {
            match *movement {
                Movement::Leg { leg, amount } => {
                    if leg > 0 {
                        self.pay(leg, amount);
                    }
                    let share = self.tagged[leg].clone();
                    if leg + 1 < self.tagged.len() {
                        self.mix(leg + 1, amount, &share);
                    } else {
                        self.returned += share * amount;
                    }
                }
                Movement::Exit { party, amount } => self.pay(party, amount),
                Movement::OtherIn { party, amount } => self.mix(party, amount, &BigInt::zero()),
            }
        }
        let denominator = self.tagged.swap_remove(0);
        (self.returned, denominator)
    }
}

fn gcd(mut left: i128, mut right: i128) -> i128 {
    while right != 0 {
        (left, right) = (right, left % right);
    }
    left
}
