//! What the voucher context knows of the others: parties, contracts and their ends, invoices,
//! metered usage, lit cards, and the stakes and capital that may relate two parties.
//!
//! Invariant: next to what is known stands the fact that says so.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::registry::PartyKind;
use loopledger_model::voucher::Refusal;
use loopledger_model::{
    CardHours, ContractId, Currency, DisputeId, Event, Fact, FactId, InvoiceId, Money, PartyId,
    Period, PoolId, Precision, Price, Quantity, UsageId, allocation, fund, purchase, registry,
};
use loopledger_service::Index;
use purchase::{ContractUnit, PriceStep, TerminationReason};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::lit::{Lit, Windows};
use crate::payable::Exact;
use crate::ties::Ties;

const ISSUED: &str = "an invoice is issued before it is credited or disputed";

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Payment {
    pub(crate) amount: Money,
    pub(crate) at: Timestamp,
    pub(crate) fact: FactId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Party {
    pub(crate) kind: PartyKind,
    pub(crate) fact: FactId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Contract {
    pub(crate) buyer: PartyId,
    pub(crate) seller: PartyId,
    pub(crate) currency: Currency,
    /// At the start of the term.
    price: Price,
    price_steps: Vec<PriceStep>,
    pub(crate) unit: ContractUnit,
    /// What it is for, or what was ordered of it so far.
    pub(crate) quantity: Decimal,
    pub(crate) signed_at: Timestamp,
    pub(crate) term: Period,
    /// Of the P that it declares.
    pub(crate) precision: Option<Precision>,
    pub(crate) end: Option<End>,
    pub(crate) fact: FactId,
}

/// How a contract was terminated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
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

    /// What a unit costs at an instant.
    pub(crate) fn price_at(&self, instant: Timestamp) -> Price {
        let mut past = self.price_steps.iter().rev().filter(|step| step.from <= instant);
        past.next().map_or(self.price, |step| step.price_per_unit)
    }

    /// Quantity times price; where the price steps, the quantity is spread evenly over the term.
    pub(crate) fn value(&self) -> Exact {
        let quantity = Exact::of(self.quantity);
        if self.price_steps.is_empty() {
            return quantity.times(&Exact::of(self.price.value()));
        }
        let starts = self.price_steps.iter().map(|step| step.from);
        let edges: Vec<_> =
            [self.term.from()].into_iter().chain(starts).chain([self.term.to()]).collect();
        let parts = edges.windows(2).filter_map(|edge| Period::new(edge[0], edge[1]).ok());
        let sum = parts.fold(Exact::zero(), |sum, part| {
            let price = Exact::of(self.price_at(part.from()).value());
            sum.plus(&price.times(&nanoseconds(&part)))
        });
        quantity.times(&sum).over(&nanoseconds(&self.term))
    }
}

fn nanoseconds(period: &Period) -> Exact {
    Exact::of(Decimal::from_i128_with_scale(period.nanoseconds(), 0))
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Invoice {
    pub(crate) contract: ContractId,
    pub(crate) service: Period,
    pub(crate) quantity: Quantity,
    /// Less what the seller credited.
    pub(crate) amount: Money,
    pub(crate) at: Timestamp,
    /// The dispute that is not resolved, and when it was opened.
    dispute: Option<(DisputeId, Timestamp)>,
    pub(crate) fact: FactId,
    /// Its credits.
    pub(crate) credits: Vec<FactId>,
}

impl Invoice {
    /// Whether the buyer disputes a part of it at an instant.
    pub(crate) fn is_disputed(&self, at: Timestamp) -> Option<&DisputeId> {
        let (dispute, opened_at) = self.dispute.as_ref()?;
        (*opened_at <= at).then_some(dispute)
    }

    /// The facts that say what it is for.
    pub(crate) fn facts(&self) -> impl Iterator<Item = FactId> {
        std::iter::once(self.fact).chain(self.credits.iter().copied())
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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

    pub(crate) fn look_at_invoices<'a>(&'a self, ids: impl Iterator<Item = &'a InvoiceId>) {
        self.invoices.look_at(ids);
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
            fund::Event::DistributionRecalled(paid) => {
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
            | fund::Event::ReinvestmentRecognised(_)
            | fund::Event::CommitmentChanged(_)
            | fund::Event::CommitmentTransferred(_)
            | fund::Event::TermsSet(_)
            | fund::Event::CapitalCalled(_)
            | fund::Event::PartnerDefaulted(_)
            | fund::Event::DefaultCured(_)
            | fund::Event::ExcessReturned(_)
            | fund::Event::InvestmentExited(_)
            | fund::Event::InvestmentValued(_)
            | fund::Event::FeeAccrued(_)
            | fund::Event::FeePaid(_)
            | fund::Event::FeeReduced(_)
            | fund::Event::ExpensePaid(_)
            | fund::Event::CarryPaid(_)
            | fund::Event::LineDrawn(_)
            | fund::Event::LineRepaid(_)
            | fund::Event::FundDissolved(_) => {}
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
                    price_steps: signed.terms.price_steps.clone(),
                    unit: signed.unit,
                    quantity: signed.quantity.map_or(Decimal::ZERO, Quantity::value),
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
                    dispute: None,
                    fact,
                    credits: Vec::new(),
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
                self.pay(&paid.invoice, payment);
            }
            purchase::Event::AdvanceApplied(applied) => {
                let used = &applied.use_of;
                if let Some(invoice) = &used.invoice {
                    self.pay(invoice, Payment { amount: used.amount, at: used.at, fact });
                }
            }
            purchase::Event::OrderPlaced(order) => self.order(order),
            purchase::Event::CreditGranted(granted) => self.credit(&granted.credit, fact),
            purchase::Event::InvoiceDisputed(opened) => {
                let dispute = &opened.dispute;
                let invoice = self.invoices.get_mut(&dispute.invoice).expect(ISSUED);
                invoice.dispute = Some((dispute.id.clone(), dispute.at));
            }
            purchase::Event::DisputeResolved(resolved) => {
                self.invoices.get_mut(&resolved.invoice).expect(ISSUED).dispute = None;
            }
            purchase::Event::ContractAnnounced(_)
            | purchase::Event::DeliveryAccepted(_)
            | purchase::Event::AdvanceRecorded(_)
            | purchase::Event::RefundRecorded(_) => {}
        }
    }

    fn order(&mut self, order: &purchase::PlaceOrder) {
        let contract = self.contracts.get_mut(&order.contract);
        let contract = contract.expect("a contract is signed before it is ordered from");
        let sum = contract.quantity.checked_add(order.quantity.value());
        contract.quantity = sum.expect("purchase found the orders to be countable");
    }

    fn credit(&mut self, credit: &purchase::GrantCredit, fact: FactId) {
        let invoice = self.invoices.get_mut(&credit.invoice).expect(ISSUED);
        let left = invoice.amount.checked_sub(credit.amount);
        invoice.amount = left.expect("an invoice is credited with no more than it is for");
        invoice.credits.push(fact);
    }

    fn pay(&mut self, invoice: &InvoiceId, payment: Payment) {
        let invoice = self.invoices.shared(invoice);
        self.payments.get_or_insert_with(invoice, Vec::new).push(payment);
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
