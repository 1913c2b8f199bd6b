//! The projector: one ordered reader of the journal that keeps the read models, live or in a
//! rebuild.
//!
//! Invariants: rows, loops, archive and position change in one transaction, so what is stored is
//! what the journal says up to one position. A commit is projected once, in order, and never
//! skipped: one that cannot be read stops the projector. What rows come to does not depend on how
//! many commits went into one transaction.

mod allocation;
pub mod archive;
mod decode;
mod error;
mod flows;
mod fund;
mod gather;
mod load;
mod loops;
mod project;
mod purchase;
mod rebuild;
mod registry;
mod run;
mod session;
mod voucher;
mod voucher_fact;

pub use error::Error;
pub use gather::Limits;
pub use load::Loaded;
pub use rebuild::{Rebuilt, Step, rebuild, rollback};
pub use run::{Deps, catch_up, run};
