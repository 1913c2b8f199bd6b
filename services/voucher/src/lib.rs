//! The voucher context: programmes, the providers they admit, and every voucher from issue to its
//! last cent.
//!
//! Invariant: face = free + locked + redeemed + expired + revoked + surrendered, for every voucher
//! at every position.

mod decider;
mod ending;
mod facts;
mod issuing;
mod locking;
mod programme;
mod redeeming;
mod related;
mod settling;
mod setup;
mod state;
#[cfg(test)]
mod tests;
mod ties;
mod voucher;

pub use decider::Vouchers;
pub use facts::Facts;
pub use state::State;
