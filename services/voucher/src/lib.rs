//! The voucher context: programmes, the providers they admit, and every voucher from issue to its
//! last cent.
//!
//! Invariant: face = free + locked + redeemed + expired + revoked + surrendered, for every voucher
//! at every position.

mod admission;
mod applying;
mod assessing;
mod budget;
mod checking;
mod claim;
mod claiming;
mod clawing;
mod decider;
mod eligible;
mod ending;
mod facts;
mod funding;
mod issuing;
mod lit;
mod locking;
mod locks;
mod packed;
mod payable;
mod programme;
mod redeeming;
mod related;
mod review;
mod settling;
mod setup;
mod state;
#[cfg(test)]
mod tests;
mod ties;
mod voucher;

pub use decider::{SERVICE, Vouchers};
pub use facts::Facts;
pub use funding::split;
pub use payable::{Bases, Counted, Figures, NotPayable, Payable, payable};
pub use state::State;
