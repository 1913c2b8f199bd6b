//! A formed fund: its cash, what its partners promised, were called for, paid in and got back, its calls and its terms.
//!
//! Invariant: a partner's unfunded is its commitment, less what it paid in and has not got back as excess, with what
//! was distributed as recallable; what is uncalled of it never falls below zero, so neither does it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::fund::{
    CallCapital, CureDefault, DissolveFund, FeeAccrued, Fund, PartnerDefaulted, Refusal, SetTerms,
};
use loopledger_model::{CallId, Currency, FeeId, Money, MoneyError, PartyId};
use serde::{Deserialize, Serialize};

use crate::timeline::{Side, Timeline};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub fund: Fund,
    /// In recorded order within an instant.
    pub cash: Timeline<usize>,
    pub partners: BTreeMap<PartyId, Partner>,
    pub calls: BTreeMap<CallId, Call>,
    /// The first version first.
    pub terms: Vec<SetTerms>,
    pub fees: BTreeMap<FeeId, Fee>,
    /// What is owed to each lender.
    pub lines: BTreeMap<PartyId, Timeline<Side>>,
    /// What was put into companies and other funds.
    pub put_to_work: Timeline<Side>,
    pub carry: Timeline<Side>,
    pub dissolved: Option<DissolveFund>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fee {
    pub accrued: FeeAccrued,
    /// What is neither paid nor waived nor offset.
    pub due: Timeline<Side>,
}

/// A limited partner of a fund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partner {
    pub committed: Timeline<Side>,
    /// What can still be called, or paid in without a call.
    pub uncalled: Timeline<Side>,
    /// Less what went back as excess.
    pub contributed: Timeline<Side>,
    /// What was distributed as recallable.
    pub recallable: Timeline<Side>,
    pub distributed: Timeline<Side>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    pub call: CallCapital,
    pub shares: BTreeMap<PartyId, Share>,
}

/// What a partner bears of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    pub amount: Money,
    /// What was paid, less what went back as excess.
    pub paid: Timeline<Side>,
    pub default: Option<PartnerDefaulted>,
    pub cure: Option<CureDefault>,
}

impl Account {
    pub fn new(fund: Fund) -> Self {
        Self {
            cash: Timeline::new(fund.currency),
            partners: BTreeMap::new(),
            calls: BTreeMap::new(),
            terms: Vec::new(),
            fees: BTreeMap::new(),
            lines: BTreeMap::new(),
            put_to_work: Timeline::new(fund.currency),
            carry: Timeline::new(fund.currency),
            dissolved: None,
            fund,
        }
    }

    /// The books of a dissolved fund are closed, whatever the date of what comes late.
    pub fn open(&self, at: Timestamp) -> Result<(), Refusal> {
        let Some(dissolved) = &self.dissolved else { return Ok(()) };
        let (fund, dissolved_at) = (self.fund.id.clone(), dissolved.at);
        Err(Refusal::FundDissolved { fund, dissolved_at, at })
    }

    fn summed(
        &self,
        of: impl Fn(&Partner) -> &Timeline<Side>,
        at: Timestamp,
    ) -> Result<Money, Refusal> {
        let left = self.partners.values().map(|partner| of(partner).left_at(at));
        Ok(Money::sum(self.fund.currency, left.collect::<Result<Vec<_>, _>>()?)?)
    }

    /// All that partners promise.
    pub fn committed_at(&self, at: Timestamp) -> Result<Money, Refusal> {
        self.summed(|partner| &partner.committed, at)
    }

    /// All that partners paid in, less what went back as excess.
    pub fn contributed_at(&self, at: Timestamp) -> Result<Money, Refusal> {
        self.summed(|partner| &partner.contributed, at)
    }

    pub fn distributed_at(&self, at: Timestamp) -> Result<Money, Refusal> {
        self.summed(|partner| &partner.distributed, at)
    }

    pub fn formed_by(&self, at: Timestamp) -> Result<(), Refusal> {
        if at >= self.fund.at {
            let ended = self.dissolved.as_ref().is_some_and(|dissolved| at > dissolved.at);
            return if ended { self.open(at) } else { Ok(()) };
        }
        let (fund, formed_at) = (self.fund.id.clone(), self.fund.at);
        Err(Refusal::BeforeFormation { fund, formed_at, at })
    }

