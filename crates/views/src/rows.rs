//! The rows of every table that facts add to.
//!
//! Invariant: a row carries the fact that it comes from and both of its times, and never changes.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use loopledger_model::allocation::{CardSerial, CardState, ReservationEnding, Stage};
use loopledger_model::fund::{self, RecognitionKind};
use loopledger_model::purchase::{
    AdvanceKind, ContractKind, ContractSide, ContractUnit, CreditReason, DisputeOutcome, Rating,
    RefundOf, TerminationReason, Terms,
};
use loopledger_model::registry::{ControlStatus, PartyKind, PriceUnit};
use loopledger_model::voucher::{Affiliation, Ending, Event};
use loopledger_model::{
    AdvanceUseId, AllocationId, CardHours, CardModel, ContractId, Country, CreditId, Currency,
    DeliveryId, DisputeId, Fact, FactId, InvoiceId, KilowattHours, Lei, LockId, NavId, NotAName,
    OrderId, OversellFactor, PFlops, PartyId, PaymentId, Percent, PersonId, PoolId, Position,
    Precision, Price, ProgrammeId, Quantity, Ratio, ReadingId, RecognitionId, RedemptionId,
    RefundId, ReservationId, RoundingMode, SettlementId, Sparsity, Text, UsageId, Uscc, VoucherId,
    Watts, WorkloadClass,
};
use rust_decimal::Decimal;
use tokio_postgres::Row;

use crate::columns::{Column, micros};
use crate::copy::{Cells, Packing};
use crate::error::Error;
use crate::flow_kind::FlowKind;
use crate::table::{Table, TableRow, next, tables};

/// Which fact a row comes from, when that took effect and when it was recorded, both to the
/// microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    pub position: Position,
    pub fact_index: i32,
    pub at: Timestamp,
    pub recorded_at: Timestamp,
}

impl Stamp {
    pub fn of(fact: &Fact) -> Self {
        let index = fact.id.index.try_into();
        Self {
            position: fact.id.position,
            fact_index: index.expect("a commit has fewer than 2^31 events"),
            at: micros(fact.event.at()),
            recorded_at: micros(fact.recorded_at),
        }
    }

    pub fn fact(&self) -> FactId {
        let index = self.fact_index.try_into();
        FactId { position: self.position, index: index.expect("a fact's index is not negative") }
    }
}

/// What happened to a voucher after it was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoveKind {
    Locked,
    Released,
    Redeemed,
    Paid,
    Ended(Ending),
}

impl MoveKind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Locked => "locked",
            Self::Released => "released",
            Self::Redeemed => "redeemed",
            Self::Paid => "paid",
            Self::Ended(ending) => ending.name(),
        }
    }
}

impl fmt::Display for MoveKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for MoveKind {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        match text {
            "locked" => Ok(Self::Locked),
            "released" => Ok(Self::Released),
            "redeemed" => Ok(Self::Redeemed),
            "paid" => Ok(Self::Paid),
            ending => ending.parse().map(Self::Ended),
        }
    }
}

