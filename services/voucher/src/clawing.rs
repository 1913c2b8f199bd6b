//! Clawing back what was paid: opened, assessed with interest, recovered in parts or written off.
//!
//! Invariants: what is clawed back of a redemption is never above what was paid of it; every step appends.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use loopledger_model::voucher::{
    AssessClawback, ClawbackAssessed, ClawbackOpened, ClawbackRecovered, ClawbackRule,
    ClawbackWrittenOff, DayCount, Event, OpenClawback, RecordRecovery, Refusal, WriteOffClawback,
};
use loopledger_model::{ClawbackId, Money, PartyId, Percent, Period, RedemptionId};
use loopledger_service::Decision;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::decider::{Answer, positive, there_already};
use crate::funding::split;
use crate::payable::{Exact, days};
use crate::programme::Account;
use crate::review::is_impartial;
use crate::state::{Redeemed, State};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Clawback {
    pub(crate) asked: OpenClawback,
    pub(crate) assessed: Option<Assessment>,
    pub(crate) written_off: Option<WriteOffClawback>,
    /// When the latest step was taken.
    pub(crate) last: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Assessment {
    pub(crate) asked: AssessClawback,
    pub(crate) interest: Money,
    pub(crate) recovered: Money,
}

impl Assessment {
    pub(crate) fn owed(&self) -> Result<Money, Refusal> {
        let whole = self.asked.principal.checked_add(self.interest)?;
        Ok(whole.checked_sub(self.recovered)?)
    }
}

impl Clawback {
    fn state(&self) -> &'static str {
        let settled = self.assessed.as_ref().map(Assessment::owed);
        match (&self.written_off, settled) {
            (Some(_), _) => "written off",
            (None, None) => "not assessed",
            (None, Some(Ok(owed))) if owed.is_zero() => "recovered",
            (None, Some(_)) => "assessed",
        }
    }

    fn wrong_state(&self) -> Refusal {
        let (clawback, state) = (self.asked.id.clone(), self.state().to_owned());
        Refusal::WrongClawbackState { clawback, state }
    }

    fn follows(&self, at: Timestamp) -> Result<(), Refusal> {
        if at >= self.last {
            return Ok(());
        }
        Err(Refusal::BeforeClawbackStep { clawback: self.asked.id.clone(), last: self.last, at })
    }
}

pub(crate) fn open(state: &State, asked: &OpenClawback) -> Answer {
    if let Some(clawback) = state.clawback(&asked.id) {
        let exists = Refusal::ClawbackExists { clawback: asked.id.clone() };
        return there_already(clawback.asked == *asked, exists);
    }
    let redeemed = state.redeemed(&asked.redemption)?;
    let redeemed_at = redeemed.redemption.at;
    if asked.at < redeemed_at {
        let redemption = asked.redemption.clone();
        return Err(Refusal::BeforeRedemption { redemption, redeemed_at, at: asked.at });
    }
    let programme = &redeemed.voucher.programme;
    rule(&redeemed).filter(|rule| rule.triggers.contains(&asked.trigger)).ok_or_else(|| {
        Refusal::NoClawback { programme: programme.clone(), trigger: asked.trigger }
    })?;
    is_impartial(&asked.by, &concerned(&redeemed))?;
    Ok(Decision::from(Event::ClawbackOpened(ClawbackOpened {
        id: asked.id.clone(),
        redemption: asked.redemption.clone(),
        programme: programme.clone(),
        payee: redeemed.payee().clone(),
        trigger: asked.trigger,
        by: asked.by.clone(),
        at: asked.at,
    })))
}

fn rule<'a>(redeemed: &Redeemed<'a>) -> Option<&'a ClawbackRule> {
    redeemed.account.rules(redeemed.voucher.version).clawback.as_ref()
}

fn concerned<'a>(redeemed: &Redeemed<'a>) -> [&'a PartyId; 3] {
    [redeemed.payee(), &redeemed.voucher.holder, &redeemed.invoice.provider]
}

pub(crate) fn assess(state: &State, asked: &AssessClawback) -> Answer {
    let clawback = state.clawback_of(&asked.clawback)?;
    if let Some(assessed) = &clawback.assessed {
        return there_already(assessed.asked == *asked, clawback.wrong_state());
    }
    if clawback.written_off.is_some() {
        return Err(clawback.wrong_state());
    }
    clawback.follows(asked.at)?;
    positive(asked.principal)?;
    let redemption = &clawback.asked.redemption;
    let redeemed = state.redeemed(redemption)?;
    let account = redeemed.account;
    account.in_its_currency(asked.principal)?;
    is_impartial(&asked.by, &concerned(&redeemed))?;
    let claimed = state.clawed_back(redemption, account.nothing());
    let paid = redeemed.redemption.paid.checked_sub(claimed)?;
    if asked.principal.exceeds(paid)? {
        let (redemption, asked) = (redemption.clone(), asked.principal);
        return Err(Refusal::AbovePaid { redemption, paid, asked });
    }
    let rule = rule(&redeemed);
    let rate = rule.and_then(|rule| rule.interest);
    let since = redeemed.redemption.paid_at;
    let version = redeemed.voucher.version;
    let years = rule.map_or(0, |rule| rule.ban_years);
    Ok(Decision::from(Event::ClawbackAssessed(ClawbackAssessed {
        clawback: asked.clawback.clone(),
        redemption: redemption.clone(),
        programme: redeemed.voucher.programme.clone(),
        payee: redeemed.payee().clone(),
        principal: asked.principal,
        interest: interest(account, version, asked, since, rate)?,
        banned_until: (years > 0).then(|| years_after(asked.at, years)).transpose()?,
        by: asked.by.clone(),
        at: asked.at,
    })))
}

