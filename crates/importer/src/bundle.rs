//! Reads a folder of CSV files into commands, in the order in which they took effect.
//!
//! Invariants: either every row of every file is read, or none; a row that is written twice counts
//! once.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use loopledger_model::hex::Hex;
use loopledger_model::{CommandId, parse_instant};
use sha2::{Digest, Sha256};

use super::cells::Cells;
use super::files::{Column, FILES, File, Stage};
use super::known::{Known, Lookup};
use super::problem::{Problem, Problems};
use super::rfc4180::{Record, records};
use super::{ImportError, Row};

/// Reads the bundle in `dir`; the ledger is asked for what the bundle refers to and does not hold.
pub async fn read(dir: &Path, ledger: &impl Lookup) -> Result<Vec<Row>, ImportError> {
    let mut problems = Problems::default();
    let texts = load(dir, &mut problems);
    let sheets: Vec<_> =
        texts.iter().filter_map(|(file, text)| Sheet::open(file, text, &mut problems)).collect();
    problems.verdict(dir)?;
    let known = Known::gather(dir, &sheets, ledger).await?;
    let mut problems = Problems::default();
    let mut staged: Vec<_> =
        sheets.iter().flat_map(|sheet| sheet.read(&known, &mut problems)).collect();
    problems.verdict(dir)?;
    staged.sort_by_key(|(stage, row)| (*stage, (*stage == Stage::Dated).then_some(row.at)));
    Ok(staged.into_iter().map(|(_, row)| row).collect())
}

/// The texts of the files in the order of `FILES`.
fn load(dir: &Path, problems: &mut Problems) -> Vec<(&'static File, String)> {
    let mut about = |file: &str, line, reason| {
        problems.add(Problem { file: file.to_owned(), line, column: None, reason });
    };
    let all = || FILES.iter().map(|file| file.name).collect::<Vec<_>>().join(", ");
    let names = std::fs::read_dir(dir).and_then(|entries| {
        entries.map(|entry| Ok(entry?.file_name())).collect::<Result<Vec<_>, _>>()
    });
    let mut names = match names {
        Ok(names) => names,
        Err(error) => {
            about(
                &dir.display().to_string(),
                None,
                format!("the folder cannot be listed: {error}"),
            );
            return Vec::new();
        }
    };
    names.sort_unstable();
    let is_csv = |name: &&std::ffi::OsString| {
        Path::new(name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
    };
    for name in names.iter().filter(is_csv) {
        if !FILES.iter().any(|file| name == file.name) {
            let reason = format!("is no file of a bundle: the files are {}", all());
            about(&name.to_string_lossy(), None, reason);
        }
    }
    let present = |file: &&File| names.iter().any(|name| name == file.name);
    let mut texts = Vec::new();
    for file in FILES.iter().filter(present) {
        match std::fs::read(dir.join(file.name)) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => texts.push((file, text)),
                Err(error) => {
                    let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                    let line = 1 + valid.iter().filter(|byte| **byte == b'\n').count();
                    about(file.name, Some(line), "is not UTF-8: save the file as UTF-8".to_owned());
                }
            },
            Err(error) => about(file.name, None, format!("cannot be read: {error}")),
        }
    }
    if !FILES.iter().any(|file| present(&file)) {
        let reason = format!("the folder holds no file of a bundle: the files are {}", all());
        about(&dir.display().to_string(), None, reason);
    }
    texts
}

/// One file whose header is in order.
pub(super) struct Sheet<'a> {
    pub file: &'static File,
    /// The columns of the file and where they stand, if they do.
    places: Vec<(Column, Option<usize>)>,
    /// How many cells the header has, and each record should have.
    width: usize,
    pub records: Vec<Record<'a>>,
}

