//! Where the answers of old commands stand in the journal: sorted runs of fixed-size records on disk.
//!
//! Invariant: a run is immutable and whole, or it is not opened; one after the other, runs cover the partition from
//! its beginning to the head that the last one names.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use loopledger_journal::{CommitHash, Head};
use loopledger_model::{CommandId, Partition, Position};
use sha2::{Digest, Sha256};

use crate::memory::{files, remove, write_whole};

const MAGIC: &[u8; 8] = b"LLRUN\0\0\x01";
/// Magic, from, to, hash of the commit at `to`, number of records, checksum.
const HEADER: usize = 8 + 8 + 8 + 32 + 8 + 32;
const RECORD: usize = 16 + 8 + 4;

/// The first 128 bits of the SHA-256 of a command id. Two ids may share one: who finds one compares the ids.
pub(crate) type IdHash = [u8; 16];

pub(crate) fn hash_of(id: &CommandId) -> IdHash {
    *Sha256::digest(id.as_str()).first_chunk().expect("SHA-256 is longer than 16 bytes")
}

/// Where one entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Record {
    pub hash: IdHash,
    pub position: Position,
    pub index: u32,
}

impl Record {
    fn to_bytes(self) -> [u8; RECORD] {
        let mut bytes = [0; RECORD];
        bytes[..16].copy_from_slice(&self.hash);
        bytes[16..24].copy_from_slice(&self.position.to_be_bytes());
        bytes[24..].copy_from_slice(&self.index.to_be_bytes());
        bytes
    }

    fn of_bytes(bytes: &[u8; RECORD]) -> Self {
        let (hash, rest) = bytes.split_first_chunk().expect("a record begins with a hash");
        let (position, index) = rest.split_first_chunk().expect("then comes a position");
        Self {
            hash: *hash,
            position: Position::from_be_bytes(*position),
            index: u32::from_be_bytes(index.try_into().expect("then an index")),
        }
    }
}

/// The records of the commits behind `from`, up to `to`, sorted.
#[derive(Debug)]
pub(crate) struct Run {
    path: PathBuf,
    file: File,
    from: Position,
    pub to: Head,
    records: u64,
}

fn path_of(folder: &Path, partition: Partition, from: Position, to: Position) -> PathBuf {
    folder.join(format!("{partition}.{from:020}-{to:020}.answers"))
}

impl Run {
    /// Writes a run of sorted records and opens it.
    fn write(
        folder: &Path,
        partition: Partition,
        (from, to, records): (Position, Head, u64),
        sorted: impl Fn(&mut dyn FnMut(Record) -> io::Result<()>) -> io::Result<()>,
    ) -> io::Result<Self> {
        let path = path_of(folder, partition, from, to.position);
        let mut header = Vec::with_capacity(HEADER);
        header.extend_from_slice(MAGIC);
        header.extend_from_slice(&from.to_be_bytes());
        header.extend_from_slice(&to.position.to_be_bytes());
        header.extend_from_slice(to.hash.as_bytes());
        header.extend_from_slice(&records.to_be_bytes());
        let mut checksum = Sha256::new();
        checksum.update(partition.to_string());
        checksum.update(&header);
        sorted(&mut |record| {
            checksum.update(record.to_bytes());
            Ok(())
        })?;
        header.extend_from_slice(&checksum.finalize());
        write_whole(&path, |file| {
            file.write_all(&header)?;
            sorted(&mut |record| file.write_all(&record.to_bytes()))
        })?;
        Ok(Self { file: File::open(&path)?, path, from, to, records })
    }

    /// Opens a run and hands every record to `each`; a damaged one is an error.
    fn open(path: PathBuf, partition: Partition, mut each: impl FnMut(Record)) -> io::Result<Self> {
        let damaged = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let file = File::open(&path)?;
        let mut reader = BufReader::with_capacity(1 << 18, &file);
        let mut header = [0; HEADER];
        reader.read_exact(&mut header)?;
        let number = |at: usize| {
            u64::from_be_bytes(*header[at..].first_chunk().expect("the header is longer"))
        };
        if header[..8] != *MAGIC {
            return Err(damaged("it is no run of this version"));
        }
        let (from, position, records) = (number(8), number(16), number(56));
        let hash = CommitHash::from_bytes(&header[24..56]).expect("these are 32 bytes");
        let mut checksum = Sha256::new();
        checksum.update(partition.to_string());
        checksum.update(&header[..HEADER - 32]);
        let mut bytes = [0; RECORD];
        for _ in 0..records {
            reader.read_exact(&mut bytes)?;
            checksum.update(bytes);
            each(Record::of_bytes(&bytes));
        }
        if checksum.finalize()[..] != header[HEADER - 32..] || reader.read(&mut [0])? != 0 {
            return Err(damaged("its checksum is wrong"));
        }
        Ok(Self { path, file, from, to: Head { position, hash }, records })
    }

