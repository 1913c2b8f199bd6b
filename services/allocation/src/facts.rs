//! What allocation knows of the other contexts: who is registered, which contracts are signed and
//! how far they run.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::purchase::Event as PurchaseEvent;
use loopledger_model::registry::Event as RegistryEvent;
use loopledger_model::{ContractId, Event, Fact, FactId, PartyId, Period};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    pub parties: BTreeMap<PartyId, FactId>,
    pub contracts: BTreeMap<ContractId, Contract>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    pub signed: FactId,
    pub term: Period,
    pub ended: Option<End>,
}

/// When a contract ended before its term did, and where that is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    pub at: Timestamp,
    pub fact: FactId,
}

impl Facts {
    pub fn learn(&mut self, fact: &Fact) {
        match &fact.event {
            Event::Registry(event) => self.learn_registry(fact.id, event),
            Event::Purchase(event) => self.learn_purchase(fact.id, event),
            Event::Voucher(_) | Event::Fund(_) | Event::Allocation(_) => {}
        }
    }

    fn learn_registry(&mut self, fact: FactId, event: &RegistryEvent) {
        match event {
            RegistryEvent::PartyRegistered(party) => {
                self.parties.insert(party.id.clone(), fact);
            }
            RegistryEvent::StakeRecorded(_)
            | RegistryEvent::CardSpecPublished(_)
            | RegistryEvent::PriceObserved(_)
            | RegistryEvent::CapabilityStated(_)
            | RegistryEvent::ControlStated(_) => {}
        }
    }

    fn learn_purchase(&mut self, fact: FactId, event: &PurchaseEvent) {
        match event {
            PurchaseEvent::ContractSigned(contract) => {
                let known = Contract { signed: fact, term: contract.term, ended: None };
                self.contracts.insert(contract.id.clone(), known);
            }
            PurchaseEvent::ContractTerminated(termination) => {
                let contract = self.contracts.get_mut(&termination.contract);
                let contract = contract.expect("only a contract that is signed is terminated");
                contract.ended = Some(End { at: termination.at, fact });
            }
            PurchaseEvent::InvoiceIssued(_)
            | PurchaseEvent::PaymentRecorded(_)
            | PurchaseEvent::ContractAnnounced(_)
            | PurchaseEvent::DeliveryAccepted(_)
            | PurchaseEvent::OrderPlaced(_)
            | PurchaseEvent::AdvanceRecorded(_)
            | PurchaseEvent::AdvanceApplied(_)
            | PurchaseEvent::RefundRecorded(_)
            | PurchaseEvent::CreditGranted(_)
            | PurchaseEvent::InvoiceDisputed(_)
            | PurchaseEvent::DisputeResolved(_) => {}
        }
    }
}
