//! What purchase knows: of itself, folded from its own events, and of the parties, folded from the
//! registry's.
//!
//! Invariant: totals are kept, never summed anew, and of what only has to be recognised a
//! fingerprint is kept, so that a payment costs 32 bytes and a constant number of look-ups however
//! many there are.

use jiff::Timestamp;
use loopledger_model::purchase::{
    AcceptDelivery, AdvanceKind, AnnounceContract, Contract, ContractSide, ContractTerminated,
    DeliveryAccepted, Event, InvoiceIssued, IssueInvoice, PaymentRecorded, RecordPayment, Refusal,
    TerminateContract, TerminationReason,
};
use loopledger_model::{
    Compute, ContractId, DisputeId, FactId, InvoiceId, Money, PartyId, Period, Quantity,
};
use loopledger_service::Index;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::advance::Advance;
use crate::fingerprint::Fingerprint;
use crate::levels::Levels;

mod settling;

const SIGNED: &str = "what is recorded of a contract is recorded after its signing";
const INVOICED: &str = "a payment is recorded after its invoice";
const COUNTED: &str = "amounts were found to be countable before they were recorded";

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    contracts: Index<ContractId, Signed>,
    invoices: Index<InvoiceId, Issued>,
    /// By the fingerprint of the payment's id; advances are payments.
    payments: Index<Fingerprint, Fingerprint>,
    announced: Index<ContractId, AnnounceContract>,
    /// By the fingerprint of the delivery's id.
    deliveries: Index<Fingerprint, Fingerprint>,
    /// Orders, uses of advances, refunds and credits, by the fingerprint of what they are and their id.
    others: Index<Fingerprint, Fingerprint>,
    disputes: Index<DisputeId, Disputed>,
}

/// A signed contract and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    pub contract: Contract,
    pub invoices: u32,
    /// The quantity on all invoices.
    pub invoiced: Decimal,
    /// The quantity of all orders.
    pub ordered: Decimal,
    /// The payments of all invoices, advances that were set against them included.
    pub paid: Money,
    /// Given back of what was paid for invoices.
    pub refunded: Money,
    pub prepayment: Advance,
    pub deposit: Advance,
    /// Of the buyer's penalty, by advances.
    pub penalty_settled: Money,
    pub deliveries: u32,
    /// The quantity of all accepted deliveries.
    pub delivered: Decimal,
    pub termination: Option<TerminateContract>,
    /// The P that contracts backed by this one declare, as long as they run.
    pub sold_on: Levels,
    /// The cards of the same model that contracts backed by this one are for, likewise.
    pub cards_sold_on: Levels,
}

/// An issued invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    pub contract: ContractId,
    pub amount: Money,
    pub paid: Money,
    pub credited: Money,
    /// What was credited for promises that were not kept.
    pub credited_as_promised: Money,
    pub dispute: Option<OpenDispute>,
    content: Fingerprint,
}

/// A dispute that is not resolved, and how much of its amount was not credited since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenDispute {
    pub id: DisputeId,
    pub amount: Money,
}

/// A dispute, open or resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disputed {
    pub invoice: InvoiceId,
    content: Fingerprint,
    resolution: Option<Fingerprint>,
}

impl State {
    pub fn signed(&self, contract: &ContractId) -> Option<&Signed> {
        self.contracts.get(contract)
    }

    pub fn contract(&self, contract: &ContractId) -> Result<&Signed, Refusal> {
        let unknown = || Refusal::UnknownContract { contract: contract.clone() };
        self.contracts.get(contract).ok_or_else(unknown)
    }

    pub fn issued(&self, invoice: &InvoiceId) -> Option<&Issued> {
        self.invoices.get(invoice)
    }

    /// An invoice and its contract.
    pub fn invoice(&self, invoice: &InvoiceId) -> Result<(&Issued, &Signed), Refusal> {
        let unknown = || Refusal::UnknownInvoice { invoice: invoice.clone() };
        let issued = self.invoices.get(invoice).ok_or_else(unknown)?;
        Ok((issued, self.contracts.get(&issued.contract).expect(SIGNED)))
    }

