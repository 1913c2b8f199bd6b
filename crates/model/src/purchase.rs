//! purchase: compute contracts as announced, signed, delivered, invoiced and paid, and how they end.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::compute::{Basis, CardModel};
use crate::decimal::{PFlops, Price, Quantity};
use crate::id::{ContractId, DeliveryId, InvoiceId, PartyId, PaymentId};
use crate::money::{Currency, Money, MoneyError};
use crate::text::{Text, names};
use crate::time::Period;

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
    pub price_per_unit: Price,
    pub unit: ContractUnit,
    pub quantity: Quantity,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared_p: Option<PFlops>,
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
    /// Paid back by the seller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<Money>,
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
        }
    }
}

/// Why purchase says no, the first that applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Refusal {
    #[error("contract {contract} is signed already, with other content")]
    ContractExists { contract: ContractId },
    #[error("invoice {invoice} is issued already, with other content")]
    InvoiceExists { invoice: InvoiceId },
    #[error("payment {payment} is recorded already, with other content")]
    PaymentExists { payment: PaymentId },
    #[error("party {party} is not registered")]
    UnknownParty { party: PartyId },
    #[error("{party} cannot buy from itself")]
    OwnContract { party: PartyId },
    #[error("a contract that declares P has to state its precision and sparsity")]
    BasisMissing,
    #[error("contract {contract} is not signed")]
    UnknownContract { contract: ContractId },
    #[error("backing contract {backing} was bought by {buyer}, so {seller} cannot sell from it")]
    NotTheBackingBuyer { backing: ContractId, buyer: PartyId, seller: PartyId },
    #[error("the term {term} is not within the backing contract's {backing_term}")]
    OutsideBackingTerm { term: Period, backing_term: Period },
    #[error("the contract declares P on {asked}, its backing contract {backing} on {declared}")]
    UnlikeBases { backing: ContractId, declared: Basis, asked: Basis },
    #[error(
        "backing contract {backing} declares {declared} P, of which {sold} are sold on at {at}: {asked} do not fit"
    )]
    AboveBackingCapacity {
        backing: ContractId,
        declared: PFlops,
        #[schemars(with = "String")]
        sold: rust_decimal::Decimal,
        asked: PFlops,
        at: Timestamp,
    },
    #[error("contract {contract} ended at {ended_at}")]
    ContractEnded { contract: ContractId, ended_at: Timestamp },
    #[error("{amount} is not in the contract's currency, {currency}")]
    WrongCurrency { amount: Money, currency: Currency },
    #[error("{amount} is not above zero")]
    NotPositive { amount: Money },
    #[error("the service from {service} is not within the contract's term {term}")]
    OutsideTerm { service: Period, term: Period },
    #[error(
        "the contract is for {quantity} units, of which {invoiced} are invoiced: {asked} do not fit"
    )]
    AboveQuantity {
        quantity: Quantity,
        #[schemars(with = "String")]
        invoiced: rust_decimal::Decimal,
        asked: Quantity,
    },
    #[error("{quantity} units at the contract's price are {limit}, so {asked} cannot be invoiced")]
    AbovePrice { quantity: Quantity, limit: Money, asked: Money },
    #[error("invoice {invoice} is not issued")]
    UnknownInvoice { invoice: InvoiceId },
    #[error("invoice {invoice} is for {invoiced}, of which {paid} are paid: {asked} do not fit")]
    AboveInvoice { invoice: InvoiceId, invoiced: Money, paid: Money, asked: Money },
    #[error("contract {contract} has {invoices} invoices, so it was executed")]
    WasExecuted { contract: ContractId, invoices: u32 },
    #[error("contract {contract} is announced already, with other content")]
    AnnouncementExists { contract: ContractId },
    #[error(
        "contract {contract} is between {buyer} as buyer and {seller} as seller, in {currency}"
    )]
    OtherSides { contract: ContractId, buyer: PartyId, seller: PartyId, currency: Currency },
    #[error("delivery {delivery} is accepted already, with other content")]
    DeliveryExists { delivery: DeliveryId },
    #[error(
        "the contract is for {quantity} units, of which {accepted} are accepted: {asked} do not fit"
    )]
    AboveDelivery {
        quantity: Quantity,
        #[schemars(with = "String")]
        accepted: rust_decimal::Decimal,
        asked: Quantity,
    },
    #[error("contract {contract} has {deliveries} accepted deliveries, so it was executed")]
    WasDelivered { contract: ContractId, deliveries: u32 },
    #[error("contract {contract} was paid {paid}, so {asked} cannot be refunded")]
    AbovePaid { contract: ContractId, paid: Money, asked: Money },
    #[error("{reason}")]
    BeyondBounds { reason: String },
}

impl From<MoneyError> for Refusal {
    fn from(error: MoneyError) -> Self {
        Self::BeyondBounds { reason: error.to_string() }
    }
}
