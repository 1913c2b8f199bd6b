//! Which allocation a job or a card belongs to: one for a whole file, or a table.
//!
//! Invariant: the first row of the table whose filled cells all agree decides.

use std::collections::BTreeMap;
use std::path::Path;

use loopledger_importer::rfc4180::records;
use loopledger_model::AllocationId;

/// The columns that name things, in the order of `Keys`.
pub const COLUMNS: [&str; 5] = ["job", "account", "partition", "host", "card"];

/// What a line says of itself; blank is unknown.
pub type Keys<'a> = [&'a str; COLUMNS.len()];

pub enum Target {
    One(AllocationId),
    Map(Map),
}

#[derive(Debug, Default)]
pub struct Map {
    /// By which columns rows fill, and what they have there; with the number of the row.
    rows: BTreeMap<Shape, BTreeMap<String, (usize, AllocationId)>>,
}

type Shape = [bool; COLUMNS.len()];

/// What stands in the columns of a shape.
fn key(keys: Keys<'_>, shape: Shape) -> String {
    let mut key = String::new();
    for (cell, _) in keys.iter().zip(shape).filter(|(_, used)| *used) {
        key += cell;
        key.push('\0');
    }
    key
}

impl Target {
    pub fn of(&self, keys: Keys<'_>) -> Option<&AllocationId> {
        match self {
            Self::One(allocation) => Some(allocation),
            Self::Map(map) => map.of(keys),
        }
    }
}

impl Map {
    /// Reads the table; `known` are the columns that the format's lines have.
    pub fn read(path: &Path, known: &[&str]) -> Result<Self, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("{}: cannot be read: {error}", path.display()))?;
        Self::parse(&text, known).map_err(|reason| format!("{} {reason}", path.display()))
    }

    pub fn parse(text: &str, known: &[&str]) -> Result<Self, String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let records =
            records(text).map_err(|wrong| format!("line {}: {}", wrong.line, wrong.reason))?;
        let columns = format!("the columns are {} and allocation", known.join(", "));
        let Some((header, rows)) = records.split_first() else {
            return Err(format!("has no header: {columns}"));
        };
        for (place, cell) in header.cells.iter().enumerate() {
            if cell != "allocation" && !known.contains(&cell.as_ref()) {
                return Err(format!("line 1: unknown column `{cell}`: {columns}"));
            }
            if header.cells[..place].contains(cell) {
                return Err(format!("line 1: column `{cell}` is given twice: give it once"));
            }
        }
        let place = |name: &str| header.cells.iter().position(|cell| cell == name);
        let last = place("allocation")
            .ok_or_else(|| format!("line 1: column `allocation` is missing: {columns}"))?;
        let mut map = Self::default();
        for (number, record) in rows.iter().enumerate() {
            let wrong = |reason: String| format!("line {}: {reason}", record.line);
            if record.cells.len() != header.cells.len() {
                let (has, wants) = (record.cells.len(), header.cells.len());
                return Err(wrong(format!("has {has} cells where the header has {wants}")));
            }
            let allocation = record.cells[last].parse();
            let allocation: AllocationId =
                allocation.map_err(|error| wrong(format!("column allocation: {error}")))?;
            let keys = COLUMNS.map(|name| place(name).map_or("", |at| record.cells[at].as_ref()));
            let shape = keys.map(|cell| !cell.is_empty());
            let alike = map.rows.entry(shape).or_default();
            alike.entry(key(keys, shape)).or_insert((number, allocation));
        }
        if map.rows.is_empty() {
            return Err("has no rows: name at least one allocation".to_owned());
        }
        Ok(map)
    }

    fn of(&self, keys: Keys<'_>) -> Option<&AllocationId> {
        let found = self.rows.iter().filter_map(|(shape, rows)| rows.get(&key(keys, *shape)));
        found.min_by_key(|(number, _)| *number).map(|(_, allocation)| allocation)
    }
}
