//! From when an answer is: as of an effective time, as known at a recorded time, or as it stands.

use jiff::Timestamp;
use tokio_postgres::Transaction;

use crate::columns::micros;
use crate::error::Error;
use crate::table::cell;

/// Only what took effect by `of` and was recorded by `known` counts, both included; nothing is left
/// out where one is absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct As {
    pub of: Option<Timestamp>,
    pub known: Option<Timestamp>,
}

impl As {
    /// What rows of facts have to meet, given `of` and `known` as the first two parameters.
    pub(crate) const CONDITION: &str = "($1::TIMESTAMPTZ IS NULL OR at <= $1) \
        AND ($2::TIMESTAMPTZ IS NULL OR recorded_at <= $2)";

    /// The times as rows keep them.
    pub(crate) fn in_rows(self) -> Self {
        Self { of: self.of.map(micros), known: self.known.map(micros) }
    }

    /// Whether a fact counts that took effect and was recorded then.
    pub fn includes(self, at: Timestamp, recorded_at: Timestamp) -> bool {
        let Self { of, known } = self.in_rows();
        of.is_none_or(|of| micros(at) <= of)
            && known.is_none_or(|known| micros(recorded_at) <= known)
    }

    pub const fn is_now(self) -> bool {
        self.of.is_none() && self.known.is_none()
    }
}

/// The time that a question is asked for: its own, or that of the last record that it may know.
pub(crate) async fn asked_at(transaction: &Transaction<'_>, seen: As) -> Result<Timestamp, Error> {
    if let Some(of) = seen.of {
        return Ok(of);
    }
    let last = "SELECT recorded_at FROM commits ORDER BY position DESC LIMIT 1";
    let Some(row) = transaction.query_opt(last, &[]).await? else { return Ok(Timestamp::MIN) };
    let last: String = cell(&row, 0, "commits", "recorded_at")?;
    let last: Timestamp = last.parse().map_err(|_| Error::Misread {
        table: "commits",
        column: "recorded_at",
        found: last.clone(),
    })?;
    Ok(seen.known.map_or(last, |known| last.min(known)))
}
