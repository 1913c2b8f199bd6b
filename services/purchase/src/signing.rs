//! Contracts as they are announced and signed: between registered parties, with terms that fit together, and selling
//! on no more than was bought.

use jiff::Timestamp;
use loopledger_model::purchase::{
    AnnounceContract, Contract, ContractKind, Event, MAX_STEPS, Refusal,
};
use loopledger_model::{ContractId, Currency, PartyId};
use loopledger_service::Decision;

use crate::decider::{Answer, known, positive};
use crate::state::{Parties, Signed, State, cards_of_one_model, declared};

pub(crate) fn sign(state: &State, parties: &Parties, contract: &Contract) -> Answer {
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
    is_of_its_kind(contract)?;
    has_fit_terms(contract)?;
    if let Some(announced) = state.announced(&contract.id) {
        let AnnounceContract { buyer, seller, amount, .. } = announced;
        between((&contract.id, buyer, seller, amount.currency()), &sides(contract))?;
    }
    if let Some(backing) = &contract.backing_contract {
        backed_by(state.contract(backing)?, contract)?;
    }
    Ok(Decision::from(Event::ContractSigned(contract.clone())).resting_on(facts))
}

/// A framework is one without volume, and a resale one that sells from another contract.
fn is_of_its_kind(contract: &Contract) -> Result<(), Refusal> {
    let is_framework = contract.kind == Some(ContractKind::Framework);
    match contract.quantity {
        None if !is_framework => return Err(Refusal::QuantityMissing),
        Some(_) if is_framework => return Err(Refusal::FrameworkWithVolume),
        Some(_) | None => {}
    }
    match (&contract.backing_contract, contract.kind) {
        (None, Some(ContractKind::Resale)) => Err(Refusal::BackingMissing),
        (Some(backing), Some(kind)) if kind != ContractKind::Resale => {
            Err(Refusal::NotAResale { backing: backing.clone(), kind })
        }
        (Some(_) | None, _) => Ok(()),
    }
}

fn has_fit_terms(contract: &Contract) -> Result<(), Refusal> {
    let (terms, term) = (&contract.terms, contract.term);
    match (terms.minimum, contract.quantity) {
        (Some(_), None) => return Err(Refusal::FrameworkWithVolume),
        (Some(minimum), Some(quantity)) if minimum > quantity => {
            return Err(Refusal::MinimumAboveQuantity { minimum, quantity });
        }
        (Some(_) | None, _) => {}
    }
    if let Some(amount) = terms.deposit {
        let currency = contract.currency;
        if amount.currency() != currency {
            return Err(Refusal::WrongCurrency { amount, currency });
        }
        positive(amount)?;
    }
    let steps = || terms.price_steps.iter().map(|step| step.from);
    in_order(steps())?;
    if let Some(at) = steps().find(|at| *at <= term.from() || !term.contains(*at)) {
        return Err(Refusal::StepOutsideTerm { at, term });
    }
    in_order(terms.refund_steps.iter().map(|step| step.from))
}

fn in_order(steps: impl ExactSizeIterator<Item = Timestamp>) -> Result<(), Refusal> {
    if steps.len() > MAX_STEPS {
        return Err(Refusal::TooManySteps { steps: steps.len(), most: MAX_STEPS });
    }
    let mut before = None;
    for at in steps {
        if before >= Some(at) {
            return Err(Refusal::StepOutOfOrder { at });
        }
        before = Some(at);
    }
    Ok(())
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
pub(crate) fn announce(state: &State, parties: &Parties, announced: &AnnounceContract) -> Answer {
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
    within_cards(backing, contract)?;
    backing.serves_until(term.to())
}

fn within_capacity(backing: &Signed, contract: &Contract) -> Result<(), Refusal> {
    let (Some(all), Some(sold)) = (declared(&backing.contract), declared(contract)) else {
        return Ok(());
    };
    let backing_id = backing.contract.id.clone();
    if all.basis != sold.basis {
        let (declared, asked) = (all.basis, sold.basis);
        return Err(Refusal::UnlikeBases { backing: backing_id, declared, asked });
    }
    let (declared, asked) = (backing.contract.rating, contract.rating);
    if declared != asked {
        return Err(Refusal::UnlikeRatings { backing: backing_id, declared, asked });
    }
    let (declared, asked) = (all.p, sold.p);
    let most = declared.value().checked_sub(asked.value()).expect("P is far below any overflow");
    match backing.sold_on.first_above(&contract.term, most) {
        None => Ok(()),
        Some((at, sold)) => {
            Err(Refusal::AboveBackingCapacity { backing: backing_id, declared, sold, asked, at })
        }
    }
}

/// Cards of one model are compared too; cards of unlike models are not.
fn within_cards(backing: &Signed, contract: &Contract) -> Result<(), Refusal> {
    let Some((declared, asked)) = cards_of_one_model(&backing.contract, contract) else {
        return Ok(());
    };
    let (bought, asked_for) = (i64::from(declared), i64::from(asked));
    let most = (bought - asked_for).into();
    match backing.cards_sold_on.first_above(&contract.term, most) {
        None => Ok(()),
        Some((at, sold)) => {
            let backing = backing.contract.id.clone();
            Err(Refusal::AboveBackingCards { backing, declared, sold, asked, at })
        }
    }
}
