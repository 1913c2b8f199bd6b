//! purchase: compute contracts as announced, signed, ordered from, delivered, invoiced and paid, and how they end.

mod refusal;
mod settling;
mod terms;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::compute::{Basis, CardModel};
use crate::decimal::{PFlops, Price, Quantity};
use crate::id::{ContractId, DeliveryId, InvoiceId, PartyId, PaymentId};
use crate::money::{Currency, Money};
use crate::text::{Text, names};
use crate::time::Period;

pub use refusal::Refusal;
pub use settling::{
    AdvanceApplied, AdvanceKind, AdvanceRecorded, ApplyAdvance, CreditGranted, CreditReason,
    DisputeInvoice, DisputeOutcome, DisputeResolved, GrantCredit, InvoiceDisputed, PlaceOrder,
    RecordAdvance, RecordRefund, RefundOf, RefundRecorded, ResolveDispute,
};
pub use terms::{
    ContractKind, ContractSide, MAX_STEPS, Penalties, PriceStep, Rating, RefundStep, Sla, Terms,
};

/// What a contract counts and prices.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ContractUnit {
    PMonth,
    CardHour,
}

names!(ContractUnit, "contract unit": PMonth = "p_month", CardHour = "card_hour");

/// A compute contract as signed. What it hides (model, cards, P) stays absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    pub id: ContractId,
    pub buyer: PartyId,
    pub seller: PartyId,
    pub currency: Currency,
    /// Absent where it is not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ContractKind>,
    /// From the start of the term on, until the terms step to another one.
    pub price_per_unit: Price,
    pub unit: ContractUnit,
    /// Absent of a framework, which gets its volume from orders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Quantity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared_p: Option<PFlops>,
    /// Whether that P is rated or measured; absent where it is not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<Rating>,
    /// The basis of `declared_p`, or of the P that `cards` give.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<Basis>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<CardModel>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cards: Option<u32>,
    /// When it was signed.
    pub at: Timestamp,
    pub term: Period,
    /// The contract by which a reseller bought what it sells here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backing_contract: Option<ContractId>,
    #[serde(default, skip_serializing_if = "Terms::is_silent")]
    pub terms: Box<Terms>,
}

/// What was made known of a contract, before its signing or without it: nothing that binds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnnounceContract {
    pub contract: ContractId,
    pub buyer: PartyId,
    pub seller: PartyId,
    /// What it is said to be worth.
    pub amount: Money,
    pub at: Timestamp,
    /// Where it was made known.
    pub source: Text,
}

/// The buyer accepts what was delivered, by a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptDelivery {
    pub id: DeliveryId,
    pub contract: ContractId,
    pub service: Period,
    /// In the contract's units.
    pub quantity: Quantity,
    /// The certificate's number.
    pub certificate: Text,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueInvoice {
    pub id: InvoiceId,
    pub contract: ContractId,
    pub service: Period,
    pub quantity: Quantity,
    pub amount: Money,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordPayment {
    pub id: PaymentId,
    pub invoice: InvoiceId,
    pub amount: Money,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Text>,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum TerminationReason {
    EndedEarly,
    NeverExecuted,
    Breach,
}

names!(TerminationReason, "reason for termination": EndedEarly = "ended_early", NeverExecuted = "never_executed",
    Breach = "breach");

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TerminateContract {
    pub contract: ContractId,
    pub at: Timestamp,
    pub reason: TerminationReason,
    /// Paid back by the seller, of what was paid for invoices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<Money>,
    /// Who ended it, or whose breach did; absent where both agreed, or where it is not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<ContractSide>,
    /// What that side owes the other one for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub penalty: Option<Money>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    SignContract(Contract),
    IssueInvoice(IssueInvoice),
    RecordPayment(RecordPayment),
    TerminateContract(TerminateContract),
    AnnounceContract(AnnounceContract),
    AcceptDelivery(AcceptDelivery),
    PlaceOrder(PlaceOrder),
    RecordAdvance(RecordAdvance),
    ApplyAdvance(ApplyAdvance),
    RecordRefund(RecordRefund),
    GrantCredit(GrantCredit),
    DisputeInvoice(DisputeInvoice),
    ResolveDispute(ResolveDispute),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InvoiceIssued {
    pub id: InvoiceId,
    pub contract: ContractId,
    pub buyer: PartyId,
    pub seller: PartyId,
    pub service: Period,
    pub quantity: Quantity,
    pub amount: Money,
    pub at: Timestamp,
}

/// The buyer's own cash to the seller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentRecorded {
    pub id: PaymentId,
    pub invoice: InvoiceId,
    pub contract: ContractId,
    pub buyer: PartyId,
    pub seller: PartyId,
    pub amount: Money,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Text>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContractTerminated {
    pub contract: ContractId,
    pub buyer: PartyId,
    pub seller: PartyId,
    pub at: Timestamp,
    pub reason: TerminationReason,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<ContractSide>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub penalty: Option<Money>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveryAccepted {
    pub id: DeliveryId,
    pub contract: ContractId,
    pub buyer: PartyId,
    pub seller: PartyId,
    pub service: Period,
    pub quantity: Quantity,
    pub certificate: Text,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    ContractSigned(Contract),
    InvoiceIssued(InvoiceIssued),
    PaymentRecorded(PaymentRecorded),
    ContractTerminated(ContractTerminated),
    ContractAnnounced(AnnounceContract),
    DeliveryAccepted(DeliveryAccepted),
    OrderPlaced(PlaceOrder),
    AdvanceRecorded(AdvanceRecorded),
    AdvanceApplied(AdvanceApplied),
    RefundRecorded(RefundRecorded),
    CreditGranted(CreditGranted),
    InvoiceDisputed(InvoiceDisputed),
    DisputeResolved(DisputeResolved),
}

impl Event {
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::ContractSigned(contract) => contract.at,
            Self::InvoiceIssued(invoice) => invoice.at,
            Self::PaymentRecorded(payment) => payment.at,
            Self::ContractTerminated(termination) => termination.at,
            Self::ContractAnnounced(announced) => announced.at,
            Self::DeliveryAccepted(delivery) => delivery.at,
            Self::OrderPlaced(order) => order.at,
            Self::AdvanceRecorded(recorded) => recorded.advance.at,
            Self::AdvanceApplied(applied) => applied.use_of.at,
            Self::RefundRecorded(recorded) => recorded.refund.at,
            Self::CreditGranted(granted) => granted.credit.at,
            Self::InvoiceDisputed(opened) => opened.dispute.at,
            Self::DisputeResolved(resolved) => resolved.resolution.at,
        }
    }
}