    fn record(&self, number: u64) -> io::Result<Record> {
        let mut bytes = [0; RECORD];
        self.file.read_exact_at(&mut bytes, HEADER as u64 + number * RECORD as u64)?;
        Ok(Record::of_bytes(&bytes))
    }

    /// Every record of a hash.
    fn find(&self, hash: &IdHash, found: &mut Vec<Record>) -> io::Result<()> {
        let (mut low, mut high) = (0, self.records);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.record(middle)?.hash < *hash {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        while low < self.records {
            let record = self.record(low)?;
            if record.hash != *hash {
                break;
            }
            found.push(record);
            low += 1;
        }
        Ok(())
    }

    fn reader(&self) -> io::Result<impl Iterator<Item = io::Result<Record>>> {
        let mut file = BufReader::with_capacity(1 << 18, File::open(&self.path)?);
        file.seek_relative(HEADER as i64)?;
        Ok((0..self.records).map(move |_| {
            let mut bytes = [0; RECORD];
            file.read_exact(&mut bytes)?;
            Ok(Record::of_bytes(&bytes))
        }))
    }
}

/// All runs of a partition, oldest first. A clone stays readable while newer runs take their place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Runs(Vec<Arc<Run>>);

impl Runs {
    /// Opens the runs from the beginning on, as far as they are whole and adjoin; removes the others.
    pub fn open(
        folder: &Path,
        partition: Partition,
        mut each: impl FnMut(Record),
    ) -> io::Result<Self> {
        let mut runs: Vec<Arc<Run>> = Vec::new();
        let mut paths = files(folder, &format!("{partition}."), ".answers")?;
        // Of runs that begin alike the longest comes first: it was merged from the others.
        paths.sort_by(|left, right| {
            let begin =
                |path: &Path| path.to_string_lossy().rsplit_once('-').map(|(b, _)| b.to_owned());
            begin(left).cmp(&begin(right)).then_with(|| right.cmp(left))
        });
        for path in paths {
            let end = runs.last().map_or(0, |run| run.to.position);
            match Run::open(path.clone(), partition, &mut each) {
                Ok(run) if run.from == end => {
                    runs.push(Arc::new(run));
                    continue;
                }
                Ok(_) => {}
                Err(error) => {
                    let path = path.display();
                    tracing::warn!(%error, %path, "remembered answers are read from the journal anew");
                }
            }
            remove(&path);
        }
        Ok(Self(runs))
    }

    /// Up to where they go.
    pub fn end(&self) -> Option<Head> {
        self.0.last().map(|run| run.to)
    }

    pub fn remove_all(self) {
        self.0.iter().for_each(|run| remove(&run.path));
    }

    pub fn find(&self, hash: &IdHash) -> io::Result<Vec<Record>> {
        let mut found = Vec::new();
        self.0.iter().try_for_each(|run| run.find(hash, &mut found))?;
        Ok(found)
    }

    /// Writes what follows the last run, up to `to`, and merges runs so that each is more than twice as long as
    /// the next one: there are never more than a few dozen.
    pub fn extend(
        mut self,
        folder: &Path,
        partition: Partition,
        mut records: Vec<Record>,
        to: Head,
    ) -> io::Result<Self> {
        let from = self.end().map_or(0, |end| end.position);
        records.sort_unstable();
        let run = Run::write(folder, partition, (from, to, records.len() as u64), |each| {
            records.iter().copied().try_for_each(each)
        })?;
        drop(records);
        self.0.push(Arc::new(run));
        while let [.., older, newer] = self.0.as_slice()
            && older.records <= 2 * newer.records
        {
            let what = (older.from, newer.to, older.records + newer.records);
            let merged = Run::write(folder, partition, what, |each| merge(older, newer, each))?;
            for run in self.0.drain(self.0.len() - 2..) {
                remove(&run.path);
            }
            self.0.push(Arc::new(merged));
        }
        Ok(self)
    }
}

fn merge(
    older: &Run,
    newer: &Run,
    each: &mut dyn FnMut(Record) -> io::Result<()>,
) -> io::Result<()> {
    let (mut left, mut right) = (older.reader()?.peekable(), newer.reader()?.peekable());
    loop {
        let next = match (left.peek(), right.peek()) {
            (Some(Ok(l)), Some(Ok(r))) if r < l => right.next(),
            (None, _) => right.next(),
            (Some(_), _) => left.next(),
        };
        match next {
            Some(record) => each(record?)?,
            None => return Ok(()),
        }
    }
}

/// A Bloom filter of fixed size: it knows every hash that was added, and few others. It can be asked while hashes are
/// added.
#[derive(Debug)]
pub(crate) struct Filter {
    bits: Vec<AtomicU64>,
}

const PROBES: u64 = 7;

impl Filter {
    pub fn new(bytes: usize) -> Self {
        Self { bits: std::iter::repeat_with(AtomicU64::default).take((bytes / 8).max(1)).collect() }
    }

