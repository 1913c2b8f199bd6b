//! Imports a bundle: a folder of CSV files becomes commands, which the services accept or refuse.
//!
//! Invariants: nothing is sent unless every cell of every file can be read; rows are decided one
//! after the other in the order in which they took effect; importing a bundle again changes
//! nothing.

mod bundle;
mod cells;
mod files;
mod known;
mod problem;
mod report;
pub mod rfc4180;
mod send;
mod views;

#[cfg(test)]
mod tests;

use std::path::Path;

use jiff::Timestamp;
pub use loopledger_model::ContextCommand;
use loopledger_model::{CommandId, Text};
use loopledger_service::AskFailure;
use loopledger_views::Error;

pub use bundle::read;
pub use known::{Lookup, Thing};
pub use problem::{Problem, Unreadable};
pub use report::{RefusedRow, Report};
pub use send::{Ask, Interrupted, Manner, NO_DRY_RUN, OnRefusal, Patience, Pause, Progress, send};

/// A row as a command: what is asked, by whom, and where it stands in the bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The file's name, as in `payments.csv`.
    pub file: &'static str,
    /// The line on which it begins; the header is on line 1.
    pub line: usize,
    /// When it took effect.
    pub at: Timestamp,
    /// The same for every row of this file with the same key, whatever else the row says.
    pub id: CommandId,
    pub by: Text,
    pub command: ContextCommand,
}

/// The world did not do as it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Asking again may help.
    #[error("{0}")]
    Passing(String),
    /// Asking again is of no use.
    #[error("{0}")]
    Lasting(String),
}

impl Failure {
    fn of(error: &dyn std::error::Error, is_retryable: bool) -> Self {
        let reason = error.to_string();
        if is_retryable { Self::Passing(reason) } else { Self::Lasting(reason) }
    }
}

impl From<AskFailure> for Failure {
    fn from(error: AskFailure) -> Self {
        Self::of(&error, error.is_retryable())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::of(&error, error.is_retryable())
    }
}

/// Why an import did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("the ledger could not be asked what it knows, so nothing was imported: {0}")]
    Lookup(#[from] Failure),
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl ImportError {
    /// 1 where the world failed, 2 where the bundle cannot be read.
    pub const fn exit_status(&self) -> u8 {
        match self {
            Self::Unreadable(_) => 2,
            Self::Lookup(_) | Self::Interrupted(_) => 1,
        }
    }
}

/// Reads the bundle in `dir`, all of it, then sends it row by row.
pub async fn import(
    dir: &Path,
    ledger: &impl Lookup,
    services: &impl Ask,
    manner: Manner,
    progress: impl FnMut(Progress) + Send,
) -> Result<Report, ImportError> {
    let rows = read(dir, ledger).await?;
    Ok(send(&rows, services, manner, progress).await?)
}
