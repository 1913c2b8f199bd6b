//! Redeeming a part of a voucher against an invoice without review: up to the programme's share of it, for service
//! that the provider was admitted for and that was metered where the programme asks for it.

use jiff::Timestamp;
use loopledger_model::purchase::ContractUnit;
use loopledger_model::voucher::{
    Event, PayeeRule, RedeemVoucher, Refusal, TakenFrom, VoucherRedeemed,
};
use loopledger_model::{
    CardHours, ContractId, FactId, InvoiceId, Money, PartyId, UsageId, VoucherId,
};
use loopledger_service::Decision;
use rust_decimal::Decimal;

use crate::assessing::{Particulars, most};
use crate::decider::{Answer, positive, there_already};
use crate::facts::{Contract, Facts, Invoice};
use crate::funding::split_within;
use crate::payable::Payable;
use crate::programme::{Account, year};
use crate::related;
use crate::state::State;
use crate::voucher::Voucher;

/// Reads of all that redemptions name what deciding them will read.
pub(crate) fn look_ahead(state: &State, facts: &Facts, all: &[&RedeemVoucher]) {
    state.look_at_redemptions(all);
    facts.look_at_invoices(all.iter().map(|asked| &asked.invoice));
}

pub(crate) fn redeem(state: &State, facts: &Facts, asked: &RedeemVoucher) -> Answer {
    let exists = || Refusal::RedemptionExists { redemption: asked.id.clone() };
    if state.claim(&asked.id).is_some() {
        return Err(exists());
    }
    if let Some(made) = state.redemption(&asked.id) {
        let same = made.voucher == asked.voucher
            && made.invoice == asked.invoice
            && made.amount == asked.amount
            && made.at == asked.at;
        return there_already(same, exists());
    }
    positive(asked.amount)?;
    let (voucher, account) = state.issued(&asked.voucher)?;
    account.in_its_currency(asked.amount)?;
    voucher.is_usable(&asked.voucher, asked.at)?;
    let rules = account.rules(voucher.version);
    if rules.claim_review.is_some() || rules.settlement.mode.claims_issue() {
        return Err(Refusal::ReviewNeeded { programme: voucher.programme.clone() });
    }
    account.is_served()?;
    let invoice = facts.invoice(&asked.invoice)?;
    let contract = facts.contract(&invoice.contract)?;
    is_eligible(voucher, contract, invoice, asked)?;
    let payee = payee(state, account, voucher, contract, (invoice, asked))?;
    account.admits_throughout(&contract.seller, invoice.service)?;
    let place = (&invoice.contract, contract);
    let gate = related::permit(account, voucher.version, facts, place, asked.at)?;
    let trace = fits(state, facts, (account, voucher), (invoice, contract), asked)?.trace;
    let (usage, facts_of_usage) =
        metered(state, facts, (account, voucher), (invoice, contract), asked)?;
    let sources = &account.terms().funding;
    let room: Vec<Money> = voucher.borne().iter().map(|part| part.amount).collect();
    let event = Event::VoucherRedeemed(VoucherRedeemed {
        id: asked.id.clone(),
        voucher: asked.voucher.clone(),
        programme: voucher.programme.clone(),
        holder: voucher.holder.clone(),
        provider: contract.seller.clone(),
        contract: invoice.contract.clone(),
        invoice: asked.invoice.clone(),
        amount: asked.amount,
        taken_from: oldest_first(
            voucher,
            (&asked.voucher, &invoice.contract),
            asked.amount,
            asked.at,
        )?,
        at: asked.at,
        payee: (*payee != contract.seller).then(|| payee.clone()),
        version: voucher.version,
        trace,
        gate,
        usage,
        funding: split_within(asked.amount, sources, &room),
    });
    Ok(Decision::from(event)
        .resting_on([contract.fact])
        .resting_on(invoice.facts())
        .resting_on(facts_of_usage))
}

/// Who is paid, if it may be and no other claim is in the way.
fn payee<'a>(
    state: &State,
    account: &Account,
    voucher: &Voucher,
    contract: &'a Contract,
    (invoice, asked): (&Invoice, &RedeemVoucher),
) -> Result<&'a PartyId, Refusal> {
    let rules = account.rules(voucher.version);
    let payee = match rules.settlement.payee {
        PayeeRule::Provider => &contract.seller,
        PayeeRule::Firm => &contract.buyer,
        PayeeRule::EitherNotBoth => return Err(Refusal::PayeeMissing),
    };
    account.lets(payee, asked.at)?;
    if rules.eligibility.one_claim_per_contract
        && let Some(other) = account.claims_on(&invoice.contract).first()
    {
        let (contract, claim) = (invoice.contract.clone(), other.clone());
        return Err(Refusal::ContractClaimed { contract, claim });
    }
    state.has_no_claim(&asked.invoice)?;
    Ok(payee)
}

/// The invoice was issued by then, for service that began before the contract ended, and nobody disputes it.
pub(crate) fn is_claimable(
    contract: &Contract,
    invoice: &Invoice,
    (id, invoice_id): (&ContractId, &InvoiceId),
    at: Timestamp,
) -> Result<(), Refusal> {
    if at < invoice.at {
        let (invoice, invoiced_at) = (invoice_id.clone(), invoice.at);
        return Err(Refusal::BeforeInvoice { invoice, invoiced_at, at });
    }
    if let Some(ended_at) = contract.ended_by(invoice.service.from()) {
        return Err(Refusal::ContractEnded { contract: id.clone(), ended_at });
    }
    if let Some(dispute) = invoice.is_disputed(at) {
        let (invoice, dispute) = (invoice_id.clone(), dispute.clone());
        return Err(Refusal::InvoiceDisputed { invoice, dispute });
    }
    Ok(())
}

