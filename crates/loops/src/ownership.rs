//! Look-through over ownership stakes: economic share, control, and the legal relation of two
//! parties.
//!
//! The two methods differ on purpose. A half of a half is an economic share of a quarter, but
//! control passes on whole: who controls a holder commands all that it holds. Rules name the one
//! that they mean.
//!
//! Invariants: shares are exact fractions of 1, and stakes of one owner in one party add up.
//! Filings that do not add up (above 100 %, circular without loss) are taken as they are; where
//! they leave no answer, that is an error.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use crate::names::Names;

pub use owners::Owner;

mod owners;

/// A holding in force: `share` of `owned`, as a fraction of 1, is `owner`'s.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stake {
    pub owner: String,
    pub owned: String,
    pub share: BigRational,
}

/// A percentage as written, `mantissa` x 10^-`scale`, as a fraction of 1: `percent(125, 1)` is
/// 12.5 %, an eighth.
pub fn percent(mantissa: i128, scale: u32) -> BigRational {
    BigRational::new(mantissa.into(), BigInt::from(10).pow(scale) * 100)
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OwnershipError {
    #[error("the stake of `{owner}` in `{owned}` is negative: record the holder on the other side")]
    NegativeShare { owner: String, owned: String },
    #[error(
        "`{owner}` has no finite share of `{owned}`: the stakes around `{at}` circle back in full, \
         check their filings"
    )]
    NoFiniteShare { owner: String, owned: String, at: String },
}

/// What makes two parties legally related.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relation {
    /// They are one party.
    Same,
    /// One controls the other, by these stakes, from the controller down.
    Control { controller: String, controlled: String, stakes: Vec<Stake> },
    /// A third party controls both, by these stakes, from the controller down.
    CommonControl { controller: String, first: Vec<Stake>, second: Vec<Stake> },
}

type Shares = BTreeMap<u32, BigRational>;

/// The stakes in force at one time.
#[derive(Debug, Clone, Default)]
pub struct Ownership {
    names: Names,
    /// By owner: what it holds.
    held: BTreeMap<u32, Shares>,
    /// By owned: its holders.
    holders: BTreeMap<u32, BTreeSet<u32>>,
}

/// A party that came under control, and the holders whose stakes brought it there.
struct Controlled {
    party: u32,
    through: Vec<u32>,
}

impl Ownership {
    /// # Errors
    /// When a share is negative.
    pub fn of(stakes: impl IntoIterator<Item = Stake>) -> Result<Self, OwnershipError> {
        let mut ownership = Self::default();
        for Stake { owner, owned, share } in stakes {
            if share.is_negative() {
                return Err(OwnershipError::NegativeShare { owner, owned });
            }
            if share.is_zero() {
                continue;
            }
            let owner = ownership.names.intern(&owner);
            let owned = ownership.names.intern(&owned);
            *ownership.held.entry(owner).or_default().entry(owned).or_default() += share;
            ownership.holders.entry(owned).or_default().insert(owner);
        }
        Ok(ownership)
    }

    /// The part of `owned` that is economically `owner`'s, over every chain of stakes, round trips
    /// through cross-holdings included: the entry of A(I - A)^-1, A being the stakes.
    ///
    /// # Errors
    /// When stakes on the way circle without loss, so that the chains add up to no finite share.
    pub fn economic_share(&self, owner: &str, owned: &str) -> Result<BigRational, OwnershipError> {
        let (Some(from), Some(to)) = (self.names.number(owner), self.names.number(owned)) else {
            return Ok(BigRational::zero());
        };
        let below = reach(from, |party| self.held.get(&party).into_iter().flat_map(Shares::keys));
        let above = reach(to, |party| self.holders.get(&party).into_iter().flatten());
        let between: BTreeSet<u32> = below.intersection(&above).copied().collect();
        self.sum_of_chains(from, to, &between).map_err(|at| OwnershipError::NoFiniteShare {
            owner: owner.to_owned(),
            owned: owned.to_owned(),
            at: self.names.name(at).to_owned(),
        })
    }

    /// Takes the parties out one by one, each time giving its holders what it held, until only `to`
    /// is left. The error is the party whose stakes lead back to it in full.
    fn sum_of_chains(
        &self,
        from: u32,
        to: u32,
        between: &BTreeSet<u32>,
    ) -> Result<BigRational, u32> {
        let row = |party| -> Shares {
            let held = self.held.get(&party).into_iter().flatten();
            let inside = held.filter(|(owned, _)| between.contains(owned));
            inside.map(|(owned, share)| (*owned, share.clone())).collect()
        };
        let mut start = row(from);
        let mut rows: BTreeMap<u32, Shares> = between.iter().map(|p| (*p, row(*p))).collect();
        for party in between.iter().filter(|party| **party != to) {
            let Some(mut leaving) = rows.remove(party) else { continue };
            let lost = lost_per_turn(leaving.remove(party)).ok_or(*party)?;
            for holder in rows.values_mut().chain(std::iter::once(&mut start)) {
                let Some(share) = holder.remove(party) else { continue };
                let share = share / &lost;
                for (owned, part) in &leaving {
                    *holder.entry(*owned).or_default() += &share * part;
                }
            }
        }
        let circle = rows.remove(&to).and_then(|mut row| row.remove(&to));
        let Some(share) = start.remove(&to) else { return Ok(BigRational::zero()) };
        Ok(share / lost_per_turn(circle).ok_or(to)?)
    }

