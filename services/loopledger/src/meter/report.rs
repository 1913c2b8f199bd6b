//! What became of a meter's file, for people and as one JSON document.
//!
//! Invariant: bounded, however many lines are refused: the first are told, the rest are counted.

use std::collections::BTreeMap;
use std::fmt;

use loopledger_model::{Evidence, Position};
use serde::Serialize;

/// How many refusals are told in full.
const TOLD: usize = 20;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MeterReport {
    pub position: Position,
    pub file: String,
    pub format: &'static str,
    pub evidence: Evidence,
    pub lines: u64,
    pub usages: u64,
    /// Usages that made facts.
    pub accepted: u64,
    /// Usages that were there already.
    pub unchanged: u64,
    pub refused: u64,
    /// The first of them.
    pub refusals: Vec<RefusedUsage>,
    /// Lines and samples that make no usage, by why.
    pub skipped: BTreeMap<&'static str, u64>,
    /// Used by the cards between their first and last reading.
    pub energy_mj: Option<String>,
    pub energy_resets: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedUsage {
    pub line: u64,
    pub code: String,
    pub message: String,
}

impl MeterReport {
    pub fn settle(&mut self, position: Position, made: bool) {
        self.position = self.position.max(position);
        self.accepted += u64::from(made);
        self.unchanged += u64::from(!made);
    }

    pub fn refuse(&mut self, refused: RefusedUsage) {
        self.refused += 1;
        if self.refusals.len() < TOLD {
            self.refusals.push(refused);
        }
    }

    /// 3 where any usage was refused, else 0.
    pub const fn exit_status(&self) -> u8 {
        if self.refused == 0 { 0 } else { 3 }
    }
}

/// A line for each refusal that is told, then the counts.
impl fmt::Display for MeterReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for RefusedUsage { line, code, message } in &self.refusals {
            writeln!(f, "{} line {line}: refused ({code}): {message}", self.file)?;
        }
        if let more @ 1.. = self.refused - self.refusals.len() as u64 {
            writeln!(f, "and {more} more refused")?;
        }
        let Self { lines, usages, accepted, unchanged, refused, .. } = self;
        writeln!(
            f,
            "{lines} lines, {usages} usages: {accepted} accepted, {unchanged} unchanged, \
             {refused} refused; position {}",
            self.position
        )?;
        for (why, count) in &self.skipped {
            writeln!(f, "  {count} skipped: {}", why.replace('_', " "))?;
        }
        if let Some(energy) = &self.energy_mj {
            writeln!(f, "  {energy} mJ used; counters began anew {} times", self.energy_resets)?;
        }
        write!(f, "evidence: sha256 {}, {} bytes", self.evidence.sha256, self.evidence.size)
    }
}
