//! A programme's account: its versions and stage, whom it admits, and how much of its limits is taken.
//!
//! Invariants: what is committed is never above the budget; what is issued to a holder in a year is
//! never above the cap; what is taken on a contract is never above the programme's share of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use loopledger_model::voucher::{
    Funded, Profile, Programme, ProgrammeChanged, ProgrammeStage, Refusal, Rules, WaiverApproved,
};
use loopledger_model::{
    CardHours, ContractId, Money, MoneyError, PartyId, Period, PersonId, RedemptionId,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::admission::Admissions;
use crate::budget::Budget;
use crate::facts::Contract;
use crate::payable::{Exact, ratio};
use crate::state::{less, plus, shared};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Account {
    versions: BTreeMap<u32, Programme>,
    /// The version in force, or the first draft.
    current: u32,
    pub(crate) stage: ProgrammeStage,
    /// Every change of stage or version, in order.
    pub(crate) changes: Vec<ProgrammeChanged>,
    pub(crate) budget: Budget,
    /// What was issued to a holder in a year; kept only where the programme caps it.
    issued: BTreeMap<(PartyId, i16), Money>,
    /// What a holder redeemed by claims of a year; kept only where the programme caps it.
    redeemed: BTreeMap<(PartyId, i16), Money>,
    pub(crate) admissions: Admissions,
    /// What is locked or redeemed by contract.
    taken: BTreeMap<ContractId, Money>,
    /// What was redeemed, and the card-hours, by contract; kept only where a version caps them.
    counted: BTreeMap<ContractId, (Money, Decimal)>,
    /// Claims that are not let go, in the order in which they came; of simple redemptions only those of a programme
    /// that takes one claim per contract.
    claims: BTreeMap<ContractId, Vec<RedemptionId>>,
    pub(crate) waivers: BTreeMap<ContractId, Vec<Waiver>>,
    pub(crate) banned: BTreeMap<PartyId, Timestamp>,
    pub(crate) applications_made: u64,
    pub(crate) claims_made: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Waiver {
    pub(crate) by: PersonId,
    pub(crate) at: Timestamp,
}

/// The calendar year (UTC) of an instant.
pub(crate) fn year(at: Timestamp) -> i16 {
    at.to_zoned(TimeZone::UTC).year()
}

impl Account {
    pub(crate) fn of(terms: Programme, stage: ProgrammeStage) -> Self {
        let budget = Budget::of(&terms);
        let current = terms.version;
        let versions = BTreeMap::from([(current, terms)]);
        let (changes, issued, redeemed, admissions, taken, counted) = Default::default();
        let (claims, waivers, banned, applications_made, claims_made) = Default::default();
        Self {
            versions,
            current,
            stage,
            changes,
            budget,
            issued,
            redeemed,
            admissions,
            taken,
            counted,
            claims,
            waivers,
            banned,
            applications_made,
            claims_made,
        }
    }

    /// The version in force, or the first draft.
    pub(crate) fn terms(&self) -> &Programme {
        &self.versions[&self.current]
    }

    pub(crate) fn version(&self, version: u32) -> Option<&Programme> {
        self.versions.get(&version)
    }

    pub(crate) fn latest(&self) -> u32 {
        self.versions.last_key_value().map_or(0, |(version, _)| *version)
    }

    /// The rules of a recorded version.
    pub(crate) fn rules(&self, version: u32) -> &Rules {
        &self.versions[&version].rules
    }

    pub(crate) fn draft(&mut self, terms: Programme) {
        self.versions.insert(terms.version, terms);
    }

    pub(crate) fn change(&mut self, change: &ProgrammeChanged) {
        self.current = change.version;
        self.stage = change.to;
        self.changes.push(change.clone());
    }

    pub(crate) fn in_its_currency(&self, amount: Money) -> Result<(), Refusal> {
        let currency = self.terms().currency;
        if amount.currency() == currency {
            return Ok(());
        }
        Err(Refusal::WrongCurrency { amount, currency })
    }

    /// Whether the programme is at one of these stages.
    pub(crate) fn stands(&self, at: &[ProgrammeStage]) -> Result<(), Refusal> {
        if at.contains(&self.stage) {
            return Ok(());
        }
        Err(Refusal::ProgrammeNotOpen { programme: self.terms().id.clone(), stage: self.stage })
    }

    /// Whether it issues vouchers at an instant.
    pub(crate) fn issues(&self, at: Timestamp) -> Result<(), Refusal> {
        self.stands(&[ProgrammeStage::Open])?;
        let terms = self.terms();
        let (opens, closes) = (terms.at, terms.closes);
        if (opens..=closes).contains(&at) {
            return Ok(());
        }
        Err(Refusal::NotOpen { programme: terms.id.clone(), opens, closes, at })
    }

    /// Whether what it has issued can be locked and claimed.
    pub(crate) fn is_served(&self) -> Result<(), Refusal> {
        self.stands(&[ProgrammeStage::Open, ProgrammeStage::Closed])
    }

    pub(crate) fn lets(&self, party: &PartyId, at: Timestamp) -> Result<(), Refusal> {
        let until = self.banned.get(party).filter(|until| at < **until);
        until.map_or(Ok(()), |until| Err(Refusal::Banned { party: party.clone(), until: *until }))
    }

    /// What was issued to a holder in a year, where the programme caps it.
    pub(crate) fn issued_to(&self, holder: &PartyId, year: i16) -> Money {
        self.issued.get(&(holder.clone(), year)).copied().unwrap_or_else(|| self.nothing())
    }

    /// What a holder redeemed by claims of a year, where the programme caps it.
    pub(crate) fn redeemed_by(&self, holder: &PartyId, year: i16) -> Money {
        self.redeemed.get(&(holder.clone(), year)).copied().unwrap_or_else(|| self.nothing())
    }

    /// What this programme has locked or redeemed on a contract.
    pub(crate) fn taken_on(&self, contract: &ContractId) -> Money {
        self.taken.get(contract).copied().unwrap_or_else(|| self.nothing())
    }

    /// The most that a version pays of a contract: its ratio of quantity x price, rounded once, and its cap. Of a user
    /// nothing is known of, the highest ratio that any has: what is paid is decided with the claim.
    pub(crate) fn share_of(
        &self,
        contract: &Contract,
        version: u32,
        profile: Option<&Profile>,
    ) -> Result<Money, MoneyError> {
        let (rules, currency) = (self.rules(version), self.terms().currency);
        let ratio =
            profile.map_or_else(|| rules.highest_ratio(), |profile| ratio(rules, profile).1);
        let cost = contract.value();
        let unit = rules.amount.rounding_unit;
        let share = cost.times(&Exact::of(ratio));
        let share = share.rounded(rules.rounding, unit, currency.exponent()).decimal();
        let amount = contract.quantity;
        let share = Money::new(share.ok_or(MoneyError::TooLarge { amount, currency })?, currency)?;
        rules.amount.cap_contract.map_or(Ok(share), |cap| share.min(cap))
    }

    pub(crate) fn nothing(&self) -> Money {
        Money::zero(self.terms().currency)
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
        if self.terms().rules.eligibility.provider.unlisted {
            return Ok(Timestamp::MAX);
        }
        let end = self.admissions.admitted_until(provider, at);
        end.ok_or_else(|| Refusal::NotAdmitted {
            programme: self.terms().id.clone(),
            provider: provider.clone(),
            at,
        })
    }

    /// The claims on a contract that are not let go.
    pub(crate) fn claims_on(&self, contract: &ContractId) -> &[RedemptionId] {
        self.claims.get(contract).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn claim(&mut self, contract: &ContractId, claim: &RedemptionId) {
        self.claims.entry(contract.clone()).or_default().push(claim.clone());
    }

    pub(crate) fn let_go(&mut self, contract: &ContractId, claim: &RedemptionId) {
        let claims = self.claims.get_mut(contract).expect("a claim that is let go was made");
        claims.retain(|made| made != claim);
    }

    /// Gives back the holder's id as it is kept here, so that it is kept once, and the start of the budget's period.
    pub(crate) fn issue(
        &mut self,
        holder: &PartyId,
        amount: Money,
        funding: &[Funded],
        at: Timestamp,
    ) -> (PartyId, Option<Timestamp>) {
        let terms = &self.versions[&self.current];
        let period = self.budget.commit(terms, amount, funding, at);
        if terms.rules.cap_holder_year.is_none() {
            return (holder.clone(), period);
        }
        let key = shared(&self.issued, &(holder.clone(), year(at)));
        let issued = plus(self.issued_to(holder, key.1), amount);
        self.issued.insert(key.clone(), issued);
        (key.0, period)
    }

    /// Counts a redemption towards the cap of the holder's year.
    pub(crate) fn redeem(&mut self, version: u32, holder: &PartyId, amount: Money, at: Timestamp) {
        let rules = self.rules(version);
        if rules.cap_holder_year.is_none() || !rules.amount.cap_counts.redeemed() {
            return;
        }
        let redeemed = plus(self.redeemed_by(holder, year(at)), amount);
        self.redeemed.insert((holder.clone(), year(at)), redeemed);
    }

    /// Counts a redemption towards the caps of its contract.
    pub(crate) fn count_on(
        &mut self,
        version: u32,
        contract: &ContractId,
        amount: Money,
        hours: Option<CardHours>,
    ) {
        let caps = &self.rules(version).amount;
        if caps.cap_contract.is_none() && caps.cap_card_hours.is_none() {
            return;
        }
        let nothing = (self.nothing(), Decimal::ZERO);
        let (redeemed, counted) = self.counted.entry(contract.clone()).or_insert(nothing);
        *redeemed = plus(*redeemed, amount);
        *counted = counted.saturating_add(hours.map_or(Decimal::ZERO, CardHours::value));
    }

    pub(crate) fn redeemed_on(&self, contract: &ContractId) -> Money {
        self.counted.get(contract).map_or_else(|| self.nothing(), |(redeemed, _)| *redeemed)
    }

    pub(crate) fn card_hours_on(&self, contract: &ContractId) -> Decimal {
        self.counted.get(contract).map_or(Decimal::ZERO, |(_, hours)| *hours)
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
    pub(crate) fn uncommit(
        &mut self,
        amount: Money,
        funding: &[Funded],
        period: Option<Timestamp>,
    ) {
        let terms = &self.versions[&self.current];
        self.budget.uncommit(terms, amount, funding, period);
    }

    pub(crate) fn waive(&mut self, approved: &WaiverApproved) {
        let waivers = self.waivers.entry(approved.contract.clone()).or_default();
        waivers.push(Waiver { by: approved.by.id.clone(), at: approved.at });
    }
}
