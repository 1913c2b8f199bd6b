//! A session as the writer of one schema: where it stands, and what takes it further.
//!
//! Invariant: the graph in memory is that of the flows that are stored; after any error the session
//! is given up, and the next one starts from what is stored.

use std::time::Duration;

use futures::StreamExt;
use loopledger_journal::{Commit, Filter, Heads, Journal, ReadError};
use loopledger_model::{Fact, Position};
use loopledger_views::{Batch, Database, Schema, Writer};

use crate::error::Error;
use crate::loops::Loops;
use crate::{archive, project};

pub(crate) struct Session {
    writer: Writer,
    loops: Loops,
    position: Position,
    /// The ends of the partitions at the position.
    heads: Heads,
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

    /// Projects commits, which are in order; those that are stored already change nothing. What
    /// comes before one that cannot be read is stored.
    pub(crate) async fn take(&mut self, commits: &[Commit]) -> Result<(), Error> {
        let mut batch = Batch { after: self.position, position: self.position, ..Batch::default() };
        let mut unreadable = None;
        for commit in commits {
            if commit.position <= batch.position {
                tracing::debug!(position = commit.position, "delivered again");
                continue;
            }
            match self.read(commit) {
                Ok(facts) => project::add(&facts, &mut batch.rows, &mut self.loops)?,
                Err(error) => {
                    unreadable = Some(error);
                    break;
                }
            }
            batch.commits.push(archive::archived(commit));
            batch.position = commit.position;
        }
        if !batch.commits.is_empty() {
            self.store(batch).await?;
        }
        unreadable.map_or(Ok(()), Err)
    }

    /// The facts of the next commit, which has to follow the last one of its partition.
    fn read(&mut self, commit: &Commit) -> Result<Vec<Fact>, Error> {
        self.heads.follow(commit)?;
        Ok(project::facts_of(commit)?)
    }

    async fn store(&mut self, mut batch: Batch) -> Result<(), Error> {
        batch.loops = self.loops.changed();
        self.writer.store(&batch).await?;
        self.position = batch.position;
        let (commits, rows, loops) = (batch.commits.len(), batch.rows.count(), batch.loops.len());
        tracing::debug!(position = batch.position, commits, rows, loops, "stored");
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
