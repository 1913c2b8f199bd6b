//! What a fund's partners agreed on: its phases, its fee, what it may put to work again, and how profit is shared.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decimal::Percent;
use crate::id::PartyId;
use crate::text::names;

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Investment,
    Exit,
    Extension,
}

names!(Phase, "phase of a fund": Investment = "investment", Exit = "exit", Extension = "extension");

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum FeeBasis {
    /// All that partners promised.
    Commitments,
    /// All that they paid in, less what was returned of it.
    Contributions,
    /// The cost of what the fund holds.
    InvestedCost,
}

names!(FeeBasis, "basis of a fee": Commitments = "commitments", Contributions = "contributions",
    InvestedCost = "invested_cost");

/// The fee of one phase; a phase without one is free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PhaseFee {
    pub phase: Phase,
    pub percent_a_year: Percent,
    pub basis: FeeBasis,
}

/// How the whole fund's distributions are shared, one tier after the other: what was paid in goes back, then the
/// preferred return on it (simple interest, actual/365), then the manager catches up, then both share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waterfall {
    /// Absent: there is no preferred return.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred_percent_a_year: Option<Percent>,
    /// What the manager gets of each payment until it has its share of all profit; absent: it does not catch up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catch_up_percent: Option<Percent>,
    /// The manager's share.
    pub carry_percent: Percent,
}

/// A version of a fund's terms; the first is 1. It holds from `at` on, until the next one does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetTerms {
    pub fund: PartyId,
    pub version: u32,
    pub at: Timestamp,
    /// Each phase ends where the next begins.
    pub investment_ends: Timestamp,
    pub exit_ends: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension_ends: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fees: Vec<PhaseFee>,
    /// How much may be invested of what came back, in percent of the commitments; absent: there is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recycling_percent: Option<Percent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waterfall: Option<Waterfall>,
}

impl SetTerms {
    /// The phase at an instant; none where all have ended.
    pub fn phase(&self, at: Timestamp) -> Option<Phase> {
        if at < self.investment_ends {
            Some(Phase::Investment)
        } else if at < self.exit_ends {
            Some(Phase::Exit)
        } else {
            self.extension_ends.filter(|ends| at < *ends).map(|_| Phase::Extension)
        }
    }

    /// When a phase ends.
    pub const fn ends(&self, phase: Phase) -> Option<Timestamp> {
        match phase {
            Phase::Investment => Some(self.investment_ends),
            Phase::Exit => Some(self.exit_ends),
            Phase::Extension => self.extension_ends,
        }
    }

    pub fn fee(&self, phase: Phase) -> Option<&PhaseFee> {
        self.fees.iter().find(|fee| fee.phase == phase)
    }
}
