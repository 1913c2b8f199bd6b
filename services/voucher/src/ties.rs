//! What may relate two parties: who holds whom, and whose capital went where.
//!
//! Invariant: only stakes in force at an instant, and payments up to it, are ever handed out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use loopledger_model::registry::Stake;
use loopledger_model::voucher::Link;
use loopledger_model::{FactId, Money, PartyId, Percent};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ties {
    /// By owned party, then by owner, then by when it began.
    stakes: BTreeMap<PartyId, BTreeMap<PartyId, BTreeMap<Timestamp, Stated>>>,
    /// By payer, then by when it was paid.
    capital: BTreeMap<PartyId, BTreeMap<(Timestamp, FactId), Paid>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Stated {
    percent: Percent,
    to: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Paid {
    payee: PartyId,
    amount: Money,
}

/// A stake in force.
#[derive(Debug)]
pub(crate) struct Holding<'a> {
    pub(crate) owner: &'a PartyId,
    pub(crate) owned: &'a PartyId,
    pub(crate) percent: Percent,
    pub(crate) at: Timestamp,
}

impl Holding<'_> {
    pub(crate) fn link(&self) -> Link {
        let (from, to) = (self.owner.clone(), self.owned.clone());
        Link { from, to, percent: Some(self.percent), amount: None, at: self.at }
    }
}

/// A payment of capital.
#[derive(Debug)]
pub(crate) struct Payment<'a> {
    pub(crate) payer: &'a PartyId,
    pub(crate) payee: &'a PartyId,
    pub(crate) amount: Money,
    pub(crate) at: Timestamp,
    pub(crate) fact: FactId,
}

impl Payment<'_> {
    pub(crate) fn link(&self) -> Link {
        let (from, to) = (self.payer.clone(), self.payee.clone());
        Link { from, to, percent: None, amount: Some(self.amount), at: self.at }
    }
}

impl Ties {
    pub(crate) fn add_stake(&mut self, stake: &Stake) {
        let owners = self.stakes.entry(stake.owned.clone()).or_default();
        let stated = Stated { percent: stake.percent, to: stake.to };
        owners.entry(stake.owner.clone()).or_default().insert(stake.at, stated);
    }

    pub(crate) fn add_capital(
        &mut self,
        payer: &PartyId,
        payee: &PartyId,
        amount: Money,
        at: Timestamp,
        fact: FactId,
    ) {
        let paid = Paid { payee: payee.clone(), amount };
        self.capital.entry(payer.clone()).or_default().insert((at, fact), paid);
    }

    /// The stakes in force in these parties and in all that hold them: no other bears on who holds
    /// or controls them.
    pub(crate) fn holdings_above<'a>(
        &'a self,
        parties: impl IntoIterator<Item = &'a PartyId>,
        at: Timestamp,
    ) -> Vec<Holding<'a>> {
        let mut waiting: Vec<&PartyId> = parties.into_iter().collect();
        let mut seen: BTreeSet<&PartyId> = waiting.iter().copied().collect();
        let mut holdings = Vec::new();
        while let Some(owned) = waiting.pop() {
            for holding in self.in_force(owned, at) {
                if seen.insert(holding.owner) {
                    waiting.push(holding.owner);
                }
                holdings.push(holding);
            }
        }
        holdings
    }

    /// Of each owner's stakes that had begun only the latest counts, unless it has ended.
    fn in_force<'a>(
        &'a self,
        owned: &'a PartyId,
        at: Timestamp,
    ) -> impl Iterator<Item = Holding<'a>> {
        let owners = self.stakes.get(owned).into_iter().flatten();
        owners.filter_map(move |(owner, stakes)| {
            let (begun, stated) = stakes.range(..=at).next_back()?;
            let lasts = stated.to.is_none_or(|to| at < to);
            lasts.then_some(Holding { owner, owned, percent: stated.percent, at: *begun })
        })
    }

    /// What a party paid since an instant, what those paid whom it paid, and so on for so many
    /// legs; earliest first.
    pub(crate) fn capital_below<'a>(
        &'a self,
        payer: &'a PartyId,
        legs: usize,
        since: Timestamp,
        until: Timestamp,
    ) -> Vec<Payment<'a>> {
        let mut seen: BTreeSet<&PartyId> = BTreeSet::from([payer]);
        let mut payers = vec![payer];
        let mut payments = Vec::new();
        for _ in 0..legs {
            let paid = payers.iter().flat_map(|payer| self.paid_by(payer, since, until));
            let paid: Vec<_> = paid.collect();
            payers = paid.iter().map(|payment| payment.payee).collect();
            payers.retain(|payee| seen.insert(payee));
            payments.extend(paid);
        }
        payments.sort_unstable_by_key(|payment| (payment.at, payment.fact));
        payments
    }

    fn paid_by<'a>(
        &'a self,
        payer: &'a PartyId,
        since: Timestamp,
        until: Timestamp,
    ) -> impl Iterator<Item = Payment<'a>> {
        let first = FactId { position: 0, index: 0 };
        let last = FactId { position: u64::MAX, index: u32::MAX };
        let all = self.capital.get(payer).into_iter();
        let paid = all.flat_map(move |all| all.range((since, first)..=(until, last)));
        paid.map(move |((at, fact), Paid { payee, amount })| Payment {
            payer,
            payee,
            amount: *amount,
            at: *at,
            fact: *fact,
        })
    }
}
