//! The lines of a file, one at a time, with the digest of all that was read.
//!
//! Invariant: memory holds one line, and no line is longer than `LONGEST`.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

use loopledger_model::{Evidence, Sha256};
use sha2::Digest as _;

/// More than any line of a meter has.
const LONGEST: u64 = 1 << 20;

pub struct Lines {
    reader: BufReader<File>,
    digest: sha2::Sha256,
    size: u64,
    number: u64,
    buffer: Vec<u8>,
}

/// A line, counted from 1, without its end.
pub struct Line<'a> {
    pub number: u64,
    pub text: Result<&'a str, &'static str>,
}

impl Lines {
    pub fn open(path: &Path) -> io::Result<Self> {
        let reader = BufReader::with_capacity(1 << 18, File::open(path)?);
        let digest = sha2::Sha256::new();
        Ok(Self { reader, digest, size: 0, number: 0, buffer: Vec::new() })
    }

    pub fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.buffer.clear();
        (&mut self.reader).take(LONGEST).read_until(b'\n', &mut self.buffer)?;
        if self.buffer.is_empty() {
            return Ok(None);
        }
        self.digest.update(&self.buffer);
        self.size += self.buffer.len() as u64;
        self.number += 1;
        let whole = self.buffer.ends_with(b"\n") || (self.buffer.len() as u64) < LONGEST;
        if !whole {
            self.skip_to_the_end_of_the_line()?;
        }
        let text = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let text = match str::from_utf8(text) {
            _ if !whole => Err("is longer than 1 MiB: no meter writes such a line"),
            Err(_) => Err("is not UTF-8: save the file as UTF-8"),
            Ok(text) if self.number == 1 => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
            Ok(text) => Ok(text),
        };
        Ok(Some(Line { number: self.number, text }))
    }

    fn skip_to_the_end_of_the_line(&mut self) -> io::Result<()> {
        let mut rest = Vec::new();
        loop {
            rest.clear();
            (&mut self.reader).take(LONGEST).read_until(b'\n', &mut rest)?;
            self.digest.update(&rest);
            self.size += rest.len() as u64;
            if rest.is_empty() || rest.ends_with(b"\n") {
                return Ok(());
            }
        }
    }

    /// How many bytes have been read.
    pub const fn size(&self) -> u64 {
        self.size
    }

    pub const fn number(&self) -> u64 {
        self.number
    }

    /// What has been read so far, as evidence.
    pub fn evidence(&self) -> Evidence {
        Evidence { sha256: Sha256(self.digest.clone().finalize().into()), size: self.size }
    }
}
