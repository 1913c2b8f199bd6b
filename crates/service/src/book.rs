//! What one partition knows: its state, the others' facts, and every command it has answered.
//!
//! Invariant: a book is the fold of the journal up to `head`; loading it again gives the same book.

use std::io;
use std::path::PathBuf;

use futures::StreamExt;
use jiff::Timestamp;
use loopledger_journal::{Commit, Filter, Head, Journal, ReadError};
use loopledger_model::{CommandId, Digest, Entry, Partition, Position, Recorded as _, Unreadable};
use sha2::{Digest as _, Sha256};

use crate::answers::{Answers, Archive, LookUp, Recalled, Remembered, Spill};
use crate::decider::{Decider, Decision};
use crate::index::Index;
use crate::memory::Memory;
use crate::protocol::{Answer, Asked, Outcome, Refused};
use crate::runs::{IdHash, Runs};
use crate::snapshot::{self, Frozen, Header, Snapshot};

/// Why a partition cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("the service's memory in {} cannot be read ({source}); repair or delete it", folder.display())]
    Memory { folder: PathBuf, source: io::Error },
}

impl LoadError {
    /// Whether trying again later can help.
    pub const fn is_outage(&self) -> bool {
        matches!(self, Self::Read(ReadError::Unavailable { .. }))
    }
}

pub(crate) struct Book<D: Decider> {
    partition: Partition,
    state: D::State,
    answers: Answers,
    /// The partition's end, which its next commit names.
    pub head: Head,
    /// When that commit was recorded: the next one is never recorded earlier.
    pub recorded_at: Timestamp,
    /// How many commands and foreign facts the last snapshot takes in.
    pub saved: usize,
    /// How many commands are not in a snapshot yet.
    pub unsaved: usize,
}

/// What becomes of a command, before its commit has a position.
pub(crate) enum Verdict<D: Decider> {
    /// It was answered before, or its id was; perhaps in the commit that is being filled, which is not `settled`.
    Known {
        answer: Answer,
        settled: bool,
    },
    New {
        outcome: Result<Decision<D::Event>, D::Refusal>,
    },
}

impl<D: Decider> Book<D> {
    /// Loads the newest snapshot and what follows it; also the foreign facts that the snapshot knows, and up to
    /// where.
    pub async fn load<J: Journal>(
        journal: &J,
        partition: Partition,
        memory: &Memory,
    ) -> Result<(Self, D::Facts, Position), LoadError> {
        let archive = Archive::open(journal, partition, memory).await?;
        Self::load_with(journal, partition, memory, archive).await
    }

    /// Loads the partition anew.
    pub async fn reload<J: Journal>(
        &mut self,
        journal: &J,
        memory: &Memory,
    ) -> Result<(), LoadError> {
        let archive = match std::mem::take(&mut self.answers).into_archive() {
            Some(archive) => Some(archive),
            None => Archive::open(journal, self.partition, memory).await?,
        };
        let (book, _, _) = Self::load_with(journal, self.partition, memory, archive).await?;
        *self = book;
        Ok(())
    }

    async fn load_with<J: Journal>(
        journal: &J,
        partition: Partition,
        memory: &Memory,
        archive: Option<Archive>,
    ) -> Result<(Self, D::Facts, Position), LoadError> {
        let snapshot = match &memory.folder {
            Some(folder) => snapshot::newest::<D, J>(journal, partition, folder).await?,
            None => None,
        };
        let (mut book, mut facts, mut facts_at, mut known) = (
            Self {
                partition,
                state: D::State::default(),
                answers: Answers::default(),
                head: Head::none(),
                recorded_at: Timestamp::UNIX_EPOCH,
                saved: 0,
                unsaved: 0,
            },
            D::Facts::default(),
            0,
            Index::default(),
        );
        let mut in_runs = 0;
        if let Some(Snapshot { header, state, facts: learnt, answers }) = snapshot {
            (book.head, book.recorded_at, book.state) = (header.head, header.recorded_at, state);
            book.saved = header.saved;
            (facts, facts_at, known, in_runs) = (learnt, header.facts_at, answers, header.runs_end);
        }
        book.answers = Answers::new(known, archive);
        book.follow(journal, in_runs).await?;
        Ok((book, facts, facts_at))
    }

    /// Takes in what follows the head, and before that the answers up to `in_runs` whose runs are gone.
    async fn follow<J: Journal>(
        &mut self,
        journal: &J,
        in_runs: Position,
    ) -> Result<(), LoadError> {
        let of = Filter::partition(self.partition);
        let (snapshot, runs_end) = (self.head.position, self.answers.runs_end());
        let from = if runs_end < in_runs { runs_end } else { snapshot } + 1;
        if journal.last(&of).await? < from {
            return Ok(());
        }
        let mut commits = journal.read(&of, from);
        while let Some(commit) = commits.next().await {
            let commit = commit?;
            let is_lost = commit.position <= in_runs;
            if commit.position > snapshot || is_lost {
                self.replay(&commit)?;
            }
            if let Some(spill) = self.answers.take_spill(commit.head()) {
                self.answers.spilled(spill.write());
            }
        }
        Ok(())
    }

