//! Who holds and who controls whom at any instant, from all that the ledger knows of it.
//!
//! Economic stakes, per owner and owned party: what the latest filing says, until it ends; where
//! nothing was ever filed of the two, the percentages that investments bought. What filings and
//! investments leave of a fund is its limited partners', by the amounts that they committed.
//! Control stakes: the same, but a fund is its manager's alone, since a limited partner has no say.
//!
//! Invariant: only what had begun by the instant counts, and every stake names its facts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use loopledger_loops::{BigRational, Ownership, Stake};
use loopledger_model::{FactId, PartyId};
use num_traits::{One, Zero};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_postgres::Transaction;

use crate::as_of::As;
use crate::error::Error;
use crate::figures::{exact, whole};
use crate::rows::{self, Flow, Fund};
use crate::table::select;

/// What a stake is known from.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum StakeBasis {
    Filing,
    Investment,
    Commitment,
    Manager,
}

/// Owner and owned.
type Pair = (PartyId, PartyId);

#[derive(Debug, Default)]
pub(crate) struct Register {
    filed: BTreeMap<Pair, Vec<rows::Stake>>,
    bought: BTreeMap<Pair, Vec<Flow>>,
    /// By fund.
    committed: BTreeMap<PartyId, Vec<rows::Commitment>>,
    funds: BTreeMap<PartyId, Fund>,
}

/// A stake at an instant.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) share: BigRational,
    pub(crate) basis: StakeBasis,
    pub(crate) events: Vec<FactId>,
}

/// All stakes at an instant.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    pub(crate) economic: BTreeMap<Pair, Held>,
    pub(crate) control: BTreeMap<Pair, Held>,
}

impl Register {
    pub(crate) async fn load(transaction: &Transaction<'_>, seen: As) -> Result<Self, Error> {
        let seen = seen.in_rows();
        let times = [&seen.of as _, &seen.known as _];
        let stakes = select(transaction, As::CONDITION, &times).await?;
        let commitments = select(transaction, As::CONDITION, &times).await?;
        let funds = select(transaction, As::CONDITION, &times).await?;
        let bought = format!("{} AND stake_percent IS NOT NULL", As::CONDITION);
        let bought = select(transaction, &bought, &times).await?;
        Ok(Self::of(stakes, commitments, funds, bought))
    }

    /// Of rows in the order in which they were recorded.
    pub(crate) fn of(
        stakes: Vec<rows::Stake>,
        commitments: Vec<rows::Commitment>,
        funds: Vec<Fund>,
        bought: Vec<Flow>,
    ) -> Self {
        let mut register = Self::default();
        for stake in stakes {
            let pair = (stake.owner.clone(), stake.owned.clone());
            register.filed.entry(pair).or_default().push(stake);
        }
        for commitment in commitments {
            register.committed.entry(commitment.fund.clone()).or_default().push(commitment);
        }
        for flow in bought {
            let pair = (flow.from_party.clone(), flow.to_party.clone());
            register.bought.entry(pair).or_default().push(flow);
        }
        register.funds = funds.into_iter().map(|fund| (fund.id.clone(), fund)).collect();
        register
    }

    /// Everybody that something is ever held of, or that is managed.
    pub(crate) fn held(&self) -> BTreeSet<&PartyId> {
        let pairs = self.filed.keys().chain(self.bought.keys());
        pairs.map(|(_, owned)| owned).chain(self.funds.keys()).collect()
    }

    /// The instants from which on other stakes may be in force.
    pub(crate) fn changes(&self) -> Vec<Timestamp> {
        let filed = self.filed.values().flatten();
        let filed = filed.flat_map(|stake| [Some(stake.stamp.at), stake.to_at]).flatten();
        let bought = self.bought.values().flatten().map(|flow| flow.stamp.at);
        let formed = self.funds.values().map(|fund| fund.stamp.at);
        let instants: BTreeSet<Timestamp> = filed.chain(bought).chain(formed).collect();
        instants.into_iter().collect()
    }

