//! A session as the writer of one schema: where it stands, and what takes it further.
//!
//! Invariant: the graph in memory is that of the flows that are stored; after any error the session
//! is given up, and the next one starts from what is stored.

use std::time::Duration;

use futures::StreamExt;
use loopledger_journal::{Commit, Filter, Heads, Journal, ReadError};
use loopledger_model::Position;
use loopledger_views::{Batch, Database, Schema, Writer};

use crate::archive;
use crate::decode::Decoded;
use crate::error::Error;
use crate::gather::{Limits, Reader, up_to};
use crate::loops::Loops;

pub(crate) struct Session {
    pub(crate) writer: Writer,
    pub(crate) loops: Loops,
    pub(crate) position: Position,
    /// The ends of the partitions at the position.
    pub(crate) heads: Heads,
}

impl Session {
    /// Waits so long for another writer to end.
    pub(crate) async fn open(
        journal: &impl Journal,
        database: &Database,
        schema: &Schema,
        patience: Duration,
    ) -> Result<Self, Error> {
        let writer = Writer::open(database, schema.clone(), patience).await?;
        let position = writer.position().await?;
        let heads = check_log(journal, &writer, position).await?;
        let loops = Loops::of(&writer.flows().await?)?;
        tracing::info!(%schema, position, "projecting");
        Ok(Self { writer, loops, position, heads })
    }

    pub(crate) const fn position(&self) -> Position {
        self.position
    }

    /// Projects what the journal holds up to `until`.
    pub(crate) async fn catch_up(
        &mut self,
        journal: &impl Journal,
        until: Position,
        limits: Limits,
    ) -> Result<Position, Error> {
        if self.position >= until {
            return Ok(self.position);
        }
        let commits = journal.read(&Filter::all(), self.position + 1);
        let mut reader = Reader::new(up_to(commits, until), limits);
        loop {
            let commits = reader.next().await?;
            if commits.is_empty() {
                return Ok(self.position);
            }
            self.take(&commits).await?;
        }
    }

    /// Projects commits, which are in order; those that are stored already change nothing. What
    /// comes before one that cannot be read is stored.
    pub(crate) async fn take(&mut self, commits: &[Commit]) -> Result<(), Error> {
        let (mut decoded, mut position) = (Decoded::default(), self.position);
        let mut unreadable = None;
        for commit in commits {
            if commit.position <= position {
                tracing::debug!(position = commit.position, "delivered again");
                continue;
            }
            // One that cannot be read has to follow the last one of its partition, too.
            let link = commit.link();
            let read = self.heads.join(&link).map_err(Error::from);
            if let Err(error) = read.and_then(|()| Ok(decoded.add(commit, link)?)) {
                unreadable = Some(error);
                break;
            }
            position = commit.position;
        }
        if position > self.position {
            self.store(decoded, position).await?;
        }
        unreadable.map_or(Ok(()), Err)
    }

    async fn store(&mut self, mut decoded: Decoded, position: Position) -> Result<(), Error> {
        decoded.rows.cut_searches = self.loops.add(&decoded.rows.flows)?;
        let (rows, loops) = (decoded.pack()?, self.loops.changed());
        let batch = Batch { after: self.position, position, rows, loops };
        self.writer.store(&batch).await?;
        self.position = position;
        let (commits, rows, loops) = (decoded.commits.len(), batch.rows.count(), batch.loops.len());
        tracing::debug!(position, commits, rows, loops, "stored");
        Ok(())
    }
}

/// The ends of the partitions that are stored, once the log still has the last commit that is.
async fn check_log(
    journal: &impl Journal,
    writer: &Writer,
    position: Position,
) -> Result<Heads, Error> {
    let mut heads = Heads::default();
    if position == 0 {
        return Ok(heads);
    }
    let mut in_archive = None;
    for newest in writer.newest_archived().await? {
        let commit = archive::restored(&newest)?;
        heads.set(&commit);
        in_archive = Some(commit);
    }
    let all = Filter::all();
    let last = journal.last(&all).await?;
    if last < position {
        return Err(ReadError::LogBehind { from: position + 1, last }.into());
    }
    let in_log = journal.read(&all, position).next().await.transpose()?;
    if in_log != in_archive {
        return Err(Error::LogDiffers { position });
    }
    Ok(heads)
}
