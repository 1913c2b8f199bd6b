//! The read models: what the facts come to, kept in PostgreSQL and asked for by type.
//!
//! Invariants: rows and the position that they rest on change in one transaction, and only through
//! one [`Writer`]. Every answer is read in one snapshot, so its position and its rows agree. Rows
//! of facts are only ever added and carry both times, so any answer can be had as of an instant and
//! as it was known at one. Nothing but this crate names `tokio_postgres`.

mod archive;
mod as_of;
mod claims;
mod columns;
mod database;
mod digest;
mod error;
mod figures;
mod flow_graph;
mod flow_kind;
mod flows;
mod holdings;
mod loops;
mod meters;
mod oversold;
mod programmes;
mod references;
pub mod rows;
mod schema;
mod statement;
mod steps;
mod table;
mod utilization;
mod views;
mod vouchers;
mod writer;

pub use archive::{ArchivedCommit, NotUnpacked, PackedBody};
pub use as_of::As;
pub use claims::{Claim, ClaimQuery, Claims, Clawback, Payment};
pub use columns::micros;
pub use database::{BadSchema, Database, Schema};
pub use digest::{Digests, TableDigest};
pub use error::Error;
pub use flow_graph::{Added, FlowGraph};
pub use flow_kind::FlowKind;
pub use flows::{FlowQuery, Flows, MoneyFlow};
pub use holdings::Holdings;
pub use loops::{Leg, LoopFound, LoopQuery, Loops};
pub use oversold::BasisShare;
pub use programmes::{Figures, PeriodBudget, ProgrammeAnswer, SourceBudget, Tally, Version};
pub use references::Denominated;
pub use schema::{discard, swap};
pub use statement::{Statement, StatementTotal};
pub use utilization::{PoolUtilization, Utilization};
pub use views::Views;
pub use vouchers::{ProgrammeTotals, VoucherState, VoucherStatus, Vouchers};
pub use writer::{Batch, Writer};
