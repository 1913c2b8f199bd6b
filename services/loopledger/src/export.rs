//! The ledger as files of other formats.
//!
//! Invariants: an export rests on one position and says so; figures are exact text; a file is written
//! whole or not at all.

pub mod beancount;
