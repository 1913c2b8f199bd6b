//! What every service shares: the decider trait and the shell that runs one over a journal, on NATS.
//!
//! Invariant: rules live in deciders only; whatever needs a clock, the network or a random number lives here.

/// Requests are many small allocations, made on one thread and freed on another: the system's allocator took a third
/// of a busy service's time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod answers;
mod batch;
mod book;
mod client;
pub mod clock;
pub mod config;
mod decider;
pub mod health;
mod index;
mod memory;
pub mod metrics;
mod otlp;
pub mod outbound;
mod placing;
pub mod process;
pub mod protocol;
mod runs;
mod server;
mod shell;
mod snapshot;
mod spans;
pub mod telemetry;
pub mod trace;

pub use batch::Call;
pub use book::LoadError;
pub use client::{AskFailure, Asker};
pub use decider::{Decider, Decision};
pub use index::Index;
pub use memory::Memory;
pub use server::{BAD_REQUEST, BUSY, Options, RunError, Service, Start};
pub use shell::{Limits, Shell, ShellError, Status};