    pub(crate) fn at(&self, instant: Timestamp) -> Standing {
        let mut economic: BTreeMap<Pair, Held> = BTreeMap::new();
        let mut spoken_of: BTreeSet<&Pair> = BTreeSet::new();
        for (pair, stakes) in &self.filed {
            let begun = stakes.iter().filter(|stake| stake.stamp.at <= instant);
            let Some(latest) = begun.max_by_key(|stake| stake.stamp.at) else { continue };
            spoken_of.insert(pair);
            if latest.to_at.is_none_or(|to| instant < to) {
                let share = exact(latest.percent.value()) / whole(100);
                let events = vec![latest.stamp.fact()];
                let basis = StakeBasis::Filing;
                economic.insert(pair.clone(), Held { share, basis, events });
            }
        }
        for (pair, flows) in &self.bought {
            let held = bought(flows, instant);
            if let (false, Some(held)) = (spoken_of.contains(pair), held) {
                spoken_of.insert(pair);
                economic.insert(pair.clone(), held);
            }
        }
        let mut control = economic.clone();
        let formed = self.funds.values().filter(|fund| fund.stamp.at <= instant);
        for fund in formed {
            control.retain(|(_, owned), _| *owned != fund.id);
            if fund.manager != fund.id {
                let (share, events) = (BigRational::one(), vec![fund.stamp.fact()]);
                let held = Held { share, basis: StakeBasis::Manager, events };
                control.insert((fund.manager.clone(), fund.id.clone()), held);
            }
            let partners = self.partners(&fund.id, instant, &spoken_of, &economic);
            economic.extend(partners);
        }
        Standing { economic, control }
    }

    /// What is left of a fund, by commitments.
    fn partners(
        &self,
        fund: &PartyId,
        instant: Timestamp,
        spoken_of: &BTreeSet<&Pair>,
        known: &BTreeMap<Pair, Held>,
    ) -> Vec<(Pair, Held)> {
        let of_fund = known.iter().filter(|((_, owned), _)| owned == fund);
        let taken: BigRational = of_fund.map(|(_, held)| &held.share).sum();
        let left = BigRational::one() - taken;
        let mut by_partner: BTreeMap<Pair, (BigRational, Vec<FactId>)> = BTreeMap::new();
        for commitment in self.committed.get(fund).into_iter().flatten() {
            if commitment.stamp.at > instant {
                continue;
            }
            let amount = exact(commitment.amount);
            let given = commitment.from_lp.as_ref().map(|from| (from, -&amount));
            for (lp, amount) in [(&commitment.lp, amount)].into_iter().chain(given) {
                let pair = (lp.clone(), fund.clone());
                if lp != fund && !spoken_of.contains(&pair) {
                    let (sum, events) = by_partner.entry(pair).or_default();
                    *sum += amount;
                    events.push(commitment.stamp.fact());
                }
            }
        }
        by_partner.retain(|_, (sum, _)| !sum.is_zero());
        let all: BigRational = by_partner.values().map(|(sum, _)| sum).sum();
        if left <= BigRational::zero() || all.is_zero() {
            return Vec::new();
        }
        let held = |(sum, events): (BigRational, Vec<FactId>)| {
            let share = sum * &left / &all;
            Held { share, basis: StakeBasis::Commitment, events }
        };
        by_partner.into_iter().map(|(pair, committed)| (pair, held(committed))).collect()
    }
}

/// What investments up to an instant bought, the whole at most.
fn bought(flows: &[Flow], instant: Timestamp) -> Option<Held> {
    let mut share = BigRational::zero();
    let mut events = Vec::new();
    for flow in flows.iter().filter(|flow| flow.stamp.at <= instant) {
        if let Some(percent) = flow.stake_percent {
            share += exact(percent.value()) / whole(100);
            events.push(flow.stamp.fact());
        }
    }
    let share = share.min(BigRational::one());
    (!share.is_zero()).then_some(Held { share, basis: StakeBasis::Investment, events })
}

/// The stakes as they are looked through.
pub(crate) fn ownership(stakes: &BTreeMap<Pair, Held>) -> Ownership {
    let stakes = stakes.iter().map(|((owner, owned), held)| Stake {
        owner: owner.to_string(),
        owned: owned.to_string(),
        share: held.share.clone(),
    });
    Ownership::of(stakes).expect("percentages and commitments are above zero")
}

#[cfg(test)]
mod tests;