impl<'a> Sheet<'a> {
    fn open(file: &'static File, text: &'a str, problems: &mut Problems) -> Option<Self> {
        let name = file.name.to_owned();
        let mut records = match records(text.strip_prefix('\u{feff}').unwrap_or(text)) {
            Ok(records) => records.into_iter(),
            Err(malformed) => {
                let reason = malformed.reason.to_string();
                let line = Some(malformed.line);
                problems.add(Problem { file: name, line, column: None, reason });
                return None;
            }
        };
        let Some(header) = records.next() else {
            let reason = format!("has no header: the columns are {}", file.header());
            problems.add(Problem { file: name, line: None, column: None, reason });
            return None;
        };
        let before = problems.count();
        let mut wrong = |column: &str, reason| {
            let (file, column) = (file.name.to_owned(), Some(column.to_owned()));
            problems.add(Problem { file, line: Some(header.line), column, reason });
        };
        for (place, cell) in header.cells.iter().enumerate() {
            if !file.columns().any(|column| column.name == *cell) {
                let reason = format!("unknown column `{cell}`: the columns are {}", file.header());
                wrong(cell, reason);
            } else if header.cells[..place].contains(cell) {
                wrong(cell, format!("column `{cell}` is given twice: give it once"));
            }
        }
        let mut places = Vec::new();
        for column in file.columns() {
            let place = header.cells.iter().position(|cell| *cell == column.name);
            if place.is_none() && !column.is_optional {
                let reason = format!(
                    "column `{}` is missing: the columns are {}",
                    column.name,
                    file.header()
                );
                wrong(column.name, reason);
            }
            places.push((column, place));
        }
        let in_order = problems.count() == before;
        in_order.then(|| Self {
            file,
            places,
            width: header.cells.len(),
            records: records.collect(),
        })
    }

    pub fn columns(&self) -> impl Iterator<Item = Column> {
        self.places.iter().map(|(column, _)| *column)
    }

    /// Blank where the header leaves the column out or the record is too short.
    pub fn cell<'r>(&self, record: &'r Record<'_>, column: &str) -> &'r str {
        let place =
            self.places.iter().find(|(known, _)| known.name == column).and_then(|place| place.1);
        place.and_then(|place| record.cells.get(place)).map_or("", |cell| cell.as_ref())
    }

    fn read(&self, known: &Known<'_>, problems: &mut Problems) -> Vec<(Stage, Row)> {
        let mut rows: Vec<(Stage, Row)> = Vec::new();
        let mut earlier: BTreeMap<CommandId, usize> = BTreeMap::new();
        for record in &self.records {
            let (stage, row) = match self.row(record, known, problems) {
                Some(Some(row)) => row,
                Some(None) => continue,
                None => {
                    problems.unread += 1;
                    continue;
                }
            };
            match earlier.get(&row.id) {
                None => {
                    earlier.insert(row.id.clone(), rows.len());
                    rows.push((stage, row));
                }
                Some(first) if rows[*first].1.command == row.command => {}
                Some(first) => {
                    let key: Vec<_> =
                        self.file.key.split(", ").map(|column| self.cell(record, column)).collect();
                    problems.add(Problem {
                        file: self.file.name.to_owned(),
                        line: Some(record.line),
                        column: Some(self.file.key.to_owned()),
                        reason: format!(
                            "`{}` is on line {} already, with other content: \
                             leave one of the two lines",
                            key.join(", "),
                            rows[*first].1.line
                        ),
                    });
                }
            }
        }
        rows
    }

    /// `Some(None)` is a row that is a part of another one's command.
    fn row(
        &self,
        record: &Record<'_>,
        known: &Known<'_>,
        problems: &mut Problems,
    ) -> Option<Option<(Stage, Row)>> {
        let cells = record.cells.len();
        if cells != self.width {
            problems.add(Problem {
                file: self.file.name.to_owned(),
                line: Some(record.line),
                column: None,
                reason: format!(
                    "has {cells} cells where the header has {}: \
                     quote a cell that holds a comma, and keep the comma of a blank one",
                    self.width
                ),
            });
            return None;
        }
        let draft = (self.file.read)(&mut Cells { sheet: self, record, known, problems })?;
        let Some(command) = draft.command else { return Some(None) };
        let row = Row {
            file: self.file.name,
            line: record.line,
            at: draft.at,
            id: self.command_id(record),
            by: known.by(self, record),
            command,
        };
        Some(Some((draft.stage, row)))
    }

    /// Follows from the key alone, so that a row that says something else of the same thing is no
    /// new command.
    fn command_id(&self, record: &Record<'_>) -> CommandId {
        let part = |column| {
            let text = self.cell(record, column);
            match column {
                "from" | "at" | "date" => {
                    parse_instant(text).map_or(Cow::from(text), |at| at.to_string().into())
                }
                _ => text.into(),
            }
        };
        let parts: Vec<_> = self.file.key.split(", ").map(part).collect();
        let key = match parts.as_slice() {
            [id] => id.to_string(),
            several => {
                let json = serde_json::to_vec(several).expect("text is JSON");
                Hex(&Sha256::digest(json)[..16]).to_string()
            }
        };
        let id = format!("import:{}:{key}", self.file.stem());
        id.parse().expect("a file's name and an id or a hash make a command id")
    }
}
