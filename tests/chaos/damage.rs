//! What happens to files: a journal cut short or with one bit changed, and a database that is taken from a backup.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::random::Random;

/// The most that is cut off: some commits.
const CUT: u64 = 6_000;

/// What was done to the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// So many bytes are gone from the end of the newest block.
    Truncated(u64),
    /// The bit of the byte is another one.
    Flipped { byte: usize, bit: u8 },
}

/// Damages the newest block of a store that no server runs on; sometimes what the server has written
/// down about the block is gone as well.
pub fn inflict(store: &Path, random: &mut Random) -> Damage {
    let mut blocks = found(store, "blk");
    blocks.sort_by_key(|path| (fs::metadata(path).map_or(0, |found| found.len()), path.clone()));
    let newest = blocks.pop().expect("the journal has a block");
    if random.percent(30) {
        found(store, "db").iter().for_each(|index| fs::remove_file(index).expect("our own file"));
    }
    let length = fs::metadata(&newest).expect("our own file").len();
    if random.percent(50) {
        let cut = random.between(1, length.min(CUT));
        let file = File::options().write(true).open(&newest).expect("our own file");
        file.set_len(length - cut).expect("our own file");
        return Damage::Truncated(cut);
    }
    let mut bytes = fs::read(&newest).expect("our own file");
    let byte = usize::try_from(random.between(0, length)).expect("a small file");
    let bit = u8::try_from(random.between(0, 8)).expect("below 8");
    bytes[byte] ^= 1 << bit;
    fs::write(&newest, bytes).expect("our own file");
    Damage::Flipped { byte, bit }
}

/// The files of the folder, and of those in it, with this extension.
fn found(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("it is there") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            files.extend(found(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files
}

/// Copies a folder with its owners and permissions.
pub fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status().expect("cp runs");
    assert!(copied.success(), "{} is copied", from.display());
}

pub fn replace(folder: &Path, by: &Path) {
    fs::remove_dir_all(folder).expect("our own folder");
    copy(by, folder);
}
