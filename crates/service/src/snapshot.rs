//! Snapshots: what a partition knows at one position, on disk, so that a start reads only what came after it.
//!
//! Invariant: a snapshot is used whole or not at all: one that is damaged, of another partition, of another form of
//! the state or from another journal is left aside, and the journal is read from its beginning.

use std::borrow::Cow;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use jiff::Timestamp;
use loopledger_journal::{Filter, Head, Journal};
use loopledger_model::{CommandId, Partition, Position};
use minicbor::encode::write::Writer;
use minicbor_serde::error::{DecodeError, EncodeError};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::answers::{BesideRuns, Remembered, is_in};
use crate::book::LoadError;
use crate::decider::Decider;
use crate::index::Index;
use crate::memory::{files, remove, write_whole};

const MAGIC: &[u8; 8] = b"LLSNAP\0\x03";
/// The newest snapshot and the one before it.
const KEPT: usize = 2;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Header<'a> {
    /// `Decider::STATE_FORMAT`.
    pub format: u32,
    pub partition: Cow<'a, str>,
    pub head: Head,
    /// When the commit at `head` was recorded.
    pub recorded_at: Timestamp,
    pub facts_at: Position,
    /// How many commands and foreign facts it takes in.
    pub saved: usize,
    /// Answers up to here were in runs, later ones are in the snapshot.
    pub runs_end: Position,
}

pub(crate) struct Snapshot<D: Decider> {
    pub header: Header<'static>,
    pub state: D::State,
    pub facts: D::Facts,
    pub answers: Index<CommandId, Remembered>,
}

/// What is known at one position: it stays so while the book that it was taken of goes on.
pub(crate) struct Frozen<D: Decider> {
    pub header: Header<'static>,
    pub state: D::State,
    pub facts: D::Facts,
    pub answers: BesideRuns,
}

impl<D: Decider> Frozen<D> {
    /// Writes CBOR, which names fields, since some are left out where empty.
    fn write(&self, to: &mut impl Write) -> Result<(), EncodeError<io::Error>> {
        let mut cbor = minicbor_serde::Serializer::new(Writer::new(to));
        self.header.serialize(&mut cbor)?;
        self.state.serialize(&mut cbor)?;
        self.facts.serialize(&mut cbor)?;
        self.answers.serialize(&mut cbor)
    }
}

/// Is hashed and written at a time.
const PIECE: usize = 64 << 10;

/// Hashes what it writes.
struct Hashing<W> {
    to: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Writes a snapshot to disk and removes those that are too old to be of use.
pub(crate) fn store<D: Decider>(
    folder: &Path,
    partition: Partition,
    frozen: &Frozen<D>,
) -> io::Result<()> {
    let path = folder.join(format!("{partition}.{:020}.snapshot", frozen.header.head.position));
    write_whole(&path, |file| {
        file.write_all(MAGIC)?;
        let hashing = Hashing { to: file, hash: Sha256::new() };
        let mut content = BufWriter::with_capacity(PIECE, hashing);
        frozen.write(&mut content).map_err(io::Error::other)?;
        let Hashing { to, hash } = content.into_inner()?;
        to.write_all(&hash.finalize())
    })?;
    let stored = files(folder, &format!("{partition}."), ".snapshot")?;
    stored.iter().rev().skip(KEPT).for_each(|path| remove(path));
    Ok(())
}

/// The newest snapshot that can be used.
pub(crate) async fn newest<D: Decider, J: Journal>(
    journal: &J,
    partition: Partition,
    folder: &Path,
) -> Result<Option<Snapshot<D>>, LoadError> {
    let failed = |source| LoadError::Memory { folder: folder.to_owned(), source };
    let paths = files(folder, &format!("{partition}."), ".snapshot").map_err(failed)?;
    for path in paths.into_iter().rev() {
        match usable::<D, J>(journal, partition, &path).await? {
            Ok(snapshot) => return Ok(Some(snapshot)),
            Err(reason) => {
                tracing::warn!(reason, path = %path.display(), "a snapshot is left aside");
            }
        }
    }
    Ok(None)
}

async fn usable<D: Decider, J: Journal>(
    journal: &J,
    partition: Partition,
    path: &Path,
) -> Result<Result<Snapshot<D>, String>, LoadError> {
    let snapshot = match read::<D>(path, partition) {
        Ok(snapshot) => snapshot,
        Err(reason) => return Ok(Err(reason)),
    };
    let Header { head, facts_at, .. } = snapshot.header;
    if !is_in(journal, partition, head).await? {
        return Ok(Err("the journal has no such commit at its end".to_owned()));
    }
    if facts_at > 0 && journal.last(&Filter::contexts(D::READS)).await? < facts_at {
        return Ok(Err("the journal ends before the facts that it knows".to_owned()));
    }
    Ok(Ok(snapshot))
}

fn read<D: Decider>(path: &Path, partition: Partition) -> Result<Snapshot<D>, String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let rest = bytes.strip_prefix(MAGIC).ok_or("it is no snapshot of this version")?;
    let (content, checksum) = rest.split_last_chunk::<32>().ok_or("it is cut off")?;
    if Sha256::digest(content)[..] != checksum[..] {
        return Err("its checksum is wrong".to_owned());
    }
    let mut content = minicbor_serde::Deserializer::new(content);
    let unreadable = |error: DecodeError| error.to_string();
    let header = Header::deserialize(&mut content).map_err(unreadable)?;
    if header.partition != partition.to_string() {
        return Err(format!("it is of partition {}", header.partition));
    }
    if header.format != D::STATE_FORMAT {
        return Err(format!("its state has format {}, not {}", header.format, D::STATE_FORMAT));
    }
    Ok(Snapshot {
        header,
        state: Deserialize::deserialize(&mut content).map_err(unreadable)?,
        facts: Deserialize::deserialize(&mut content).map_err(unreadable)?,
        answers: Deserialize::deserialize(&mut content).map_err(unreadable)?,
    })
}
