//! A session as the writer of one schema: where it stands, and what takes it further.
//!
//! Invariant: the graph in memory is that of the flows and the loops that are stored; after any error the session
//! is given up, and the next one starts from what is stored.

use std::time::Duration;

use futures::StreamExt;
use loopledger_journal::{Commit, Filter, Heads, Journal, ReadError};
use loopledger_model::Position;
use loopledger_service::trace::TraceContext;
use loopledger_service::traced;
use loopledger_views::rows::Rows;
use loopledger_views::{Batch, Database, Schema, Writer};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet, spawn_blocking};
use tracing::{Instrument as _, Span};

use crate::archive;
use crate::decode::Decoded;
use crate::error::Error;
use crate::gather::{Limits, Reader, up_to};
use crate::loops::Loops;

/// How many other commits a batch's span names.
const MOST_LINKS: usize = 64;

pub(crate) struct Session {
    pub(crate) writer: Writer,
    pub(crate) ahead: Ahead,
}

/// What has been made into batches, whether they are stored yet or not.
pub(crate) struct Ahead {
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
        let loops = Loops::of(writer.graph().await?);
        tracing::info!(%schema, position, "projecting");
        Ok(Self { writer, ahead: Ahead { loops, position, heads } })
    }

    /// Where the rows are: everything made is stored, but for a moment.
    pub(crate) const fn position(&self) -> Position {
        self.ahead.position
    }

    /// Projects what the journal holds up to `until`.
    pub(crate) async fn catch_up(
        &mut self,
        journal: &impl Journal,
        until: Position,
        limits: Limits,
    ) -> Result<Position, Error> {
        if self.position() >= until {
            return Ok(self.position());
        }
        let commits = journal.read(&Filter::all(), self.position() + 1);
        let mut reader = Reader::new(up_to(commits, until), limits);
        loop {
            let commits = reader.next().await?;
            if commits.is_empty() {
                return Ok(self.position());
            }
            let Made { batch, unreadable } = self.ahead.make(&commits)?;
            if let Some(batch) = batch {
                store(&mut self.writer, &batch).await?;
            }
            unreadable.map_or(Ok(()), Err)?;
        }
    }

    /// Projects commits as they come, and tells each position when it is stored. The next batch is made while one is
    /// stored.
    pub(crate) async fn follow(self, reader: Reader, mut told: impl FnMut(Position)) -> Error {
        let Self { mut writer, mut ahead } = self;
        let prepare = move || {
            ahead.loops.follow_trails();
            ahead
        };
        let ahead = joined(spawn_blocking(prepare).await);
        let mut position = ahead.position;
        let (sender, mut batches) = mpsc::channel(1);
        // Ends when it is dropped.
        let mut making = JoinSet::new();
        making.spawn(make_batches(reader, ahead, sender));
        told(position);
        while let Some((batch, span)) = batches.recv().await {
            if let Err(error) = store(&mut writer, &batch).instrument(span.clone()).await {
                span.record("error", error.to_string());
                return error;
            }
            position = batch.position;
            told(position);
        }
        match making.join_next().await {
            Some(ended) => joined(ended).unwrap_or(Error::JournalEnded { position }),
            None => Error::JournalEnded { position },
        }
    }
}

/// What commits come to: nothing to store where all of them were projected already.
pub(crate) struct Made {
    pub(crate) batch: Option<Batch>,
    /// Why the first commit behind the batch cannot be.
    pub(crate) unreadable: Option<Error>,
}

/// Makes batches until something is wrong or nobody takes them any more; nothing where the journal ends.
async fn make_batches(
    mut reader: Reader,
    mut ahead: Ahead,
    batches: mpsc::Sender<(Batch, Span)>,
) -> Option<Error> {
    loop {
        let commits = match reader.next().await {
            Ok(commits) if commits.is_empty() => return None,
            Ok(commits) => commits,
            Err(error) => return Some(error.into()),
        };
        let span = trace_of(&commits);
        let making = move || (ahead.make(&commits), ahead);
        let made;
        (made, ahead) = joined(spawn_blocking(making).await);
        let Made { batch, unreadable } = match made {
            Ok(made) => made,
            Err(error) => return Some(error),
        };
        if let Some(batch) = batch
            && batches.send((batch, span)).await.is_err()
        {
            return None;
        }
        if unreadable.is_some() {
            return unreadable;
        }
    }
}

/// From when a batch is made until it is stored: what its first traced commit caused, with those of its others named.
fn trace_of(commits: &[Commit]) -> Span {
    let stated = || commits.iter().filter_map(|commit| commit.traceparent.as_deref());
    let sampled = |text: &str| text.parse().ok().filter(|found: &TraceContext| found.is_sampled());
    let Some(first) = stated().find_map(sampled) else { return Span::none() };
    traced!(
        first.child(),
        "consumer",
        "project",
        messaging.system = "nats",
        messaging.batch.message_count = commits.len(),
        loopledger.position = commits.last().map_or(0, |commit| commit.position),
        links = stated().skip(1).take(MOST_LINKS).collect::<Vec<_>>().join(" "),
    )
}

impl Ahead {
    /// Makes commits, which are in order, into a batch; those that were projected already change nothing. What comes
    /// before one that cannot be read is in it.
    fn make(&mut self, commits: &[Commit]) -> Result<Made, Error> {
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
        if position == self.position {
            return Ok(Made { batch: None, unreadable });
        }
        let cut_searches = self.loops.add(&decoded.flows)?;
        decoded.rows.add(&Rows { cut_searches, ..Rows::default() });
        let (rows, loops) = (decoded.rows.finish()?, self.loops.changed());
        let after = std::mem::replace(&mut self.position, position);
        Ok(Made { batch: Some(Batch { after, position, rows, loops }), unreadable })
    }
}

async fn store(writer: &mut Writer, batch: &Batch) -> Result<(), Error> {
    writer.store(batch).await?;
    let (position, rows, loops) = (batch.position, batch.rows.count(), batch.loops.len());
    tracing::debug!(position, rows, loops, "stored");
    Ok(())
}

/// What a task came to; its panic is ours.
pub(crate) fn joined<T>(ended: Result<T, JoinError>) -> T {
    ended.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()))
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
