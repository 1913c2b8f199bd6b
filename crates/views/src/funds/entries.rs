//! What a fund's facts say of its partners and its calls, one entry for each change of a partner's account.
//!
//! Invariant: unfunded = committed - contributed + recallable, whatever was handed over; contributed is less what went back
//! as excess.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_loops::BigRational;
use loopledger_model::fund::{
    CallLine, CallShare, CapitalCalled, ChangeKind, CommitmentTransferred, Contribution,
    DistributionKind, Event, SetTerms,
};
use loopledger_model::{CallId, Currency, FactId, Money, PartyId};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;

use super::running::Running;
use crate::figures::{self, exact};
use crate::rows::FundFact;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    Commitment,
    CommitmentIncrease,
    CommitmentReduction,
    /// A commitment, with its part of what was paid in and paid back, came from another partner.
    TransferIn,
    TransferOut,
    Contribution,
    /// A recallable distribution was paid in again.
    Recall,
    /// Called and not needed.
    ExcessReturn,
    Distribution,
}

impl EntryKind {
    pub(super) const fn is_handed_over(self) -> bool {
        matches!(self, Self::TransferIn | Self::TransferOut)
    }
}

/// A call, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FundCall {
    pub call: CallId,
    pub at: Timestamp,
    pub due: Timestamp,
    pub amount: String,
    pub lines: Vec<CallLine>,
    /// By partner.
    pub shares: Vec<CallBorne>,
    pub event: FactId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CallBorne {
    pub lp: PartyId,
    pub amount: String,
    pub paid: String,
    /// Paid after the call was due.
    pub paid_late: String,
    pub unpaid: String,
    pub excess_returned: String,
    pub defaulted_at: Option<Timestamp>,
    pub cured_at: Option<Timestamp>,
}

/// One change of a partner's account.
#[derive(Debug, Clone)]
pub(super) struct Entered {
    pub at: Timestamp,
    pub event: FactId,
    pub lp: PartyId,
    pub kind: EntryKind,
    pub id: String,
    /// As it was stated, above zero.
    pub amount: Decimal,
    pub committed: Decimal,
    pub contributed: Decimal,
    pub distributed: Decimal,
    pub recallable: Decimal,
    pub priority_supplier: bool,
    pub distribution: Option<DistributionKind>,
    /// Of a contribution that answers a call.
    pub call: Option<CallId>,
    /// What it was called for, by the call's lines.
    pub purposes: Vec<CallLine>,
}

impl Entered {
    fn new(fact: &FundFact, lp: &PartyId, kind: EntryKind, id: &str, of: Money) -> Self {
        let zero = Decimal::ZERO;
        Self {
            at: fact.stamp.at,
            event: fact.stamp.fact(),
            lp: lp.clone(),
            kind,
            id: id.to_owned(),
            amount: of.amount(),
            committed: zero,
            contributed: zero,
            distributed: zero,
            recallable: zero,
            priority_supplier: false,
            distribution: None,
            call: None,
            purposes: Vec::new(),
        }
    }

    /// What the partner received, or, below zero, paid; nothing where no money moved.
    pub(super) fn cash(&self) -> Option<Decimal> {
        match self.kind {
            EntryKind::Contribution | EntryKind::Recall => Some(-self.amount),
            EntryKind::ExcessReturn | EntryKind::Distribution => Some(self.amount),
            EntryKind::Commitment
            | EntryKind::CommitmentIncrease
            | EntryKind::CommitmentReduction
            | EntryKind::TransferIn
            | EntryKind::TransferOut => None,
        }
    }
}

/// What entries come to.
#[derive(Debug, Clone, Default)]
pub(super) struct Standing {
    pub committed: BigRational,
    pub contributed: BigRational,
    pub distributed: BigRational,
    pub unfunded: BigRational,
    pub priority_supplier: bool,
}

impl Standing {
    pub(super) fn of<'a>(entries: impl IntoIterator<Item = &'a Entered>) -> Self {
        let mut standing = Self::default();
        entries.into_iter().for_each(|entry| standing.add(entry));
        standing
    }

    pub(super) fn add(&mut self, entry: &Entered) {
        self.committed += exact(entry.committed);
        self.contributed += exact(entry.contributed);
        self.distributed += exact(entry.distributed);
        self.unfunded +=
            exact(entry.committed) - exact(entry.contributed) + exact(entry.recallable);
        self.priority_supplier |= entry.priority_supplier;
    }

    /// What was paid in and is not back.
    pub(super) fn balance(&self) -> BigRational {
        &self.contributed - &self.distributed
    }
}