    pub fn look_at_invoices<'a>(&'a self, ids: impl Iterator<Item = &'a InvoiceId>) {
        self.invoices.look_at(ids);
    }

    /// Whether a payment of this id was recorded, and if so whether it was this one.
    pub fn recorded(&self, payment: &RecordPayment) -> Option<bool> {
        let content = self.payments.get(&Fingerprint::of(&payment.id))?;
        Some(*content == Fingerprint::of(payment))
    }

    pub fn announced(&self, contract: &ContractId) -> Option<&AnnounceContract> {
        self.announced.get(contract)
    }

    /// Whether a delivery of this id was accepted, and if so whether it was this one.
    pub fn accepted(&self, delivery: &AcceptDelivery) -> Option<bool> {
        let content = self.deliveries.get(&Fingerprint::of(&delivery.id))?;
        Some(*content == Fingerprint::of(delivery))
    }

    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::ContractSigned(contract) => self.sign(contract),
            Event::InvoiceIssued(invoice) => self.invoice_issued(invoice),
            Event::PaymentRecorded(payment) => self.pay(payment),
            Event::ContractTerminated(termination) => self.terminate(termination),
            Event::ContractAnnounced(announced) => {
                self.announced.insert(announced.contract.clone(), announced.clone());
            }
            Event::DeliveryAccepted(delivery) => self.deliver(delivery),
            Event::OrderPlaced(order) => self.order(order),
            Event::AdvanceRecorded(recorded) => self.advance(&recorded.advance),
            Event::AdvanceApplied(applied) => self.apply_advance(&applied.use_of),
            Event::RefundRecorded(recorded) => self.refund(&recorded.refund),
            Event::CreditGranted(granted) => self.credit(&granted.credit),
            Event::InvoiceDisputed(opened) => self.dispute(&opened.dispute),
            Event::DisputeResolved(resolved) => self.resolve(resolved),
        }
    }

    fn sign(&mut self, contract: &Contract) {
        self.sell_on(contract, &contract.term, Levels::raise);
        let signed = Signed {
            contract: contract.clone(),
            invoices: 0,
            invoiced: Decimal::ZERO,
            ordered: Decimal::ZERO,
            paid: Money::zero(contract.currency),
            refunded: Money::zero(contract.currency),
            prepayment: Advance::none(contract.currency),
            deposit: Advance::none(contract.currency),
            penalty_settled: Money::zero(contract.currency),
            deliveries: 0,
            delivered: Decimal::ZERO,
            termination: None,
            sold_on: Levels::default(),
            cards_sold_on: Levels::default(),
        };
        self.contracts.insert(contract.id.clone(), signed);
    }

    fn invoice_issued(&mut self, invoice: &InvoiceIssued) {
        let signed = self.contracts.get_mut(&invoice.contract).expect(SIGNED);
        signed.invoices += 1;
        let invoiced = signed.invoiced.checked_add(invoice.quantity.value());
        signed.invoiced = invoiced.expect(COUNTED);
        let issued = Issued {
            contract: signed.contract.id.clone(),
            amount: invoice.amount,
            paid: Money::zero(invoice.amount.currency()),
            credited: Money::zero(invoice.amount.currency()),
            credited_as_promised: Money::zero(invoice.amount.currency()),
            dispute: None,
            content: Fingerprint::of(&as_asked(invoice)),
        };
        self.invoices.insert(invoice.id.clone(), issued);
    }

    fn pay(&mut self, payment: &PaymentRecorded) {
        self.pay_invoice(&payment.invoice, payment.amount);
        let content = Fingerprint::of(&payment_as_asked(payment));
        self.payments.insert(Fingerprint::of(&payment.id), content);
    }

    fn pay_invoice(&mut self, invoice: &InvoiceId, amount: Money) {
        let issued = self.invoices.get_mut(invoice).expect(INVOICED);
        issued.paid = issued.paid.checked_add(amount).expect(COUNTED);
        let signed = self.contracts.get_mut(&issued.contract).expect(SIGNED);
        signed.paid = signed.paid.checked_add(amount).expect(COUNTED);
    }

    fn deliver(&mut self, delivery: &DeliveryAccepted) {
        let signed = self.contracts.get_mut(&delivery.contract).expect(SIGNED);
        signed.deliveries += 1;
        let delivered = signed.delivered.checked_add(delivery.quantity.value());
        signed.delivered = delivered.expect(COUNTED);
        let content = Fingerprint::of(&delivery_as_asked(delivery));
        self.deliveries.insert(Fingerprint::of(&delivery.id), content);
    }

    fn terminate(&mut self, termination: &ContractTerminated) {
        let asked = termination_as_asked(termination);
        let signed = self.contracts.get_mut(&asked.contract).expect(SIGNED);
        let contract = signed.contract.clone();
        let ended_at = asked.at;
        if let Some(refund) = asked.refund {
            signed.refunded = signed.refunded.checked_add(refund).expect(COUNTED);
        }
        signed.termination = Some(asked);
        if let Ok(rest) = Period::new(contract.term.from().max(ended_at), contract.term.to()) {
            self.sell_on(&contract, &rest, Levels::lower);
        }
    }

    /// Takes a contract's P from its backing contract for a while, or gives it back.
    fn sell_on(&mut self, contract: &Contract, period: &Period, change: Change) {
        let Some(backing) = &contract.backing_contract else { return };
        let backing = self.contracts.get_mut(backing).expect(SIGNED);
        if let (Some(asked), Some(_)) = (declared(contract), declared(&backing.contract)) {
            change(&mut backing.sold_on, period, asked.p.value());
        }
        if let Some((_, asked)) = cards_of_one_model(&backing.contract, contract) {
            change(&mut backing.cards_sold_on, period, asked.into());
        }
    }
}

