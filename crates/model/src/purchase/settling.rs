//! What is ordered from frameworks, and how contracts are settled beside payments of invoices: money paid in advance
//! and what becomes of it, refunds, credits and disputes.
//!
//! Invariant: money moves when an advance is recorded and when a refund is; applying an advance, a credit and a
//! dispute move none.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decimal::{Percent, Quantity};
use crate::id::{
    AdvanceUseId, ContractId, CreditId, DisputeId, InvoiceId, OrderId, PartyId, PaymentId, RefundId,
};
use crate::money::Money;
use crate::text::{Text, names};
use crate::time::Period;

/// The buyer orders from a framework.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceOrder {
    pub id: OrderId,
    pub contract: ContractId,
    /// When it is to be served.
    pub service: Period,
    /// In the contract's units.
    pub quantity: Quantity,
    pub at: Timestamp,
}

/// What money paid in advance is for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum AdvanceKind {
    /// Invoices to come.
    Prepayment,
    /// A security.
    Deposit,
}

names!(AdvanceKind, "kind of advance": Prepayment = "prepayment", Deposit = "deposit");

/// The buyer's own cash to the seller before there is an invoice for it. Its id is one of payments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordAdvance {
    pub id: PaymentId,
    pub contract: ContractId,
    pub kind: AdvanceKind,
    pub amount: Money,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Text>,
}

/// An advance is set against an invoice of its contract, or against the penalty that its buyer owes. The money moved
/// when it was paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyAdvance {
    pub id: AdvanceUseId,
    pub contract: ContractId,
    pub kind: AdvanceKind,
    /// Absent: the penalty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoice: Option<InvoiceId>,
    pub amount: Money,
    pub at: Timestamp,
}

/// What money goes back of.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RefundOf {
    /// What was paid for invoices, advances set against them included.
    Invoices,
    /// What is held of prepayments.
    Prepayment,
    /// What is held of deposits.
    Deposit,
}

names!(RefundOf, "source of a refund": Invoices = "invoices", Prepayment = "prepayment", Deposit = "deposit");

/// The seller pays back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordRefund {
    pub id: RefundId,
    pub contract: ContractId,
    pub of: RefundOf,
    pub amount: Money,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Text>,
}

/// Why less is owed than was invoiced.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CreditReason {
    /// Less was available than promised.
    Availability,
    /// It was delivered later than promised.
    LateDelivery,
    /// Quantity or price were wrong.
    Correction,
    Goodwill,
}

names!(CreditReason, "reason for a credit": Availability = "availability", LateDelivery = "late_delivery",
    Correction = "correction", Goodwill = "goodwill");

impl CreditReason {
    /// Whether the service-level agreement bounds it.
    pub const fn is_promised(self) -> bool {
        match self {
            Self::Availability | Self::LateDelivery => true,
            Self::Correction | Self::Goodwill => false,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantCredit {
    pub id: CreditId,
    pub invoice: InvoiceId,
    pub amount: Money,
    pub reason: CreditReason,
    /// What was measured, where that is the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability: Option<Percent>,
    pub at: Timestamp,
}

/// The buyer disputes a part of an invoice, or all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DisputeInvoice {
    pub id: DisputeId,
    pub invoice: InvoiceId,
    pub amount: Money,
    pub reason: Text,
    pub at: Timestamp,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DisputeOutcome {
    /// The sides agreed; what the seller gave up are credits of their own.
    Settled,
    Withdrawn,
    Dismissed,
}

names!(DisputeOutcome, "outcome of a dispute": Settled = "settled", Withdrawn = "withdrawn",
    Dismissed = "dismissed");

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveDispute {
    pub dispute: DisputeId,
    pub outcome: DisputeOutcome,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdvanceRecorded {
    pub advance: RecordAdvance,
    pub buyer: PartyId,
    pub seller: PartyId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdvanceApplied {
    pub use_of: ApplyAdvance,
    pub buyer: PartyId,
    pub seller: PartyId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundRecorded {
    pub refund: RecordRefund,
    pub buyer: PartyId,
    pub seller: PartyId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreditGranted {
    pub credit: GrantCredit,
    pub contract: ContractId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InvoiceDisputed {
    pub dispute: DisputeInvoice,
    pub contract: ContractId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DisputeResolved {
    pub resolution: ResolveDispute,
    pub invoice: InvoiceId,
    pub contract: ContractId,
}
