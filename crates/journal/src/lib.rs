//! The durable log: every context partition's commits in one total order, and the NATS connection
//! that commits and commands travel on.
//!
//! Invariant: a commit is stored whole or not at all, under the position its append answered.
//! Invariant: an append names the partition's last position, so of two writers one is fenced; its
//! hash goes into the commit, so each partition is a hash chain.
//! Invariant: a commit's body is opaque here; only writers and readers of facts know its form.
//! Invariant: no other crate of the project names `async_nats`.

mod chain;
mod commit;
mod contract;
mod desk;
mod feed;
mod filter;
mod jetstream;
mod memory;
mod nats;
mod pull;
mod requests;
mod restore;

use std::future::Future;

use futures::stream::BoxStream;
use loopledger_model::{Partition, Position};

pub use chain::{CommitHash, Head, Heads, Link, NotACommitHash};
pub use commit::{Commit, CommitId, NewCommit, NotACommitId};
pub use contract::{ContractError, check_fsync};
pub use desk::Desk;
pub use filter::Filter;
pub use jetstream::{Config, JetStreamJournal};
pub use memory::{Fault, MemoryJournal};
pub use nats::{ConnectError, Health, Nats, NatsConfig};
pub use requests::{AskError, Request, RequestError, Requests, ServeError};
pub use restore::{Restoration, RestoreError, Swapped};

/// Commits in log order. It ends after its first error.
pub type Commits = BoxStream<'static, Result<Commit, ReadError>>;

/// The log as writers and readers see it. Clones are handles of the same log.
pub trait Journal: Clone + Send + Sync + 'static {
    /// Stores a commit behind `after`, the partition's end, and answers the partition's new end.
    ///
    /// `Ok` means durable, and the position is the commit's own, also when an earlier, unanswered
    /// try has stored it. One `NewCommit` belongs to one `after`: to try again after a reload,
    /// make a new one.
    fn append(
        &self,
        partition: Partition,
        after: Head,
        commit: NewCommit,
    ) -> impl Future<Output = Result<Head, AppendError>> + Send;

    /// What the filter lets through from `from` (inclusive) to the last commit at the time of the
    /// first poll.
    fn read(&self, of: &Filter, from: Position) -> Commits;

    /// The same without end: it waits for new commits, and outlives lost connections and server
    /// restarts without a gap or a double. Its errors are contradictions of the log, never outages.
    fn follow(&self, of: &Filter, from: Position) -> Commits;

    /// Position of the last commit that the filter lets through, 0 when there is none. Never stale.
    fn last(&self, of: &Filter) -> impl Future<Output = Result<Position, ReadError>> + Send;

    /// Bytes of body that are sure to fit into one commit.
    fn body_limit(&self) -> usize;
}

/// Why an append has not answered a position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Definite: this commit is not stored and never will be. `winner` stands in its place.
    #[error(
        "another writer has advanced {partition}: commit {winner} follows {expected} there; \
         reload and decide again"
    )]
    Fenced { partition: Partition, expected: Position, winner: Position },
    /// Definite: nothing was sent.
    #[error(
        "a commit of {bytes} bytes for {partition} is larger than the {limit} bytes that fit; \
         split it"
    )]
    TooLarge { partition: Partition, bytes: usize, limit: usize },
    /// Definite: the commit is not stored; the id was used for another one.
    #[error("commit id {id} already names another commit, at {position}; make a new id")]
    IdTaken { id: CommitId, position: Position },
    /// Definite: not stored. The log ends before what its writer has already seen in it.
    #[error(
        "{partition} ends at {last}, before {expected}, which its writer has seen: \
         the log has lost commits; restore it from the archive"
    )]
    LogBehind { partition: Partition, expected: Position, last: Position },
    /// The outcome is unknown. Reload the partition before appending to it again: a publish that
    /// arrives late is either seen by that reload, or it lands after it and fences the next append,
    /// or it finds the partition advanced and is refused by the server. It is never stored twice
    /// and never behind another commit than its `after`.
    #[error("{partition} did not acknowledge a commit in time ({cause}); reload before retrying")]
    Unavailable { partition: Partition, cause: String },
}

/// Why reading has stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The world: the log could not be reached in time. Never from `follow`.
    #[error("the log cannot be read ({cause}); try again")]
    Unavailable { cause: String },
    #[error("the message at {position} is no commit: {reason}; find out who wrote it")]
    Undecodable { position: Position, reason: String },
    /// The log ends at `last`, but somebody has already read further.
    #[error(
        "reading should go on at {from}, but the log ends at {last}: \
         the log has lost commits; restore it from the archive"
    )]
    LogBehind { from: Position, last: Position },
    /// Positions have no holes; these are missing in the middle of the log.
    #[error(
        "commit {position} names {names} as the hash of the commit before it in {partition}, \
         but that is {after}, at {}: one of them was changed; run `loopledger verify`",
        after.position, after = after.hash
    )]
    BrokenChain { position: Position, partition: Partition, after: Head, names: CommitHash },
    #[error("commits {expected} to {} are missing; restore the log from the archive", found - 1)]
    Gap { expected: Position, found: Position },
}
