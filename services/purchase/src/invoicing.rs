//! What is ordered, delivered and invoiced: within volume, term and life of the contract, and at its price.

use loopledger_model::Money;
use loopledger_model::purchase::{
    AcceptDelivery, DeliveryAccepted, Event, InvoiceIssued, IssueInvoice, PlaceOrder, Refusal,
};

use crate::decider::{Answer, known, positive, rounding};
use crate::state::{Signed, State};

/// A framework is given its volume by its orders; whatever states a quantity has its volume already.
pub(crate) fn order(state: &State, order: &PlaceOrder) -> Answer {
    if let Some(same) = state.is_told(order) {
        return known(same, Refusal::OrderExists { order: order.id.clone() });
    }
    let signed = state.contract(&order.contract)?;
    if signed.contract.quantity.is_some() {
        return Err(Refusal::NotAFramework { contract: order.contract.clone() });
    }
    signed.serves_until(order.service.to())?;
    let (service, term) = (order.service, signed.contract.term);
    if !term.encloses(&service) {
        return Err(Refusal::OutsideTerm { service, term });
    }
    if signed.ordered.checked_add(order.quantity.value()).is_none() {
        let reason = format!("orders from {} are beyond counting", order.contract);
        return Err(Refusal::BeyondBounds { reason });
    }
    Ok(Event::OrderPlaced(order.clone()).into())
}

pub(crate) fn accept(state: &State, delivery: &AcceptDelivery) -> Answer {
    let AcceptDelivery { id, contract, service, quantity, certificate, at } = delivery.clone();
    if let Some(same) = state.accepted(delivery) {
        return known(same, Refusal::DeliveryExists { delivery: id });
    }
    let signed = state.contract(&contract)?;
    signed.serves_until(service.to())?;
    let term = signed.contract.term;
    if !term.encloses(&service) {
        return Err(Refusal::OutsideTerm { service, term });
    }
    let (accepted, asked) = (signed.delivered, quantity);
    signed.has_volume(accepted, asked, |quantity| Refusal::AboveDelivery {
        quantity,
        accepted,
        asked,
    })?;
    let (buyer, seller) = (signed.contract.buyer.clone(), signed.contract.seller.clone());
    let accepted =
        DeliveryAccepted { id, contract, buyer, seller, service, quantity, certificate, at };
    Ok(Event::DeliveryAccepted(accepted).into())
}

pub(crate) fn issue(state: &State, invoice: &IssueInvoice) -> Answer {
    let IssueInvoice { id, contract, service, quantity, amount, at } = invoice.clone();
    if let Some(issued) = state.issued(&id) {
        return known(issued.is(invoice), Refusal::InvoiceExists { invoice: id });
    }
    let signed = state.contract(&contract)?;
    signed.serves_until(service.to())?;
    signed.in_currency(amount)?;
    positive(amount)?;
    let term = signed.contract.term;
    if !term.encloses(&service) {
        return Err(Refusal::OutsideTerm { service, term });
    }
    let (invoiced, asked) = (signed.invoiced, quantity);
    signed.has_volume(invoiced, asked, |quantity| Refusal::AboveQuantity {
        quantity,
        invoiced,
        asked,
    })?;
    within_price(signed, invoice)?;
    let (buyer, seller) = (signed.contract.buyer.clone(), signed.contract.seller.clone());
    let issued = InvoiceIssued { id, contract, buyer, seller, service, quantity, amount, at };
    Ok(Event::InvoiceIssued(issued).into())
}

/// At the price of the service's time. An invoice may be lower, since sellers grant discounts.
fn within_price(signed: &Signed, invoice: &IssueInvoice) -> Result<(), Refusal> {
    let (quantity, asked, service) = (invoice.quantity, invoice.amount, invoice.service);
    let (contract, currency) = (&signed.contract, signed.contract.currency);
    if let Some(at) = contract.price_step_within(&service) {
        return Err(Refusal::AcrossPriceStep { service, at });
    }
    let price = contract.price_at(service.from());
    let limit = Money::cost(quantity, price, currency, rounding(currency))?;
    if asked.exceeds(limit)? {
        return Err(Refusal::AbovePrice { quantity, limit, asked });
    }
    Ok(())
}
