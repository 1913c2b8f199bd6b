//! Money for contracts: payments of invoices, advances and what they are set against, and refunds.
//!
//! Invariants: no more is paid for an invoice than it is for less its credits, and nothing of what is in dispute; no
//! more of an advance is used and given back than was received; no more is refunded than was paid.

use loopledger_model::purchase::{
    AdvanceApplied, AdvanceKind, AdvanceRecorded, ApplyAdvance, Event, PaymentRecorded,
    RecordAdvance, RecordPayment, RecordRefund, RefundOf, RefundRecorded, Refusal,
};
use loopledger_model::{InvoiceId, Money};

use crate::decider::{Answer, known, positive};
use crate::state::{Issued, Signed, State};

/// Invoices are paid after the end of their contract too.
pub(crate) fn pay(state: &State, payment: &RecordPayment) -> Answer {
    let RecordPayment { id, invoice, amount, at, reference } = payment.clone();
    if let Some(same) = state.recorded(payment) {
        return known(same, Refusal::PaymentExists { payment: id });
    }
    let (issued, signed) = state.invoice(&invoice)?;
    signed.in_currency(amount)?;
    positive(amount)?;
    within_invoice(&invoice, issued, amount)?;
    signed.paid.checked_add(amount)?;
    let contract = signed.contract.id.clone();
    let (buyer, seller) = (signed.contract.buyer.clone(), signed.contract.seller.clone());
    Ok(Event::PaymentRecorded(PaymentRecorded {
        id,
        invoice,
        contract,
        buyer,
        seller,
        amount,
        at,
        reference,
    })
    .into())
}

/// What is open of an invoice, less what is in dispute of it.
fn within_invoice(invoice: &InvoiceId, issued: &Issued, asked: Money) -> Result<(), Refusal> {
    let invoice = invoice.clone();
    let (invoiced, paid) = (issued.amount.checked_sub(issued.credited)?, issued.paid);
    let open = invoiced.checked_sub(paid)?;
    if asked.exceeds(open)? {
        return Err(Refusal::AboveInvoice { invoice, invoiced, paid, asked });
    }
    let Some(dispute) = &issued.dispute else { return Ok(()) };
    let payable = open.checked_sub(dispute.amount)?;
    if asked.exceeds(payable)? {
        let (dispute, disputed) = (dispute.id.clone(), dispute.amount);
        return Err(Refusal::InvoiceDisputed { invoice, dispute, disputed, payable, asked });
    }
    Ok(())
}

/// Money that moved is recorded whatever was agreed of it, and after the contract's end too.
pub(crate) fn receive(state: &State, advance: &RecordAdvance) -> Answer {
    if let Some(same) = state.received(advance) {
        return known(same, Refusal::PaymentExists { payment: advance.id.clone() });
    }
    let signed = state.contract(&advance.contract)?;
    signed.in_currency(advance.amount)?;
    positive(advance.amount)?;
    // What is used of it may be paid for invoices.
    let received = signed.prepayment.received.checked_add(signed.deposit.received)?;
    received.checked_add(signed.paid)?.checked_add(advance.amount)?;
    let (buyer, seller) = (signed.contract.buyer.clone(), signed.contract.seller.clone());
    let recorded = AdvanceRecorded { advance: advance.clone(), buyer, seller };
    Ok(Event::AdvanceRecorded(recorded).into())
}

pub(crate) fn apply(state: &State, used: &ApplyAdvance) -> Answer {
    if let Some(same) = state.is_told(used) {
        return known(same, Refusal::AdvanceUseExists { use_id: used.id.clone() });
    }
    let signed = state.contract(&used.contract)?;
    signed.in_currency(used.amount)?;
    positive(used.amount)?;
    match &used.invoice {
        None => within_penalty(signed, used.amount)?,
        Some(invoice) => {
            let (issued, _) = state.invoice(invoice)?;
            if issued.contract != used.contract {
                let (invoice, contract) = (invoice.clone(), issued.contract.clone());
                return Err(Refusal::ForeignInvoice { invoice, contract });
            }
            within_invoice(invoice, issued, used.amount)?;
        }
    }
    within_advance(signed, used.kind, used.amount)?;
    signed.paid.checked_add(used.amount)?;
    let (buyer, seller) = (signed.contract.buyer.clone(), signed.contract.seller.clone());
    let applied = AdvanceApplied { use_of: used.clone(), buyer, seller };
    Ok(Event::AdvanceApplied(applied).into())
}

fn within_penalty(signed: &Signed, asked: Money) -> Result<(), Refusal> {
    let contract = signed.contract.id.clone();
    let Some(penalty) = signed.penalty_of_buyer() else {
        return Err(Refusal::NoPenaltyOwed { contract });
    };
    let settled = signed.penalty_settled;
    if asked.exceeds(penalty.checked_sub(settled)?)? {
        return Err(Refusal::AbovePenalty { contract, penalty, settled, asked });
    }
    Ok(())
}

fn within_advance(signed: &Signed, kind: AdvanceKind, asked: Money) -> Result<(), Refusal> {
    let held = signed.advance(kind).held()?;
    if asked.exceeds(held)? {
        let contract = signed.contract.id.clone();
        return Err(Refusal::AboveAdvance { contract, kind, held, asked });
    }
    Ok(())
}

pub(crate) fn refund(state: &State, refund: &RecordRefund) -> Answer {
    if let Some(same) = state.is_told(refund) {
        return known(same, Refusal::RefundExists { refund: refund.id.clone() });
    }
    let signed = state.contract(&refund.contract)?;
    signed.in_currency(refund.amount)?;
    positive(refund.amount)?;
    match refund.of {
        RefundOf::Invoices => within_paid(signed, refund.amount)?,
        RefundOf::Prepayment => within_advance(signed, AdvanceKind::Prepayment, refund.amount)?,
        RefundOf::Deposit => within_advance(signed, AdvanceKind::Deposit, refund.amount)?,
    }
    let (buyer, seller) = (signed.contract.buyer.clone(), signed.contract.seller.clone());
    let recorded = RefundRecorded { refund: refund.clone(), buyer, seller };
    Ok(Event::RefundRecorded(recorded).into())
}

/// What was paid for invoices and has not been given back.
pub(crate) fn within_paid(signed: &Signed, asked: Money) -> Result<(), Refusal> {
    let paid = signed.paid.checked_sub(signed.refunded)?;
    if asked.exceeds(paid)? {
        return Err(Refusal::AbovePaid { contract: signed.contract.id.clone(), paid, asked });
    }
    Ok(())
}
