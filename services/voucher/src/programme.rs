//! A programme's account: its rules, whom it admits, and how much of its limits is taken.
//!
//! Invariants: what is committed is never above the budget; what is issued to a holder in a year is
//! never above the cap; what is taken on a contract is never above the programme's share of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use loopledger_model::voucher::{Admission, Programme, Refusal, Rules};
use loopledger_model::{ContractId, Money, MoneyError, PartyId, Period, Rounding};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::facts::Contract;
use crate::state::{less, plus, shared};

/// From when until when a provider is admitted; without an end, for good.
type Admissions = BTreeMap<Timestamp, Option<Timestamp>>;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) terms: Programme,
    /// All faces issued, less what expired, was revoked or was surrendered.
    committed: Money,
    /// What was issued to a holder in a year; kept only where the programme caps it.
    issued: BTreeMap<(PartyId, i16), Money>,
    admitted: BTreeMap<PartyId, Admissions>,
    /// What is locked or redeemed by contract.
    taken: BTreeMap<ContractId, Money>,
}

/// The calendar year (UTC) of an instant.
pub(crate) fn year(at: Timestamp) -> i16 {
    at.to_zoned(TimeZone::UTC).year()
}

impl Account {
    pub(crate) fn of(terms: Programme) -> Self {
        let committed = Money::zero(terms.currency);
        let (issued, admitted, taken) = Default::default();
        Self { terms, committed, issued, admitted, taken }
    }

    pub(crate) const fn rules(&self) -> &Rules {
        &self.terms.rules
    }

    pub(crate) fn in_its_currency(&self, amount: Money) -> Result<(), Refusal> {
        let currency = self.terms.currency;
        if amount.currency() == currency {
            return Ok(());
        }
        Err(Refusal::WrongCurrency { amount, currency })
    }

    /// What is left of the budget.
    pub(crate) fn remaining(&self) -> Money {
        less(self.terms.budget, self.committed)
    }

    /// What was issued to a holder in a year, where the programme caps it.
    pub(crate) fn issued_to(&self, holder: &PartyId, year: i16) -> Money {
        let issued = self.issued.get(&(holder.clone(), year)).copied();
        issued.unwrap_or_else(|| self.nothing())
    }

    /// What this programme has locked or redeemed on a contract.
    pub(crate) fn taken_on(&self, contract: &ContractId) -> Money {
        self.taken.get(contract).copied().unwrap_or_else(|| self.nothing())
    }

    /// The most that this programme pays of a contract: its ratio of quantity x price, rounded
    /// once.
    pub(crate) fn share_of(&self, contract: &Contract) -> Result<Money, MoneyError> {
        let (quantity, currency) = (contract.quantity.value(), self.terms.currency);
        let cost = quantity.checked_mul(contract.price.value());
        let share = cost.and_then(|cost| cost.checked_mul(self.rules().ratio.value()));
        self.rounded(share.ok_or(MoneyError::TooLarge { amount: quantity, currency })?)
    }

    fn rounded(&self, exact: Decimal) -> Result<Money, MoneyError> {
        let (rounding, currency) = (self.rules().rounding, self.terms.currency);
        let digits = rounding.digits.min(currency.exponent());
        Money::new(Rounding { digits, ..rounding }.apply(exact), currency)
    }

    fn nothing(&self) -> Money {
        Money::zero(self.terms.currency)
    }

    /// The recorded end of the admission that begins at this instant.
    pub(crate) fn admission(&self, provider: &PartyId, at: Timestamp) -> Option<Option<Timestamp>> {
        self.admitted.get(provider)?.get(&at).copied()
    }

    pub(crate) fn admits(&self, provider: &PartyId, at: Timestamp) -> Result<(), Refusal> {
        self.admitted_until(provider, at).map(drop)
    }

    /// Whether one admission or several together cover all of a period; the refusal names the first
    /// instant that none does.
    pub(crate) fn admits_throughout(
        &self,
        provider: &PartyId,
        period: Period,
    ) -> Result<(), Refusal> {
        let mut covered_until = period.from();
        while covered_until < period.to() {
            covered_until = self.admitted_until(provider, covered_until)?;
        }
        Ok(())
    }

    /// The latest end of the admissions in force at an instant: the end of time where one is for
    /// good.
    fn admitted_until(&self, provider: &PartyId, at: Timestamp) -> Result<Timestamp, Refusal> {
        let begun = self.admitted.get(provider).into_iter().flat_map(|all| all.range(..=at));
        let latest = begun.map(|(_, to)| to.unwrap_or(Timestamp::MAX)).max();
        latest.filter(|end| *end > at).ok_or_else(|| Refusal::NotAdmitted {
            programme: self.terms.id.clone(),
            provider: provider.clone(),
            at,
        })
    }

    pub(crate) fn admit(&mut self, admission: &Admission) {
        let admissions = self.admitted.entry(admission.provider.clone()).or_default();
        admissions.insert(admission.at, admission.to);
    }

    /// Gives back the holder's id as it is kept here, so that it is kept once.
    pub(crate) fn issue(&mut self, holder: &PartyId, amount: Money, at: Timestamp) -> PartyId {
        self.committed = plus(self.committed, amount);
        if self.rules().cap_holder_year.is_none() {
            return holder.clone();
        }
        let key = shared(&self.issued, &(holder.clone(), year(at)));
        let issued = plus(self.issued_to(holder, key.1), amount);
        self.issued.insert(key.clone(), issued);
        key.0
    }

    /// Gives back the contract's id as it is kept here.
    pub(crate) fn take(&mut self, contract: &ContractId, amount: Money) -> ContractId {
        let taken = plus(self.taken_on(contract), amount);
        let contract = shared(&self.taken, contract);
        self.taken.insert(contract.clone(), taken);
        contract
    }

    pub(crate) fn give_back(&mut self, contract: &ContractId, amount: Money) {
        let taken = less(self.taken_on(contract), amount);
        self.taken.insert(contract.clone(), taken);
    }

    /// What ended unredeemed can be issued again.
    pub(crate) fn uncommit(&mut self, amount: Money) {
        self.committed = less(self.committed, amount);
    }
}
