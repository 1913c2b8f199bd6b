//! Answers: one partner's capital account with a fund.
//!
//! Invariant: closing = opening + contributions - excess returned - distributions + what came over with commitments.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_loops::BigRational;
use loopledger_model::fund::{CallLine, DistributionKind};
use loopledger_model::{CallId, Currency, FactId, NavId, PartyId, Period, Position};
use num_traits::{One, Zero};
use schemars::JsonSchema;
use serde::Serialize;

use super::Known;
use super::entries::{Entered, EntryKind, Standing};
use super::running::Costs;
use crate::figures::{self, exact};

/// A partner's capital account: what it promised, paid in and got back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LpAccount {
    pub position: Position,
    pub fund: PartyId,
    pub lp: PartyId,
    pub currency: Currency,
    pub committed: String,
    pub unfunded: String,
    pub priority_supplier: bool,
    /// Of the period that is asked for, its end not included.
    pub period: Option<CapitalAccount>,
    pub since_inception: CapitalAccount,
    /// In the order of time.
    pub entries: Vec<AccountEntry>,
}

/// `closing` = `opening` + `contributions` - `excess_returned` - `distributions` + `transferred`: what was paid in and is not
/// back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CapitalAccount {
    pub from: Timestamp,
    pub to: Option<Timestamp>,
    pub opening: String,
    /// Made, increased or come from another, less reduced or gone to another.
    pub commitments: String,
    /// With what was recalled.
    pub contributions: String,
    /// By the purpose that was called for, shared by the call's lines; `uncalled` without a call, and `recall`.
    pub contributions_by_purpose: BTreeMap<String, String>,
    pub excess_returned: String,
    pub distributions: String,
    /// `unstated` where nobody said.
    pub distributions_by_kind: BTreeMap<String, String>,
    /// Paid in less paid back, of commitments that came from another partner, less those that went.
    pub transferred: String,
    /// At the end of the time.
    pub unfunded: String,
    pub closing: String,
    /// What running the fund cost all its partners.
    pub costs_of_fund: Costs,
    /// The partner's part of that, by commitment at the end of the time.
    pub costs: Costs,
    /// The partner's part of the newest NAV by the end of the time, where there is one and something was paid in by its date.
    pub nav: Option<PartOfNav>,
}

/// Of the NAV before any share of profit that the manager is still to get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PartOfNav {
    pub nav: NavId,
    pub as_of: Timestamp,
    pub of_fund: String,
    /// By what all partners had paid in by the NAV's date.
    pub amount: String,
    pub event: FactId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AccountEntry {
    pub at: Timestamp,
    pub kind: EntryKind,
    pub id: String,
    pub amount: String,
    /// After it.
    pub unfunded: String,
    /// After it: what was paid in and is not back.
    pub balance: String,
    /// Of a distribution, where it was said.
    pub distribution: Option<DistributionKind>,
    /// That a contribution answers, or that was too much.
    pub call: Option<CallId>,
    /// Of a contribution that answers a call.
    pub purposes: Vec<CallLine>,
    pub event: FactId,
}

impl Known {
    pub(super) fn account(
        &self,
        position: Position,
        lp: &PartyId,
        period: Option<Period>,
    ) -> Option<LpAccount> {
        let entered: Vec<&Entered> = self.entries.iter().filter(|entry| entry.lp == *lp).collect();
        if entered.is_empty() {
            return None;
        }
        let currency = self.fund.currency;
        let all = Standing::of(entered.iter().copied());
        let of_period = |period: Period| {
            let times = (period.from(), Some(period.to()));
            CapitalAccount::of(times, |at| period.contains(at), &entered, self)
        };
        let since = (self.fund.stamp.at, None);
        Some(LpAccount {
            position,
            fund: self.fund.id.clone(),
            lp: lp.clone(),
            currency,
            committed: figures::rounded(&all.committed, currency),
            unfunded: figures::rounded(&all.unfunded, currency),
            priority_supplier: all.priority_supplier,
            period: period.map(of_period),
            since_inception: CapitalAccount::of(since, |_| true, &entered, self),
            entries: entries(&entered, currency),
        })
    }

    fn part_of_nav(
        &self,
        entered: &[&Entered],
        by_the_end: impl Fn(Timestamp) -> bool,
    ) -> Option<PartOfNav> {
        let struck = self.navs.iter().filter(|nav| by_the_end(nav.as_of_at));
        let nav = struck.max_by_key(|nav| (nav.as_of_at, nav.stamp.fact()))?;
        let paid_in = |entry: &&Entered| entry.at <= nav.as_of_at;
        let all = Standing::of(self.entries.iter().filter(paid_in)).contributed;
        let own = Standing::of(entered.iter().copied().filter(paid_in)).contributed;
        if all.is_zero() {
            return None;
        }
        let amount = exact(nav.amount) * own / all;
        Some(PartOfNav {
            nav: nav.id.clone(),
            as_of: nav.as_of_at,
            of_fund: figures::amount(nav.amount, self.fund.currency),
            amount: figures::rounded(&amount, self.fund.currency),
            event: nav.stamp.fact(),
        })
    }
}