    /// Takes in a commit; of one that the state knows already, the answers only.
    fn replay(&mut self, commit: &Commit) -> Result<(), LoadError> {
        let position = commit.position;
        let unreadable = |source| Unreadable { position, context: self.partition.context, source };
        let is_next = position > self.head.position;
        let head = if is_next { self.head.followed_by(commit)? } else { self.head };
        let body = D::Event::read(&commit.body).map_err(unreadable)?;
        let is_in_run = position <= self.answers.runs_end();
        for (index, entry) in body.entries.iter().enumerate() {
            if is_next {
                entry.events.iter().for_each(|event| D::evolve(&mut self.state, event));
            }
            if !is_in_run {
                let answer = Remembered::of::<D>(entry, position, index);
                self.answers.insert(entry.command.clone(), answer);
            }
        }
        if is_next {
            (self.head, self.recorded_at) = (head, commit.recorded_at);
            self.unsaved += body.entries.len();
        }
        Ok(())
    }

    /// Reads what judging the commands will read.
    pub fn look_ahead(&self, facts: &D::Facts, all: &[&Asked<D::Command>]) {
        self.answers.look_at(all.iter().map(|asked| &asked.id));
        let commands: Vec<_> = all.iter().map(|asked| &asked.command).collect();
        D::look_ahead(&self.state, facts, &commands);
    }

    /// `recalled` is what was looked up for the command's call.
    pub fn judge(
        &self,
        facts: &D::Facts,
        Asked { id, command, .. }: &Asked<D::Command>,
        digest: Digest,
        recalled: &Recalled,
    ) -> Verdict<D> {
        match self.answers.get(id).or_else(|| recalled.get(id)) {
            Some(known) => {
                Verdict::Known { answer: known.again(id, &digest), settled: known.is_settled() }
            }
            None => Verdict::New { outcome: D::decide(&self.state, facts, command) },
        }
    }

    /// What a command would come to, behind what is taken in so far.
    pub fn outcome(&self, facts: &D::Facts, command: &D::Command) -> Outcome {
        match D::decide(&self.state, facts, command) {
            Ok(decision) => {
                let events = decision.events.iter();
                let as_json = |event| serde_json::to_value(event).expect("an event is JSON");
                Outcome::Events(events.map(as_json).collect())
            }
            Err(refusal) => Outcome::Refused(as_refused(&refusal)),
        }
    }

    /// Takes in the entry that will stand at `index` of the next commit; `settle` tells its position.
    pub fn apply(&mut self, entry: &Entry<D::Event, D::Refusal>, index: usize) {
        entry.events.iter().for_each(|event| D::evolve(&mut self.state, event));
        self.answers.draft(entry.command.clone(), Remembered::of::<D>(entry, 0, index));
    }

    /// The entries of these commands are stored at a position.
    pub fn settle(&mut self, commands: &[(CommandId, IdHash)], position: Position) {
        self.unsaved += commands.len();
        self.answers.settle(commands, position);
    }

    /// Those of the ids that cannot be judged before they are looked up.
    pub fn to_look_up<'a>(
        &self,
        ids: impl Iterator<Item = (&'a CommandId, &'a IdHash)>,
        recalled: &Recalled,
    ) -> Option<LookUp> {
        self.answers.to_look_up(ids, recalled)
    }

    pub fn has_spill(&self) -> bool {
        self.answers.has_spill()
    }

    /// A run to write; nothing may be in flight.
    pub fn take_spill(&mut self) -> Option<Spill> {
        self.answers.take_spill(self.head)
    }

    pub fn spilled(&mut self, written: io::Result<Runs>) {
        self.answers.spilled(written);
    }

    /// What is known now, to be stored while the book goes on; nothing may be in flight.
    /// `learnt` counts the foreign facts that are not in a snapshot yet.
    pub fn freeze(&mut self, facts: &D::Facts, facts_at: Position, learnt: usize) -> Frozen<D> {
        self.saved += std::mem::take(&mut self.unsaved) + learnt;
        let header = Header {
            format: D::STATE_FORMAT,
            partition: self.partition.to_string().into(),
            head: self.head,
            recorded_at: self.recorded_at,
            facts_at,
            saved: self.saved,
            runs_end: self.answers.runs_end(),
        };
        let (state, facts) = (self.state.clone(), facts.clone());
        Frozen { header, state, facts, answers: self.answers.beside_runs() }
    }
}

/// A command's identity: the first 128 bits of the SHA-256 of its JSON, which is written to `scratch`.
pub(crate) fn digest<C: serde::Serialize>(command: &C, scratch: &mut Vec<u8>) -> Digest {
    scratch.clear();
    serde_json::to_writer(&mut *scratch, command).expect("a command is JSON");
    let hash = Sha256::digest(scratch);
    Digest(*hash.first_chunk().expect("SHA-256 is longer than 16 bytes"))
}

pub(crate) fn as_refused<R: serde::Serialize + std::fmt::Display>(refusal: &R) -> Refused {
    let fields = serde_json::to_value(refusal).expect("a refusal is JSON");
    let code = fields["code"].as_str().expect("a refusal has a code").to_owned();
    Refused { code, message: refusal.to_string(), fields }
}