/// Claimable, the holder's own, and with something locked for it.
fn is_eligible(
    voucher: &Voucher,
    contract: &Contract,
    invoice: &Invoice,
    asked: &RedeemVoucher,
) -> Result<(), Refusal> {
    let (id, at) = (&invoice.contract, asked.at);
    is_claimable(contract, invoice, (id, &asked.invoice), at)?;
    voucher.is_held_by(&contract.buyer, &asked.voucher, id)?;
    if voucher.left_on(id, at).next().is_none() {
        let (voucher, contract) = (asked.voucher.clone(), id.clone());
        return Err(Refusal::NotLocked { voucher, contract });
    }
    Ok(())
}

/// Within what the rules come to on the invoice, which no other programme shares, and the holder's year.
fn fits(
    state: &State,
    facts: &Facts,
    (account, voucher): (&Account, &Voucher),
    (invoice, contract): (&Invoice, &Contract),
    asked: &RedeemVoucher,
) -> Result<Payable, Refusal> {
    let claimed = state.claimed(&asked.invoice);
    if let Some(other) = claimed.filter(|claimed| claimed.programme != account.terms().id) {
        let (invoice, programme) = (asked.invoice.clone(), other.programme.clone());
        return Err(Refusal::InvoiceClaimed { invoice, programme });
    }
    let redeemed = claimed.map_or(account.nothing(), |claimed| claimed.redeemed);
    let particulars = Particulars {
        voucher: &asked.voucher,
        invoice: &asked.invoice,
        card_hours: None,
        items: &[],
        at: asked.at,
    };
    let taken = asked.amount.checked_add(redeemed)?;
    let found = most(facts, account, voucher, (invoice, contract), particulars, taken)?;
    let limit = found.amount;
    if asked.amount.exceeds(limit.checked_sub(redeemed)?)? {
        let (invoice, asked) = (asked.invoice.clone(), asked.amount);
        return Err(Refusal::AboveInvoiceShare { invoice, limit, redeemed, asked });
    }
    let rules = account.rules(voucher.version);
    if let Some(cap) = rules.cap_holder_year.filter(|_| rules.amount.cap_counts.redeemed()) {
        let (holder, year) = (voucher.holder.clone(), year(asked.at));
        let redeemed = account.redeemed_by(&holder, year);
        if asked.amount.exceeds(cap.checked_sub(redeemed)?)? {
            let asked = asked.amount;
            return Err(Refusal::AboveHolderRedeemed { holder, year, cap, redeemed, asked });
        }
    }
    Ok(found)
}

/// The metered usage that shows the invoiced service, where the programme asks for it.
fn metered(
    state: &State,
    facts: &Facts,
    (account, voucher): (&Account, &Voucher),
    (invoice, contract): (&Invoice, &Contract),
    asked: &RedeemVoucher,
) -> Result<(Vec<UsageId>, Vec<FactId>), Refusal> {
    if !account.rules(voucher.version).metering_required {
        return Ok((Vec::new(), Vec::new()));
    }
    let usage: Vec<_> = facts.metered(&invoice.contract, invoice.service).collect();
    if usage.is_empty() {
        let (contract, invoice) = (invoice.contract.clone(), asked.invoice.clone());
        return Err(Refusal::NotMetered { contract, invoice });
    }
    for (usage, _) in &usage {
        state.is_unclaimed(&usage.id, Some(&asked.invoice))?;
    }
    let all = usage.iter().map(|(usage, _)| *usage);
    facts.are_lit(all.clone(), |id| state.is_claimed(id))?;
    let invoiced = invoice.quantity;
    if contract.unit == ContractUnit::CardHour
        && let Some(metered) = short_of(invoiced.value(), all.map(|usage| usage.card_hours))
    {
        let invoice = asked.invoice.clone();
        return Err(Refusal::AboveMetered { invoice, invoiced, metered });
    }
    Ok(usage.into_iter().map(|(usage, fact)| (usage.id.clone(), fact)).unzip())
}

pub(crate) fn sum_of(hours: impl IntoIterator<Item = CardHours>) -> Result<Decimal, Refusal> {
    let mut hours = hours.into_iter().map(CardHours::value);
    let beyond = || Refusal::BeyondBounds {
        reason: "the metered card-hours are beyond what this ledger counts".to_owned(),
    };
    hours.try_fold(Decimal::ZERO, Decimal::checked_add).ok_or_else(beyond)
}

/// The sum, if it stays below what is needed.
fn short_of(needed: Decimal, mut hours: impl Iterator<Item = CardHours>) -> Option<CardHours> {
    let sum = hours.try_fold(Decimal::ZERO, |sum, hours| {
        sum.checked_add(hours.value()).filter(|sum| *sum < needed)
    })?;
    Some(CardHours::new(sum).expect("less card-hours than a quantity are a number of card-hours"))
}

/// What is taken from each of the voucher's locks on the contract.
pub(crate) fn oldest_first(
    voucher: &Voucher,
    (id, contract): (&VoucherId, &ContractId),
    asked: Money,
    at: Timestamp,
) -> Result<Vec<TakenFrom>, Refusal> {
    let mut owed = asked;
    let mut taken = Vec::new();
    for (lock, left) in voucher.left_on(contract, at) {
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
        voucher: id.clone(),
        contract: contract.clone(),
        locked: asked.checked_sub(owed)?,
        asked,
    })
}
