//! The rules of purchase: what each command needs, and the first reason to refuse it.
//!
//! Invariant: what exists with the same content is nothing to do, whatever has happened since.

use loopledger_model::purchase::{
    AcceptDelivery, AnnounceContract, Command, Contract, ContractTerminated, DeliveryAccepted,
    Event, InvoiceIssued, IssueInvoice, PaymentRecorded, RecordPayment, Refusal, TerminateContract,
    TerminationReason,
};
use loopledger_model::{
    Context, ContractId, Currency, Fact, Money, PartyId, Rounding, RoundingMode, registry,
};
use loopledger_service::{Decider, Decision};

use crate::state::{Parties, Signed, State, declared};

/// The context purchase.
pub enum Purchase {}

type Answer = Result<Decision<Event>, Refusal>;

impl Decider for Purchase {
    const CONTEXT: Context = Context::Purchase;
    const READS: &'static [Context] = &[Context::Registry];
    const STATE_FORMAT: u32 = 2;

    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
    type State = State;
    type Facts = Parties;

    fn decide(state: &State, parties: &Parties, command: &Command) -> Answer {
        match command {
            Command::SignContract(contract) => sign(state, parties, contract),
            Command::IssueInvoice(invoice) => issue(state, invoice),
            Command::RecordPayment(payment) => pay(state, payment),
            Command::TerminateContract(termination) => terminate(state, termination),
            Command::AnnounceContract(announced) => announce(state, parties, announced),
            Command::AcceptDelivery(delivery) => accept(state, delivery),
        }
    }

    fn evolve(state: &mut State, event: &Event) {
        state.apply(event);
    }

    fn learn(parties: &mut Parties, fact: &Fact) {
        use loopledger_model::Event::Registry;
        if let Registry(registry::Event::PartyRegistered(party)) = &fact.event {
            parties.0.get_or_insert_with(party.id.clone(), || fact.id);
        }
    }
}

fn sign(state: &State, parties: &Parties, contract: &Contract) -> Answer {
    if let Some(signed) = state.signed(&contract.id) {
        let exists = Refusal::ContractExists { contract: contract.id.clone() };
        return known(signed.contract == *contract, exists);
    }
    let facts = [parties.registered(&contract.buyer)?, parties.registered(&contract.seller)?];
    if contract.buyer == contract.seller {
        return Err(Refusal::OwnContract { party: contract.buyer.clone() });
    }
    if contract.declared_p.is_some() && contract.basis.is_none() {
        return Err(Refusal::BasisMissing);
    }
    if let Some(announced) = state.announced(&contract.id) {
        let AnnounceContract { buyer, seller, amount, .. } = announced;
        between((&contract.id, buyer, seller, amount.currency()), &sides(contract))?;
    }
    if let Some(backing) = &contract.backing_contract {
        backed_by(state.contract(backing)?, contract)?;
    }
    Ok(Decision::from(Event::ContractSigned(contract.clone())).resting_on(facts))
}

/// The parties and the currency that a contract is known by.
type Sides<'a> = (&'a ContractId, &'a PartyId, &'a PartyId, Currency);

const fn sides(contract: &Contract) -> Sides<'_> {
    (&contract.id, &contract.buyer, &contract.seller, contract.currency)
}

/// A contract is announced and signed between the same parties and in one currency.
fn between(known: Sides<'_>, asked: &Sides<'_>) -> Result<(), Refusal> {
    if known == *asked {
        return Ok(());
    }
    let (contract, buyer, seller, currency) = known;
    let (contract, buyer, seller) = (contract.clone(), buyer.clone(), seller.clone());
    Err(Refusal::OtherSides { contract, buyer, seller, currency })
}

/// It may be made known after its signing too, and what is said to be its worth is not held against its price.
fn announce(state: &State, parties: &Parties, announced: &AnnounceContract) -> Answer {
    let AnnounceContract { contract, buyer, seller, amount, .. } = announced;
    if let Some(before) = state.announced(contract) {
        let exists = Refusal::AnnouncementExists { contract: contract.clone() };
        return known(before == announced, exists);
    }
    let facts = [parties.registered(buyer)?, parties.registered(seller)?];
    if buyer == seller {
        return Err(Refusal::OwnContract { party: buyer.clone() });
    }
    positive(*amount)?;
    if let Some(signed) = state.signed(contract) {
        between(sides(&signed.contract), &(contract, buyer, seller, amount.currency()))?;
    }
    Ok(Decision::from(Event::ContractAnnounced(announced.clone())).resting_on(facts))
}

fn accept(state: &State, delivery: &AcceptDelivery) -> Answer {
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
    let (all, accepted, asked) = (signed.contract.quantity, signed.delivered, quantity);
    if accepted.checked_add(asked.value()).is_none_or(|sum| sum > all.value()) {
        return Err(Refusal::AboveDelivery { quantity: all, accepted, asked });
    }
    let (buyer, seller) = (signed.contract.buyer.clone(), signed.contract.seller.clone());
    let accepted =
        DeliveryAccepted { id, contract, buyer, seller, service, quantity, certificate, at };
    Ok(Event::DeliveryAccepted(accepted).into())
}

