//! Closed loops on a dated graph of money flows: finding them, saying how much came round, and who
//! owns whom.
//!
//! Everything in here is pure: no clock, no I/O, no floating point. Amounts are whole minor units;
//! fractions are exact, or known closely enough that what [`round_half_up`], [`decimal`] or
//! [`ProRata::decimal`] writes down is what the exact one rounds to. A loop that is found
//! is a fact about payments and no judgement.
//!
//! [`Graph`] takes flows in any order and names the loops that each addition can have changed;
//! [`Loop`] is one loop's record, [`Standing`] what is kept up to date of it; [`Amounts`] can be had for any path; [`Ownership`] and
//! [`funding_path`] answer the affiliation rules; [`count_cycles`] searches any dated edges.

mod amounts;
mod dwell;
mod edge_cycles;
mod fifo;
mod flow;
mod funding;
mod graph;
mod market;
mod maxflow;
mod names;
mod ownership;
mod record;
mod rounding;
mod search;
mod tally;
mod trail;

pub use amounts::{Amounts, Movement, ProRata, Within};
pub use dwell::Dwell;
pub use edge_cycles::{CycleBounds, CycleCounts, CyclesError, DatedEdge, count_cycles, each_cycle};
pub use flow::{Currency, Flow, FlowError, FlowId, Kind, Moment, Party, Recorded};
pub use funding::{CapitalFlow, FUNDING_LEGS, funding_path};
pub use graph::{Affected, Graph};
pub use num_rational::BigRational;
pub use ownership::{Owner, Ownership, OwnershipError, Relation, Stake, half, percent};
pub use record::{Cycle, Loop, LoopKind, Standing};
pub use rounding::{decimal, round_half_up};
pub use search::Bounds;
pub use trail::Trail;
