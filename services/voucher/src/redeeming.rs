//! Redeeming a part of a voucher against an invoice: up to the programme's share of it, for service
//! that the provider was admitted for and that was metered where the programme asks for it.

use loopledger_model::purchase::ContractUnit;
use loopledger_model::voucher::{Event, RedeemVoucher, Refusal, TakenFrom, VoucherRedeemed};
use loopledger_model::{CardHours, ContractId, FactId, Money};
use loopledger_service::Decision;
use rust_decimal::Decimal;

use crate::decider::{Answer, positive, there_already};
use crate::facts::{Contract, Facts, Invoice};
use crate::programme::Account;
use crate::related;
use crate::state::State;
use crate::voucher::Voucher;

pub(crate) fn redeem(state: &State, facts: &Facts, asked: &RedeemVoucher) -> Answer {
    if let Some(made) = state.redemption(&asked.id) {
        let same = made.voucher == asked.voucher
            && made.invoice == asked.invoice
            && made.amount == asked.amount
            && made.at == asked.at;
        let exists = Refusal::RedemptionExists { redemption: asked.id.clone() };
        return there_already(same, exists);
    }
    positive(asked.amount)?;
    let (voucher, account) = state.issued(&asked.voucher)?;
    account.in_its_currency(asked.amount)?;
    voucher.is_usable(&asked.voucher, asked.at)?;
    let invoice = facts.invoice(&asked.invoice)?;
    let contract = facts.contract(&invoice.contract)?;
    is_eligible(voucher, contract, invoice, asked)?;
    account.admits_throughout(&contract.seller, invoice.service)?;
    related::permit(account.rules(), facts, contract, asked.at)?;
    fits(state, account, invoice, asked)?;
    let usage = metered(facts, account, contract, invoice, asked)?;
    let event = Event::VoucherRedeemed(VoucherRedeemed {
        id: asked.id.clone(),
        voucher: asked.voucher.clone(),
        programme: voucher.programme.clone(),
        holder: voucher.holder.clone(),
        provider: contract.seller.clone(),
        contract: invoice.contract.clone(),
        invoice: asked.invoice.clone(),
        amount: asked.amount,
        taken_from: oldest_first(voucher, &invoice.contract, asked)?,
        at: asked.at,
    });
    Ok(Decision::from(event).resting_on([contract.fact, invoice.fact]).resting_on(usage))
}

/// Issued by then, for service that began before the contract ended, the holder's own, and with
/// something locked for it.
fn is_eligible(
    voucher: &Voucher,
    contract: &Contract,
    invoice: &Invoice,
    asked: &RedeemVoucher,
) -> Result<(), Refusal> {
    let (id, at) = (&invoice.contract, asked.at);
    if at < invoice.at {
        let (invoice, invoiced_at) = (asked.invoice.clone(), invoice.at);
        return Err(Refusal::BeforeInvoice { invoice, invoiced_at, at });
    }
    if let Some(ended_at) = contract.ended_by(invoice.service.from()) {
        return Err(Refusal::ContractEnded { contract: id.clone(), ended_at });
    }
    voucher.is_held_by(&contract.buyer, &asked.voucher, id)?;
    if voucher.left_on(id, at).next().is_none() {
        let (voucher, contract) = (asked.voucher.clone(), id.clone());
        return Err(Refusal::NotLocked { voucher, contract });
    }
    Ok(())
}

/// Within the programme's share of the invoice, which no other programme shares.
fn fits(
    state: &State,
    account: &Account,
    invoice: &Invoice,
    asked: &RedeemVoucher,
) -> Result<(), Refusal> {
    let claimed = state.claimed(&asked.invoice);
    if let Some(other) = claimed.filter(|claimed| claimed.programme != account.terms.id) {
        let (invoice, programme) = (asked.invoice.clone(), other.programme.clone());
        return Err(Refusal::InvoiceClaimed { invoice, programme });
    }
    let rules = account.rules();
    let limit = invoice.amount.share(rules.ratio, rules.rounding)?;
    let redeemed = claimed.map_or(Money::zero(limit.currency()), |claimed| claimed.redeemed);
    if asked.amount.exceeds(limit.checked_sub(redeemed)?)? {
        let (invoice, asked) = (asked.invoice.clone(), asked.amount);
        return Err(Refusal::AboveInvoiceShare { invoice, limit, redeemed, asked });
    }
    Ok(())
}

/// The metered usage that shows the invoiced service, where the programme asks for it.
fn metered(
    facts: &Facts,
    account: &Account,
    contract: &Contract,
    invoice: &Invoice,
    asked: &RedeemVoucher,
) -> Result<Vec<FactId>, Refusal> {
    if !account.rules().metering_required {
        return Ok(Vec::new());
    }
    let usage = facts.metered(&invoice.contract, invoice.service);
    let (hours, usage): (Vec<CardHours>, Vec<FactId>) = usage.unzip();
    if usage.is_empty() {
        let (contract, invoice) = (invoice.contract.clone(), asked.invoice.clone());
        return Err(Refusal::NotMetered { contract, invoice });
    }
    let invoiced = invoice.quantity;
    if contract.unit == ContractUnit::CardHour
        && let Some(metered) = short_of(invoiced.value(), &hours)
    {
        let invoice = asked.invoice.clone();
        return Err(Refusal::AboveMetered { invoice, invoiced, metered });
    }
    Ok(usage)
}

/// The sum, if it stays below what is needed.
fn short_of(needed: Decimal, hours: &[CardHours]) -> Option<CardHours> {
    let sum = hours.iter().try_fold(Decimal::ZERO, |sum, hours| {
        sum.checked_add(hours.value()).filter(|sum| *sum < needed)
    })?;
    Some(CardHours::new(sum).expect("less card-hours than a quantity are a number of card-hours"))
}

/// What is taken from each of the voucher's locks on the contract.
fn oldest_first(
    voucher: &Voucher,
    contract: &ContractId,
    asked: &RedeemVoucher,
) -> Result<Vec<TakenFrom>, Refusal> {
    let mut owed = asked.amount;
    let mut taken = Vec::new();
    for (lock, left) in voucher.left_on(contract, asked.at) {
        if owed.is_zero() {
            break;
        }
        let amount = left.min(owed)?;
        owed = owed.checked_sub(amount)?;
        taken.push(TakenFrom { lock: lock.clone(), amount });
    }
    if owed.is_zero() {
        return Ok(taken);
    }
    Err(Refusal::AboveLocked {
        voucher: asked.voucher.clone(),
        contract: contract.clone(),
        locked: asked.amount.checked_sub(owed)?,
        asked: asked.amount,
    })
}
