//! What became of an import, for people and as an exit status.

use std::fmt;

use loopledger_model::Position;
use loopledger_model::voucher::Link;
use loopledger_service::protocol::Refused;

/// What became of the rows of a bundle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// All rows of the bundle; one that is written twice counts once.
    pub rows: usize,
    /// Rows that made facts.
    pub accepted: usize,
    /// Rows whose facts were there already.
    pub unchanged: usize,
    pub refused: Vec<RefusedRow>,
    /// The latest position that any answer rests on.
    pub position: Position,
}

/// A row that a service refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRow {
    pub file: &'static str,
    pub line: usize,
    /// The refusal's name in the service's closed list.
    pub code: String,
    pub message: String,
}

impl Report {
    /// How many rows were answered for good.
    pub fn settled(&self) -> usize {
        self.accepted + self.unchanged + self.refused.len()
    }

    /// 3 where any row was refused, else 0.
    pub fn exit_status(&self) -> u8 {
        if self.refused.is_empty() { 0 } else { 3 }
    }
}

impl fmt::Display for RefusedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, code, message } = self;
        write!(f, "{file} line {line}: refused ({code}): {message}")
    }
}

/// What a refusal says, with the chain of stakes or payments that it shows, if any.
pub(super) fn told(refusal: &Refused) -> String {
    let path = refusal.fields.get("path").cloned();
    let path: Vec<Link> =
        path.and_then(|path| serde_json::from_value(path).ok()).unwrap_or_default();
    let link = |link: &Link| {
        let Link { from, to, percent, amount, at } = link;
        let share = percent.as_ref().map(|percent| format!(" {percent} %"));
        let sum = amount.as_ref().map(|amount| format!(" {amount}"));
        let [share, sum] = [share, sum].map(Option::unwrap_or_default);
        format!("{from} -> {to}{share}{sum} at {at}")
    };
    let links: Vec<_> = path.iter().map(link).collect();
    if links.is_empty() {
        return refusal.message.clone();
    }
    format!("{}: {}", refusal.message, links.join(", "))
}

/// A line for each refused row, then one with the counts.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for refused in &self.refused {
            writeln!(f, "{refused}")?;
        }
        let Self { rows, accepted, unchanged, refused, position } = self;
        write!(
            f,
            "{rows} rows: {accepted} accepted, {unchanged} unchanged, {} refused",
            refused.len()
        )?;
        if let left @ 1.. = rows - self.settled() {
            write!(f, ", {left} not sent")?;
        }
        write!(f, "; position {position}")
    }
}
