//! purchase: decides what is contracted, invoiced, paid and ended, and that compute is not sold on
//! twice.
//!
//! Invariant: no more is invoiced than was contracted or ordered, paid than was invoiced, refunded than was
//! paid, used of an advance than was received, or sold on at any instant than the backing contract declares.

mod advance;
mod crediting;
mod decider;
mod ending;
mod fingerprint;
mod invoicing;
mod levels;
mod settling;
mod signing;
mod state;

#[cfg(test)]
mod tests;

pub use decider::{Purchase, SERVICE};
