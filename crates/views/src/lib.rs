//! The read models: what the facts come to, kept in PostgreSQL and asked for by type.
//!
//! Invariants: rows and the position that they rest on change in one transaction, and only through
//! one [`Writer`]. Every answer is read in one snapshot, so its position and its rows agree. Rows
//! of facts are only ever added and carry both times, so any answer can be had as of an instant and
//! as it was known at one. Nothing but this crate names `tokio_postgres`.

mod accesses;
mod archive;
mod as_of;
mod belongings;
mod benchmarks;
mod caps;
mod cards;
mod cell;
mod claims;
mod columns;
mod contracts;
mod conventions;
mod copy;
mod database;
mod dealings;
mod digest;
mod error;
mod expiry;
mod figures;
mod findings;
mod flow_graph;
mod flow_kind;
mod flows;
mod funds;
mod groups;
mod holdings;
mod implied;
mod irr;
mod levels;
mod load;
mod loops;
mod meters;
mod oversold;
mod owners;
mod parties;
#[cfg(test)]
mod parts;
mod party_report;
mod pools;
mod price_tests;
mod programmes;
mod reader;
mod references;
mod register;
mod registered;
mod replace;
mod reservations;
mod rests;
mod reviews;
mod rights;
pub mod rows;
mod schema;
mod spans;
mod statement;
mod steps;
mod stored_loops;
mod table;
mod utilization;
mod views;
mod vouchers;
mod worth;
mod writer;

pub use accesses::{Access, RecordedAccess};
pub use archive::{ArchivedCommit, NotUnpacked, PackedBody};
pub use as_of::As;
pub use belongings::Belonging;
pub use caps::{Caps, GroupCap};
pub use claims::{CLAIM_STAGES, Claim, ClaimPart, ClaimQuery, Claims, Clawback, Payment};
pub use columns::micros;
pub use contracts::{
    Announced, ContractEnd, ContractQuery, ContractState, ContractTotals, Contracts,
    EndedContracts, Resale,
};
pub use copy::{Deal, PackedRows, Packing};
pub use database::{BadSchema, Database, Schema};
pub use digest::{Compared, Comparison, Difference, Digests, Held, TableDigest};
pub use error::Error;
pub use expiry::Overdue;
pub use findings::{Finding, FindingQuery, Findings, Rule, RuleBook, RuleTold};
pub use flow_graph::{Added, FlowGraph};
pub use flow_kind::FlowKind;
pub use flows::{FlowPart, FlowQuery, Flows, MoneyFlow};
pub use funds::{
    AccountEntry, CallBorne, CapitalAccount, Costs, EntryKind, FundCall, FundFee, FundInvestment,
    FundPartner, FundReport, LineTold, LpAccount, NavStep, NavTold, PartOfNav, Recognised,
    Reinvestment, ValueTold, WithoutLine,
};
pub use holdings::Holdings;
pub use implied::{DeclaredContract, Implied, ImpliedCards, OtherReading};
pub use irr::{Irr, IrrStatus};
pub use load::{Copier, Load};
pub use loops::{GroupOnLoop, Leg, Level, LoopFound, LoopPart, LoopQuery, Loops};
pub use oversold::BasisShare;
pub use owners::{BeneficialOwner, Holding, OwnerQuery, Owners, Way};
pub use parties::{
    CapitalStep, Customer, OpenLoop, Parties, PartyQuery, PartyReport, Promise, Ratio, Returned,
};
pub use pools::{
    ControlTold, CountTold, DisputedCard, OversellTold, PoolTold, Pools, ProvenanceTold, StageTold,
};
pub use price_tests::{PriceReference, PriceTest, PriceTests};
pub use programmes::{Figures, PeriodBudget, ProgrammeAnswer, SourceBudget, Tally, Version};
pub use reader::{Reader, reading_as};
pub use references::Denominated;
pub use register::StakeBasis;
pub use registered::{Registered, RegisteredParty, RegisteredQuery};
pub use replace::{Pause, Replacement};
pub use reservations::{ReservationState, ReservationTold, Reservations};
pub use rests::Rests;
pub use reviews::{ReviewQuery, ReviewTold, Reviews};
pub use rights::make_roles;
pub use schema::{discard, make};
pub use statement::{Statement, StatementTotal};
pub use stored_loops::StoredLoop;
pub use utilization::{ByDay, PoolDay, PoolFigures, PoolUtilization, TooManyDays, Utilization};
pub use views::Views;
pub use vouchers::{
    IssuedVoucher, ProgrammeTotals, VoucherPart, VoucherState, VoucherStatus, Vouchers,
};
pub use writer::{Batch, Writer};
