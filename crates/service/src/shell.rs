//! The shell: runs a decider over its partition's journal, one commit in flight, the next one filling meanwhile.
//!
//! Invariant: nobody is answered before the commit that the answer rests on is acknowledged.
//! Invariant: after any append whose outcome is unknown or lost to another writer, the book is loaded anew.

use std::collections::VecDeque;
use std::time::Duration;

use futures::future::{BoxFuture, OptionFuture};
use futures::stream::{FuturesUnordered, StreamExt};
use loopledger_journal::{
    AppendError, Commit, CommitId, Commits, Filter, Journal, NewCommit, ReadError,
};
use loopledger_model::{Partition, Position, Unreadable, facts};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::batch::{Batch, BatchLimits, Call, InFlight, Open};
use crate::book::{Book, LoadError};
use crate::clock;
use crate::decider::Decider;
use crate::protocol::Answer;

/// Bounds on what the shell holds and how long it waits.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most commands in one commit.
    pub commit_entries: usize,
    /// How long a command waits for the facts that it depends on.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { commit_entries: 2_000, patience: Duration::from_secs(5) }
    }
}

/// What a partition is doing, for whoever asks after its health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Reading the journal, from nothing or again.
    Loading,
    /// Deciding; `position` is its last commit, `facts_at` how far it knows the other contexts.
    Ready {
        position: Position,
        facts_at: Position,
    },
    Stopped,
}

/// Why a shell has stopped before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum ShellError {
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Append(#[from] AppendError),
}

impl From<LoadError> for ShellError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Read(error) => Self::Read(error),
            LoadError::Unreadable(error) => Self::Unreadable(error),
        }
    }
}

/// A call that waits for facts.
struct Waiting<D: Decider> {
    ticket: u64,
    until: Position,
    deadline: Instant,
    open: Open<D>,
}

type Stored = Result<Position, AppendError>;

pub struct Shell<D: Decider, J: Journal> {
    journal: J,
    partition: Partition,
    /// This instance, as commits name it.
    writer: String,
    limits: Limits,
    calls: mpsc::Receiver<Call<D>>,
    status: watch::Sender<Status>,
    book: Book<D>,
    facts: D::Facts,
    facts_at: Position,
    news: Commits,
    queue: VecDeque<Open<D>>,
    waiting: Vec<Waiting<D>>,
    /// How far the contexts that are read have got, asked for a waiting call.
    ends: FuturesUnordered<BoxFuture<'static, (u64, Result<Position, ReadError>)>>,
    tickets: u64,
    append: OptionFuture<BoxFuture<'static, Stored>>,
    in_flight: Option<InFlight<D>>,
}

impl<D: Decider, J: Journal> Shell<D, J> {
    /// Loads the partition and the facts of the contexts that the decider reads.
    pub async fn load(
        journal: J,
        partition: Partition,
        writer: String,
        limits: Limits,
        calls: mpsc::Receiver<Call<D>>,
        status: watch::Sender<Status>,
    ) -> Result<Self, ShellError> {
        status.send_replace(Status::Loading);
        let book = Book::load(&journal, partition).await?;
        let mut shell = Self {
            journal,
            partition,
            writer,
            limits,
            calls,
            status,
            book,
            facts: D::Facts::default(),
            facts_at: 0,
            news: futures::stream::pending().boxed(),
            queue: VecDeque::new(),
            waiting: Vec::new(),
            ends: FuturesUnordered::new(),
            tickets: 0,
            append: None.into(),
            in_flight: None,
        };
        if !D::READS.is_empty() {
            let of = Filter::contexts(D::READS);
            let mut commits = shell.journal.read(&of, 1);
            while let Some(commit) = commits.next().await {
                shell.learn(&commit?)?;
            }
            shell.news = shell.journal.follow(&of, shell.facts_at + 1);
        }
        Ok(shell)
    }