tables! {
    Party in parties {
        id: PartyId,
        name: Text,
        kind: PartyKind,
        country: Option<Country>,
        uscc: Option<Uscc>,
        lei: Option<Lei>,
    }
    Stake in stakes { owner: PartyId, owned: PartyId, percent: Percent, to_at: Option<Timestamp> }
    CardSpec in card_specs {
        model: CardModel,
        precision: Precision,
        sparsity: Sparsity,
        p_per_card: PFlops,
        tdp_w: Option<Watts>,
        source: Option<Text>,
    }
    ReferencePrice in prices {
        model: CardModel,
        unit: PriceUnit,
        price: Price,
        currency: Currency,
        source: Text,
    }
    /// What a source says a card can be used for: classes of workload, apart by blanks.
    Capability in capabilities { model: CardModel, workloads: String, source: Text }
    /// How a source says a card's export to a country is controlled.
    Control in controls {
        model: CardModel,
        destination: Country,
        status: ControlStatus,
        source: Text,
    }
    Programme in programmes {
        id: ProgrammeId,
        issuer: PartyId,
        name: Text,
        currency: Currency,
        budget: Decimal,
        closes_at: Timestamp,
        ratio: Ratio,
        cap_voucher: Option<Decimal>,
        cap_holder_year: Option<Decimal>,
        validity_days: Option<u32>,
        affiliation: Affiliation,
        affiliation_percent: Option<Percent>,
        funding_link_months: Option<u32>,
        metering_required: bool,
        rounding_digits: u32,
        rounding_mode: RoundingMode,
    }
    Admission in admissions {
        programme: ProgrammeId,
        provider: PartyId,
        to_at: Option<Timestamp>,
    }
    Voucher in vouchers {
        id: VoucherId,
        programme: ProgrammeId,
        holder: PartyId,
        face: Decimal,
        currency: Currency,
        expires_at: Option<Timestamp>,
    }
    /// A change of what is free or locked on a voucher, or a payment for what was redeemed of it.
    VoucherMove in voucher_moves {
        voucher: VoucherId,
        programme: ProgrammeId,
        kind: MoveKind,
        amount: Decimal,
        free_change: Decimal,
        locked_change: Decimal,
        currency: Currency,
        lock: Option<LockId>,
        redemption: Option<RedemptionId>,
        settlement: Option<SettlementId>,
        contract: Option<ContractId>,
        invoice: Option<InvoiceId>,
        provider: Option<PartyId>,
    }
    /// A fact of the voucher context, whole. `claim` is the redemption that it is about.
    VoucherFact in voucher_facts {
        programme: ProgrammeId,
        claim: Option<RedemptionId>,
        provider: Option<PartyId>,
        event: Event,
    }
    Fund in funds { id: PartyId, manager: PartyId, currency: Currency }
    /// What partners promised, more or less of it, and what went over from one to another.
    Commitment in commitments {
        id: String,
        fund: PartyId,
        lp: PartyId,
        from_lp: Option<PartyId>,
        amount: Decimal,
        currency: Currency,
        priority_supplier: bool,
    }
    /// A fact of the fund context, whole, but for those that have a table of their own and move no capital.
    FundFact in fund_facts { fund: PartyId, event: fund::Event }
    /// What a fund was said to be worth.
    Nav in navs {
        id: NavId,
        fund: PartyId,
        as_of_at: Timestamp,
        amount: Decimal,
        currency: Currency,
        restates: Option<NavId>,
    }
    /// What was recognised as reinvested in a fund's place.
    Recognition in recognitions {
        id: RecognitionId,
        fund: PartyId,
        kind: RecognitionKind,
        company: PartyId,
        amount: Decimal,
        currency: Currency,
        payment: Option<PaymentId>,
    }
    /// Money that moved.
    Flow in flows {
        id: String,
        from_party: PartyId,
        to_party: PartyId,
        kind: FlowKind,
        amount: Decimal,
        currency: Currency,
        contract: Option<ContractId>,
        invoice: Option<InvoiceId>,
        buyer: Option<PartyId>,
        stake_percent: Option<Percent>,
        note: Option<Text>,
    }
    /// A flow whose search for loops ran out of steps.
    CutSearch in cut_searches {}
    Contract in contracts {
        id: ContractId,
        buyer: PartyId,
        seller: PartyId,
        currency: Currency,
        kind: Option<ContractKind>,
        price_per_unit: Price,
        unit: ContractUnit,
        quantity: Option<Quantity>,
        declared_p: Option<PFlops>,
        rating: Option<Rating>,
        precision: Option<Precision>,
        sparsity: Option<Sparsity>,
        model: Option<CardModel>,
        cards: Option<u32>,
        from_at: Timestamp,
        to_at: Timestamp,
        backing_contract: Option<ContractId>,
        terms: Option<Box<Terms>>,
    }
    /// What was ordered from a framework.
    Order in orders {
        id: OrderId,
        contract: ContractId,
        from_at: Timestamp,
        to_at: Timestamp,
        quantity: Quantity,
    }
    Invoice in invoices {
        id: InvoiceId,
        contract: ContractId,
        buyer: PartyId,
        seller: PartyId,
        from_at: Timestamp,
        to_at: Timestamp,
        quantity: Quantity,
        amount: Decimal,
        currency: Currency,
    }
    Termination in terminations {
        contract: ContractId,
        buyer: PartyId,
        seller: PartyId,
        reason: TerminationReason,
        refund: Option<Decimal>,
        currency: Option<Currency>,
        side: Option<ContractSide>,
        penalty: Option<Decimal>,
    }
    /// Money that a buyer paid before there was an invoice; a flow too.
    Advance in advances {
        id: PaymentId,
        contract: ContractId,
        kind: AdvanceKind,
        amount: Decimal,
        currency: Currency,
    }
    /// What an advance was set against: an invoice, or the buyer's penalty.
    AdvanceUse in advance_uses {
        id: AdvanceUseId,
        contract: ContractId,
        kind: AdvanceKind,
        invoice: Option<InvoiceId>,
        amount: Decimal,
        currency: Currency,
    }
    /// Money that a seller gave back; a flow too.
    Refund in refunds {
        id: RefundId,
        contract: ContractId,
        source: RefundOf,
        amount: Decimal,
        currency: Currency,
    }
    Credit in credits {
        id: CreditId,
        invoice: InvoiceId,
        contract: ContractId,
        reason: CreditReason,
        availability: Option<Percent>,
        amount: Decimal,
        currency: Currency,
    }
    Dispute in disputes {
        id: DisputeId,
        invoice: InvoiceId,
        contract: ContractId,
        amount: Decimal,
        currency: Currency,
        reason: Text,
    }
    DisputeEnd in dispute_ends {
        dispute: DisputeId,
        invoice: InvoiceId,
        contract: ContractId,
        outcome: DisputeOutcome,
    }
    /// What was made known of a contract.
    Announcement in announcements {
        contract: ContractId,
        buyer: PartyId,
        seller: PartyId,
        amount: Decimal,
        currency: Currency,
        source: Text,
    }
    /// What a buyer accepted.
    Delivery in deliveries {
        id: DeliveryId,
        contract: ContractId,
        from_at: Timestamp,
        to_at: Timestamp,
        quantity: Quantity,
        certificate: Text,
    }
    Pool in pools { id: PoolId, operator: PartyId, site: Text, model: CardModel }
    /// A pool's totals from `at` on.
    PoolState in pool_states { pool: PoolId, cards: u32, lit: u32 }
    PoolShortfall in pool_shortfalls { pool: PoolId, lit: u32, allocated: u64 }
    /// Cards given to a contract from `at` to `to_at`.
    Allocation in allocations {
        id: AllocationId,
        pool: PoolId,
        contract: ContractId,
        cards: u32,
        to_at: Timestamp,
        class: Option<WorkloadClass>,
    }
    /// Cards given back before `to_at`.
    AllocationEnd in allocation_ends { allocation: AllocationId, pool: PoolId, contract: ContractId }
    /// Card-hours seen busy from `from_at` to `at`.
    Usage in usages {
        id: UsageId,
        allocation: AllocationId,
        from_at: Timestamp,
        card_hours: CardHours,
        source: Text,
        class: Option<WorkloadClass>,
    }
    /// Overselling is permitted from `from_at` to `to_at`.
    Oversell in oversells {
        pool: PoolId,
        factor: OversellFactor,
        from_at: Timestamp,
        to_at: Timestamp,
        by_person: PersonId,
        of_party: PartyId,
    }
    /// Cards held for somebody from `from_at` to `to_at`.
    Reservation in reservations {
        id: ReservationId,
        pool: PoolId,
        cards: u32,
        from_at: Timestamp,
        to_at: Timestamp,
        held_until_at: Timestamp,
        contract: Option<ContractId>,
        class: Option<WorkloadClass>,
    }
    ReservationConfirmation in reservation_confirmations {
        reservation: ReservationId,
        allocation: AllocationId,
        pool: PoolId,
    }
    ReservationEnd in reservation_ends {
        reservation: ReservationId,
        pool: PoolId,
        ending: ReservationEnding,
    }
    PoolStage in pool_stages { pool: PoolId, stage: Stage, source: Option<Text> }
    CardPlacing in card_placings { pool: PoolId, serial: CardSerial, owner: Option<PartyId> }
    CardChange in card_changes {
        pool: PoolId,
        serial: CardSerial,
        state: CardState,
        reason: Option<Text>,
    }
    CardCount in card_counts { pool: PoolId, state: CardState, cards: u32 }
    Provenance in provenances {
        pool: PoolId,
        serial: Option<CardSerial>,
        supplier: Text,
        document: Option<Text>,
        source: Text,
    }
    /// Electricity drawn from `from_at` to `at`.
    Electricity in electricity {
        id: ReadingId,
        pool: PoolId,
        from_at: Timestamp,
        kwh: KilowattHours,
        source: Text,
    }
}
