//! The ledger as files of other formats.
//!
//! Invariants: an export rests on one position and says so; figures are exact text; a file is written
//! whole or not at all.

pub mod beancount;
pub mod focus;
pub mod loop_report;
pub mod ocel;

use jiff::Timestamp;
use loopledger_journal::Commit;
use loopledger_model::{Fact, Position, facts};
use loopledger_projector::archive::restored;
use loopledger_views::{As, Views};

/// UTC, whole seconds.
fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Commits that are read from the archive at once.
const CHUNK: Position = 64;

/// Reads the facts of that time from the archive, in the order in which they were recorded, every
/// commit checked against its SHA-256; tells the position up to which.
pub async fn each_fact(
    views: &Views,
    seen: As,
    mut take: impl FnMut(&Fact) -> anyhow::Result<()>,
) -> anyhow::Result<Position> {
    let end = views.position().await?;
    let mut next = 1;
    while next <= end {
        let until = (next + CHUNK).min(end + 1);
        for row in views.archived(next, until).await? {
            let commit = restored(&row)?;
            let (context, position) = (commit.partition.context, commit.position);
            for fact in facts(context, position, commit.recorded_at, &commit.body)? {
                if seen.includes(fact.event.at(), fact.recorded_at) {
                    take(&fact)?;
                }
            }
        }
        next = until;
    }
    Ok(end)
}

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
