//! What is sold of one pool from instant to instant, kept up as contracts come into force and end.
//!
//! Invariant: the sums at an instant are exactly those over the claims in force then, however many
//! came and went before.

use std::collections::BTreeMap;

use loopledger_loops::BigRational;
use loopledger_model::{Basis, CardModel};
use num_traits::Zero;

use crate::figures::{self, whole};
use crate::oversold::{Claim, Share};
use crate::rows::Contract;

/// Claims of one kind can be added before it is known what a card gives and how much is the pool's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kind<'a> {
    pub(crate) basis: Basis,
    /// Whose cards are claimed; absent where P is declared.
    pub(crate) model: Option<&'a CardModel>,
    /// Whether the pool's part is still to be taken.
    pub(crate) spread: bool,
}

struct Sum {
    claims: usize,
    /// P, or cards.
    amount: BigRational,
}

pub(crate) struct Levels<'a> {
    /// What each claim adds; nothing where it can never say how much P it is.
    parts: Vec<Option<(Kind<'a>, BigRational)>>,
    /// When which claim starts or ends, in order; those before `passed` have been counted.
    changes: Vec<(i64, usize, Change)>,
    passed: usize,
    sums: BTreeMap<Kind<'a>, Sum>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Starts,
    Ends,
}

impl<'a> Levels<'a> {
    /// Of claims that are in force for some time each.
    pub(crate) fn of(claims: &[Claim<'a>]) -> Self {
        let both = |(place, claim): (usize, &Claim<'a>)| {
            let (from, to) = (claim.in_force.from, claim.in_force.to);
            [(from, place, Change::Starts), (to, place, Change::Ends)]
        };
        let mut changes: Vec<_> = claims.iter().enumerate().flat_map(both).collect();
        changes.sort_unstable();
        let parts = claims.iter().map(part).collect();
        Self { parts, changes, passed: 0, sums: BTreeMap::new() }
    }

    /// The sums at an instant that is not before the last one asked for.
    pub(crate) fn at(&mut self, instant: i64) -> impl Iterator<Item = (&Kind<'a>, &BigRational)> {
        while let Some((at, place, change)) = self.changes.get(self.passed)
            && *at <= instant
        {
            self.passed += 1;
            if let Some((kind, part)) = &self.parts[*place] {
                count(&mut self.sums, *kind, part, *change);
            }
        }
        self.sums.iter().map(|(kind, sum)| (kind, &sum.amount))
    }
}

fn count<'a>(
    sums: &mut BTreeMap<Kind<'a>, Sum>,
    kind: Kind<'a>,
    part: &BigRational,
    change: Change,
) {
    let none = || Sum { claims: 0, amount: BigRational::zero() };
    let sum = sums.entry(kind).or_insert_with(none);
    match change {
        Change::Starts => {
            sum.claims += 1;
            sum.amount += part;
        }
        Change::Ends => {
            sum.claims -= 1;
            sum.amount -= part;
        }
    }
    if sum.claims == 0 {
        sums.remove(&kind);
    }
}

fn part<'a>(claim: &Claim<'a>) -> Option<(Kind<'a>, BigRational)> {
    let contract: &'a Contract = claim.contract;
    let basis = contract.basis()?;
    let (model, amount) = match contract.rated_p() {
        Some(declared) => (None, figures::exact(declared.value())),
        None => (Some(contract.model.as_ref()?), whole(contract.cards?)),
    };
    let (spread, amount) = match &claim.share {
        Share::Allocated(share) => (false, amount * share),
        Share::Spread => (true, amount),
    };
    Some((Kind { basis, model, spread }, amount))
}