/// A reseller sells on what it bought itself, when it has it, and no more than that at any instant.
fn backed_by(backing: &Signed, contract: &Contract) -> Result<(), Refusal> {
    let bought = &backing.contract;
    if bought.buyer != contract.seller {
        return Err(Refusal::NotTheBackingBuyer {
            backing: bought.id.clone(),
            buyer: bought.buyer.clone(),
            seller: contract.seller.clone(),
        });
    }
    let (term, backing_term) = (contract.term, bought.term);
    if !backing_term.encloses(&term) {
        return Err(Refusal::OutsideBackingTerm { term, backing_term });
    }
    within_capacity(backing, contract)?;
    backing.serves_until(term.to())
}

fn within_capacity(backing: &Signed, contract: &Contract) -> Result<(), Refusal> {
    let (Some(all), Some(asked)) = (declared(&backing.contract), declared(contract)) else {
        return Ok(());
    };
    let backing_id = backing.contract.id.clone();
    if all.basis != asked.basis {
        let (declared, asked) = (all.basis, asked.basis);
        return Err(Refusal::UnlikeBases { backing: backing_id, declared, asked });
    }
    let (declared, asked) = (all.p, asked.p);
    let most = declared.value().checked_sub(asked.value()).expect("P is far below any overflow");
    match backing.sold_on.first_above(&contract.term, most) {
        None => Ok(()),
        Some((at, sold)) => {
            Err(Refusal::AboveBackingCapacity { backing: backing_id, declared, sold, asked, at })
        }
    }
}

fn issue(state: &State, invoice: &IssueInvoice) -> Answer {
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
    within_quantity(signed, invoice)?;
    within_price(signed, invoice)?;
    let (buyer, seller) = (signed.contract.buyer.clone(), signed.contract.seller.clone());
    let issued = InvoiceIssued { id, contract, buyer, seller, service, quantity, amount, at };
    Ok(Event::InvoiceIssued(issued).into())
}

fn within_quantity(signed: &Signed, invoice: &IssueInvoice) -> Result<(), Refusal> {
    let (quantity, invoiced, asked) = (signed.contract.quantity, signed.invoiced, invoice.quantity);
    let sum = invoiced.checked_add(asked.value());
    if sum.is_some_and(|sum| sum <= quantity.value()) {
        return Ok(());
    }
    Err(Refusal::AboveQuantity { quantity, invoiced, asked })
}

/// An invoice may be lower than the price, since sellers grant discounts and credits.
fn within_price(signed: &Signed, invoice: &IssueInvoice) -> Result<(), Refusal> {
    let (quantity, asked, currency) = (invoice.quantity, invoice.amount, signed.contract.currency);
    let rounding = Rounding { digits: currency.exponent(), mode: RoundingMode::HalfUp };
    let limit = Money::cost(quantity, signed.contract.price_per_unit, currency, rounding)?;
    if asked.exceeds(limit)? {
        return Err(Refusal::AbovePrice { quantity, limit, asked });
    }
    Ok(())
}

/// Invoices are paid after the end of their contract too.
fn pay(state: &State, payment: &RecordPayment) -> Answer {
    let RecordPayment { id, invoice, amount, at, reference } = payment.clone();
    if let Some(same) = state.recorded(payment) {
        return known(same, Refusal::PaymentExists { payment: id });
    }
    let (issued, signed) = state.invoice(&invoice)?;
    signed.in_currency(amount)?;
    positive(amount)?;
    let (invoiced, paid, asked) = (issued.amount, issued.paid, amount);
    if asked.exceeds(invoiced.checked_sub(paid)?)? {
        return Err(Refusal::AboveInvoice { invoice, invoiced, paid, asked });
    }
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

fn terminate(state: &State, termination: &TerminateContract) -> Answer {
    let TerminateContract { contract, at, reason, refund } = termination.clone();
    let signed = state.contract(&contract)?;
    if let Some(end) = &signed.termination {
        return known(end == termination, signed.ended(end));
    }
    if let Some(amount) = refund {
        signed.in_currency(amount)?;
        positive(amount)?;
    }
    if reason == TerminationReason::NeverExecuted && signed.invoices > 0 {
        return Err(Refusal::WasExecuted { contract, invoices: signed.invoices });
    }
    if reason == TerminationReason::NeverExecuted && signed.deliveries > 0 {
        return Err(Refusal::WasDelivered { contract, deliveries: signed.deliveries });
    }
    if let Some(asked) = refund
        && asked.exceeds(signed.paid)?
    {
        return Err(Refusal::AbovePaid { contract, paid: signed.paid, asked });
    }
    let (buyer, seller) = (signed.contract.buyer.clone(), signed.contract.seller.clone());
    let ended = ContractTerminated { contract, buyer, seller, at, reason, refund };
    Ok(Event::ContractTerminated(ended).into())
}

/// What a command comes to whose thing is known already.
fn known(same: bool, exists: Refusal) -> Answer {
    if same { Ok(Decision::nothing()) } else { Err(exists) }
}

fn positive(amount: Money) -> Result<(), Refusal> {
    if amount.is_positive() { Ok(()) } else { Err(Refusal::NotPositive { amount }) }
}