    pub fn in_currency(&self, amount: Money) -> Result<(), Refusal> {
        if amount.currency() == self.fund.currency {
            return Ok(());
        }
        Err(Refusal::WrongCurrency { amount, currency: self.fund.currency })
    }

    /// The partner's promises and payments, if it promised anything by then.
    pub fn partner_by(&self, lp: &PartyId, at: Timestamp) -> Result<&Partner, Refusal> {
        let partner = self.partners.get(lp).filter(|partner| partner.committed.begins_by(at));
        let fund = &self.fund.id;
        partner.ok_or_else(|| Refusal::NoCommitment { fund: fund.clone(), lp: lp.clone(), at })
    }

    pub fn partner(&mut self, lp: &PartyId) -> &mut Partner {
        let currency = self.fund.currency;
        self.partners.entry(lp.clone()).or_insert_with(|| Partner::new(currency))
    }

    /// So much of what the partner promised is uncalled, then and ever after.
    pub fn uncalled(
        &self,
        (lp, partner): (&PartyId, &Partner),
        at: Timestamp,
        asked: Money,
    ) -> Result<(), Refusal> {
        let Some((at, uncalled)) = partner.uncalled.shortfall(at, asked)? else { return Ok(()) };
        let (fund, lp) = (self.fund.id.clone(), lp.clone());
        Err(Refusal::AboveUncalled { fund, lp, uncalled, asked, at })
    }

    pub fn call(&self, call: &CallId) -> Result<&Call, Refusal> {
        let fund = &self.fund.id;
        let unknown = || Refusal::UnknownCall { fund: fund.clone(), call: call.clone() };
        self.calls.get(call).ok_or_else(unknown)
    }

    /// The terms that hold at an instant.
    pub fn terms_at(&self, at: Timestamp) -> Option<&SetTerms> {
        self.terms.iter().rev().find(|terms| terms.at <= at)
    }
}

impl Partner {
    fn new(currency: Currency) -> Self {
        let nothing = || Timeline::new(currency);
        Self {
            committed: nothing(),
            uncalled: nothing(),
            contributed: nothing(),
            recallable: nothing(),
            distributed: nothing(),
        }
    }

    /// What is neither paid in nor, where it was, given back for good.
    #[cfg(test)]
    pub fn unfunded(&self, at: Timestamp) -> Result<Money, MoneyError> {
        let promised = self.committed.left_at(at)?.checked_add(self.recallable.left_at(at)?)?;
        promised.checked_sub(self.contributed.left_at(at)?)
    }

    /// When its capital last moved.
    pub fn latest(&self) -> Option<Timestamp> {
        let money = [&self.committed, &self.uncalled, &self.contributed, &self.distributed];
        money.into_iter().filter_map(Timeline::latest).max()
    }

    /// A promise is made or grows.
    pub fn promise(&mut self, at: Timestamp, amount: Money) -> Result<(), MoneyError> {
        self.committed.put(at, amount)?;
        self.uncalled.put(at, amount)
    }

    /// Whether what was promised in all can still be counted with so much more.
    pub fn can_promise(&self, amount: Money) -> Result<(), MoneyError> {
        self.committed.can_count(amount)?;
        self.uncalled.can_count(amount)
    }
}

impl Call {
    pub fn share(&self, lp: &PartyId) -> Result<&Share, Refusal> {
        let call = &self.call.id;
        let not = || Refusal::NotCalled { call: call.clone(), lp: lp.clone() };
        self.shares.get(lp).ok_or_else(not)
    }

    pub fn made_by(&self, at: Timestamp) -> Result<(), Refusal> {
        if at >= self.call.at {
            return Ok(());
        }
        let (call, called_at) = (self.call.id.clone(), self.call.at);
        Err(Refusal::BeforeCall { call, called_at, at })
    }
}

impl Share {
    pub fn new(amount: Money) -> Self {
        let paid = Timeline::new(amount.currency());
        Self { amount, paid, default: None, cure: None }
    }

    /// What was not paid by an instant; what went back as excess was.
    pub fn unpaid_at(&self, at: Timestamp) -> Result<Money, MoneyError> {
        self.amount.checked_sub(self.paid.added_by(at)?)
    }
}
