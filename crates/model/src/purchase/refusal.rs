//! Why purchase says no.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AdvanceKind, ContractKind, ContractSide, CreditReason, Rating};
use crate::compute::Basis;
use crate::decimal::{PFlops, Percent, Quantity};
use crate::id::{
    AdvanceUseId, ContractId, CreditId, DeliveryId, DisputeId, InvoiceId, OrderId, PartyId,
    PaymentId, RefundId,
};
use crate::money::{Currency, Money, MoneyError};
use crate::time::Period;

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
    #[error("order {order} is placed already, with other content")]
    OrderExists { order: OrderId },
    #[error("use {use_id} of an advance is recorded already, with other content")]
    AdvanceUseExists { use_id: AdvanceUseId },
    #[error("refund {refund} is recorded already, with other content")]
    RefundExists { refund: RefundId },
    #[error("credit {credit} is granted already, with other content")]
    CreditExists { credit: CreditId },
    #[error("dispute {dispute} is opened already, with other content")]
    DisputeExists { dispute: DisputeId },
    #[error("a contract that is no framework has to state its quantity")]
    QuantityMissing,
    #[error("a framework has its volume from orders, so it states neither quantity nor minimum")]
    FrameworkWithVolume,
    #[error("a resale has to name the contract that it sells from")]
    BackingMissing,
    #[error("a contract that sells from {backing} is a resale, not a {kind}")]
    NotAResale { backing: ContractId, kind: ContractKind },
    #[error("at least {minimum} units are to be taken of a contract for {quantity}")]
    MinimumAboveQuantity { minimum: Quantity, quantity: Quantity },
    #[error("a schedule has {steps} steps, more than {most}")]
    TooManySteps { steps: usize, most: usize },
    #[error("the step at {at} does not come after the one before it")]
    StepOutOfOrder { at: Timestamp },
    #[error("the price step at {at} is not within the term {term}, after its start")]
    StepOutsideTerm { at: Timestamp, term: Period },
    #[error(
        "the contract {} its P, its backing contract {backing} {}: unlike P are not compared",
        stated(asked),
        stated(declared)
    )]
    UnlikeRatings { backing: ContractId, declared: Option<Rating>, asked: Option<Rating> },
    #[error(
        "backing contract {backing} is for {declared} cards, of which {sold} are sold on at {at}: {asked} do not fit"
    )]
    AboveBackingCards {
        backing: ContractId,
        declared: u32,
        #[schemars(with = "String")]
        sold: rust_decimal::Decimal,
        asked: u32,
        at: Timestamp,
    },
    #[error("contract {contract} states its quantity, so nothing is ordered from it")]
    NotAFramework { contract: ContractId },
    #[error(
        "{ordered} units are ordered from framework {contract}, of which {taken} are taken: {asked} do not fit"
    )]
    AboveOrders {
        contract: ContractId,
        #[schemars(with = "String")]
        ordered: rust_decimal::Decimal,
        #[schemars(with = "String")]
        taken: rust_decimal::Decimal,
        asked: Quantity,
    },
    #[error(
        "the price changes at {at}, within the service from {service}: issue an invoice for each part"
    )]
    AcrossPriceStep { service: Period, at: Timestamp },
    #[error("invoice {invoice} is of contract {contract}")]
    ForeignInvoice { invoice: InvoiceId, contract: ContractId },
    #[error(
        "{disputed} of invoice {invoice} is in dispute {dispute}, which leaves {payable} to be paid: {asked} do not fit"
    )]
    InvoiceDisputed {
        invoice: InvoiceId,
        dispute: DisputeId,
        disputed: Money,
        payable: Money,
        asked: Money,
    },
    #[error("of the {kind} for contract {contract} {held} are held: {asked} do not fit")]
    AboveAdvance { contract: ContractId, kind: AdvanceKind, held: Money, asked: Money },
    #[error("the buyer owes no penalty under contract {contract}")]
    NoPenaltyOwed { contract: ContractId },
    #[error(
        "the penalty under contract {contract} is {penalty}, of which {settled} is settled: {asked} do not fit"
    )]
    AbovePenalty { contract: ContractId, penalty: Money, settled: Money, asked: Money },
    #[error(
        "invoice {invoice} is for {invoiced}, of which {credited} is credited: {asked} do not fit"
    )]
    AboveCreditable { invoice: InvoiceId, invoiced: Money, credited: Money, asked: Money },
    #[error("contract {contract} promises nothing that {reason} would be credited for")]
    NothingPromised { contract: ContractId, reason: CreditReason },
    #[error(
        "a credit states the availability that was measured where it is for that, and else none"
    )]
    AvailabilityMisplaced { reason: CreditReason },
    #[error("{measured} % available is what was promised, {promised} %, or more")]
    PromiseKept { promised: Percent, measured: Percent },
    #[error(
        "what was promised is credited with {limit} of invoice {invoice} at most, of which {credited} is: {asked} do not fit"
    )]
    AbovePromise { invoice: InvoiceId, limit: Money, credited: Money, asked: Money },
    #[error("invoice {invoice} is in dispute {dispute} already")]
    DisputeOpen { invoice: InvoiceId, dispute: DisputeId },
    #[error("dispute {dispute} is not opened")]
    UnknownDispute { dispute: DisputeId },
    #[error("dispute {dispute} is resolved already, otherwise")]
    DisputeClosed { dispute: DisputeId },
    #[error("a penalty is owed by a side: state whose it is")]
    SideMissing,
    #[error(
        "the terms of contract {contract} give at most {limit} as the penalty of its {side}: {asked} do not fit"
    )]
    AbovePenaltyTerms { contract: ContractId, side: ContractSide, limit: Money, asked: Money },
    #[error("{reason}")]
    BeyondBounds { reason: String },
}

impl From<MoneyError> for Refusal {
    fn from(error: MoneyError) -> Self {
        Self::BeyondBounds { reason: error.to_string() }
    }
}

fn stated(rating: &Option<Rating>) -> &'static str {
    match rating {
        Some(Rating::Rated) => "rates",
        Some(Rating::Measured) => "measures",
        None => "says neither to rate nor to measure",
    }
}
