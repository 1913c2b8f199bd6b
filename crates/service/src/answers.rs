//! Every command that was ever answered: the latest answers in RAM, older ones found through the journal.
//!
//! Invariant: a command id that was answered is in RAM, or in a run and in the filter; so an id that is in neither is
//! new, and costs no disk read.
//! Invariant: an answer that comes from a run was read from the journal, from the entry that bears the very id.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use futures::StreamExt;
use hashbrown::HashMap;
use loopledger_journal::{Filter as Of, Head, Journal, ReadError};
use loopledger_model::{
    Body, CommandId, Digest, Entry, Partition, Position, Recorded as _, Unreadable,
};
use serde::{Deserialize, Serialize, Serializer};

use crate::book::{LoadError, as_refused};
use crate::decider::Decider;
use crate::index::Index;
use crate::memory::Memory;
use crate::protocol::{Answer, Refused};
use crate::runs::{Filter, IdHash, Record, Runs, hash_of};

/// The answer to a command, kept for when the command comes again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    digest: Digest,
    /// 0 until its commit is stored.
    position: Position,
    /// Its entry's place in the commit.
    index: u32,
    events: u32,
    refused: Option<Box<Refused>>,
}

impl Remembered {
    pub fn of<D: Decider>(
        entry: &Entry<D::Event, D::Refusal>,
        position: Position,
        index: usize,
    ) -> Self {
        Self {
            digest: entry.digest,
            position,
            index: u32::try_from(index).expect("a commit has few entries"),
            events: u32::try_from(entry.events.len()).expect("a decision makes few events"),
            refused: entry.refused.as_ref().map(|refusal| Box::new(as_refused(refusal))),
        }
    }

    fn record(&self, hash: IdHash) -> Record {
        Record { hash, position: self.position, index: self.index }
    }

    /// Whether its commit is stored; until then its position is 0.
    pub const fn is_settled(&self) -> bool {
        self.position > 0
    }

    /// What a command of this id and `digest` is answered.
    pub fn again(&self, id: &CommandId, digest: &Digest) -> Answer {
        let position = self.position;
        if self.digest != *digest {
            let message = format!("command id {id} was used for another command; use a new id");
            return Answer::IdReused { message };
        }
        match &self.refused {
            Some(refusal) => {
                Answer::Refused { position, refusal: (**refusal).clone(), repeated: true }
            }
            None => Answer::Accepted { position, events: self.events, repeated: true },
        }
    }
}

/// What was looked up for one call: `None` says that no run up to `runs_end` has the id.
#[derive(Debug, Default)]
pub(crate) struct Recalled {
    runs_end: Position,
    answers: BTreeMap<CommandId, Option<Remembered>>,
}

impl Recalled {
    pub fn get(&self, id: &CommandId) -> Option<&Remembered> {
        self.answers.get(id)?.as_ref()
    }
}

#[derive(Default)]
pub(crate) struct Answers {
    /// Of commits that are stored.
    in_ram: Index<CommandId, Remembered>,
    /// Of commits that are not stored yet: few, so that each is added to the many only once.
    unsettled: HashMap<CommandId, Remembered>,
    archive: Option<Archive>,
}

/// The older answers.
pub(crate) struct Archive {
    folder: PathBuf,
    partition: Partition,
    /// How many answers stay in RAM.
    bound: usize,
    /// At how many the next run is written.
    spill_at: usize,
    runs: Runs,
    /// Shared with whoever writes a run.
    filter: Arc<Filter>,
    /// Where the answers stand that no run has.
    recent: Vec<Record>,
}

impl Archive {
    /// Opens the runs that are there, unless the journal is another one than they were made from.
    pub async fn open<J: Journal>(
        journal: &J,
        partition: Partition,
        memory: &Memory,
    ) -> Result<Option<Self>, LoadError> {
        let Some(folder) = memory.folder.clone() else { return Ok(None) };
        let mut filter = Filter::new(memory.filter_bytes);
        let failed = |source| LoadError::Memory { folder: folder.clone(), source };
        let mut runs =
            Runs::open(&folder, partition, |record| filter.add(&record.hash)).map_err(failed)?;
        if let Some(end) = runs.end()
            && !is_in(journal, partition, end).await?
        {
            tracing::warn!(%partition, "the remembered answers are of another journal");
            runs.remove_all();
            (runs, filter) = (Runs::default(), Filter::new(memory.filter_bytes));
        }
        let (bound, filter, recent) = (memory.answers, Arc::new(filter), Vec::new());
        Ok(Some(Self { folder, partition, bound, spill_at: bound, runs, filter, recent }))
    }

