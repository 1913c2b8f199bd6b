//! Reading the log through a short-lived pull consumer that can be made anew at any time.
//!
//! Invariant: the feed knows the next position it owes; whatever goes wrong, it resumes there, so a
//! lost connection, a restarted server or a dropped message makes neither a gap nor a double.

use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::consumer::pull;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, ReplayPolicy};
use async_nats::jetstream::response::Response;
use futures::{StreamExt, stream};
use loopledger_model::Position;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::jetstream::JetStreamJournal;
use crate::nats::Pauses;
use crate::pull::Pull;
use crate::{Commit, Commits, Filter, ReadError, commit};

/// What a reader asks for at once if every message were as large as the server allows; half as much
/// again may be on its way. For commits of 60 kB, 16 messages at once read as fast as 256.
const IN_FLIGHT_BYTES: usize = 64 << 20;
const BATCH_MIN: usize = 8;
const BATCH_MAX: usize = 64;
/// The server forgets a consumer that nobody has asked for so long.
const FORGET_AFTER: Duration = Duration::from_secs(60);

/// One reader's place in the log.
pub(crate) struct Feed {
    journal: JetStreamJournal,
    of: Filter,
    /// The next position that is owed, if the filter lets it through.
    next: Position,
    extent: Extent,
    source: Option<Source>,
    losses: watch::Receiver<u64>,
    pauses: Pauses,
    /// When a bounded read is given up, unless it makes progress.
    deadline: Instant,
    failed: bool,
}

#[derive(Clone, Copy)]
enum Extent {
    Endless,
    /// Up to the last commit, whose position is yet to be asked for.
    ToTheLast,
    To(Position),
}

/// A consumer of the server's and what it has given so far.
struct Source {
    name: String,
    messages: Pull,
    delivered: u64,
}

/// Why there is no next commit.
enum Halt {
    /// The source is of no use any more; a new one may be.
    Broken(String),
    Contradiction(ReadError),
}

impl From<String> for Halt {
    fn from(cause: String) -> Self {
        Self::Broken(cause)
    }
}

impl Feed {
    pub(crate) fn to_the_last(journal: JetStreamJournal, of: Filter, from: Position) -> Self {
        Self::new(journal, of, from, Extent::ToTheLast)
    }

    pub(crate) fn without_end(journal: JetStreamJournal, of: Filter, from: Position) -> Self {
        Self::new(journal, of, from, Extent::Endless)
    }

    fn new(journal: JetStreamJournal, of: Filter, from: Position, extent: Extent) -> Self {
        let losses = journal.nats.losses();
        let deadline = Instant::now() + journal.config.give_up_after;
        let (next, pauses) = (from.max(1), Pauses::new());
        Self { journal, of, next, extent, source: None, losses, pauses, deadline, failed: false }
    }

    pub(crate) fn commits(self) -> Commits {
        stream::unfold(self, |mut feed| async move {
            if feed.failed {
                return None;
            }
            let item = feed.advance().await.transpose()?;
            feed.failed = item.is_err();
            Some((item, feed))
        })
        .boxed()
    }

    /// The next commit, or `None` behind the last one of a bounded read.
    async fn advance(&mut self) -> Result<Option<Commit>, ReadError> {
        self.deadline = Instant::now() + self.journal.config.give_up_after;
        self.pauses = Pauses::new();
        loop {
            match self.step().await {
                Ok(Some(commit)) => {
                    self.next = commit.position + 1;
                    return Ok(Some(commit));
                }
                Ok(None) => {
                    self.close().await;
                    return Ok(None);
                }
                Err(Halt::Contradiction(error)) => return Err(error),
                Err(Halt::Broken(cause)) => self.pause(cause).await?,
            }
        }
    }

