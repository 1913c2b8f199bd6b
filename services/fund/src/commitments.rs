//! The rules of commitments: made, increased, reduced, handed over; and of the terms they were made on.

use jiff::Timestamp;
use loopledger_model::fund::{
    ChangeCommitment, ChangeKind, Commitment, CommitmentTransferred, Event, FeeBasis, Phase,
    Refusal, SetTerms, TransferCommitment,
};
use loopledger_model::{Money, PartyId};
use loopledger_service::Decision;

use crate::account::{Account, Partner};
use crate::decider::{Answer, distinct, known_as, positive};
use crate::fold::unfunded_of;
use crate::state::{Parties, State};

pub fn commit(state: &State, parties: &Parties, commitment: &Commitment) -> Answer {
    let Commitment { id, fund, lp, amount, at, .. } = commitment;
    let exists = || Refusal::CommitmentExists { commitment: id.clone() };
    if let Some(answer) = known_as(state.commitments.get(id), commitment, exists) {
        return answer;
    }
    let registered = parties.registered(lp)?;
    let account = state.formed(fund)?;
    account.formed_by(*at)?;
    positive(*amount)?;
    account.in_currency(*amount)?;
    distinct(lp, fund)?;
    if let Some(partner) = account.partners.get(lp) {
        partner.can_promise(*amount)?;
    }
    Ok(Decision::from(Event::CommitmentMade(commitment.clone())).resting_on([registered]))
}

pub fn change(state: &State, change: &ChangeCommitment) -> Answer {
    let ChangeCommitment { id, fund, lp, amount, at, .. } = change;
    let exists = || Refusal::CommitmentChangeExists { change: id.clone() };
    if let Some(answer) = known_as(state.commitment_changes.get(id), change, exists) {
        return answer;
    }
    let account = state.formed(fund)?;
    account.formed_by(*at)?;
    positive(*amount)?;
    account.in_currency(*amount)?;
    let partner = account.partner_by(lp, *at)?;
    match change.change {
        ChangeKind::Increase => partner.can_promise(*amount)?,
        ChangeKind::Reduce => {
            account.uncalled((lp, partner), *at, *amount)?;
            committed(account, (lp, partner), *at, *amount)?;
        }
    }
    Ok(Event::CommitmentChanged(change.clone()).into())
}

fn committed(
    account: &Account,
    (lp, partner): (&PartyId, &Partner),
    at: Timestamp,
    asked: Money,
) -> Result<(), Refusal> {
    let Some((at, committed)) = partner.committed.shortfall(at, asked)? else { return Ok(()) };
    let (fund, lp) = (account.fund.id.clone(), lp.clone());
    Err(Refusal::AboveCommitted { fund, lp, committed, asked, at })
}

pub fn transfer(state: &State, parties: &Parties, transfer: &TransferCommitment) -> Answer {
    let TransferCommitment { id, fund, from, to, amount, at, .. } = transfer;
    let exists = || Refusal::CommitmentTransferExists { transfer: id.clone() };
    if let Some(answer) = known_as(state.commitment_transfers.get(id), transfer, exists) {
        return answer;
    }
    let registered = parties.registered(to)?;
    let account = state.formed(fund)?;
    account.formed_by(*at)?;
    positive(*amount)?;
    account.in_currency(*amount)?;
    distinct(from, to)?;
    distinct(to, fund)?;
    let partner = account.partner_by(from, *at)?;
    if let Some(moved_at) = partner.latest().filter(|moved_at| moved_at > at) {
        let (fund, lp) = (fund.clone(), from.clone());
        return Err(Refusal::TransferTooEarly { fund, lp, moved_at, at: *at });
    }
    committed(account, (from, partner), *at, *amount)?;
    let whole = partner.committed.left()?;
    let part = |of: Money| part(of, *amount, whole);
    let made = CommitmentTransferred {
        transfer: transfer.clone(),
        contributed: part(partner.contributed.left()?)?,
        recallable: part(partner.recallable.left()?)?,
        distributed: part(partner.distributed.left()?)?,
    };
    account.uncalled((from, partner), *at, unfunded_of(&made)?)?;
    if let Some(partner) = account.partners.get(to) {
        partner.committed.can_count(*amount)?;
        partner.uncalled.can_count(unfunded_of(&made)?)?;
        partner.contributed.can_count(made.contributed)?;
        partner.recallable.can_count(made.recallable)?;
        partner.distributed.can_count(made.distributed)?;
    }
    Ok(Decision::from(Event::CommitmentTransferred(made)).resting_on([registered]))
}

/// As much of an amount as `share` is of `whole`, rounded down to minor units.
fn part(of: Money, share: Money, whole: Money) -> Result<Money, Refusal> {
    let product = of.minor_units().checked_mul(share.minor_units());
    let beyond = || Refusal::BeyondBounds { reason: format!("{of} times {share} is too much") };
    let minor = product.and_then(|product| product.checked_div(whole.minor_units()));
    Ok(Money::of_minor_units(minor.ok_or_else(beyond)?, of.currency())?)
}

pub fn set_terms(state: &State, terms: &SetTerms) -> Answer {
    let SetTerms { fund, version, at, .. } = terms;
    let account = state.formed(fund)?;
    let expected = u32::try_from(account.terms.len() + 1).unwrap_or(u32::MAX);
    let known = account.terms.iter().find(|known| known.version == *version);
    let exists = || Refusal::TermsExists { fund: fund.clone(), version: *version };
    if let Some(answer) = known_as(known, terms, exists) {
        return answer;
    }
    account.formed_by(*at)?;
    if *version != expected {
        return Err(Refusal::TermsVersion { fund: fund.clone(), version: *version, expected });
    }
    if let Some(last) = account.terms.last().filter(|last| last.at > *at) {
        let (fund, version, before) = (fund.clone(), last.version, last.at);
        return Err(Refusal::TermsBackdated { fund, version, before, at: *at });
    }
    let mut before = account.fund.at;
    let ends = [Some(terms.investment_ends), Some(terms.exit_ends), terms.extension_ends];
    for ends in ends.into_iter().flatten() {
        if ends <= before {
            return Err(Refusal::PhasesOutOfOrder { fund: fund.clone(), before, ends });
        }
        before = ends;
    }
    for (place, fee) in terms.fees.iter().enumerate() {
        if terms.fees[..place].iter().any(|other| other.phase == fee.phase) {
            return Err(Refusal::FeeStatedTwice { fund: fund.clone() });
        }
        if fee.basis == FeeBasis::Commitments && fee.phase != Phase::Investment {
            return Err(Refusal::FeeOnCommitments { fund: fund.clone() });
        }
    }
    Ok(Event::TermsSet(terms.clone()).into())
}
