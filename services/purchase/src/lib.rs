//! purchase: decides what is contracted, invoiced, paid and ended, and that compute is not sold on
//! twice.
//!
//! Invariant: no more is invoiced than was contracted, paid than was invoiced, refunded than was
//! paid, or sold on at any instant than the backing contract declares.

mod decider;
mod fingerprint;
mod levels;
mod state;

#[cfg(test)]
mod tests;

pub use decider::Purchase;
