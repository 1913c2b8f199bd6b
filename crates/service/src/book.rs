//! What one partition knows: its state, the others' facts, and every command it has answered.
//!
//! Invariant: a book is the fold of the journal up to `last`; loading it again gives the same book.

use std::collections::BTreeMap;

use futures::StreamExt;
use jiff::Timestamp;
use loopledger_journal::{Commit, Filter, Journal, ReadError};
use loopledger_model::{Body, CommandId, Digest, Entry, Partition, Position, Unreadable};
use sha2::{Digest as _, Sha256};

use crate::decider::{Decider, Decision};
use crate::protocol::{Answer, Refused};

/// Why a partition cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

impl LoadError {
    /// Whether trying again later can help.
    pub const fn is_outage(&self) -> bool {
        matches!(self, Self::Read(ReadError::Unavailable { .. }))
    }
}

/// The answer to a command, kept for when the command comes again.
struct Remembered {
    digest: Digest,
    position: Position,
    events: u32,
    refused: Option<Box<Refused>>,
}

pub(crate) struct Book<D: Decider> {
    partition: Partition,
    state: D::State,
    answered: BTreeMap<CommandId, Remembered>,
    /// Position of the partition's last commit.
    pub last: Position,
    /// When that commit was recorded: the next one is never recorded earlier.
    pub recorded_at: Timestamp,
}

/// What becomes of a command, before its commit has a position.
pub(crate) enum Verdict<D: Decider> {
    /// It was answered before, or its id was.
    Known(Answer),
    New {
        digest: Digest,
        outcome: Result<Decision<D::Event>, D::Refusal>,
    },
}

impl<D: Decider> Book<D> {
    pub async fn load<J: Journal>(journal: &J, partition: Partition) -> Result<Self, LoadError> {
        let mut book = Self {
            partition,
            state: D::State::default(),
            answered: BTreeMap::new(),
            last: 0,
            recorded_at: Timestamp::UNIX_EPOCH,
        };
        let mut commits = journal.read(&Filter::partition(partition), 1);
        while let Some(commit) = commits.next().await {
            book.replay(&commit?)?;
        }
        Ok(book)
    }

    fn replay(&mut self, commit: &Commit) -> Result<(), Unreadable> {
        let unreadable = |source| Unreadable {
            position: commit.position,
            context: self.partition.context,
            source,
        };
        let body: Body<D::Event, D::Refusal> =
            serde_json::from_slice(&commit.body).map_err(unreadable)?;
        for entry in &body.entries {
            self.apply(entry, commit.position);
        }
        self.last = commit.position;
        self.recorded_at = commit.recorded_at;
        Ok(())
    }

    pub fn judge(&self, facts: &D::Facts, id: &CommandId, command: &D::Command) -> Verdict<D> {
        let digest = digest(command);
        match self.answered.get(id) {
            Some(known) if known.digest == digest => Verdict::Known(known.again()),
            Some(known) => Verdict::Known(Answer::IdReused {
                message: format!(
                    "command id {id} was used at position {} for another command; use a new id",
                    known.position
                ),
            }),
            None => Verdict::New { digest, outcome: D::decide(&self.state, facts, command) },
        }
    }

    /// Takes an entry in; `position` is its commit's, or 0 until `settle` tells it.
    pub fn apply(&mut self, entry: &Entry<D::Event, D::Refusal>, position: Position) {
        for event in &entry.events {
            D::evolve(&mut self.state, event);
        }
        let remembered = Remembered {
            digest: entry.digest.clone(),
            position,
            events: u32::try_from(entry.events.len()).expect("a decision makes few events"),
            refused: entry.refused.as_ref().map(|refusal| Box::new(as_refused(refusal))),
        };
        self.answered.insert(entry.command.clone(), remembered);
    }

    /// The entries of these commands are stored in the commit at `position`.
    pub fn settle<'a>(
        &mut self,
        commands: impl IntoIterator<Item = &'a CommandId>,
        position: Position,
        recorded_at: Timestamp,
    ) {
        for command in commands {
            if let Some(remembered) = self.answered.get_mut(command) {
                remembered.position = position;
            }
        }
        self.last = position;
        self.recorded_at = recorded_at;
    }
}

impl Remembered {
    fn again(&self) -> Answer {
        let (position, repeated) = (self.position, true);
        match &self.refused {
            Some(refusal) => Answer::Refused { position, refusal: (**refusal).clone(), repeated },
            None => Answer::Accepted { position, events: self.events, repeated },
        }
    }
}

/// A command's identity: the first 128 bits of the SHA-256 of its JSON.
fn digest<C: serde::Serialize>(command: &C) -> Digest {
    let json = serde_json::to_vec(command).expect("a command is JSON");
    let hash = Sha256::digest(json);
    Digest(hash[..16].iter().map(|byte| format!("{byte:02x}")).collect())
}

pub(crate) fn as_refused<R: serde::Serialize + std::fmt::Display>(refusal: &R) -> Refused {
    let fields = serde_json::to_value(refusal).expect("a refusal is JSON");
    let code = fields["code"].as_str().expect("a refusal has a code").to_owned();
    Refused { code, message: refusal.to_string(), fields }
}
