//! The shell: runs a decider over its partition's journal, one commit in flight, the next one filling meanwhile.
//!
//! Invariant: nobody is answered before the commit that the answer rests on is acknowledged.
//! Invariant: after any append whose outcome is unknown or lost to another writer, the book is loaded anew.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use futures::future::{BoxFuture, OptionFuture};
use futures::stream::{FuturesUnordered, StreamExt};
use loopledger_journal::{
    AppendError, Commit, CommitId, Commits, Filter, Head, Journal, NewCommit, ReadError,
};
use loopledger_model::{Partition, Position, Unreadable, facts};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::answers::LookUp;
use crate::batch::{Batch, BatchLimits, Call, InFlight, Open};
use crate::book::{Book, LoadError};
use crate::clock;
use crate::decider::Decider;
use crate::memory::Memory;
use crate::protocol::Answer;
use crate::runs::Runs;
use crate::snapshot;

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
    #[error(transparent)]
    Memory(LoadError),
}

impl From<LoadError> for ShellError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Read(error) => Self::Read(error),
            LoadError::Unreadable(error) => Self::Unreadable(error),
            memory @ LoadError::Memory { .. } => Self::Memory(memory),
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

/// Work on the disk, one piece at a time, while the shell goes on.
enum Chore {
    Spilled(io::Result<Runs>),
    Saved(io::Result<()>),
}

/// A call whose old commands were looked up, or why they could not be.
type LookedUp<D> = Result<Open<D>, (Open<D>, LoadError)>;

type Stored = Result<Head, AppendError>;

pub struct Shell<D: Decider, J: Journal> {
    journal: J,
    partition: Partition,
    /// This instance, as commits name it.
    writer: String,
    limits: Limits,
    memory: Memory,
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
    look_ups: FuturesUnordered<BoxFuture<'static, LookedUp<D>>>,
    chore: OptionFuture<JoinHandle<Chore>>,
    has_chore: bool,
    /// How many foreign facts are not in a snapshot yet.
    unsaved: usize,
}

