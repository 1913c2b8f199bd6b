//! What is wrong with a bundle, in the words of somebody who has to repair it.

use std::fmt;
use std::path::PathBuf;

/// How many problems are told in full; the rest is counted.
const TOLD: usize = 20;

/// One thing that cannot be read, where it stands and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub file: String,
    /// The header is on line 1; absent where the file as a whole is meant.
    pub line: Option<usize>,
    pub column: Option<String>,
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, " line {line}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// A bundle that cannot be read; nothing of it was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "bundle {} cannot be read, so nothing was imported:{}",
    dir.display(),
    told(problems, *count)
)]
pub struct Unreadable {
    pub dir: PathBuf,
    /// The first of them.
    pub problems: Vec<Problem>,
    /// How many there are.
    pub count: usize,
}

fn told(problems: &[Problem], count: usize) -> String {
    let mut lines: String = problems.iter().map(|problem| format!("\n  {problem}")).collect();
    if let more @ 1.. = count - problems.len() {
        lines += &format!("\n  and {more} more");
    }
    lines
}

/// Problems as they are found.
#[derive(Debug, Default)]
pub(super) struct Problems {
    first: Vec<Problem>,
    count: usize,
    /// Rows that could not be read.
    pub unread: usize,
}

impl Problems {
    pub fn add(&mut self, problem: Problem) {
        if self.first.len() < TOLD {
            self.first.push(problem);
        }
        self.count += 1;
    }

    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn verdict(self, dir: &std::path::Path) -> Result<(), Unreadable> {
        let Self { first: problems, count, unread } = self;
        assert!(count > 0 || unread == 0, "{unread} rows are lost and nothing says why");
        if count == 0 { Ok(()) } else { Err(Unreadable { dir: dir.to_owned(), problems, count }) }
    }
}
