//! Issuing a voucher within the programme's time, caps and budget.

use jiff::{SignedDuration, Timestamp};
use loopledger_model::voucher::{Event, IssueVoucher, Refusal, VoucherIssued};
use loopledger_service::Decision;

use crate::decider::{Answer, positive, there_already};
use crate::facts::Facts;
use crate::programme::{Account, year};
use crate::state::State;
use crate::voucher::Voucher;

pub(crate) fn issue(state: &State, facts: &Facts, asked: &IssueVoucher) -> Answer {
    if let Some(voucher) = state.voucher(&asked.id) {
        let exists = Refusal::VoucherExists { voucher: asked.id.clone() };
        return there_already(is_what_was_asked(voucher, asked), exists);
    }
    let holder = facts.party(&asked.holder)?;
    let account = state.programme(&asked.programme);
    let unknown = || Refusal::UnknownProgramme { programme: asked.programme.clone() };
    let account = account.ok_or_else(unknown)?;
    positive(asked.amount)?;
    account.in_its_currency(asked.amount)?;
    is_open(account, asked.at)?;
    fits(account, asked)?;
    let event = Event::VoucherIssued(VoucherIssued {
        id: asked.id.clone(),
        programme: asked.programme.clone(),
        holder: asked.holder.clone(),
        amount: asked.amount,
        at: asked.at,
        expires_at: expiry(account, asked.at)?,
    });
    Ok(Decision::from(event).resting_on([holder.fact]))
}

fn is_what_was_asked(voucher: &Voucher, asked: &IssueVoucher) -> bool {
    voucher.programme == asked.programme
        && voucher.holder == asked.holder
        && voucher.face == asked.amount
        && voucher.issued_at == asked.at
}

fn is_open(account: &Account, at: Timestamp) -> Result<(), Refusal> {
    let (opens, closes) = (account.terms.at, account.terms.closes);
    if (opens..=closes).contains(&at) {
        return Ok(());
    }
    Err(Refusal::NotOpen { programme: account.terms.id.clone(), opens, closes, at })
}

/// Within the cap of a voucher, the cap of the holder's year and what is left of the budget.
fn fits(account: &Account, asked: &IssueVoucher) -> Result<(), Refusal> {
    let (rules, amount) = (account.rules(), asked.amount);
    if let Some(cap) = rules.cap_voucher
        && amount.exceeds(cap)?
    {
        return Err(Refusal::AboveVoucherCap { cap, asked: amount });
    }
    if let Some(cap) = rules.cap_holder_year {
        let (holder, year) = (asked.holder.clone(), year(asked.at));
        let issued = account.issued_to(&holder, year);
        if amount.exceeds(cap.checked_sub(issued)?)? {
            return Err(Refusal::AboveHolderCap { holder, year, cap, issued, asked: amount });
        }
    }
    let remaining = account.remaining();
    if amount.exceeds(remaining)? {
        let programme = asked.programme.clone();
        return Err(Refusal::AboveBudget { programme, remaining, asked: amount });
    }
    Ok(())
}

/// The last instant at which a voucher issued now can be used; days have 24 hours.
fn expiry(account: &Account, at: Timestamp) -> Result<Option<Timestamp>, Refusal> {
    let Some(days) = account.rules().validity_days else { return Ok(None) };
    let expires_at = at.checked_add(SignedDuration::from_hours(i64::from(days) * 24));
    let beyond = || Refusal::BeyondBounds {
        reason: format!("{days} days after {at} are beyond what this ledger dates"),
    };
    Ok(Some(expires_at.ok().ok_or_else(beyond)?))
}
