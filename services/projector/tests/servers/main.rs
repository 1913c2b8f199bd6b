//! The projector on a real database: whole answers, faults, and two of them at once.

#![expect(clippy::unwrap_used, reason = "a test fails where the world fails it")]

mod answers;
mod batches;
mod contracts;
mod faults;
mod findings;
mod history;
mod rebuilds;
mod stage;
mod times;
