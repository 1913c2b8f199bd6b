//! The journal in memory, for tests of what stands on a journal: the same contract, and the faults
//! that a broker has, on demand.
//!
//! Invariant: every contract test that the JetStream journal passes, this one passes too.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::{StreamExt, future, stream};
use loopledger_model::{Partition, Position};
use tokio::sync::watch;

use crate::{AppendError, Commit, Commits, Filter, Head, Journal, NewCommit, ReadError};

/// As much as fits beside the headers into a message of the server's default size.
const BODY_LIMIT: usize = 1024 * 1024 - 2048;

/// What goes wrong with an append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is stored, but nobody learns of it.
    LoseAck,
    /// It is lost on its way.
    Refuse,
    /// It is still on its way when the writer gives up, and arrives just before the next append.
    ArriveLate,
    /// Another writer stores its own commit in the partition first.
    FenceBy(NewCommit),
}

#[derive(Debug, Clone)]
pub struct MemoryJournal {
    log: Arc<Mutex<Log>>,
    /// The last position; readers that wait are told of every change.
    last: watch::Sender<Position>,
}

#[derive(Debug, Default)]
struct Log {
    commits: Vec<Commit>,
    faults: VecDeque<Fault>,
    late: Vec<(Partition, Head, NewCommit)>,
}

impl Default for MemoryJournal {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryJournal {
    pub fn new() -> Self {
        Self { log: Arc::default(), last: watch::Sender::new(0) }
    }

    /// Lets the next append that has no fault yet meet this one.
    pub fn fail_next_append(&self, fault: Fault) {
        self.log().faults.push_back(fault);
    }

    /// The end of a partition.
    pub fn head(&self, partition: Partition) -> Head {
        self.log().in_partition(partition).next_back().map_or(Head::none(), Commit::head)
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unavailable(partition: Partition) -> AppendError {
        AppendError::Unavailable { partition, cause: "injected fault".to_owned() }
    }
}

impl Log {
    fn last(&self) -> Position {
        self.commits.last().map_or(0, |commit| commit.position)
    }

    fn in_partition(&self, partition: Partition) -> impl DoubleEndedIterator<Item = &Commit> {
        self.commits.iter().filter(move |commit| commit.partition == partition)
    }

    fn append(
        &mut self,
        partition: Partition,
        after: Head,
        commit: NewCommit,
    ) -> Result<Head, AppendError> {
        let expected = after.position;
        let follower = self.in_partition(partition).find(|stored| stored.position > expected);
        if let Some(follower) = follower
            && follower.id != commit.id
        {
            let winner = follower.position;
            return Err(AppendError::Fenced { partition, expected, winner });
        }
        if let Some(double) = self.commits.iter().find(|stored| stored.id == commit.id) {
            let (id, position) = (commit.id, double.position);
            let same = double.is(partition, after, &commit);
            return if same {
                Ok(double.head())
            } else {
                Err(AppendError::IdTaken { id, position })
            };
        }
        let last = self.in_partition(partition).next_back().map_or(0, |stored| stored.position);
        if last < expected {
            return Err(AppendError::LogBehind { partition, expected, last });
        }
        let position = self.last() + 1;
        let commit = Commit::stored(partition, position, after.hash, commit);
        let head = commit.head();
        self.commits.push(commit);
        Ok(head)
    }

    fn append_late(&mut self) {
        for (partition, after, commit) in std::mem::take(&mut self.late) {
            if let Err(error) = self.append(partition, after, commit) {
                tracing::debug!(%error, "a late commit is refused");
            }
        }
    }

    fn next(&self, of: &Filter, from: Position) -> Option<Commit> {
        let start = self.commits.partition_point(|commit| commit.position < from);
        self.commits[start..].iter().find(|commit| of.lets_through(commit.partition)).cloned()
    }

    fn check_end(&self, from: Position) -> Result<(), ReadError> {
        let last = self.last();
        if from > last + 1 { Err(ReadError::LogBehind { from, last }) } else { Ok(()) }
    }
}

impl Journal for MemoryJournal {
    async fn append(
        &self,
        partition: Partition,
        after: Head,
        commit: NewCommit,
    ) -> Result<Head, AppendError> {
        if commit.body.len() > BODY_LIMIT {
            let (bytes, limit) = (commit.body.len(), BODY_LIMIT);
            return Err(AppendError::TooLarge { partition, bytes, limit });
        }
        let mut log = self.log();
        log.append_late();
        let outcome = match log.faults.pop_front() {
            None => log.append(partition, after, commit),
            Some(Fault::LoseAck) => {
                let stored = log.append(partition, after, commit);
                stored.and(Err(Self::unavailable(partition)))
            }
            Some(Fault::Refuse) => Err(Self::unavailable(partition)),
            Some(Fault::ArriveLate) => {
                log.late.push((partition, after, commit));
                Err(Self::unavailable(partition))
            }
            Some(Fault::FenceBy(other)) => {
                let other = log.append(partition, after, other);
                other.and_then(|_| log.append(partition, after, commit))
            }
        };
        self.last.send_replace(log.last());
        outcome
    }

    fn read(&self, of: &Filter, from: Position) -> Commits {
        let (journal, of) = (self.clone(), of.clone());
        let commits = async move {
            let log = journal.log();
            let mut commits: Vec<_> = log.check_end(from).err().map(Err).into_iter().collect();
            let stored = log.commits.iter().filter(|commit| commit.position >= from);
            let wanted = stored.filter(|commit| of.lets_through(commit.partition));
            commits.extend(wanted.cloned().map(Ok));
            stream::iter(commits)
        };
        stream::once(commits).flatten().boxed()
    }

    fn follow(&self, of: &Filter, from: Position) -> Commits {
        let start = self.log().check_end(from);
        if let Err(error) = start {
            return stream::once(future::ready(Err(error))).boxed();
        }
        let place = (self.clone(), self.last.subscribe(), of.clone(), from);
        stream::unfold(place, |(journal, mut last, of, from)| async move {
            loop {
                last.mark_unchanged();
                let next = journal.log().next(&of, from);
                if let Some(commit) = next {
                    let from = commit.position + 1;
                    return Some((Ok(commit), (journal, last, of, from)));
                }
                last.changed().await.ok()?;
            }
        })
        .boxed()
    }

    async fn last(&self, of: &Filter) -> Result<Position, ReadError> {
        let log = self.log();
        let last = log.commits.iter().rev().find(|commit| of.lets_through(commit.partition));
        Ok(last.map_or(0, |commit| commit.position))
    }

    fn body_limit(&self) -> usize {
        BODY_LIMIT
    }
}
