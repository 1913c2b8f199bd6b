//! Why the projector stops, or tries again.

use std::time::Duration;

use loopledger_journal::ReadError;
use loopledger_model::{Position, Unreadable};

use crate::archive::Damaged;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Views(#[from] loopledger_views::Error),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Damaged(#[from] Damaged),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error(
        "commit {position} of the log is not the one that the archive holds: \
         find out which is right, then restore the log or rebuild the views"
    )]
    LogDiffers { position: Position },
    #[error("the rows could not be brought up to the live ones within {held_up:?}; try again")]
    TooFarBehind { held_up: Duration },
    #[error("others have used the rows without a break for {waited:?}; try again")]
    InTheWay { waited: Duration, source: loopledger_views::Error },
    #[error("the journal has stopped giving commits after {position}")]
    JournalEnded { position: Position },
}

impl Error {
    /// Whether somebody else projects already.
    pub const fn is_another_projector(&self) -> bool {
        matches!(self, Self::Views(loopledger_views::Error::AnotherProjector { .. }))
    }

    /// Whether it is the world and may pass.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Views(error) => error.is_retryable(),
            Self::Read(error) => matches!(error, ReadError::Unavailable { .. }),
            Self::TooFarBehind { .. } | Self::InTheWay { .. } => true,
            Self::Damaged(_)
            | Self::Unreadable(_)
            | Self::LogDiffers { .. }
            | Self::JournalEnded { .. } => false,
        }
    }
}