#[derive(Default)]
struct Sums {
    commitments: BigRational,
    contributions: BigRational,
    by_purpose: BTreeMap<String, BigRational>,
    excess: BigRational,
    distributions: BigRational,
    by_kind: BTreeMap<String, BigRational>,
    transferred: BigRational,
}

impl Sums {
    fn add(&mut self, entry: &Entered) {
        let amount = exact(entry.amount);
        self.commitments += exact(entry.committed);
        match entry.kind {
            EntryKind::Commitment
            | EntryKind::CommitmentIncrease
            | EntryKind::CommitmentReduction => {}
            EntryKind::TransferIn | EntryKind::TransferOut => {
                self.transferred += exact(entry.contributed) - exact(entry.distributed);
            }
            EntryKind::Contribution if entry.purposes.is_empty() => {
                *self.by_purpose.entry("uncalled".to_owned()).or_default() += &amount;
                self.contributions += amount;
            }
            EntryKind::Contribution => {
                for line in &entry.purposes {
                    let sum = self.by_purpose.entry(line.purpose.name().to_owned()).or_default();
                    *sum += exact(line.amount.amount());
                }
                self.contributions += amount;
            }
            EntryKind::Recall => {
                *self.by_purpose.entry("recall".to_owned()).or_default() += &amount;
                self.contributions += amount;
            }
            EntryKind::ExcessReturn => self.excess += amount,
            EntryKind::Distribution => {
                let kind = entry.distribution.map_or("unstated", DistributionKind::name);
                *self.by_kind.entry(kind.to_owned()).or_default() += &amount;
                self.distributions += amount;
            }
        }
    }
}

impl CapitalAccount {
    fn of(
        (from, to): (Timestamp, Option<Timestamp>),
        within: impl Fn(Timestamp) -> bool,
        entered: &[&Entered],
        known: &Known,
    ) -> Self {
        let currency = known.fund.currency;
        let mut sums = Sums::default();
        let (mut before, mut after) = (Standing::default(), Standing::default());
        for entry in entered {
            if within(entry.at) {
                sums.add(entry);
                after.add(entry);
            } else if entry.at < from {
                before.add(entry);
                after.add(entry);
            }
        }
        let by_the_end = |entry: &&Entered| within(entry.at) || entry.at < from;
        let all = Standing::of(known.entries.iter().filter(by_the_end)).committed;
        let part = if all.is_zero() { BigRational::zero() } else { &after.committed / all };
        let costs = |part: &BigRational| known.running.told(&within, part, currency);
        let told = |sum: &BigRational| figures::rounded(sum, currency);
        let by = |sums: &BTreeMap<String, BigRational>| {
            let some = sums.iter().filter(|(_, sum)| !sum.is_zero());
            some.map(|(name, sum)| (name.clone(), figures::rounded(sum, currency))).collect()
        };
        Self {
            from,
            to,
            opening: told(&before.balance()),
            commitments: told(&sums.commitments),
            contributions: told(&sums.contributions),
            contributions_by_purpose: by(&sums.by_purpose),
            excess_returned: told(&sums.excess),
            distributions: told(&sums.distributions),
            distributions_by_kind: by(&sums.by_kind),
            transferred: told(&sums.transferred),
            unfunded: told(&after.unfunded),
            closing: told(&after.balance()),
            costs_of_fund: costs(&BigRational::one()),
            costs: costs(&part),
            nav: known.part_of_nav(entered, |at| within(at) || at < from),
        }
    }
}

fn entries(entered: &[&Entered], currency: Currency) -> Vec<AccountEntry> {
    let mut standing = Standing::default();
    let told = |entry: &&Entered| {
        standing.add(entry);
        AccountEntry {
            at: entry.at,
            kind: entry.kind,
            id: entry.id.clone(),
            amount: figures::amount(entry.amount, currency),
            unfunded: figures::rounded(&standing.unfunded, currency),
            balance: figures::rounded(&standing.balance(), currency),
            distribution: entry.distribution,
            call: entry.call.clone(),
            purposes: entry.purposes.clone(),
            event: entry.event,
        }
    };
    entered.iter().map(told).collect()
}