type Calls = BTreeMap<CallId, (CapitalCalled, FactId)>;

/// All that facts tell.
pub(super) struct Told {
    /// In the order of time.
    pub entries: Vec<Entered>,
    pub calls: Vec<FundCall>,
    /// The latest version.
    pub terms: Option<SetTerms>,
    pub running: Running,
}

impl Told {
    pub(super) fn of(mut facts: Vec<FundFact>, currency: Currency) -> Self {
        facts.sort_by_key(|fact| fact.stamp.fact());
        let mut calls = Calls::new();
        let mut entries = Vec::new();
        let (mut order, mut terms) = (Vec::new(), None);
        for fact in &facts {
            if let Event::CapitalCalled(made) = &fact.event {
                order.push(made.call.id.clone());
                calls.insert(made.call.id.clone(), (made.clone(), fact.stamp.fact()));
            } else if let Event::TermsSet(set) = &fact.event {
                terms = Some(set.clone());
            }
            entries.extend(entered(fact, &calls));
        }
        let told = |call: CallId| calls.get(&call).map(|made| called(made, &facts, currency));
        let calls = order.into_iter().filter_map(told).collect();
        entries.sort_by_key(|entry| (entry.at, entry.event));
        let running = Running::of(&facts);
        Self { entries, calls, terms, running }
    }
}

fn entered(fact: &FundFact, calls: &Calls) -> Vec<Entered> {
    match &fact.event {
        Event::CommitmentMade(it) => {
            let kind = EntryKind::Commitment;
            let entry = Entered::new(fact, &it.lp, kind, it.id.as_str(), it.amount);
            let (committed, priority_supplier) = (it.amount.amount(), it.priority_supplier);
            vec![Entered { committed, priority_supplier, ..entry }]
        }
        Event::CommitmentChanged(it) => {
            let amount = it.amount.amount();
            let (kind, committed) = match it.change {
                ChangeKind::Increase => (EntryKind::CommitmentIncrease, amount),
                ChangeKind::Reduce => (EntryKind::CommitmentReduction, -amount),
            };
            let entry = Entered::new(fact, &it.lp, kind, it.id.as_str(), it.amount);
            vec![Entered { committed, ..entry }]
        }
        Event::CommitmentTransferred(it) => handed_over(fact, it).into(),
        Event::ContributionReceived(it) => {
            let kind = EntryKind::Contribution;
            let entry = Entered::new(fact, &it.lp, kind, it.id.as_str(), it.amount);
            let (contributed, call) = (it.amount.amount(), it.call.clone());
            let purposes = purposes(it, calls);
            vec![Entered { contributed, call, purposes, ..entry }]
        }
        Event::ExcessReturned(it) => {
            let kind = EntryKind::ExcessReturn;
            let entry = Entered::new(fact, &it.lp, kind, it.id.as_str(), it.amount);
            let (contributed, call) = (-it.amount.amount(), Some(it.call.clone()));
            vec![Entered { contributed, call, ..entry }]
        }
        Event::DistributionRecalled(it) => {
            let kind = EntryKind::Recall;
            let entry = Entered::new(fact, &it.lp, kind, it.id.as_str(), it.amount);
            vec![Entered { contributed: it.amount.amount(), ..entry }]
        }
        Event::DistributionPaid(it) => {
            let kind = EntryKind::Distribution;
            let entry = Entered::new(fact, &it.lp, kind, it.id.as_str(), it.amount);
            let distributed = it.amount.amount();
            let is_recallable = it.kind == Some(DistributionKind::Recallable);
            let recallable = if is_recallable { distributed } else { Decimal::ZERO };
            vec![Entered { distributed, recallable, distribution: it.kind, ..entry }]
        }
        Event::FundFormed(_)
        | Event::InvestmentFunded(_)
        | Event::TransferRecorded(_)
        | Event::NavStruck(_)
        | Event::ReinvestmentRecognised(_)
        | Event::TermsSet(_)
        | Event::CapitalCalled(_)
        | Event::PartnerDefaulted(_)
        | Event::DefaultCured(_)
        | Event::InvestmentExited(_)
        | Event::InvestmentValued(_)
        | Event::FeeAccrued(_)
        | Event::FeePaid(_)
        | Event::FeeReduced(_)
        | Event::ExpensePaid(_)
        | Event::CarryPaid(_)
        | Event::LineDrawn(_)
        | Event::LineRepaid(_)
        | Event::FundDissolved(_) => Vec::new(),
    }
}

