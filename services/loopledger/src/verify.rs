//! Whether the journal is whole and the same as its archive, commit by commit.
//!
//! Invariant: a journal is called fine only when every position from 1 to its end was read, links
//! to the commit before it in its partition, and equals what the archive holds there.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use futures::StreamExt as _;
use loopledger_journal::{Commit, Commits, Filter, Heads, Journal, ReadError};
use loopledger_model::{Position, facts};
use loopledger_projector::archive::{Damaged, restored};
use loopledger_views::{ArchivedCommit, Views};
use serde::Serialize;
use tokio::time::timeout;

/// As many as help; what is wrong in one place is often wrong in many.
const PROBLEMS: usize = 20;
/// How long the journal may take to give one commit.
const PATIENCE: Duration = Duration::from_secs(30);
/// Commits that are read from the archive at once.
const CHUNK: u64 = 64;

/// What was found.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// Where the journal ends.
    pub position: Position,
    /// Where the archive ends.
    pub archived: Position,
    /// Commits of the journal that could be read.
    pub commits: u64,
    pub ok: bool,
    pub partitions: Vec<PartitionEnd>,
    /// In the order of positions; the first ones only.
    pub problems: Vec<Problem>,
    /// The commits that were asked for, as the journal has them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<AskedCommit>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct AskedCommit {
    pub position: Position,
    pub partition: String,
    pub hash: String,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct PartitionEnd {
    pub partition: String,
    pub commits: u64,
    pub position: Position,
    pub hash: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    pub position: Position,
    pub problem: String,
}

/// What one of the two sides holds at a position.
pub type Held = Result<Option<Commit>, String>;

/// Compares the sides position by position.
#[derive(Debug, Default)]
struct Check {
    heads: Heads,
    counts: BTreeMap<String, u64>,
    commits: u64,
    problems: Vec<Problem>,
    wanted: BTreeSet<Position>,
    asked: Vec<AskedCommit>,
}

impl Check {
    /// `archive` is `None` behind the archive's end.
    fn take(&mut self, position: Position, journal: Held, archive: Option<Held>) {
        let problem = match self.judge(&journal, archive) {
            Ok(()) => None,
            Err(problem) => Some(Problem { position, problem }),
        };
        if self.problems.len() < PROBLEMS {
            self.problems.extend(problem);
        }
        if let Ok(Some(commit)) = journal {
            self.commits += 1;
            *self.counts.entry(commit.partition.to_string()).or_default() += 1;
            if self.wanted.contains(&position) {
                let (partition, hash) = (commit.partition.to_string(), commit.hash().to_string());
                self.asked.push(AskedCommit { position, partition, hash });
            }
            self.heads.set(&commit);
        }
    }

    fn judge(&self, journal: &Held, archive: Option<Held>) -> Result<(), String> {
        let commit = match journal {
            Ok(Some(commit)) => commit,
            Ok(None) => return Err("the journal has no commit there".to_owned()),
            Err(reason) => return Err(reason.clone()),
        };
        let of = self.heads.of(commit.partition);
        of.followed_by(commit).map_err(|error| error.to_string())?;
        let Commit { partition, position, recorded_at, body, .. } = commit;
        facts(partition.context, *position, *recorded_at, body)
            .map_err(|error| error.to_string())?;
        match archive {
            None => Ok(()),
            Some(Err(reason)) => Err(reason),
            Some(Ok(None)) => Err("the archive has no commit there".to_owned()),
            Some(Ok(Some(archived))) => same(commit, &archived),
        }
    }

    fn findings(self, position: Position, archived: Position) -> Findings {
        let ends = self.heads.iter().map(|(partition, head)| {
            let partition = partition.to_string();
            let commits = self.counts.get(&partition).copied().unwrap_or_default();
            PartitionEnd {
                partition,
                commits,
                position: head.position,
                hash: head.hash.to_string(),
            }
        });
        let partitions = ends.collect();
        let (commits, problems, asked) = (self.commits, self.problems, self.asked);
        let ok = problems.is_empty();
        Findings { position, archived, commits, ok, partitions, problems, asked }
    }
}

fn same(commit: &Commit, archived: &Commit) -> Result<(), String> {
    if commit == archived {
        return Ok(());
    }
    Err(format!(
        "the journal holds commit {} with hash {}, the archive commit {} with hash {}",
        commit.id,
        commit.hash(),
        archived.id,
        archived.hash()
    ))
}

/// The journal, position by position, going on behind what cannot be read.
pub struct JournalReader<J> {
    journal: J,
    commits: Commits,
    next: Position,
    /// Where the log goes on behind a hole.
    resumes: Position,
    given_up: Option<String>,
}

impl<J: Journal> JournalReader<J> {
    pub fn new(journal: &J, from: Position) -> Self {
        let commits = journal.read(&Filter::all(), from);
        Self { journal: journal.clone(), commits, next: from, resumes: from, given_up: None }
    }

    /// What the journal holds at the next position. Where the world fails, nothing is read from
    /// there on.
    pub async fn next(&mut self) -> Held {
        let position = self.next;
        self.next += 1;
        if let Some(reason) = &self.given_up {
            return Err(reason.clone());
        }
        if position < self.resumes {
            return Ok(None);
        }
        match timeout(PATIENCE, self.commits.next()).await {
            Ok(commit) => commit.transpose().or_else(|error| self.pass(position, &error)),
            Err(_) => self.give_up(position, &format!("no commit came within {PATIENCE:?}")),
        }
    }

