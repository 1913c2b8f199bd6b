//! The ledger as files of other formats.
//!
//! Invariants: an export rests on one position and says so; figures are exact text; the same question has the
//! same bytes, whoever asks it and by which way.

pub mod beancount;
pub mod figures;
pub mod focus;
pub mod lists;
pub mod loop_report;
pub mod ocel;
pub mod reading;
pub mod typst;

use jiff::Timestamp;
use loopledger_journal::Commit;
use loopledger_model::{Fact, Position, facts};
use loopledger_projector::archive::restored;
use loopledger_views::{As, FlowQuery, Views};

use focus::Charges;
use ocel::EventLog;

/// A format of which the whole ledger is one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Export {
    /// A double-entry journal.
    Beancount,
    /// What buyers are charged, as FOCUS has it.
    Focus,
    /// All events and what they are about.
    Ocel,
}

/// A file, and the position that it rests on.
pub struct Exported {
    pub text: String,
    pub position: Position,
}

impl Export {
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Beancount => "text/plain; charset=utf-8",
            Self::Focus => "text/csv; charset=utf-8",
            Self::Ocel => "application/json",
        }
    }

    pub async fn of(self, views: &Views, seen: As) -> anyhow::Result<Exported> {
        let (position, text) = match self {
            Self::Beancount => {
                let flows = views.flows(&FlowQuery::default(), seen).await?;
                (flows.position, beancount::journal(&flows)?)
            }
            Self::Focus => {
                let mut charges = Charges::default();
                let position = each_fact(views, seen, |fact| charges.take(fact)).await?;
                (position, charges.table()?)
            }
            Self::Ocel => {
                let mut log = EventLog::default();
                let position = each_fact(views, seen, |fact| log.take(fact)).await?;
                (position, log.document()?)
            }
        };
        Ok(Exported { text, position })
    }
}

/// UTC, whole seconds.
fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Commits that are read from the archive at once.
const CHUNK: Position = 64;

/// Reads the facts of that time from the archive, in the order in which they were recorded, every
/// commit checked against its SHA-256; tells the position up to which.
async fn each_fact(
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
async fn commits_at(
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
