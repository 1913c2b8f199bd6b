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
mod sacct;
mod send;
mod series;
mod table;
#[cfg(test)]
mod tests;
mod usage;

use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::Offset;
use loopledger_importer::{Ask, Failure, Patience, Problem};
use loopledger_model::{AllocationId, Evidence};

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
    fn new(asked: &Asked) -> Self {
        let Asked { format, zone, at, interval_s, .. } = asked;
        match format {
            Format::Sacct => Self::Sacct(sacct::Sacct::new(*zone)),
            Format::DcgmText => Self::DcgmText(series::Cards::new(*interval_s, *at)),
            Format::DcgmCsv => {
                Self::DcgmCsv(table::Range::new(series::Cards::new(*interval_s, *at), *zone))
            }
            Format::CardHours => Self::CardHours(table::CardHourTable::new(*zone)),
        }
    }

    /// For a second reading, with what the first one has learnt.
    fn again(self, asked: &Asked) -> Self {
        match self {
            Self::DcgmText(cards) => Self::DcgmText(cards.again()),
            Self::DcgmCsv(range) => Self::DcgmCsv(range.again()),
            Self::Sacct(_) | Self::CardHours(_) => Self::new(asked),
        }
    }

    const fn cards(&self) -> Option<&series::Cards> {
        match self {
            Self::DcgmText(cards) | Self::DcgmCsv(table::Range { cards, .. }) => Some(cards),
            Self::Sacct(_) | Self::CardHours(_) => None,
        }
    }

    fn line(&mut self, at: u64, text: &str, to: &Target, out: &mut Out) -> Result<(), Fault> {
        match self {
            Self::Sacct(sacct) => sacct.line(at, text, to, out),
            Self::DcgmText(cards) => dcgm_text::line(cards, at, text, to, out),
            Self::DcgmCsv(range) => range.line(at, text, to, out),
            Self::CardHours(table) => table.line(at, text, to, out),
        }
    }

    /// Whether the line that names the fields has not been read.
    const fn wants_a_header(&self) -> bool {
        match self {
            Self::Sacct(sacct) => !sacct.has_header(),
            Self::DcgmCsv(range) => !range.has_header(),
            Self::CardHours(table) => !table.has_header(),
            Self::DcgmText(_) => false,
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

/// How far an import is: bytes of both readings together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub read: u64,
    pub of: u64,
}

/// Reads the file twice and sends what it amounts to.
pub async fn import(
    asked: &Asked,
    services: &impl Ask,
    patience: Patience,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<MeterReport, MeterError> {
    let target = target(asked)?;
    let size = std::fs::metadata(&asked.file).map_err(|source| asked.no_file(source))?.len();
    let (evidence, reader) =
        check(asked, &target, |read| progress(Progress { read, of: size * 2 }))?;
    let mut report = MeterReport {
        position: 0,
        file: asked.file.display().to_string(),
        format: asked.format.name(),
        evidence,
        lines: 0,
        usages: 0,
        accepted: 0,
        unchanged: 0,
        refused: 0,
        refusals: Vec::new(),
        skipped: std::collections::BTreeMap::new(),
        energy_mj: None,
        energy_resets: 0,
    };
    let mut file = Usages::open(asked, reader.again(asked), &target)?;
    let sender = send::Sender::new(services, evidence, patience);
    let told = |read| progress(Progress { read: size + read, of: size * 2 });
    if let Err(stopped) = pass_on(&mut file, sender, &mut report, told).await? {
        let send::Stopped { line, failure } = stopped;
        return Err(MeterError::Interrupted { line, failure, report: Box::new(report) });
    }
    if file.lines.evidence() != evidence {
        return Err(MeterError::Changed(asked.file.clone()));
    }
    report.lines = file.lines.number();
    report.skipped = file.out.skipped;
    if let Some(cards) = file.reader.cards() {
        report.energy_mj = cards.energy();
        report.energy_resets = cards.energy_resets;
    }
    Ok(report)
}

/// Sends what the file amounts to as it is read.
async fn pass_on<S: Ask>(
    file: &mut Usages<'_>,
    mut sender: send::Sender<'_, S>,
    report: &mut MeterReport,
    mut told: impl FnMut(u64) + Send,
) -> Result<Result<(), send::Stopped>, MeterError> {
    while let Some(usages) = file.next()? {
        report.usages += usages.len() as u64;
        if let Err(stopped) = sender.send(usages, report).await {
            return Ok(Err(stopped));
        }
        told(file.lines.size());
    }
    Ok(sender.finish(report).await)
}

impl Asked {
    fn no_file(&self, source: std::io::Error) -> MeterError {
        MeterError::File { file: self.file.clone(), source }
    }
}

fn target(asked: &Asked) -> Result<Target, MeterError> {
    match (&asked.allocation, &asked.map) {
        (Some(allocation), _) => Ok(Target::One(allocation.clone())),
        (None, Some(map)) => {
            Map::read(map, asked.format.keys()).map(Target::Map).map_err(MeterError::Map)
        }
        (None, None) => Err(MeterError::Map(
            "name the allocation with --allocation ID, or a table of them with --map FILE.csv"
                .to_owned(),
        )),
    }
}

/// The first reading: the file's digest, and every line that cannot be read.
fn check(
    asked: &Asked,
    target: &Target,
    mut progress: impl FnMut(u64),
) -> Result<(Evidence, Reader), MeterError> {
    let mut lines = Lines::open(&asked.file).map_err(|source| asked.no_file(source))?;
    let (mut reader, mut out) = (Reader::new(asked), Out::default());
    let (mut problems, mut count) = (Vec::new(), 0);
    while let Some(line) = lines.next().map_err(|source| asked.no_file(source))? {
        let number = line.number;
        let read = match line.text {
            Ok(text) => reader.line(number, text, target, &mut out),
            Err(reason) => Err(Fault::line(reason)),
        };
        out.usages.clear();
        if let Err(Fault { field, reason }) = read {
            count += 1;
            if problems.len() < TOLD {
                problems.push(Problem {
                    file: asked.file.display().to_string(),
                    line: usize::try_from(number).ok(),
                    column: field.map(str::to_owned),
                    reason,
                });
            }
            if number == 1 && reader.wants_a_header() {
                break;
            }
        }
        if number % 4_096 == 0 {
            progress(lines.size());
        }
    }
    if count == 0 && reader.wants_a_header() {
        count = 1;
        let reason = "is empty: its first line has to name the fields".to_owned();
        let file = asked.file.display().to_string();
        problems.push(Problem { file, line: None, column: None, reason });
    }
    if count > 0 {
        return Err(MeterError::Unreadable { file: asked.file.clone(), problems, count });
    }
    Ok((lines.evidence(), reader))
}

/// The second reading: usages by the batch.
struct Usages<'a> {
    asked: &'a Asked,
    target: &'a Target,
    lines: Lines,
    reader: Reader,
    out: Out,
    is_at_end: bool,
}

impl<'a> Usages<'a> {
    fn open(asked: &'a Asked, reader: Reader, target: &'a Target) -> Result<Self, MeterError> {
        let lines = Lines::open(&asked.file).map_err(|source| asked.no_file(source))?;
        Ok(Self { asked, target, lines, reader, out: Out::default(), is_at_end: false })
    }

    fn next(&mut self) -> Result<Option<Vec<Usage>>, MeterError> {
        let changed = || MeterError::Changed(self.asked.file.clone());
        while !self.is_at_end && self.out.usages.len() < send::MOST {
            match self.lines.next().map_err(|source| self.asked.no_file(source))? {
                Some(line) => {
                    let text = line.text.map_err(|_| changed())?;
                    let read = self.reader.line(line.number, text, self.target, &mut self.out);
                    read.map_err(|_| changed())?;
                }
                None => {
                    self.reader.finish(&mut self.out);
                    self.is_at_end = true;
                }
            }
        }
        let usages = std::mem::take(&mut self.out.usages);
        Ok(if usages.is_empty() { None } else { Some(usages) })
    }
}
