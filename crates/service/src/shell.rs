//! The shell: runs a decider over its partition's journal, one commit in flight, the next one decided meanwhile.
//!
//! Invariant: nobody is answered before the commit that the answer rests on is acknowledged.
//! Invariant: after any append whose outcome is unknown or lost to another writer, the book is loaded anew.
//! Invariant: all commands of a commit are decided with the same foreign facts, those up to its `facts_at`.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _, OptionFuture};
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
use crate::batch::{Batch, BatchLimits, Call, CommitNumber, InFlight, Open, look_ahead};
use crate::book::{Book, LoadError};
use crate::clock;
use crate::decider::Decider;
use crate::memory::Memory;
use crate::metrics::PartitionFigures;
use crate::protocol::Answer;
use crate::runs::Runs;
use crate::snapshot;

/// How many calls are decided, or commits learnt, before the shell looks for what else has come.
const CALLS_AT_A_TIME: usize = 128;
const FACTS_AT_A_TIME: usize = 256;

/// Bounds on what the shell holds and how long it waits.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most commands in one commit.
    pub commit_entries: usize,
    /// The most bytes of one commit; never more than the server takes.
    pub commit_bytes: usize,
    /// How long a command waits for the facts that it depends on.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { commit_entries: 4_000, commit_bytes: 1 << 20, patience: Duration::from_secs(5) }
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
    /// Dry runs, answered when all that is decided is stored.
    dry_runs: Vec<Open<D>>,
    waiting: Vec<Waiting<D>>,
    /// How far the contexts that are read have got, asked for a waiting call.
    ends: FuturesUnordered<BoxFuture<'static, (u64, Result<Position, ReadError>)>>,
    tickets: u64,
    /// The commit that is decided while another one is in flight.
    filling: Option<Batch<D>>,
    commits: CommitNumber,
    /// The first of the queue cannot go on before the commit in flight is stored.
    is_stalled: bool,
    append: OptionFuture<BoxFuture<'static, Stored>>,
    in_flight: Option<InFlight<D>>,
    /// When the commit in flight was sent, and its bytes.
    sent: (Instant, usize),
    figures: PartitionFigures,
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
            dry_runs: Vec::new(),
            waiting: Vec::new(),
            ends: FuturesUnordered::new(),
            tickets: 0,
            filling: None,
            commits: 0,
            is_stalled: false,
            append: None.into(),
            in_flight: None,
            sent: (Instant::now(), 0),
            figures: PartitionFigures::of(partition),
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
            self.advance()?;
            self.tell();
            if !open && self.is_idle() {
                self.finish().await;
                self.status.send_replace(Status::Stopped);
                return Ok(());
            }
            let deadline = self.waiting.iter().map(|waiting| waiting.deadline).min();
            tokio::select! {
                Some(stored) = &mut self.append => self.stored(stored, &shutdown).await?,
                Some(commit) = self.news.next(), if self.filling.is_none() => {
                    self.learn(&commit?)?;
                    self.release();
                    self.tidy();
                }
                // More to decide, in turn with what has come meanwhile.
                () = std::future::ready(()), if self.can_fill() => {}
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

    fn tell(&self) {
        let (position, facts_at) = (self.book.head.position, self.facts_at);
        let ready = Status::Ready { position, facts_at };
        let Self { figures, queue, waiting, calls, .. } = self;
        figures.queued.set((queue.len() + waiting.len() + calls.len()) as u64);
        figures.position.set(position);
        figures.facts.set(facts_at);
        self.status.send_if_modified(|status| {
            let is_news = *status != ready;
            *status = ready;
            is_news
        });
    }

    fn is_idle(&self) -> bool {
        let Self { in_flight, filling, queue, dry_runs, waiting, look_ups, .. } = self;
        let nothing_begun = in_flight.is_none() && filling.is_none() && dry_runs.is_empty();
        nothing_begun && queue.is_empty() && waiting.is_empty() && look_ups.is_empty()
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
            self.enqueue(open);
            return;
        }
        self.tickets += 1;
        let (ticket, deadline) = (self.tickets, Instant::now() + self.limits.patience);
        self.waiting.push(Waiting { ticket, until, deadline, open });
        let journal = self.journal.clone();
        let end = async move { (ticket, journal.last(&Filter::contexts(D::READS)).await) };
        self.ends.push(Box::pin(end));
    }

    fn enqueue(&mut self, open: Open<D>) {
        if open.call.is_dry_run() {
            self.dry_runs.push(open);
        } else {
            self.queue.push_back(open);
        }
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
        for waiting in ready.collect::<Vec<_>>() {
            self.enqueue(waiting.open);
        }
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

    /// Decides what is waiting, and sends off what is decided unless a commit is in flight.
    fn advance(&mut self) -> Result<(), ShellError> {
        if self.filling.is_none() {
            self.learn_what_is_there()?;
        }
        self.answer_dry_runs();
        self.fill();
        if self.in_flight.is_none() {
            self.send();
        }
        Ok(())
    }

    /// Only when nothing is decided that is not stored: the state is then what was acknowledged.
    fn answer_dry_runs(&mut self) {
        if self.in_flight.is_none() && self.filling.is_none() {
            for open in std::mem::take(&mut self.dry_runs) {
                open.answer_dry(&self.book, &self.facts, self.facts_at);
            }
        }
    }

    /// The facts that have arrived, some at a time.
    fn learn_what_is_there(&mut self) -> Result<(), ShellError> {
        for _ in 0..FACTS_AT_A_TIME {
            let Some(Some(commit)) = self.news.next().now_or_never() else { break };
            self.learn(&commit?)?;
        }
        self.release();
        Ok(())
    }

    /// Whether there is something that can be decided now.
    fn can_fill(&self) -> bool {
        let has_room = self.filling.as_ref().is_none_or(|batch| !batch.is_full());
        let may_go_on = self.in_flight.is_none() || !self.is_running_out();
        has_room && may_go_on && !self.queue.is_empty()
    }

    /// Whether nothing more is decided before what is in flight is stored.
    fn is_running_out(&self) -> bool {
        self.is_stalled || !self.dry_runs.is_empty() || self.is_work_due()
    }

    /// Decides calls of the queue for the next commit, some at a time.
    fn fill(&mut self) {
        let mut looked_at = 0;
        for _ in 0..CALLS_AT_A_TIME {
            if !self.can_fill() {
                return;
            }
            if looked_at == 0 {
                looked_at = look_ahead(&self.queue, &self.book, &self.facts);
            }
            looked_at -= 1;
            let mut open = self.queue.pop_front().expect("there is something to decide");
            if let Some(look_up) = self.book.to_look_up(open.undecided(), &open.recalled) {
                if open.has_unsettled() {
                    self.queue.push_front(open);
                    self.is_stalled = true;
                    return;
                }
                self.look_ups.push(self.look_up(look_up, open));
                continue;
            }
            let batch = self.filling.get_or_insert_with(|| {
                self.commits += 1;
                let entries = self.limits.commit_entries;
                let bytes = self.limits.commit_bytes.min(self.journal.body_limit());
                let (_, likely_bytes) = self.sent;
                let limits = BatchLimits { entries, bytes, likely_bytes };
                Batch::new(self.commits, self.facts_at, limits)
            });
            if !batch.take(&mut open, &mut self.book, &self.facts, self.in_flight.as_ref()) {
                self.queue.push_front(open);
            } else if !open.has_unsettled() {
                open.answer();
            } else {
                batch.calls.push(open);
            }
        }
    }

    /// Sends off the commit that was filled, unless there is nothing in it.
    fn send(&mut self) {
        let Some(batch) = self.filling.take() else { return };
        if batch.is_empty() {
            // What it rests on is stored: it was in flight before, and nothing is now.
            batch.calls.into_iter().for_each(Open::answer);
            return;
        }
        let recorded_at = clock::now().max(self.book.recorded_at);
        let (body, traceparent, in_flight) = batch.seal(recorded_at, self.partition);
        let (by, id) = (self.writer.clone(), CommitId::new());
        self.sent = (Instant::now(), body.len());
        let commit = NewCommit { id, recorded_at, by, traceparent, body };
        let (journal, partition, after) = (self.journal.clone(), self.partition, self.book.head);
        let append = async move { journal.append(partition, after, commit).await };
        let mut append: BoxFuture<'static, Stored> = Box::pin(append);
        // It is on its way before the next commit is decided, and not when the shell has time to look.
        if let Some(stored) = (&mut append).now_or_never() {
            append = std::future::ready(stored).boxed();
        }
        self.append = Some(append).into();
        self.in_flight = Some(in_flight);
    }

    async fn stored(
        &mut self,
        stored: Stored,
        shutdown: &CancellationToken,
    ) -> Result<(), ShellError> {
        self.append = None.into();
        self.is_stalled = false;
        let mut flight = self.in_flight.take().expect("a commit was in flight");
        flight.end(stored.as_ref().map(|head| head.position));
        match stored {
            Ok(head) => {
                let (sent, bytes) = self.sent;
                self.figures.stored(sent.elapsed(), flight.commands.len(), bytes);
                self.settle(flight, head);
                self.tidy();
                Ok(())
            }
            Err(error @ (AppendError::LogBehind { .. } | AppendError::TooLarge { .. })) => {
                Err(error.into())
            }
            Err(error) => {
                tracing::warn!(%error, "loading the partition again");
                let behind = self.filling.take().map(|batch| batch.calls).unwrap_or_default();
                for open in flight.calls.into_iter().chain(behind).rev() {
                    self.queue.push_front(open);
                }
                self.queue.iter_mut().for_each(Open::withdraw);
                self.reload(shutdown).await
            }
        }
    }

    /// The commit is stored: the next one goes off, and whoever waited for nothing else is answered.
    fn settle(&mut self, flight: InFlight<D>, head: Head) {
        let InFlight { number, calls, commands, recorded_at, .. } = flight;
        let position = head.position;
        tracing::debug!(position, commands = commands.len(), "committed");
        (self.book.head, self.book.recorded_at) = (head, recorded_at);
        self.queue.iter_mut().take(1).for_each(|open| open.settle(number, position));
        if let Some(batch) = &mut self.filling {
            batch.calls.iter_mut().for_each(|open| open.settle(number, position));
            self.send();
        }
        self.book.settle(&commands, position);
        for mut open in calls {
            open.settle(number, position);
            open.answer();
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

    /// Whether a run or a snapshot is to be written: commits are let run out first.
    fn is_work_due(&self) -> bool {
        let is_due = self.book.has_spill() || self.is_snapshot_due();
        is_due && !self.has_chore && self.memory.folder.is_some()
    }

    /// As much again is new as the last snapshot took in, so all snapshots together cost no more than two of the end.
    fn is_snapshot_due(&self) -> bool {
        let saved = self.book.saved;
        self.book.unsaved + self.unsaved >= self.memory.snapshot_every.max(saved)
    }

    /// Begins what is due on the disk, unless what is known is not settled yet.
    fn tidy(&mut self) {
        if self.in_flight.is_some() || self.filling.is_some() || !self.is_work_due() {
            return;
        }
        if let Some(spill) = self.book.take_spill() {
            self.begin(move || Chore::Spilled(spill.write()));
        } else if self.is_snapshot_due()
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
        let learnt = std::mem::take(&mut self.unsaved);
        let frozen = self.book.freeze(&self.facts, self.facts_at, learnt);
        Some(move || snapshot::store(&folder, partition, &frozen))
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
