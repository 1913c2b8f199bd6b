//! The loops of whole markets: a worked scenario, single rules, and the graph against an
//! independent enumeration.

#![expect(clippy::unwrap_used, reason = "a test fails where its market is wrong")]

mod edges;
mod enumeration;
mod incremental;
mod lp_loop;
#[path = "../../../testkit/src/market.rs"]
mod market;
mod planted;
mod rules;
mod statement;
