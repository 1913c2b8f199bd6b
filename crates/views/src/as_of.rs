//! From when an answer is: as of an effective time, as known at a recorded time, or as it stands.

use jiff::Timestamp;

use crate::columns::micros;

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