    /// Everyone that `owner` controls: where the stakes of `owner` and of those it controls come to
    /// at least `threshold` together. In alphabetical order, without `owner`.
    pub fn controlled_by(&self, owner: &str, threshold: &BigRational) -> Vec<&str> {
        let Some(number) = self.names.number(owner) else { return Vec::new() };
        let cascade = self.cascade(number, threshold);
        let mut names: Vec<&str> = cascade.iter().map(|c| self.names.name(c.party)).collect();
        names.sort_unstable();
        names
    }

    /// The least fixed point of control, in the order in which the parties came under it.
    fn cascade(&self, owner: u32, threshold: &BigRational) -> Vec<Controlled> {
        let mut sums: BTreeMap<u32, (BigRational, Vec<u32>)> = BTreeMap::new();
        let mut reached = BTreeSet::from([owner]);
        let mut controlled = Vec::new();
        let mut waiting = VecDeque::from([owner]);
        while let Some(holder) = waiting.pop_front() {
            for (owned, share) in self.held.get(&holder).into_iter().flatten() {
                if reached.contains(owned) {
                    continue;
                }
                let (sum, through) = sums.entry(*owned).or_default();
                *sum += share;
                through.push(holder);
                if &*sum >= threshold {
                    reached.insert(*owned);
                    waiting.push_back(*owned);
                    controlled.push(Controlled { party: *owned, through: through.clone() });
                }
            }
        }
        controlled
    }

    /// The stakes that bring `target` under control, or nothing if it is not.
    fn evidence(&self, cascade: &[Controlled], target: u32) -> Option<Vec<Stake>> {
        let end = cascade.iter().position(|controlled| controlled.party == target)?;
        let mut needed = BTreeSet::from([target]);
        let mut stakes = Vec::new();
        for Controlled { party, through } in cascade[..=end].iter().rev() {
            if needed.contains(party) {
                needed.extend(through);
                stakes.extend(through.iter().rev().map(|holder| self.stake(*holder, *party)));
            }
        }
        stakes.reverse();
        Some(stakes)
    }

    fn stake(&self, owner: u32, owned: u32) -> Stake {
        let share = self.held.get(&owner).and_then(|held| held.get(&owned));
        Stake {
            owner: self.names.name(owner).to_owned(),
            owned: self.names.name(owned).to_owned(),
            share: share.cloned().unwrap_or_default(),
        }
    }

    /// The legal relation of two parties, if there is one: one controls the other, or a third one
    /// controls both. Of several third ones, the alphabetically first is named.
    pub fn related(&self, first: &str, second: &str, threshold: &BigRational) -> Option<Relation> {
        if first == second {
            return Some(Relation::Same);
        }
        let (one, other) = (self.names.number(first)?, self.names.number(second)?);
        for (top, below) in [(one, other), (other, one)] {
            if let Some(stakes) = self.evidence(&self.cascade(top, threshold), below) {
                let [controller, controlled] = [top, below].map(|p| self.names.name(p).to_owned());
                return Some(Relation::Control { controller, controlled, stakes });
            }
        }
        let above = |party| reach(party, |p| self.holders.get(&p).into_iter().flatten());
        let (above_one, above_other) = (above(one), above(other));
        let common = |party: &u32| above_one.contains(party) && above_other.contains(party);
        self.names.in_order().filter(common).find_map(|top| {
            let cascade = self.cascade(top, threshold);
            let first = self.evidence(&cascade, one)?;
            let second = self.evidence(&cascade, other)?;
            let controller = self.names.name(top).to_owned();
            Some(Relation::CommonControl { controller, first, second })
        })
    }
}

/// The control threshold in common use: half or more.
pub fn half() -> BigRational {
    BigRational::new(BigInt::one(), 2.into())
}

/// What a stake that leads back to its party leaves over on each turn, if anything.
fn lost_per_turn(circle: Option<BigRational>) -> Option<BigRational> {
    let lost = BigRational::one() - circle.unwrap_or_default();
    lost.is_positive().then_some(lost)
}

/// `start` and all that the steps lead to from it.
fn reach<'a, I>(start: u32, steps: impl Fn(u32) -> I) -> BTreeSet<u32>
where
    I: Iterator<Item = &'a u32>,
{
    let mut reached = BTreeSet::from([start]);
    let mut waiting = vec![start];
    while let Some(party) = waiting.pop() {
        for next in steps(party) {
            if reached.insert(*next) {
                waiting.push(*next);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests;
