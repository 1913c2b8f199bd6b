//! Where a partition's memory is kept, how much of it stays in RAM, and how its files come to be.
//!
//! Invariant: a file stands under its name only when it is whole and on disk.
//! Invariant: everything in the folder can be deleted; the journal gives it back.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// What is kept where. RAM for answers is bounded by `answers` (some 300 bytes each, and those that arrive while
/// a run is written) and `filter_bytes`; state and facts are as large as what they know.
#[derive(Debug, Clone)]
pub struct Memory {
    /// Holds snapshots and older answers, of any number of partitions, each of one process at a time. Without it
    /// every answer stays in RAM and every start reads the whole journal.
    pub folder: Option<PathBuf>,
    /// How many answers stay in RAM.
    pub answers: usize,
    /// For the filter that tells new commands from possibly old ones: 16 MiB are wrong about one new command in a
    /// hundred when 14 million are known. Being wrong costs a look-up and nothing else.
    pub filter_bytes: usize,
    /// After how many commands and foreign facts at the least the next snapshot is taken; and not before as many
    /// again have come as the last one took in. What comes after it is read again at the next start, 170,000 a second.
    pub snapshot_every: usize,
}

impl Default for Memory {
    fn default() -> Self {
        let (answers, filter_bytes) = (200_000, 16 << 20);
        Self { folder: None, answers, filter_bytes, snapshot_every: 400_000 }
    }
}

impl Memory {
    pub fn in_folder(folder: Option<PathBuf>) -> Self {
        Self { folder, ..Self::default() }
    }
}

/// Writes a file beside its name, flushes it to the disk and renames it.
pub(crate) fn write_whole(
    path: &Path,
    content: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let folder = path.parent().expect("a file of the memory is in its folder");
    fs::create_dir_all(folder)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    let beside = PathBuf::from(beside);
    let mut writer = BufWriter::new(File::create(&beside)?);
    content(&mut writer)?;
    writer.flush()?;
    writer.get_ref().sync_all()?;
    fs::rename(&beside, path)?;
    File::open(folder)?.sync_all()
}

/// The files of the folder whose names begin and end so, in the order of their names.
pub(crate) fn files(folder: &Path, begin: &str, end: &str) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(begin) && name.ends_with(end)) {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// Removes what is no longer needed; what stays behind only takes room.
pub(crate) fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::warn!(%error, path = %path.display(), "a file that is not needed stays behind");
    }
}