fn handed_over(fact: &FundFact, it: &CommitmentTransferred) -> [Entered; 2] {
    let transfer = &it.transfer;
    let of = |lp, kind| Entered::new(fact, lp, kind, transfer.id.as_str(), transfer.amount);
    let (committed, contributed) = (transfer.amount.amount(), it.contributed.amount());
    let (distributed, recallable) = (it.distributed.amount(), it.recallable.amount());
    [
        Entered {
            committed: -committed,
            contributed: -contributed,
            distributed: -distributed,
            recallable: -recallable,
            ..of(&transfer.from, EntryKind::TransferOut)
        },
        Entered {
            committed,
            contributed,
            distributed,
            recallable,
            priority_supplier: transfer.priority_supplier,
            ..of(&transfer.to, EntryKind::TransferIn)
        },
    ]
}

/// A contribution, shared by the lines of the call that it answers.
fn purposes(paid: &Contribution, calls: &Calls) -> Vec<CallLine> {
    let call = paid.call.as_ref().and_then(|call| calls.get(call));
    let Some((made, _)) = call else { return Vec::new() };
    let lines = &made.call.lines;
    let weights: Vec<i128> = lines.iter().map(|line| line.amount.minor_units()).collect();
    let parts = paid.amount.split(&weights).unwrap_or_default();
    let part = |(line, amount): (&CallLine, Money)| CallLine { purpose: line.purpose, amount };
    lines.iter().zip(parts).map(part).filter(|line| line.amount.is_positive()).collect()
}

fn called(
    (made, event): &(CapitalCalled, FactId),
    facts: &[FundFact],
    currency: Currency,
) -> FundCall {
    let call = &made.call;
    let total: BigRational = made.shares.iter().map(|share| exact(share.amount.amount())).sum();
    FundCall {
        call: call.id.clone(),
        at: call.at,
        due: call.due,
        amount: figures::rounded(&total, currency),
        lines: call.lines.clone(),
        shares: made.shares.iter().map(|share| borne(made, share, facts)).collect(),
        event: *event,
    }
}

fn borne(made: &CapitalCalled, share: &CallShare, facts: &[FundFact]) -> CallBorne {
    let (call, lp) = (&made.call, &share.lp);
    let zero = BigRational::default;
    let (mut paid, mut late, mut returned) = (zero(), zero(), zero());
    let (mut defaulted_at, mut cured_at) = (None, None);
    for fact in facts {
        if let Event::ContributionReceived(it) = &fact.event
            && (it.call.as_ref(), &it.lp) == (Some(&call.id), lp)
        {
            paid += exact(it.amount.amount());
            if it.at > call.due {
                late += exact(it.amount.amount());
            }
        } else if let Event::ExcessReturned(it) = &fact.event
            && (&it.call, &it.lp) == (&call.id, lp)
        {
            returned += exact(it.amount.amount());
        } else if let Event::PartnerDefaulted(it) = &fact.event
            && (&it.default.call, &it.default.lp) == (&call.id, lp)
        {
            defaulted_at = Some(fact.stamp.at);
        } else if let Event::DefaultCured(it) = &fact.event
            && (&it.call, &it.lp) == (&call.id, lp)
        {
            cured_at = Some(fact.stamp.at);
        }
    }
    let told = |amount: &BigRational| figures::rounded(amount, share.amount.currency());
    let amount = exact(share.amount.amount());
    CallBorne {
        lp: lp.clone(),
        amount: told(&amount),
        unpaid: told(&(amount - &paid)),
        paid: told(&paid),
        paid_late: told(&late),
        excess_returned: told(&returned),
        defaulted_at,
        cured_at,
    }
}
