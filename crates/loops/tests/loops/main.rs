//! The loops of whole markets: a worked scenario, single rules, and the graph against an
//! independent enumeration.

#![expect(clippy::unwrap_used, reason = "a test fails where its market is wrong")]

mod enumeration;
mod incremental;
mod lp_loop;
mod rules;
mod statement;
