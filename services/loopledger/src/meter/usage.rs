//! What a meter's lines amount to, on its way to the ledger.
//!
//! Invariant: card-hours are rounded down to their nine decimals, never up, so that no card is
//! reported busier than it was.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::hex::Hex;
use loopledger_model::{AllocationId, CardHours};
use sha2::Digest as _;

/// Card-hours of one allocation in one stretch of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// The line that told the last of it.
    pub line: u64,
    /// The same for the same run, or the same card and hour, in any file.
    pub identity: String,
    pub allocation: AllocationId,
    pub from: Timestamp,
    pub to: Timestamp,
    pub card_hours: CardHours,
    pub source: &'static str,
}

/// What is read from lines, taken away by whoever reads.
#[derive(Debug, Default)]
pub struct Out {
    pub usages: Vec<Usage>,
    /// Lines and samples that make no usage, by why.
    pub skipped: BTreeMap<&'static str, u64>,
}

impl Out {
    pub fn usage(&mut self, usage: Usage) {
        self.usages.push(usage);
    }

    pub fn skip(&mut self, why: &'static str) {
        *self.skipped.entry(why).or_default() += 1;
    }
}

/// Of 10^-9 cards times nanoseconds; nothing where it is more than the ledger counts.
pub fn card_hours(nano: u128) -> Option<CardHours> {
    let billionths = i64::try_from(nano / 3_600 / 1_000_000_000).ok()?;
    CardHours::new(rust_decimal::Decimal::new(billionths, 9)).ok()
}

/// 104 bits of a digest of the parts.
pub fn identity(parts: &[&str]) -> String {
    let mut digest = sha2::Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    Hex(&digest.finalize()[..13]).to_string()
}
