//! Restores a damaged journal from its archive.
//!
//! Invariant: no commit of the archive is lost, and none that the journal alone has and that links
//! to the ones before it. The damaged stream is kept, and the restored one is checked before it
//! takes its place.

use std::fmt;

use anyhow::{Context as _, bail};
use loopledger_journal::{
    Commit, Config, Filter, Heads, JetStreamJournal, Journal, Nats, Restoration, Swapped,
};
use loopledger_model::{Position, StatedPartitions, facts};
use loopledger_views::Views;

use crate::verify::{ArchiveReader, Findings, JournalReader, verify};

/// What a repair has done.
#[derive(Debug, PartialEq, Eq)]
pub enum Repair {
    NotNeeded {
        position: Position,
    },
    /// An earlier repair had done everything but the last step.
    Finished {
        swapped: Swapped,
        position: Position,
    },
    Restored {
        swapped: Swapped,
        archived: Position,
        carried: u64,
        left: u64,
    },
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotNeeded { position } => {
                write!(f, "the journal is whole to position {position}: nothing to repair")
            }
            Self::Finished { swapped, position } => write!(
                f,
                "an interrupted repair is finished: stream {} is the journal, to position {position}",
                swapped.current
            ),
            Self::Restored { swapped, archived, carried, left } => {
                write!(
                    f,
                    "stream {} is the journal now: {archived} commits from the archive, {carried} \
                     behind them from the old journal",
                    swapped.current
                )?;
                if *left > 0 {
                    write!(f, "\n{left} positions behind those could not be carried over")?;
                }
                if let Some(kept) = &swapped.kept {
                    write!(f, "\nthe old journal is kept in stream {kept} and not used any more")?;
                }
                Ok(())
            }
        }
    }
}

/// Nothing else may write to the journal meanwhile.
pub async fn repair(nats: &Nats, views: &Views, config: Config) -> anyhow::Result<Repair> {
    let unfinished = Restoration::unfinished(nats, config).await?;
    let interrupted = unfinished.is_some();
    if let Some(restoration) = unfinished {
        let Findings { ok, position, archived, .. } = verify(restoration.journal(), views).await?;
        if ok && position >= archived && position > 0 {
            return Ok(Repair::Finished { swapped: restoration.swap().await?, position });
        }
    }
    // Where no stream is in use, there is nothing to look at but the archive. What is stated of
    // partitions is for the restored journal: the one in use may have been made by mistake.
    let as_recorded = Config { partitions: StatedPartitions::NONE, ..config };
    let journal = match interrupted {
        true => None,
        false => Some(JetStreamJournal::open(nats.clone(), as_recorded).await?),
    };
    if let Some(journal) = &journal {
        let Findings { ok, position, .. } = verify(journal, views).await?;
        if ok {
            return Ok(Repair::NotNeeded { position });
        }
    }
    check_archive(views).await?;
    let mut restoration = Restoration::begin(nats, config).await?;
    let (mut heads, archived) = write_archive(&mut restoration, views).await?;
    let (mut carried, mut left) = (0, 0);
    if let Some(journal) = &journal {
        (carried, left) = carry_over(&mut restoration, journal, &mut heads, archived).await?;
    }
    let written = verify(restoration.journal(), views).await?;
    if !written.ok || written.position != archived + carried {
        bail!("the restored journal is not what was written to it ({:?})", written.problems);
    }
    Ok(Repair::Restored { swapped: restoration.swap().await?, archived, carried, left })
}

/// A journal is only restored from an archive that is whole itself.
async fn check_archive(views: &Views) -> anyhow::Result<()> {
    let mut archive = ArchiveReader::new(views).await?;
    let mut heads = Heads::default();
    if archive.end() == 0 {
        bail!("there is no archive to restore the journal from: the database has no commits");
    }
    for position in 1..=archive.end() {
        let commit = archived_at(&mut archive, position).await?;
        heads.follow(&commit).with_context(|| not_whole(position))?;
    }
    Ok(())
}

fn not_whole(position: Position) -> String {
    format!(
        "the archive is itself damaged at position {position}, so the journal cannot be restored \
         from it: restore the database from a backup first"
    )
}

async fn archived_at(
    archive: &mut ArchiveReader<'_>,
    position: Position,
) -> anyhow::Result<Commit> {
    match archive.next().await? {
        Some(Ok(Some(commit))) => Ok(commit),
        Some(Err(reason)) => Err(anyhow::anyhow!(reason).context(not_whole(position))),
        Some(Ok(None)) | None => bail!("{}: it has no commit there", not_whole(position)),
    }
}

async fn write_archive(
    restoration: &mut Restoration,
    views: &Views,
) -> anyhow::Result<(Heads, Position)> {
    let mut archive = ArchiveReader::new(views).await?;
    let mut heads = Heads::default();
    for position in 1..=archive.end() {
        let commit = archived_at(&mut archive, position).await?;
        restoration.write(&commit).await?;
        heads.set(&commit);
    }
    Ok((heads, archive.end()))
}

/// Adds what the journal alone has, as far as it can be read and links to what is restored. Answers
/// how many commits that were, and how many positions were left.
async fn carry_over(
    restoration: &mut Restoration,
    journal: &JetStreamJournal,
    heads: &mut Heads,
    archived: Position,
) -> anyhow::Result<(u64, u64)> {
    let last = journal.last(&Filter::all()).await?;
    if last <= archived {
        return Ok((0, 0));
    }
    let mut commits = JournalReader::new(journal, archived + 1);
    for position in archived + 1..=last {
        let Ok(Some(commit)) = commits.next().await else {
            return Ok((position - archived - 1, last + 1 - position));
        };
        let Commit { partition, recorded_at, body, .. } = &commit;
        let readable = facts(partition.context, position, *recorded_at, body).is_ok();
        if !readable || heads.follow(&commit).is_err() {
            return Ok((position - archived - 1, last + 1 - position));
        }
        restoration.write(&commit).await?;
    }
    Ok((last - archived, 0))
}