type Change = fn(&mut Levels, &Period, Decimal);

impl Signed {
    /// Nothing is served after the end, and nothing at all where a contract was never executed.
    pub fn serves_until(&self, to: Timestamp) -> Result<(), Refusal> {
        match &self.termination {
            Some(end) if end.reason == TerminationReason::NeverExecuted || end.at < to => {
                Err(self.ended(end))
            }
            Some(_) | None => Ok(()),
        }
    }

    pub fn ended(&self, end: &TerminateContract) -> Refusal {
        Refusal::ContractEnded { contract: self.contract.id.clone(), ended_at: end.at }
    }

    pub fn in_currency(&self, amount: Money) -> Result<(), Refusal> {
        let currency = self.contract.currency;
        if amount.currency() == currency {
            return Ok(());
        }
        Err(Refusal::WrongCurrency { amount, currency })
    }

    /// Fits into what was contracted, or into what was ordered where that is a framework.
    pub fn has_volume(
        &self,
        taken: Decimal,
        asked: Quantity,
        beyond: impl FnOnce(Quantity) -> Refusal,
    ) -> Result<(), Refusal> {
        let fits = |most| taken.checked_add(asked.value()).is_some_and(|sum| sum <= most);
        match self.contract.quantity {
            Some(quantity) if fits(quantity.value()) => Ok(()),
            Some(quantity) => Err(beyond(quantity)),
            None if fits(self.ordered) => Ok(()),
            None => {
                let (contract, ordered) = (self.contract.id.clone(), self.ordered);
                Err(Refusal::AboveOrders { contract, ordered, taken, asked })
            }
        }
    }

    pub const fn advance(&self, kind: AdvanceKind) -> &Advance {
        match kind {
            AdvanceKind::Prepayment => &self.prepayment,
            AdvanceKind::Deposit => &self.deposit,
        }
    }

    const fn advance_mut(&mut self, kind: AdvanceKind) -> &mut Advance {
        match kind {
            AdvanceKind::Prepayment => &mut self.prepayment,
            AdvanceKind::Deposit => &mut self.deposit,
        }
    }

    /// What the buyer owes for ending it.
    pub fn penalty_of_buyer(&self) -> Option<Money> {
        let end = self.termination.as_ref()?;
        end.penalty.filter(|_| end.by == Some(ContractSide::Buyer))
    }
}

impl Issued {
    pub fn is(&self, asked: &IssueInvoice) -> bool {
        self.content == Fingerprint::of(asked)
    }
}

/// The P that a contract declares; without a basis it would be no amount of anything.
pub fn declared(contract: &Contract) -> Option<Compute> {
    let (p, basis) = contract.declared_p.zip(contract.basis)?;
    Some(Compute { p, basis })
}

/// How many cards two contracts are for, where both say so and name one model, or none.
pub fn cards_of_one_model(backing: &Contract, contract: &Contract) -> Option<(u32, u32)> {
    backing.cards.zip(contract.cards).filter(|_| backing.model == contract.model)
}

fn as_asked(invoice: &InvoiceIssued) -> IssueInvoice {
    let InvoiceIssued { id, contract, buyer: _, seller: _, service, quantity, amount, at } =
        invoice.clone();
    IssueInvoice { id, contract, service, quantity, amount, at }
}

fn payment_as_asked(payment: &PaymentRecorded) -> RecordPayment {
    let PaymentRecorded { id, invoice, contract: _, buyer: _, seller: _, amount, at, reference } =
        payment.clone();
    RecordPayment { id, invoice, amount, at, reference }
}

fn delivery_as_asked(delivery: &DeliveryAccepted) -> AcceptDelivery {
    let DeliveryAccepted { id, contract, buyer: _, seller: _, service, quantity, certificate, at } =
        delivery.clone();
    AcceptDelivery { id, contract, service, quantity, certificate, at }
}

fn termination_as_asked(termination: &ContractTerminated) -> TerminateContract {
    let ContractTerminated { contract, buyer: _, seller: _, at, reason, refund, by, penalty } =
        termination.clone();
    TerminateContract { contract, at, reason, refund, by, penalty }
}

/// The registered parties, and the facts that say so.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Parties(pub Index<PartyId, FactId>);

impl Parties {
    pub fn registered(&self, party: &PartyId) -> Result<FactId, Refusal> {
        let fact = self.0.get(party).copied();
        fact.ok_or_else(|| Refusal::UnknownParty { party: party.clone() })
    }
}
