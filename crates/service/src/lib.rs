//! What every service shares: the decider trait and the shell that runs one over a journal.

mod decider;

pub use decider::{Decider, Decision};
