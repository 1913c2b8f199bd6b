//! Locking a part of a voucher to a contract, and letting it go again.

use loopledger_model::voucher::{
    Event, LockReleased, LockVoucher, Refusal, ReleaseLock, VoucherLocked,
};
use loopledger_service::Decision;

use crate::decider::{Answer, positive, there_already};
use crate::facts::{Contract, Facts};
use crate::programme::Account;
use crate::state::State;
use crate::voucher::Voucher;
use crate::{eligible, related};

pub(crate) fn lock(state: &State, facts: &Facts, asked: &LockVoucher) -> Answer {
    if let Some((lock, voucher)) = state.lock(&asked.id) {
        let same = *voucher == asked.voucher
            && lock.contract == asked.contract
            && lock.amount() == asked.amount
            && lock.at() == asked.at;
        return there_already(same, Refusal::LockExists { lock: asked.id.clone() });
    }
    positive(asked.amount)?;
    let (voucher, account) = state.issued(&asked.voucher)?;
    account.in_its_currency(asked.amount)?;
    account.is_served()?;
    voucher.is_usable(&asked.voucher, asked.at)?;
    let contract = facts.contract(&asked.contract)?;
    is_eligible(voucher, account, contract, asked)?;
    eligible::contract(account.rules(voucher.version), &asked.contract, contract)?;
    account.admits(&contract.seller, asked.at)?;
    let gate =
        related::permit(account, voucher.version, facts, (&asked.contract, contract), asked.at)?;
    fits(voucher, account, contract, asked)?;
    let event = Event::VoucherLocked(VoucherLocked {
        id: asked.id.clone(),
        voucher: asked.voucher.clone(),
        programme: voucher.programme.clone(),
        contract: asked.contract.clone(),
        provider: contract.seller.clone(),
        amount: asked.amount,
        at: asked.at,
        gate,
    });
    Ok(Decision::from(event).resting_on([contract.fact]))
}

/// In force, the holder's own, and in the programme's currency.
fn is_eligible(
    voucher: &Voucher,
    account: &Account,
    contract: &Contract,
    asked: &LockVoucher,
) -> Result<(), Refusal> {
    let (id, at) = (asked.contract.clone(), asked.at);
    if at < contract.signed_at {
        return Err(Refusal::BeforeSigning { contract: id, signed_at: contract.signed_at, at });
    }
    if let Some(ended_at) = contract.ended_by(at) {
        return Err(Refusal::ContractEnded { contract: id, ended_at });
    }
    voucher.is_held_by(&contract.buyer, &asked.voucher, &id)?;
    let (priced_in, currency) = (contract.currency, account.terms().currency);
    if priced_in != currency {
        return Err(Refusal::ContractInOtherCurrency { contract: id, priced_in, currency });
    }
    Ok(())
}

/// Within the programme's share of the contract and what is free of the voucher.
fn fits(
    voucher: &Voucher,
    account: &Account,
    contract: &Contract,
    asked: &LockVoucher,
) -> Result<(), Refusal> {
    let limit = account.share_of(contract, voucher.version, voucher.stated_profile())?;
    let taken = account.taken_on(&asked.contract);
    if asked.amount.exceeds(limit.checked_sub(taken)?)? {
        let (contract, asked) = (asked.contract.clone(), asked.amount);
        return Err(Refusal::AboveContractShare { contract, limit, taken, asked });
    }
    let free = voucher.free();
    if asked.amount.exceeds(free)? {
        let (voucher, asked) = (asked.voucher.clone(), asked.amount);
        return Err(Refusal::AboveFree { voucher, free, asked });
    }
    Ok(())
}

/// Frees what is left of a lock, once.
pub(crate) fn release(state: &State, asked: &ReleaseLock) -> Answer {
    let id = || asked.lock.clone();
    let (lock, voucher) =
        state.lock(&asked.lock).ok_or_else(|| Refusal::UnknownLock { lock: id() })?;
    if asked.at < lock.at() {
        return Err(Refusal::BeforeLock { lock: id(), locked_at: lock.at(), at: asked.at });
    }
    if lock.released_at() == Some(asked.at) {
        return Ok(Decision::nothing());
    }
    let amount = lock.left().ok_or_else(|| Refusal::LockGone { lock: id() })?;
    state.nothing_pends_on(voucher, |contract| *contract == lock.contract)?;
    let (held, _) = state.issued(voucher)?;
    Ok(Decision::from(Event::LockReleased(LockReleased {
        lock: id(),
        voucher: voucher.clone(),
        programme: held.programme.clone(),
        amount,
        at: asked.at,
    })))
}
