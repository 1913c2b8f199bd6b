//! fund: decides who promised, paid in, invested and paid out what, and keeps the cash of every
//! fund.
//!
//! Invariant: a fund's cash is never below zero, and no partner has paid in more than it promised,
//! at any instant at which something took effect, in whatever order the facts were recorded.

mod account;
mod calls;
mod carry;
mod commitments;
mod decider;
mod fees;
mod fold;
mod holdings;
mod lines;
mod movement;
mod stakes;
mod state;
mod timeline;

#[cfg(test)]
mod tests;

pub use decider::{FundDecider, SERVICE};