    fn pass(&mut self, position: Position, error: &ReadError) -> Held {
        let (resumes, held) = match error {
            ReadError::Gap { found, .. } => (*found, Ok(None)),
            ReadError::Undecodable { .. } | ReadError::BrokenChain { .. } => {
                (position + 1, Err(error.to_string()))
            }
            ReadError::Unavailable { .. } | ReadError::LogBehind { .. } => {
                return self.give_up(position, &error.to_string());
            }
        };
        self.resumes = resumes;
        self.commits = self.journal.read(&Filter::all(), resumes);
        held
    }

    fn give_up(&mut self, position: Position, cause: &str) -> Held {
        let reason = format!("nothing can be read from {position} on: {cause}");
        self.given_up = Some(reason.clone());
        Err(reason)
    }
}

/// The archive, position by position.
pub struct ArchiveReader<'a> {
    views: &'a Views,
    next: Position,
    end: Position,
    chunk: VecDeque<ArchivedCommit>,
}

impl<'a> ArchiveReader<'a> {
    pub async fn new(views: &'a Views) -> anyhow::Result<Self> {
        let end = archive_end(views).await?;
        Ok(Self { views, next: 1, end, chunk: VecDeque::new() })
    }

    pub const fn end(&self) -> Position {
        self.end
    }

    /// What the archive holds at the next position; `None` behind its end.
    pub async fn next(&mut self) -> anyhow::Result<Option<Held>> {
        let position = self.next;
        if position > self.end {
            return Ok(None);
        }
        if (position - 1).is_multiple_of(CHUNK) {
            let until = position.saturating_add(CHUNK).min(self.end + 1);
            self.chunk = self.views.archived(position, until).await?.into();
        }
        self.next += 1;
        match self.chunk.pop_front_if(|row| row.position == position) {
            None => Ok(Some(Ok(None))),
            Some(row) => {
                let commit = restored(&row).map_err(|error: Damaged| error.to_string());
                Ok(Some(commit.map(Some)))
            }
        }
    }
}

/// Where the archive ends; a database without views has none.
pub async fn archive_end(views: &Views) -> anyhow::Result<Position> {
    match views.position().await {
        Err(loopledger_views::Error::NoViews { .. }) => Ok(0),
        position => position.context("the archive cannot be read"),
    }
}

/// Walks the journal and its archive from 1 to where the longer one ends.
pub async fn verify<J: Journal>(journal: &J, views: &Views) -> anyhow::Result<Findings> {
    verify_telling(journal, views, BTreeSet::new()).await
}

/// The same, with what the journal has at the `wanted` positions.
pub async fn verify_telling<J: Journal>(
    journal: &J,
    views: &Views,
    wanted: BTreeSet<Position>,
) -> anyhow::Result<Findings> {
    let mut archive = ArchiveReader::new(views).await?;
    let last = journal.last(&Filter::all()).await?;
    let mut commits = JournalReader::new(journal, 1);
    let mut check = Check { wanted, ..Check::default() };
    for position in 1..=last.max(archive.end()) {
        let in_journal = if position > last { Ok(None) } else { commits.next().await };
        check.take(position, in_journal, archive.next().await?);
    }
    Ok(check.findings(last, archive.end()))
}

/// Whether the journal has got as far as its archive and ends every partition of it alike.
pub async fn check_ends<J: Journal>(journal: &J, views: &Views) -> anyhow::Result<()> {
    let end = archive_end(views).await?;
    if end == 0 {
        return Ok(());
    }
    let last = journal.last(&Filter::all()).await?;
    let mut first: Option<Problem> = (last < end).then(|| Problem {
        position: last + 1,
        problem: format!("the journal ends at {last} and its archive at {end}"),
    });
    for newest in views.newest_archived().await? {
        let position = newest.position;
        if position > first.as_ref().map_or(last, |problem| problem.position - 1) {
            continue;
        }
        let held = JournalReader::new(journal, position).next().await;
        let told = match (held, restored(&newest)) {
            (_, Err(damaged)) => Err(damaged.to_string()),
            (Err(reason), _) => Err(reason),
            (Ok(None), _) => Err("the journal has no commit there".to_owned()),
            (Ok(Some(commit)), Ok(archived)) => same(&commit, &archived),
        };
        if let Err(problem) = told {
            first = Some(Problem { position, problem });
        }
    }
    let Some(Problem { position, problem }) = first else { return Ok(()) };
    anyhow::bail!(
        "the journal is not what its archive says, first at position {position}: {problem}; \
         run `loopledger verify`, then `loopledger repair`"
    )
}

/// The findings for people.
pub fn report(findings: &Findings) -> String {
    let Findings { position, archived, commits, partitions, problems, asked, ok } = findings;
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ =
        writeln!(text, "journal: {commits} commits to position {position}; archive to {archived}");
    for PartitionEnd { partition, commits, position, hash } in partitions {
        let _ =
            writeln!(text, "  {partition:<14} {commits:>8} commits, last {position:>8}  {hash}");
    }
    for AskedCommit { position, partition, hash } in asked {
        let _ = writeln!(text, "position {position}: {partition}  {hash}");
    }
    for Problem { position, problem } in problems {
        let _ = writeln!(text, "position {position}: {problem}");
    }
    let verdict = match problems.first() {
        None if *ok => "the journal is whole and the same as its archive".to_owned(),
        None => "the journal could not be checked".to_owned(),
        Some(first) => format!(
            "the first bad position is {}; `loopledger repair` restores the journal",
            first.position
        ),
    };
    text + &verdict
}

#[cfg(test)]
mod tests;
