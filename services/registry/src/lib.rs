//! registry: who the parties are, who owns whom, what a card can do and what compute costs
//! elsewhere.

mod decider;

pub use decider::{Registry, SERVICE};
