//! What a seller gives up of an invoice, and what a buyer disputes of it.
//!
//! Invariants: an invoice is credited with no more than it is for; of what was promised with no more than was
//! agreed; it is in one dispute at most.

use loopledger_model::purchase::{
    CreditGranted, CreditReason, DisputeInvoice, DisputeResolved, Event, GrantCredit,
    InvoiceDisputed, Refusal, ResolveDispute,
};

use crate::decider::{Answer, known, positive, rounding};
use crate::state::{Issued, Signed, State};

/// What was paid already may be credited too: it is to be refunded then.
pub(crate) fn credit(state: &State, credit: &GrantCredit) -> Answer {
    if let Some(same) = state.is_told(credit) {
        return known(same, Refusal::CreditExists { credit: credit.id.clone() });
    }
    let (issued, signed) = state.invoice(&credit.invoice)?;
    signed.in_currency(credit.amount)?;
    positive(credit.amount)?;
    if (credit.reason == CreditReason::Availability) != credit.availability.is_some() {
        return Err(Refusal::AvailabilityMisplaced { reason: credit.reason });
    }
    let (invoiced, credited, asked) = (issued.amount, issued.credited, credit.amount);
    if asked.exceeds(invoiced.checked_sub(credited)?)? {
        let invoice = credit.invoice.clone();
        return Err(Refusal::AboveCreditable { invoice, invoiced, credited, asked });
    }
    if credit.reason.is_promised() {
        was_promised(signed, issued, credit)?;
    }
    let contract = signed.contract.id.clone();
    Ok(Event::CreditGranted(CreditGranted { credit: credit.clone(), contract }).into())
}

fn was_promised(signed: &Signed, issued: &Issued, credit: &GrantCredit) -> Result<(), Refusal> {
    let reason = credit.reason;
    let nothing = || {
        let contract = signed.contract.id.clone();
        Refusal::NothingPromised { contract, reason }
    };
    let sla = signed.contract.terms.sla.ok_or_else(nothing)?;
    match (reason, credit.availability) {
        (CreditReason::Availability, Some(measured)) => {
            let promised = sla.availability.ok_or_else(nothing)?;
            if measured >= promised {
                return Err(Refusal::PromiseKept { promised, measured });
            }
        }
        _ if sla.deliver_by.is_none() => return Err(nothing()),
        _ => {}
    }
    let limit = issued.amount.percent(sla.credit, rounding(signed.contract.currency))?;
    let (credited, asked) = (issued.credited_as_promised, credit.amount);
    if asked.exceeds(limit.checked_sub(credited)?)? {
        let invoice = credit.invoice.clone();
        return Err(Refusal::AbovePromise { invoice, limit, credited, asked });
    }
    Ok(())
}

/// What was paid already may be disputed too; an invoice is disputed once at a time.
pub(crate) fn dispute(state: &State, dispute: &DisputeInvoice) -> Answer {
    if let Some(same) = state.opened(dispute) {
        return known(same, Refusal::DisputeExists { dispute: dispute.id.clone() });
    }
    let (issued, signed) = state.invoice(&dispute.invoice)?;
    signed.in_currency(dispute.amount)?;
    positive(dispute.amount)?;
    let invoice = dispute.invoice.clone();
    if let Some(open) = &issued.dispute {
        return Err(Refusal::DisputeOpen { invoice, dispute: open.id.clone() });
    }
    let (invoiced, credited, asked) = (issued.amount, issued.credited, dispute.amount);
    if asked.exceeds(invoiced.checked_sub(credited)?)? {
        return Err(Refusal::AboveCreditable { invoice, invoiced, credited, asked });
    }
    let contract = signed.contract.id.clone();
    Ok(Event::InvoiceDisputed(InvoiceDisputed { dispute: dispute.clone(), contract }).into())
}

pub(crate) fn resolve(state: &State, resolution: &ResolveDispute) -> Answer {
    let dispute = || resolution.dispute.clone();
    let Some((known_dispute, resolved)) = state.resolved(resolution) else {
        return Err(Refusal::UnknownDispute { dispute: dispute() });
    };
    if let Some(same) = resolved {
        return known(same, Refusal::DisputeClosed { dispute: dispute() });
    }
    let invoice = known_dispute.invoice.clone();
    let contract = state.invoice(&invoice)?.1.contract.id.clone();
    let resolved = DisputeResolved { resolution: resolution.clone(), invoice, contract };
    Ok(Event::DisputeResolved(resolved).into())
}