/// Simple interest on actual days over 365, rounded as the programme rounds.
fn interest(
    account: &Account,
    version: u32,
    asked: &AssessClawback,
    since: Option<Timestamp>,
    rate: Option<Percent>,
) -> Result<Money, Refusal> {
    let currency = account.terms().currency;
    let Some((rate, since)) = rate.zip(since) else { return Ok(Money::zero(currency)) };
    let term = Period::new(since, asked.at).ok();
    let days = term.map_or(0, |term| days(term, DayCount::Difference));
    let year = Decimal::from(365 * 100);
    let interest = Exact::of(asked.principal.amount())
        .times(&Exact::of(rate.value()))
        .times(&Exact::of(days.into()))
        .over(&Exact::of(year));
    let rules = account.rules(version);
    let unit = rules.amount.rounding_unit;
    let rounded = interest.rounded(rules.rounding, unit, currency.exponent()).decimal();
    let beyond = || Refusal::BeyondBounds {
        reason: format!("the interest on {} is beyond what this ledger counts", asked.principal),
    };
    Ok(Money::new(rounded.ok_or_else(beyond)?, currency)?)
}

fn years_after(at: Timestamp, years: u32) -> Result<Timestamp, Refusal> {
    let span = Span::new().try_years(years);
    let later = span.and_then(|span| at.to_zoned(TimeZone::UTC).checked_add(span));
    let beyond = || Refusal::BeyondBounds {
        reason: format!("{years} years after {at} are beyond what this ledger dates"),
    };
    later.map(|later| later.timestamp()).ok().ok_or_else(beyond)
}

pub(crate) fn recover(state: &State, asked: &RecordRecovery) -> Answer {
    if let Some(known) = state.recovery(&asked.id) {
        let exists = Refusal::RecoveryExists { recovery: asked.id.clone() };
        return there_already(known == asked, exists);
    }
    positive(asked.amount)?;
    let (clawback, owed) = open_debt(state, &asked.clawback)?;
    clawback.follows(asked.at)?;
    let redemption: &RedemptionId = &clawback.asked.redemption;
    let redeemed = state.redeemed(redemption)?;
    redeemed.account.in_its_currency(asked.amount)?;
    if asked.amount.exceeds(owed)? {
        let (clawback, asked) = (asked.clawback.clone(), asked.amount);
        return Err(Refusal::AboveOwed { clawback, owed, asked });
    }
    let terms = redeemed.account.terms();
    Ok(Decision::from(Event::ClawbackRecovered(ClawbackRecovered {
        id: asked.id.clone(),
        clawback: asked.clawback.clone(),
        redemption: redemption.clone(),
        programme: terms.id.clone(),
        issuer: terms.issuer.clone(),
        payee: redeemed.payee().clone(),
        contract: redeemed.invoice.contract.clone(),
        invoice: redeemed.redemption.invoice.clone(),
        amount: asked.amount,
        funding: split(asked.amount, &terms.funding),
        at: asked.at,
        reference: asked.reference.clone(),
    })))
}

/// A clawback of which something is owed.
fn open_debt<'a>(state: &'a State, id: &ClawbackId) -> Result<(&'a Clawback, Money), Refusal> {
    let clawback = state.clawback_of(id)?;
    let wrong = || clawback.wrong_state();
    let assessed = clawback.assessed.as_ref().ok_or_else(wrong)?;
    let owed = assessed.owed()?;
    if clawback.written_off.is_some() || owed.is_zero() {
        return Err(wrong());
    }
    Ok((clawback, owed))
}

pub(crate) fn write_off(state: &State, asked: &WriteOffClawback) -> Answer {
    let clawback = state.clawback_of(&asked.clawback)?;
    if clawback.written_off.as_ref() == Some(asked) {
        return Ok(Decision::nothing());
    }
    let (clawback, amount) = open_debt(state, &asked.clawback)?;
    clawback.follows(asked.at)?;
    let redeemed = state.redeemed(&clawback.asked.redemption)?;
    is_impartial(&asked.by, &concerned(&redeemed))?;
    Ok(Decision::from(Event::ClawbackWrittenOff(ClawbackWrittenOff {
        clawback: asked.clawback.clone(),
        redemption: clawback.asked.redemption.clone(),
        programme: redeemed.voucher.programme.clone(),
        amount,
        reason: asked.reason.clone(),
        by: asked.by.clone(),
        at: asked.at,
    })))
}
