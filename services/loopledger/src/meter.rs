//! Imports what schedulers and meters write as metered usage.
//!
//! A file is read twice: once to take its digest and to see that every line can be read, then line by
//! line to the ledger.
//!
//! Invariants: nothing is sent of a file that has a line that cannot be read; importing a file again,
//! or another one with the same runs and hours, changes nothing; memory does not grow with the file.

mod cells;
mod dcgm_text;
mod lines;
mod map;
mod report;
mod send;
mod sacct;
mod series;
mod table;
#[cfg(test)]
mod tests;
mod usage;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::Offset;
use loopledger_model::{AllocationId, Evidence};

use crate::import::{Ask, Failure, Patience, Problem};
use cells::Fault;
use lines::Lines;
pub use map::{Map, Target};
pub use report::{MeterReport, RefusedUsage};
use usage::{Out, Usage};

/// How many lines that cannot be read are told in full.
const TOLD: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Slurm: sacct -P --noconvert --format=JobIDRaw,Start,End,ElapsedRaw,AllocTRES,State,..
    Sacct,
    /// What dcgm-exporter serves, one scrape or many with times
    DcgmText,
    /// Samples of a range query: time, metric, value, UUID
    DcgmCsv,
    /// A meter's CSV: serial, hour, util
    CardHours,
}

impl Format {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sacct => "sacct",
            Self::DcgmText => "dcgm-text",
            Self::DcgmCsv => "dcgm-csv",
            Self::CardHours => "card-hours",
        }
    }

    /// The columns that a map of this format may have.
    const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Sacct => &["job", "account", "partition"],
            Self::DcgmText | Self::DcgmCsv => &["host", "card"],
            Self::CardHours => &["card"],
        }
    }
}

/// What is imported, and how it is to be understood.
#[derive(Debug, Clone)]
pub struct Asked {
    pub file: PathBuf,
    pub format: Format,
    pub allocation: Option<AllocationId>,
    pub map: Option<PathBuf>,
    pub zone: Option<Offset>,
    /// When a scrape without times was made.
    pub at: Option<Timestamp>,
    pub interval_s: u32,
}

#[derive(Debug, thiserror::Error)]
pub enum MeterError {
    #[error("{}: cannot be read: {source}", file.display())]
    File { file: PathBuf, source: std::io::Error },
    #[error("{0}")]
    Map(String),
    #[error("{} cannot be read, so nothing was imported:{}", file.display(), told(problems, *count))]
    Unreadable { file: PathBuf, problems: Vec<Problem>, count: u64 },
    #[error("{} changed while it was imported: import it again when nobody writes it", .0.display())]
    Changed(PathBuf),
    #[error(
        "the import stopped at line {line}: {failure}; import the file again to go on\n{report}"
    )]
    Interrupted { line: u64, failure: Failure, report: Box<MeterReport> },
}

impl MeterError {
    /// 1 where the world failed, 2 where the file cannot be read.
    pub const fn exit_status(&self) -> u8 {
        match self {
            Self::File { .. } | Self::Map(_) | Self::Unreadable { .. } => 2,
            Self::Changed(_) | Self::Interrupted { .. } => 1,
        }
    }
}

fn told(problems: &[Problem], count: u64) -> String {
    let mut lines: String = problems.iter().map(|problem| format!("\n  {problem}")).collect();
    if let more @ 1.. = count - problems.len() as u64 {
        lines += &format!("\n  and {more} more");
    }
    lines
}

/// Reads the lines of one format.
enum Reader {
    Sacct(sacct::Sacct),
    DcgmText(series::Cards),
    DcgmCsv(table::Range),
    CardHours(table::CardHourTable),
}

impl Reader {
    const fn new(asked: &Asked) -> Self {
        Self::of(asked)
    }

    fn line(&mut self, at: u64, text: &str, to: &Target, out: &mut Out) -> Result<(), Fault> {
        match self {
            Self::Sacct(sacct) => sacct.line(at, text, to, out),
            Self::DcgmText(cards) => dcgm_text::line(cards, at, text, to, out),
            Self::DcgmCsv(range) => range.line(at, text, to, out),
            Self::CardHours(table) => table.line(at, text, to, out),
        }
    }

    fn finish(&mut self, out: &mut Out) {
        match self {
            Self::DcgmText(cards) => cards.finish(out),
            Self::DcgmCsv(range) => range.cards.finish(out),
            Self::Sacct(_) | Self::CardHours(_) => {}
        }
    }
}