    pub fn add(&self, hash: &IdHash) {
        for (word, bit) in self.probes(hash) {
            self.bits[word].fetch_or(bit, Ordering::Relaxed);
        }
    }

    pub fn may_have(&self, hash: &IdHash) -> bool {
        self.probes(hash).all(|(word, bit)| self.bits[word].load(Ordering::Relaxed) & bit != 0)
    }

    fn probes(&self, hash: &IdHash) -> impl Iterator<Item = (usize, u64)> + use<> {
        let half = |at: usize| {
            u64::from_be_bytes(*hash[at..].first_chunk().expect("a hash has two halves"))
        };
        let (start, step, bits) = (half(0), half(8) | 1, self.bits.len() as u64 * 64);
        (0..PROBES).map(move |probe| {
            let place = start.wrapping_add(probe.wrapping_mul(step)) % bits;
            let word = usize::try_from(place / 64).expect("the filter is in memory");
            (word, 1 << (place % 64))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use loopledger_model::Context;

    const PARTITION: Partition = Partition::first(Context::Fund);

    fn record(number: u64) -> Record {
        let id: CommandId = format!("c{number}").parse().expect("an id");
        Record { hash: hash_of(&id), position: number + 1, index: 3 }
    }

    fn head(position: Position) -> Head {
        Head { position, hash: CommitHash::NONE }
    }

    fn written(folder: &Path, records: u64, each: u64) -> Runs {
        (0..records / each).fold(Runs::default(), |runs, n| {
            let records = (n * each..(n + 1) * each).map(record).collect();
            runs.extend(folder, PARTITION, records, head((n + 1) * each)).expect("it is written")
        })
    }

    fn check(runs: &Runs, records: u64) {
        for number in 0..records {
            let record = record(number);
            assert_eq!(runs.find(&record.hash).expect("it can be read"), [record]);
        }
        assert_eq!(runs.find(&record(records).hash).expect("it can be read"), []);
    }

    #[test]
    fn every_record_is_found_and_runs_stay_few() {
        let folder = tempfile::tempdir().expect("a folder");
        let runs = written(folder.path(), 2_000, 50);
        assert!(runs.0.len() < 8, "{} runs", runs.0.len());
        check(&runs, 2_000);
        let filter = Filter::new(4_096);
        let opened = Runs::open(folder.path(), PARTITION, |record| filter.add(&record.hash));
        let opened = opened.expect("they can be opened");
        assert_eq!(opened.end(), Some(head(2_000)));
        check(&opened, 2_000);
        assert!((0..2_000).all(|number| filter.may_have(&record(number).hash)));
        let wrong = (2_000..12_000).filter(|number| filter.may_have(&record(*number).hash)).count();
        assert!(wrong < 200, "{wrong} of 10,000 unknown ids pass the filter");
    }

    #[test]
    fn a_hash_that_two_ids_share_is_found_twice() {
        let folder = tempfile::tempdir().expect("a folder");
        let (one, other) = (record(1), Record { position: 40, index: 0, ..record(1) });
        let runs = Runs::default().extend(folder.path(), PARTITION, vec![one], head(30));
        let runs = runs.expect("it is written");
        let runs = runs.extend(folder.path(), PARTITION, vec![other], head(40)).expect("written");
        assert_eq!(runs.find(&one.hash).expect("it can be read"), [one, other]);
    }

    #[test]
    fn a_damaged_run_and_those_behind_it_are_not_opened() {
        let folder = tempfile::tempdir().expect("a folder");
        let runs = written(folder.path(), 1_200, 100);
        assert!(runs.0.len() > 2, "there is one in the middle");
        let (first, second) = (&runs.0[0], &runs.0[1]);
        let mut bytes = std::fs::read(&second.path).expect("it can be read");
        bytes[HEADER + 5] ^= 1;
        std::fs::write(&second.path, bytes).expect("it can be written");
        let opened = Runs::open(folder.path(), PARTITION, |_| {}).expect("the first is whole");
        assert_eq!(opened.end(), Some(first.to));
        let left = files(folder.path(), "", "").expect("the folder can be read");
        assert_eq!(left, std::slice::from_ref(&first.path));
    }
}
