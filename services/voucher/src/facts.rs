//! What the voucher context knows of the others: parties, contracts and their ends, invoices,
//! metered usage, lit cards, and the stakes and capital that may relate two parties.
//!
//! Invariant: next to what is known stands the fact that says so.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::registry::PartyKind;
use loopledger_model::voucher::Refusal;
use loopledger_model::{
    CardHours, ContractId, Currency, Event, Fact, FactId, InvoiceId, Money, PartyId, Period,
    PoolId, Precision, Price, Quantity, UsageId, allocation, fund, purchase, registry,
};
use loopledger_service::Index;
use purchase::{ContractUnit, TerminationReason};
use serde::{Deserialize, Serialize};

use crate::lit::{Lit, Windows};
use crate::ties::Ties;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Facts {
    parties: Index<PartyId, Party>,
    contracts: Index<ContractId, Contract>,
    invoices: Index<InvoiceId, Invoice>,
    /// By the start of the window, then by fact.
    usage: Index<ContractId, BTreeMap<(Timestamp, FactId), Usage>>,
    /// What buyers paid of invoices, in the order of recording.
    payments: Index<InvoiceId, Vec<Payment>>,
    pub(crate) ties: Ties,
    lit: Lit,
    windows: BTreeMap<PoolId, Windows>,
    /// The last fact of the contexts that are read.
    pub(crate) latest: Option<FactId>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Payment {
    pub(crate) amount: Money,
    pub(crate) at: Timestamp,
    pub(crate) fact: FactId,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Party {
    pub(crate) kind: PartyKind,
    pub(crate) fact: FactId,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Contract {
    pub(crate) buyer: PartyId,
    pub(crate) seller: PartyId,
    pub(crate) currency: Currency,
    pub(crate) price: Price,
    pub(crate) unit: ContractUnit,
    pub(crate) quantity: Quantity,
    pub(crate) signed_at: Timestamp,
    pub(crate) term: Period,
    /// Of the P that it declares.
    pub(crate) precision: Option<Precision>,
    pub(crate) end: Option<End>,
    pub(crate) fact: FactId,
}

/// How a contract was terminated.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct End {
    at: Timestamp,
    reason: TerminationReason,
}

impl Contract {
    /// When it ended, if an instant is not before that; one that was never executed never began.
    pub(crate) fn ended_by(&self, at: Timestamp) -> Option<Timestamp> {
        let end = self.end?;
        let never = end.reason == TerminationReason::NeverExecuted;
        (never || end.at <= at).then_some(end.at)
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Invoice {
    pub(crate) contract: ContractId,
    pub(crate) service: Period,
    pub(crate) quantity: Quantity,
    pub(crate) amount: Money,
    pub(crate) at: Timestamp,
    pub(crate) fact: FactId,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Usage {
    pub(crate) id: UsageId,
    pub(crate) pool: PoolId,
    pub(crate) window: Period,
    pub(crate) card_hours: CardHours,
}

impl Facts {
    pub(crate) fn party(&self, id: &PartyId) -> Result<&Party, Refusal> {
        self.parties.get(id).ok_or_else(|| Refusal::UnknownParty { party: id.clone() })
    }

    pub(crate) fn contract(&self, id: &ContractId) -> Result<&Contract, Refusal> {
        self.contracts.get(id).ok_or_else(|| Refusal::UnknownContract { contract: id.clone() })
    }

    pub(crate) fn invoice(&self, id: &InvoiceId) -> Result<&Invoice, Refusal> {
        self.invoices.get(id).ok_or_else(|| Refusal::UnknownInvoice { invoice: id.clone() })
    }

    /// What was metered for a contract in windows that lie within a period.
    pub(crate) fn metered(
        &self,
        contract: &ContractId,
        period: Period,
    ) -> impl Iterator<Item = (&Usage, FactId)> {
        let first = FactId { position: 0, index: 0 };
        let windows = self.usage.get(contract).into_iter();
        windows
            .flat_map(move |all| all.range((period.from(), first)..(period.to(), first)))
            .filter(move |(_, usage)| usage.window.to() <= period.to())
            .map(|((_, fact), usage)| (usage, *fact))
    }

    /// Whether so many cards were lit that the usage can have been, next to what is claimed already.
    pub(crate) fn are_lit<'a>(
        &'a self,
        chosen: impl Iterator<Item = &'a Usage>,
        is_claimed: impl Fn(&UsageId) -> bool,
    ) -> Result<(), Refusal> {
        let mut all = BTreeMap::new();
        for usage in chosen {
            let others = self.beside(usage).filter(|other| is_claimed(&other.id));
            for counted in others.chain([usage]) {
                all.insert((&counted.pool, counted.window.from(), &counted.id), counted);
            }
        }
        self.lit.bears(all.values().map(|usage| (&usage.pool, usage.window, usage.card_hours)))
    }

    /// The usage of a pool in windows that overlap one of its windows.
    fn beside(&self, usage: &Usage) -> impl Iterator<Item = &Usage> {
        let window = usage.window;
        let windows = self.windows.get(&usage.pool).into_iter();
        let near = windows.flat_map(move |of| of.overlapping(window));
        near.filter_map(|(key, contract)| self.usage.get(contract)?.get(key))
            .filter(move |other| other.window.overlaps(&window))
    }

    /// What a buyer had paid of an invoice by an instant.
    pub(crate) fn payments(
        &self,
        invoice: &InvoiceId,
        until: Timestamp,
    ) -> impl Iterator<Item = &Payment> {
        let paid = self.payments.get(invoice).into_iter().flatten();
        paid.filter(move |payment| payment.at <= until)
    }

    pub(crate) fn learn(&mut self, fact: &Fact) {
        if !matches!(fact.event, Event::Voucher(_)) {
            self.latest = self.latest.max(Some(fact.id));
        }
        match &fact.event {
            Event::Registry(event) => self.learn_of_parties(event, fact.id),
            Event::Fund(event) => self.learn_of_capital(event, fact.id),
            Event::Purchase(event) => self.learn_of_purchases(event, fact.id),
            Event::Allocation(event) => self.learn_of_usage(event, fact.id),
            Event::Voucher(_) => {}
        }
    }

    fn learn_of_parties(&mut self, event: &registry::Event, fact: FactId) {
        match event {
            registry::Event::PartyRegistered(party) => {
                self.parties.insert(party.id.clone(), Party { kind: party.kind, fact });
            }
            registry::Event::StakeRecorded(stake) => self.ties.add_stake(stake),
            registry::Event::CardSpecPublished(_)
            | registry::Event::PriceObserved(_)
            | registry::Event::CapabilityStated(_)
            | registry::Event::ControlStated(_) => {}
        }
    }

    fn learn_of_capital(&mut self, event: &fund::Event, fact: FactId) {
        match event {
            fund::Event::ContributionReceived(paid) => {
                self.ties.add_capital(&paid.lp, &paid.fund, paid.amount, paid.at, fact);
            }
            fund::Event::InvestmentFunded(paid) => {
                self.ties.add_capital(&paid.investor, &paid.company, paid.amount, paid.at, fact);
            }
            fund::Event::FundFormed(_)
            | fund::Event::CommitmentMade(_)
            | fund::Event::DistributionPaid(_)
            | fund::Event::TransferRecorded(_)
            | fund::Event::NavStruck(_)
            | fund::Event::ReinvestmentRecognised(_) => {}
        }
    }

    fn learn_of_purchases(&mut self, event: &purchase::Event, fact: FactId) {
        match event {
            purchase::Event::ContractSigned(signed) => {
                let contract = Contract {
                    buyer: self.parties.shared(&signed.buyer),
                    seller: self.parties.shared(&signed.seller),
                    currency: signed.currency,
                    price: signed.price_per_unit,
                    unit: signed.unit,
                    quantity: signed.quantity,
                    signed_at: signed.at,
                    term: signed.term,
                    precision: signed.basis.map(|basis| basis.precision),
                    end: None,
                    fact,
                };
                self.contracts.insert(signed.id.clone(), contract);
            }
            purchase::Event::InvoiceIssued(issued) => {
                let invoice = Invoice {
                    contract: self.contracts.shared(&issued.contract),
                    service: issued.service,
                    quantity: issued.quantity,
                    amount: issued.amount,
                    at: issued.at,
                    fact,
                };
                self.invoices.insert(issued.id.clone(), invoice);
            }
            purchase::Event::ContractTerminated(ended) => {
                let contract = self.contracts.get_mut(&ended.contract);
                let contract = contract.expect("a contract is signed before it ends");
                contract.end = Some(End { at: ended.at, reason: ended.reason });
            }
            purchase::Event::PaymentRecorded(paid) => {
                let payment = Payment { amount: paid.amount, at: paid.at, fact };
                let invoice = self.invoices.shared(&paid.invoice);
                self.payments.get_or_insert_with(invoice, Vec::new).push(payment);
            }
            purchase::Event::ContractAnnounced(_) | purchase::Event::DeliveryAccepted(_) => {}
        }
    }

    fn learn_of_usage(&mut self, event: &allocation::Event, fact: FactId) {
        match event {
            allocation::Event::UsageMetered(metered) => {
                let contract = self.contracts.shared(&metered.contract);
                let usage = Usage {
                    id: metered.id.clone(),
                    pool: metered.pool.clone(),
                    window: metered.window,
                    card_hours: metered.card_hours,
                };
                let of_pool = self.windows.entry(metered.pool.clone()).or_default();
                of_pool.record(metered.window, fact, contract.clone());
                let windows = self.usage.get_or_insert_with(contract, BTreeMap::new);
                windows.insert((metered.window.from(), fact), usage);
            }
            allocation::Event::PoolRegistered(pool) => self.lit.record(&pool.id, pool.at, pool.lit),
            allocation::Event::PoolChanged(to) => self.lit.record(&to.pool, to.at, to.lit),
            allocation::Event::PoolFellShort(_)
            | allocation::Event::CardsAllocated(_)
            | allocation::Event::AllocationEnded(_)
            | allocation::Event::OversellPermitted(_)
            | allocation::Event::CardsReserved(_)
            | allocation::Event::ReservationConfirmed(_)
            | allocation::Event::ReservationEnded(_)
            | allocation::Event::StageReached(_)
            | allocation::Event::CardPlaced(_)
            | allocation::Event::CardChanged(_)
            | allocation::Event::CardsCounted(_)
            | allocation::Event::ProvenanceRecorded(_)
            | allocation::Event::ElectricityRead(_) => {}
        }
    }
}