    fn end(&self) -> Position {
        self.runs.end().map_or(0, |end| end.position)
    }
}

/// Whether the commit of this position and hash is in the journal.
pub(crate) async fn is_in<J: Journal>(
    journal: &J,
    partition: Partition,
    head: Head,
) -> Result<bool, LoadError> {
    let of = Of::partition(partition);
    if head.position == 0 || journal.last(&of).await? < head.position {
        return Ok(head == Head::none());
    }
    let commit = journal.read(&of, head.position).next().await.transpose()?;
    Ok(commit.is_some_and(|commit| commit.head() == head))
}

impl Answers {
    pub fn new(in_ram: Index<CommandId, Remembered>, archive: Option<Archive>) -> Self {
        let mut answers = Self { in_ram, unsettled: HashMap::new(), archive };
        answers.find_recent();
        answers
    }

    /// Goes through what is in RAM for the answers that no run has.
    fn find_recent(&mut self) {
        let Some(archive) = &mut self.archive else { return };
        let end = archive.end();
        let later = self.in_ram.iter().filter(|(_, answer)| answer.position > end);
        archive.recent = later.map(|(id, answer)| answer.record(hash_of(id))).collect();
    }

    pub fn into_archive(self) -> Option<Archive> {
        self.archive
    }

    /// Up to where answers are in runs.
    pub fn runs_end(&self) -> Position {
        self.archive.as_ref().map_or(0, Archive::end)
    }

    /// What has to be remembered beside the runs.
    pub fn beside_runs(&self) -> BesideRuns {
        BesideRuns { in_ram: self.in_ram.clone(), runs_end: self.runs_end() }
    }

    pub fn get(&self, id: &CommandId) -> Option<&Remembered> {
        self.unsettled.get(id).or_else(|| self.in_ram.get(id))
    }

    /// Reads what `get` will read.
    pub fn look_at<'a>(&'a self, ids: impl IntoIterator<Item = &'a CommandId>) {
        self.in_ram.look_at(ids);
    }

    /// An answer whose commit is not stored yet.
    pub fn draft(&mut self, id: CommandId, answer: Remembered) {
        self.unsettled.insert(id, answer);
    }

    /// An answer that was read from the journal.
    pub fn insert(&mut self, id: CommandId, answer: Remembered) {
        self.keep(id, answer, hash_of);
    }

    pub fn settle(&mut self, ids: &[(CommandId, IdHash)], position: Position) {
        for (id, hash) in ids {
            if let Some((id, answer)) = self.unsettled.remove_entry(id) {
                self.keep(id, Remembered { position, ..answer }, |_| *hash);
            }
        }
    }

    fn keep(&mut self, id: CommandId, answer: Remembered, hash: impl FnOnce(&CommandId) -> IdHash) {
        if let Some(archive) = &mut self.archive {
            archive.recent.push(answer.record(hash(&id)));
        }
        self.in_ram.insert(id, answer);
    }

    /// Those of the ids that may have been answered long ago, and were not looked up.
    pub fn to_look_up<'a>(
        &self,
        ids: impl Iterator<Item = (&'a CommandId, &'a IdHash)>,
        recalled: &Recalled,
    ) -> Option<LookUp> {
        let archive = self.archive.as_ref()?;
        let runs_end = archive.end();
        let is_open = |id: &CommandId| match recalled.answers.get(id) {
            Some(Some(_)) => false,
            Some(None) if recalled.runs_end == runs_end => false,
            Some(None) | None => self.get(id).is_none(),
        };
        let may_be_old = ids.filter(|(_, hash)| archive.filter.may_have(hash)).map(|(id, _)| id);
        let ids: Vec<CommandId> = may_be_old.filter(|id| is_open(id)).cloned().collect();
        let (partition, folder) = (archive.partition, archive.folder.clone());
        (!ids.is_empty()).then(|| LookUp {
            partition,
            folder,
            runs: archive.runs.clone(),
            runs_end,
            ids,
        })
    }

    /// Whether RAM holds too many answers.
    pub fn has_spill(&self) -> bool {
        self.archive.as_ref().is_some_and(|archive| self.in_ram.len() > archive.spill_at)
    }

    /// A run to write when RAM holds too many answers; all up to `head` are settled.
    pub fn take_spill(&mut self, head: Head) -> Option<Spill> {
        let has_spill = self.has_spill();
        let archive = self.archive.as_mut().filter(|_| has_spill)?;
        let records = std::mem::take(&mut archive.recent);
        archive.spill_at = self.in_ram.len() + archive.bound.div_ceil(2);
        let (folder, partition) = (archive.folder.clone(), archive.partition);
        let (runs, filter) = (archive.runs.clone(), archive.filter.clone());
        (!records.is_empty()).then_some(Spill { folder, partition, runs, filter, records, head })
    }

    /// A run was written: the older half of what is in RAM and in runs leaves RAM.
    pub fn spilled(&mut self, written: io::Result<Runs>) {
        let Some(archive) = &mut self.archive else { return };
        match written {
            Ok(runs) => archive.runs = runs,
            Err(error) => {
                let folder = archive.folder.display();
                tracing::warn!(%error, %folder, "answers stay in memory: no run can be written");
                self.find_recent();
                return;
            }
        }
        let mut positions: Vec<Position> =
            self.in_ram.iter().map(|(_, answer)| answer.position).collect();
        let leaving = positions.len().saturating_sub(archive.bound / 2);
        let last = leaving.checked_sub(1).map(|last| *positions.select_nth_unstable(last).1);
        let cut = last.unwrap_or(0).min(archive.end());
        self.in_ram.retain(|answer| answer.position > cut);
        archive.spill_at = archive.bound.max(self.in_ram.len());
    }
}

