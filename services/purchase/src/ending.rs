//! How contracts end before their time, and what that costs whom.
//!
//! Invariant: a penalty is no higher than what the contract's terms give, where they say anything of that side.

use loopledger_model::purchase::{
    ContractTerminated, Event, Refusal, TerminateContract, TerminationReason,
};
use loopledger_model::{Money, Quantity};

use crate::decider::{Answer, known, positive, rounding};
use crate::settling::within_paid;
use crate::state::{Signed, State};

pub(crate) fn terminate(state: &State, termination: &TerminateContract) -> Answer {
    let TerminateContract { contract, at, reason, refund, by, penalty } = termination.clone();
    let signed = state.contract(&contract)?;
    if let Some(end) = &signed.termination {
        return known(end == termination, signed.ended(end));
    }
    for amount in [refund, penalty].into_iter().flatten() {
        signed.in_currency(amount)?;
        positive(amount)?;
    }
    if reason == TerminationReason::NeverExecuted && signed.invoices > 0 {
        return Err(Refusal::WasExecuted { contract, invoices: signed.invoices });
    }
    if reason == TerminationReason::NeverExecuted && signed.deliveries > 0 {
        return Err(Refusal::WasDelivered { contract, deliveries: signed.deliveries });
    }
    refund.map_or(Ok(()), |asked| within_paid(signed, asked))?;
    penalty.map_or(Ok(()), |asked| within_terms(signed, termination, asked))?;
    let (buyer, seller) = (signed.contract.buyer.clone(), signed.contract.seller.clone());
    let ended = ContractTerminated { contract, buyer, seller, at, reason, refund, by, penalty };
    Ok(Event::ContractTerminated(ended).into())
}

/// So many percent of what is not invoiced yet, at the price of the day.
fn within_terms(signed: &Signed, end: &TerminateContract, asked: Money) -> Result<(), Refusal> {
    let side = end.by.ok_or(Refusal::SideMissing)?;
    let contract = &signed.contract;
    let Some(percent) = contract.terms.penalties.of(side) else { return Ok(()) };
    let volume = contract.quantity.map_or(signed.ordered, Quantity::value);
    let currency = contract.currency;
    let rest = match Quantity::new(volume.saturating_sub(signed.invoiced)) {
        Ok(rest) => Money::cost(rest, contract.price_at(end.at), currency, rounding(currency))?,
        Err(_) => Money::zero(currency),
    };
    let limit = rest.percent(percent, rounding(currency))?;
    if asked.exceeds(limit)? {
        let contract = contract.id.clone();
        return Err(Refusal::AbovePenaltyTerms { contract, side, limit, asked });
    }
    Ok(())
}
