//! The ledger as files of other formats.
//!
//! Invariants: an export rests on one position and says so; figures are exact text; a file is written
//! whole or not at all.

pub mod beancount;
pub mod loop_report;

use loopledger_journal::Commit;
use loopledger_model::Position;
use loopledger_projector::archive::restored;
use loopledger_views::Views;

/// The archived commits at these positions, each checked against its SHA-256.
pub async fn commits_at(
    views: &Views,
    positions: impl IntoIterator<Item = Position>,
) -> anyhow::Result<Vec<Commit>> {
    let mut commits = Vec::new();
    for position in positions {
        for row in views.archived(position, position + 1).await? {
            commits.push(restored(&row)?);
        }
    }
    Ok(commits)
}
