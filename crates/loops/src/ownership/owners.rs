//! Who stands behind a party: every holder above it with its share by each method, and the one that
//! controls it in the end.
//!
//! A beneficial owner's share is the greater of its economic share (all chains of products, round
//! trips included) and its cascade share (what it and those that it controls hold directly). Stakes
//! and control may be told apart: a limited partner's share of a fund is economic only, its manager
//! has control only.
//!
//! Invariant: a party has exactly one ultimate controller, itself where nobody controls it.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use num_rational::BigRational;
use num_traits::{One, Zero};

use super::{Ownership, OwnershipError, Stake, reach};

/// A holder above a party, and what it has of it. Shares are fractions of 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    pub owner: String,
    /// Over all chains together; an error where filings circle in full.
    pub economic: Result<BigRational, OwnershipError>,
    /// What it and those that it controls hold of the party themselves.
    pub cascade: BigRational,
    pub controls: bool,
    /// The stakes of its chain with the greatest product, from the owner down; empty where it has
    /// no economic share.
    pub chain: Vec<Stake>,
    /// The stakes that its cascade share is made of, and those by which it controls their holders.
    pub through: Vec<Stake>,
}

impl Owner {
    /// The greater of the two shares.
    pub fn share(&self) -> &BigRational {
        match &self.economic {
            Ok(economic) if *economic > self.cascade => economic,
            Ok(_) | Err(_) => &self.cascade,
        }
    }
}

/// The greatest product of stakes from a party down, and the next party on that way.
type Chains = BTreeMap<u32, (BigRational, u32)>;

impl Ownership {
    /// Everybody above `owned` by either set of stakes, in alphabetical order; `self` has the
    /// economic stakes.
    pub fn owners(&self, control: &Self, owned: &str, threshold: &BigRational) -> Vec<Owner> {
        let names: BTreeSet<&str> =
            [self, control].into_iter().flat_map(|stakes| stakes.above(owned)).collect();
        let chains = self.names.number(owned).map(|number| self.chains_into(number));
        let chains = chains.unwrap_or_default();
        let told = |owner: &str| {
            let (cascade, controls, through) = control.cascade_share(owner, owned, threshold);
            Owner {
                owner: owner.to_owned(),
                economic: self.economic_share(owner, owned),
                cascade,
                controls,
                chain: self.chain(&chains, owner, owned),
                through,
            }
        };
        names.into_iter().map(told).collect()
    }

    /// The parties that hold `owned`, and those that hold them, and so on, without itself.
    fn above(&self, owned: &str) -> Vec<&str> {
        let Some(owned) = self.names.number(owned) else { return Vec::new() };
        let above = reach(owned, |party| self.holders.get(&party).into_iter().flatten());
        above.iter().filter(|party| **party != owned).map(|p| self.names.name(*p)).collect()
    }

    /// Best first: a stake is at most the whole, so going on never makes a product greater.
    fn chains_into(&self, owned: u32) -> Chains {
        let mut best = Chains::new();
        let mut waiting = BinaryHeap::from([(BigRational::one(), owned, owned)]);
        while let Some((product, party, next)) = waiting.pop() {
            if best.contains_key(&party) {
                continue;
            }
            for holder in self.holders.get(&party).into_iter().flatten() {
                if !best.contains_key(holder) {
                    let share = self.held.get(holder).and_then(|held| held.get(&party));
                    waiting.extend(share.map(|share| (share * &product, *holder, party)));
                }
            }
            best.insert(party, (product, next));
        }
        best
    }

    fn chain(&self, chains: &Chains, owner: &str, owned: &str) -> Vec<Stake> {
        let mut stakes = Vec::new();
        let Some(mut party) = self.names.number(owner) else { return stakes };
        while let Some((_, next)) = chains.get(&party)
            && self.names.name(party) != owned
        {
            stakes.push(self.stake(party, *next));
            party = *next;
        }
        stakes
    }

    /// What a party and those that it controls hold of `owned`, whether that is control, and the
    /// stakes that say so.
    fn cascade_share(
        &self,
        owner: &str,
        owned: &str,
        threshold: &BigRational,
    ) -> (BigRational, bool, Vec<Stake>) {
        let (Some(owner), Some(owned)) = (self.names.number(owner), self.names.number(owned))
        else {
            return (BigRational::zero(), false, Vec::new());
        };
        let cascade = self.cascade(owner, threshold);
        let controls = cascade.iter().any(|controlled| controlled.party == owned);
        let mut through: Vec<Stake> = Vec::new();
        let mut share = BigRational::zero();
        let holders = std::iter::once(owner).chain(cascade.iter().map(|c| c.party));
        for holder in holders.filter(|holder| *holder != owned) {
            let Some(held) = self.held.get(&holder).and_then(|held| held.get(&owned)) else {
                continue;
            };
            share += held;
            let controlled = self.evidence(&cascade, holder).unwrap_or_default();
            for stake in controlled.into_iter().chain([self.stake(holder, owned)]) {
                if !through.contains(&stake) {
                    through.push(stake);
                }
            }
        }
        (share, controls, through)
    }

    /// Who controls a party and is controlled by nobody: itself, where nobody controls it. Of
    /// several (two halves, or a circle of control) it is the alphabetically first.
    pub fn ultimate_controller<'a>(&'a self, party: &'a str, threshold: &BigRational) -> &'a str {
        let Some(number) = self.names.number(party) else { return party };
        let above = reach(number, |p| self.holders.get(&p).into_iter().flatten());
        let commands: BTreeMap<u32, BTreeSet<u32>> = above
            .iter()
            .map(|p| (*p, self.cascade(*p, threshold).iter().map(|c| c.party).collect()))
            .filter(|(p, below): &(u32, BTreeSet<u32>)| *p == number || below.contains(&number))
            .collect();
        let is_top = |party: &u32| {
            let above_it = commands.iter().filter(|(_, below)| below.contains(party));
            above_it.into_iter().all(|(other, _)| commands[party].contains(other))
        };
        let tops = commands.keys().filter(|party| is_top(party));
        tops.map(|top| self.names.name(*top)).min().unwrap_or(party)
    }
}

#[cfg(test)]
mod tests;
