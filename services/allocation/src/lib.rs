//! allocation: card pools, how many of their cards are lit, who was given which of them when, and
//! what was metered.

mod calendar;
mod cards;
mod decider;
mod facts;
mod meter;
mod pool;
mod reserving;

pub use decider::{Allocation, SERVICE};
