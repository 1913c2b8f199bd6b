//! Issuing a voucher within the programme's time, caps and budget, for an approved application where it asks for one.

use jiff::{SignedDuration, Timestamp};
use loopledger_model::voucher::{Event, Funded, IssueVoucher, Profile, Refusal, VoucherIssued};
use loopledger_model::{Money, PartyId, ProgrammeId, VoucherId};
use loopledger_service::Decision;

use crate::applying;
use crate::decider::{Answer, positive, there_already};
use crate::facts::Facts;
use crate::programme::{Account, year};
use crate::state::State;
use crate::voucher::Voucher;

pub(crate) fn issue(state: &State, facts: &Facts, asked: &IssueVoucher) -> Answer {
    if let Some(voucher) = state.voucher(&asked.id) {
        let exists = Refusal::VoucherExists { voucher: asked.id.clone() };
        return there_already(is_what_was_asked(state, voucher, asked), exists);
    }
    let holder = facts.party(&asked.holder)?;
    let account = state.programme_of(&asked.programme)?;
    positive(asked.amount)?;
    account.in_its_currency(asked.amount)?;
    account.issues(asked.at)?;
    let profile = applying::entitles(state, account, asked)?;
    let issue = Issue {
        id: &asked.id,
        programme: &asked.programme,
        holder: &asked.holder,
        amount: asked.amount,
        at: asked.at,
    };
    let mut event = fresh(account, &issue, profile)?;
    event.application = asked.application.clone();
    event.tranche = asked.tranche;
    Ok(Decision::from(Event::VoucherIssued(event)).resting_on([holder.fact]))
}

/// A voucher to be.
pub(crate) struct Issue<'a> {
    pub(crate) id: &'a VoucherId,
    pub(crate) programme: &'a ProgrammeId,
    pub(crate) holder: &'a PartyId,
    pub(crate) amount: Money,
    pub(crate) at: Timestamp,
}

/// A voucher of the version in force, if it fits.
pub(crate) fn fresh(
    account: &Account,
    issue: &Issue<'_>,
    profile: Option<Profile>,
) -> Result<VoucherIssued, Refusal> {
    account.lets(issue.holder, issue.at)?;
    let funding = fits(account, issue)?;
    Ok(VoucherIssued {
        id: issue.id.clone(),
        programme: issue.programme.clone(),
        holder: issue.holder.clone(),
        amount: issue.amount,
        at: issue.at,
        expires_at: expiry(account, issue.at)?,
        version: account.terms().version,
        application: None,
        tranche: None,
        profile,
        funding,
    })
}

fn is_what_was_asked(state: &State, voucher: &Voucher, asked: &IssueVoucher) -> bool {
    voucher.programme == asked.programme
        && voucher.holder == asked.holder
        && voucher.face() == asked.amount
        && voucher.issued_at() == asked.at
        && state.issued_for(&asked.id) == asked.application.as_ref().map(|id| (id, asked.tranche))
}

/// Within the cap of a voucher, the cap of the holder's year and what is left of the budget; what each source bears.
fn fits(account: &Account, issue: &Issue<'_>) -> Result<Vec<Funded>, Refusal> {
    let (terms, amount) = (account.terms(), issue.amount);
    let rules = &terms.rules;
    if let Some(cap) = rules.cap_voucher
        && amount.exceeds(cap)?
    {
        return Err(Refusal::AboveVoucherCap { cap, asked: amount });
    }
    if let Some(cap) = rules.cap_holder_year.filter(|_| rules.amount.cap_counts.issued()) {
        let (holder, year) = (issue.holder.clone(), year(issue.at));
        let issued = account.issued_to(&holder, year);
        if amount.exceeds(cap.checked_sub(issued)?)? {
            return Err(Refusal::AboveHolderCap { holder, year, cap, issued, asked: amount });
        }
    }
    account.budget.bear(terms, amount, issue.at)
}

/// The last instant at which a voucher issued now can be used; days have 24 hours.
fn expiry(account: &Account, at: Timestamp) -> Result<Option<Timestamp>, Refusal> {
    let Some(days) = account.terms().rules.validity_days else { return Ok(None) };
    days_after(at, days).map(Some)
}

/// So many days of 24 hours later.
pub(crate) fn days_after(at: Timestamp, days: u32) -> Result<Timestamp, Refusal> {
    let later = at.checked_add(SignedDuration::from_hours(i64::from(days) * 24));
    let beyond = || Refusal::BeyondBounds {
        reason: format!("{days} days after {at} are beyond what this ledger dates"),
    };
    later.ok().ok_or_else(beyond)
}