    /// Waits before the source is made anew. Only a bounded read ever gives up.
    async fn pause(&mut self, cause: String) -> Result<(), ReadError> {
        tracing::debug!(next = self.next, cause, "reading resumes with a new consumer");
        self.source = None;
        let endless = matches!(self.extent, Extent::Endless);
        if endless {
            self.deadline = Instant::now() + self.journal.config.give_up_after;
        }
        let connected = self.journal.nats.connected_by(self.deadline).await;
        if connected && self.pauses.rest(self.deadline).await || endless {
            return Ok(());
        }
        Err(ReadError::Unavailable { cause: format!("{cause}{}", self.journal.nats.complaint()) })
    }

    async fn step(&mut self) -> Result<Option<Commit>, Halt> {
        if matches!(self.extent, Extent::ToTheLast) {
            self.check_end().await?;
            self.extent = Extent::To(self.journal.last_of_all(&self.of).await?);
        }
        if matches!(self.extent, Extent::To(last) if self.next > last) {
            return Ok(None);
        }
        let source = match &mut self.source {
            Some(source) => source,
            None => {
                self.losses.mark_unchanged();
                self.check_end().await?;
                let source = self.open().await?;
                self.source.insert(source)
            }
        };
        let message = tokio::select! {
            message = source.messages.next() => message?,
            _ = self.losses.changed() => return Err("the connection was lost".to_owned().into()),
        };
        let info = message.info().map_err(|error| error.to_string())?;
        let (position, delivery) = (info.stream_sequence, info.consumer_sequence);
        source.delivered += 1;
        if delivery != source.delivered || position < self.next {
            return Err(format!("position {position} came as delivery {delivery}").into());
        }
        if self.of.is_all() && position != self.next {
            let gap = ReadError::Gap { expected: self.next, found: position };
            return Err(Halt::Contradiction(gap));
        }
        let jetstream::Message { message, .. } = message;
        commit::decode(position, &message.subject, message.headers.as_ref(), message.payload)
            .map(Some)
            .map_err(Halt::Contradiction)
    }

    /// Refuses to go on behind the end of the log: what was read there before is lost.
    async fn check_end(&self) -> Result<(), Halt> {
        let question = format!("STREAM.INFO.{}", self.journal.stream);
        let info = self.journal.context.request(question, &json!({})).await;
        let last = match info.map_err(|error| error.to_string())? {
            Response::Ok::<Value>(info) => info["state"]["last_seq"].as_u64(),
            Response::Err { error } => return Err(error.to_string().into()),
        };
        let last = last.ok_or("the stream does not tell its last position".to_owned())?;
        if self.next > last + 1 {
            let behind = ReadError::LogBehind { from: self.next, last };
            return Err(Halt::Contradiction(behind));
        }
        Ok(())
    }

    async fn open(&self) -> Result<Source, Halt> {
        let filter_subjects = if self.of.is_all() { Vec::new() } else { self.of.subjects() };
        let config = pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: self.next },
            ack_policy: AckPolicy::None,
            replay_policy: ReplayPolicy::Instant,
            filter_subjects,
            inactive_threshold: FORGET_AFTER,
            num_replicas: 1,
            memory_storage: true,
            ..pull::Config::default()
        };
        let JetStreamJournal { context, stream, .. } = &self.journal;
        let consumer = context.create_consumer_on_stream(config, stream).await;
        let name = consumer.map_err(|error| error.to_string())?.cached_info().name.clone();
        let largest = self.journal.nats.client.max_payload().max(1);
        let batch = (IN_FLIGHT_BYTES / largest).clamp(BATCH_MIN, BATCH_MAX);
        let messages = Pull::of(context.clone(), stream, &name, batch).await?;
        Ok(Source { name, messages, delivered: 0 })
    }

    async fn close(&mut self) {
        let Some(source) = self.source.take() else { return };
        let JetStreamJournal { context, stream, .. } = &self.journal;
        if let Err(error) = context.delete_consumer_from_stream(&source.name, stream).await {
            tracing::debug!(%error, "a consumer is left for the server to forget");
        }
    }
}