    /// Decides until `shutdown`, then answers what has arrived and returns.
    pub async fn run(mut self, shutdown: CancellationToken) -> Result<(), ShellError> {
        let mut open = true;
        loop {
            self.commit();
            self.status
                .send_replace(Status::Ready { position: self.book.last, facts_at: self.facts_at });
            if !open && self.is_idle() {
                self.status.send_replace(Status::Stopped);
                return Ok(());
            }
            let deadline = self.waiting.iter().map(|waiting| waiting.deadline).min();
            tokio::select! {
                Some(stored) = &mut self.append => self.stored(stored, &shutdown).await?,
                Some(commit) = self.news.next() => {
                    self.learn(&commit?)?;
                    self.release();
                }
                Some((ticket, end)) = self.ends.next() => self.bound(ticket, end),
                () = tokio::time::sleep_until(deadline.unwrap_or_else(Instant::now)),
                    if deadline.is_some() => self.expire(),
                call = self.calls.recv(), if open => match call {
                    Some(call) => {
                        self.admit(call);
                        while let Ok(call) = self.calls.try_recv() {
                            self.admit(call);
                        }
                    }
                    None => open = false,
                },
                () = shutdown.cancelled(), if open && !self.calls.is_closed() => self.calls.close(),
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.in_flight.is_none() && self.queue.is_empty() && self.waiting.is_empty()
    }

    fn learn(&mut self, commit: &Commit) -> Result<(), Unreadable> {
        let Commit { partition, position, recorded_at, body, .. } = commit;
        for fact in facts(partition.context, *position, *recorded_at, body)? {
            D::learn(&mut self.facts, &fact);
        }
        self.facts_at = *position;
        Ok(())
    }

    /// Queues a call, or lets it wait for the facts that it depends on.
    fn admit(&mut self, call: Call<D>) {
        let open = Open::new(call);
        let until = open.after();
        if D::READS.is_empty() || until <= self.facts_at {
            self.queue.push_back(open);
            return;
        }
        self.tickets += 1;
        let (ticket, deadline) = (self.tickets, Instant::now() + self.limits.patience);
        self.waiting.push(Waiting { ticket, until, deadline, open });
        let journal = self.journal.clone();
        let end = async move { (ticket, journal.last(&Filter::contexts(D::READS)).await) };
        self.ends.push(Box::pin(end));
    }

    /// The contexts that are read end at `end`: nobody has to wait for a position beyond it.
    fn bound(&mut self, ticket: u64, end: Result<Position, ReadError>) {
        match end {
            Ok(end) => {
                for waiting in self.waiting.iter_mut().filter(|waiting| waiting.ticket == ticket) {
                    waiting.until = waiting.until.min(end);
                }
                self.release();
            }
            Err(error) => tracing::warn!(%error, "how far the facts go could not be asked"),
        }
    }

    fn release(&mut self) {
        let facts_at = self.facts_at;
        let ready = self.waiting.extract_if(.., |waiting| waiting.until <= facts_at);
        self.queue.extend(ready.map(|waiting| waiting.open));
    }

    fn expire(&mut self) {
        let now = Instant::now();
        for late in self.waiting.extract_if(.., |waiting| waiting.deadline <= now) {
            let after = late.open.after();
            let reached = self.facts_at;
            tracing::warn!(after, reached, "facts did not arrive in time");
            late.open.answer_all(&Answer::NotCaughtUp { after, reached });
        }
    }

    /// Fills the next commit from the queue and sends it off, unless one is in flight.
    fn commit(&mut self) {
        if self.in_flight.is_some() {
            return;
        }
        let limits =
            BatchLimits { entries: self.limits.commit_entries, bytes: self.journal.body_limit() };
        let mut batch = Batch::new(self.facts_at, limits);
        let mut calls = Vec::new();
        while let Some(open) = self.queue.front_mut() {
            if !batch.take(open, &mut self.book, &self.facts) {
                break;
            }
            calls.extend(self.queue.pop_front());
        }
        if batch.is_empty() {
            calls.into_iter().for_each(Open::answer);
            return;
        }
        let recorded_at = clock::now().max(self.book.recorded_at);
        let traceparent = batch.traceparent.take();
        let (body, commands) = batch.into_body();
        let (by, id) = (self.writer.clone(), CommitId::new());
        let commit = NewCommit { id, recorded_at, by, traceparent, body };
        let (journal, partition, expected) = (self.journal.clone(), self.partition, self.book.last);
        let append = async move { journal.append(partition, expected, commit).await };
        let append: BoxFuture<'static, Stored> = Box::pin(append);
        self.append = Some(append).into();
        self.in_flight = Some(InFlight { calls, commands, recorded_at });
    }

    async fn stored(
        &mut self,
        stored: Stored,
        shutdown: &CancellationToken,
    ) -> Result<(), ShellError> {
        self.append = None.into();
        let flight = self.in_flight.take().expect("a commit was in flight");
        match stored {
            Ok(position) => {
                tracing::debug!(position, commands = flight.commands.len(), "committed");
                self.book.settle(&flight.commands, position, flight.recorded_at);
                self.queue.iter_mut().take(1).for_each(|open| open.settle(position));
                for mut open in flight.calls {
                    open.settle(position);
                    open.answer();
                }
                Ok(())
            }
            Err(error @ (AppendError::LogBehind { .. } | AppendError::TooLarge { .. })) => {
                Err(error.into())
            }
            Err(error) => {
                tracing::warn!(%error, "loading the partition again");
                for open in flight.calls.into_iter().rev() {
                    self.queue.push_front(open);
                }
                self.queue.iter_mut().for_each(Open::withdraw);
                self.reload(shutdown).await
            }
        }
    }

    /// Tries until the journal can be read again, or until the end of patience once told to stop.
    async fn reload(&mut self, shutdown: &CancellationToken) -> Result<(), ShellError> {
        self.status.send_replace(Status::Loading);
        let stopping = async {
            shutdown.cancelled().await;
            tokio::time::sleep(self.limits.patience).await;
        };
        tokio::pin!(stopping);
        loop {
            match Book::load(&self.journal, self.partition).await {
                Ok(book) => {
                    self.book = book;
                    return Ok(());
                }
                Err(error) if error.is_outage() => {
                    tracing::warn!(%error, "the journal is out of reach, trying again");
                    tokio::select! {
                        () = tokio::time::sleep(Duration::from_millis(200)) => {}
                        () = &mut stopping => return Err(error.into()),
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