impl<D: Decider, J: Journal> Shell<D, J> {
    /// Loads the partition and the facts of the contexts that the decider reads.
    pub async fn load(
        journal: J,
        partition: Partition,
        writer: String,
        limits: Limits,
        memory: Memory,
        calls: mpsc::Receiver<Call<D>>,
        status: watch::Sender<Status>,
    ) -> Result<Self, ShellError> {
        status.send_replace(Status::Loading);
        let (book, facts, facts_at) = Book::load(&journal, partition, &memory).await?;
        let mut shell = Self {
            journal,
            partition,
            writer,
            limits,
            memory,
            calls,
            status,
            book,
            facts,
            facts_at,
            news: futures::stream::pending().boxed(),
            queue: VecDeque::new(),
            waiting: Vec::new(),
            ends: FuturesUnordered::new(),
            tickets: 0,
            append: None.into(),
            in_flight: None,
            look_ups: FuturesUnordered::new(),
            chore: None.into(),
            has_chore: false,
            unsaved: 0,
        };
        if !D::READS.is_empty() {
            let of = Filter::contexts(D::READS);
            let mut commits = shell.journal.read(&of, facts_at + 1);
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
            self.status.send_replace(Status::Ready {
                position: self.book.head.position,
                facts_at: self.facts_at,
            });
            if !open && self.is_idle() {
                self.finish().await;
                self.status.send_replace(Status::Stopped);
                return Ok(());
            }
            let deadline = self.waiting.iter().map(|waiting| waiting.deadline).min();
            tokio::select! {
                Some(stored) = &mut self.append => self.stored(stored, &shutdown).await?,
                Some(commit) = self.news.next() => {
                    self.learn(&commit?)?;
                    self.release();
                    self.tidy();
                }
                Some(looked_up) = self.look_ups.next() => self.looked_up(looked_up)?,
                Some(done) = &mut self.chore => self.done(done.expect("work on the disk does not panic")),
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
        let Self { in_flight, queue, waiting, look_ups, .. } = self;
        in_flight.is_none() && queue.is_empty() && waiting.is_empty() && look_ups.is_empty()
    }

    fn learn(&mut self, commit: &Commit) -> Result<(), Unreadable> {
        let Commit { partition, position, recorded_at, body, .. } = commit;
        for fact in facts(partition.context, *position, *recorded_at, body)? {
            D::learn(&mut self.facts, &fact);
            self.unsaved += 1;
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
            if let Some(look_up) = self.book.to_look_up(open.undecided(), &open.recalled) {
                let open = self.queue.pop_front().expect("it is the first of the queue");
                self.look_ups.push(self.look_up(look_up, open));
                continue;
            }
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
        let (journal, partition, after) = (self.journal.clone(), self.partition, self.book.head);
        let append = async move { journal.append(partition, after, commit).await };
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
            Ok(head) => {
                let position = head.position;
                tracing::debug!(position, commands = flight.commands.len(), "committed");
                self.book.settle(&flight.commands, head, flight.recorded_at);
                self.queue.iter_mut().take(1).for_each(|open| open.settle(position));
                for mut open in flight.calls {
                    open.settle(position);
                    open.answer();
                }
                self.tidy();
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
            match self.book.reload(&self.journal, &self.memory).await {
                Ok(()) => return Ok(()),
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

    /// Looks up a call's commands that may have been answered long ago.
    fn look_up(&self, look_up: LookUp, mut open: Open<D>) -> BoxFuture<'static, LookedUp<D>> {
        let (journal, deadline) = (self.journal.clone(), Instant::now() + self.limits.patience);
        Box::pin(async move {
            loop {
                match look_up.run::<D, J>(&journal, &mut open.recalled).await {
                    Ok(()) => return Ok(open),
                    Err(error) if error.is_outage() && Instant::now() < deadline => {
                        tokio::time::sleep(Duration::from_millis(200)).await;
                    }
                    Err(error) => return Err((open, error)),
                }
            }
        })
    }

    fn looked_up(&mut self, looked_up: LookedUp<D>) -> Result<(), ShellError> {
        match looked_up {
            Ok(open) => self.queue.push_back(open),
            Err((open, error)) if error.is_outage() => {
                tracing::warn!(%error, "old answers cannot be looked up");
                let (after, reached) = (open.after(), self.facts_at);
                open.answer_all(&Answer::NotCaughtUp { after, reached });
            }
            Err((_, error)) => return Err(error.into()),
        }
        Ok(())
    }

    /// Begins what is due on the disk, unless what is known is not settled yet.
    fn tidy(&mut self) {
        if self.in_flight.is_some() || self.has_chore || self.memory.folder.is_none() {
            return;
        }
        if let Some(spill) = self.book.take_spill() {
            self.begin(move || Chore::Spilled(spill.write()));
        } else if self.book.unsaved + self.unsaved >= self.memory.snapshot_every
            && let Some(save) = self.take_save()
        {
            self.begin(move || Chore::Saved(save()));
        }
    }

    fn begin(&mut self, work: impl FnOnce() -> Chore + Send + 'static) {
        self.chore = Some(tokio::task::spawn_blocking(work)).into();
        self.has_chore = true;
    }

    /// What is known now, to be written as a snapshot.
    fn take_save(&mut self) -> Option<impl FnOnce() -> io::Result<()> + Send + use<D, J>> {
        let (folder, partition) = (self.memory.folder.clone()?, self.partition);
        let position = self.book.head.position;
        let content = match self.book.snapshot(&self.facts, self.facts_at) {
            Ok(content) => content,
            Err(error) => {
                tracing::warn!(%error, %partition, "the state cannot be written as a snapshot");
                return None;
            }
        };
        (self.unsaved, self.book.unsaved) = (0, 0);
        Some(move || snapshot::store(&folder, partition, position, &content))
    }

    fn done(&mut self, chore: Chore) {
        self.chore = None.into();
        self.has_chore = false;
        match chore {
            Chore::Spilled(written) => self.book.spilled(written),
            Chore::Saved(Ok(())) => tracing::debug!("a snapshot is stored"),
            Chore::Saved(Err(error)) => tracing::warn!(%error, "no snapshot can be stored"),
        }
    }

    /// Saves what is known before the end, so that the next start is quick.
    async fn finish(&mut self) {
        if let Some(chore) = (&mut self.chore).await {
            self.done(chore.expect("work on the disk does not panic"));
        }
        if self.book.unsaved + self.unsaved > 0
            && let Some(save) = self.take_save()
        {
            self.begin(move || Chore::Saved(save()));
            let chore = (&mut self.chore).await.expect("it has just begun");
            self.done(chore.expect("work on the disk does not panic"));
        }
    }
}