/// The answers that no run has, as they are now; a snapshot is written of them later.
pub(crate) struct BesideRuns {
    in_ram: Index<CommandId, Remembered>,
    runs_end: Position,
}

impl Serialize for BesideRuns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let later = self.in_ram.iter().filter(|(_, answer)| answer.position > self.runs_end);
        serializer.collect_map(later.collect::<Vec<_>>())
    }
}

/// A run that is to be written, off the shell's own task.
pub(crate) struct Spill {
    folder: PathBuf,
    partition: Partition,
    runs: Runs,
    filter: Arc<Filter>,
    records: Vec<Record>,
    head: Head,
}

impl Spill {
    pub fn write(self) -> io::Result<Runs> {
        // Before they leave RAM, so that each is always in RAM or in the filter.
        self.records.iter().for_each(|record| self.filter.add(&record.hash));
        self.runs.extend(&self.folder, self.partition, self.records, self.head)
    }
}

/// Ids that are to be looked up in the runs, and then in the journal.
pub(crate) struct LookUp {
    partition: Partition,
    folder: PathBuf,
    runs: Runs,
    runs_end: Position,
    ids: Vec<CommandId>,
}

impl LookUp {
    pub async fn run<D: Decider, J: Journal>(
        &self,
        journal: &J,
        recalled: &mut Recalled,
    ) -> Result<(), LoadError> {
        let (runs, ids) = (self.runs.clone(), self.ids.clone());
        let find = move || {
            let mut places: BTreeMap<Position, Vec<(u32, CommandId)>> = BTreeMap::new();
            for id in ids {
                for Record { position, index, .. } in runs.find(&hash_of(&id))? {
                    places.entry(position).or_default().push((index, id.clone()));
                }
            }
            Ok(places)
        };
        let found = tokio::task::spawn_blocking(find).await.expect("reading a run does not panic");
        let failed = |source| LoadError::Memory { folder: self.folder.clone(), source };
        let mut answers: BTreeMap<_, _> = self.ids.iter().map(|id| (id.clone(), None)).collect();
        for (position, wanted) in found.map_err(failed)? {
            let body = self.entries::<D, J>(journal, position).await?;
            for (index, id) in wanted {
                let entry = body.entries.get(index as usize).filter(|entry| entry.command == id);
                if let Some(entry) = entry {
                    let answer = Remembered::of::<D>(entry, position, index as usize);
                    answers.insert(id, Some(answer));
                }
            }
        }
        // A negative answer holds for the runs that were asked, so those of earlier look-ups may be too old.
        recalled.answers.retain(|_, answer| answer.is_some());
        recalled.answers.append(&mut answers);
        recalled.runs_end = self.runs_end;
        Ok(())
    }

    async fn entries<D: Decider, J: Journal>(
        &self,
        journal: &J,
        position: Position,
    ) -> Result<Body<D::Event, D::Refusal>, LoadError> {
        let of = Of::partition(self.partition);
        let commit = journal.read(&of, position).next().await.transpose()?;
        let found = commit.as_ref().map_or(position + 1, |commit| commit.position);
        match commit.filter(|commit| commit.position == position) {
            None => Err(ReadError::Gap { expected: position, found }.into()),
            Some(commit) => D::Event::read(&commit.body)
                .map_err(|source| Unreadable { position, context: D::CONTEXT, source }.into()),
        }
    }
}
