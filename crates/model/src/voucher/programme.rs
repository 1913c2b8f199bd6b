//! Programmes, their versions and stages, and the providers that they admit.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::people::Person;
use super::rules::Rules;
use crate::decimal::PFlops;
use crate::id::{ContractId, PartyId, ProgrammeId};
use crate::money::{Currency, Money};
use crate::text::{Text, names};
use crate::time::Period;

/// One version of a programme; what it says is never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Programme {
    pub id: ProgrammeId,
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub version: u32,
    pub issuer: PartyId,
    pub name: Text,
    pub currency: Currency,
    /// For all periods together.
    pub budget: Money,
    /// The most that is issued in each of these; empty: only the whole counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<BudgetPeriod>,
    /// Who bears the budget, and in which proportion; empty: the issuer alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub funding: Vec<Source>,
    /// When it opens.
    pub at: Timestamp,
    /// The last instant at which it issues vouchers.
    pub closes: Timestamp,
    pub rules: Rules,
}

const fn first() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in a reference")]
pub(super) const fn is_first(version: &u32) -> bool {
    *version == 1
}

pub(super) const fn first_version() -> u32 {
    first()
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetPeriod {
    pub period: Period,
    pub amount: Money,
}

/// A party that bears so many parts of a budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub party: PartyId,
    pub parts: u32,
}

/// What one source bears of an amount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Funded {
    pub source: PartyId,
    pub amount: Money,
}

/// Where a programme stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ProgrammeStage {
    Drafted,
    Published,
    Open,
    Suspended,
    Closed,
    Settled,
}

names!(ProgrammeStage, "stage of a programme": Drafted = "drafted", Published = "published", Open = "open",
    Suspended = "suspended", Closed = "closed", Settled = "settled");

/// Publishes a drafted version, or takes the programme to another stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeProgramme {
    pub programme: ProgrammeId,
    /// The version that is published, or the one in force.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub version: u32,
    pub to: ProgrammeStage,
    pub by: Person,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProgrammeChanged {
    pub programme: ProgrammeId,
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub version: u32,
    /// A further version is published without a change of stage.
    pub from: ProgrammeStage,
    pub to: ProgrammeStage,
    pub by: Person,
    pub at: Timestamp,
}

/// `provider` may be paid by the programme for service from `at` until `to`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Admission {
    pub programme: ProgrammeId,
    pub provider: PartyId,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qualification: Option<Qualification>,
}

/// What a provider shows of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Qualification {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p: Option<PFlops>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub racks: Option<u32>,
    #[serde(skip_serializing_if = "super::rules::is_default")]
    pub connected: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Text>,
}

/// A provider asks to be admitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdmissionApplication {
    pub programme: ProgrammeId,
    pub provider: PartyId,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qualification: Option<Qualification>,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum AdmissionChange {
    Suspended,
    Reinstated,
    /// For good.
    Removed,
}

names!(AdmissionChange, "change of an admission": Suspended = "suspended", Reinstated = "reinstated",
    Removed = "removed");

/// From `at` on the provider is no longer, or again, admitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeAdmission {
    pub programme: ProgrammeId,
    pub provider: PartyId,
    pub change: AdmissionChange,
    pub by: Person,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
}

/// One approver lets the parties of a contract through the affiliation rule of a programme.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveWaiver {
    pub programme: ProgrammeId,
    pub contract: ContractId,
    pub by: Person,
    pub reason: Text,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaiverApproved {
    pub programme: ProgrammeId,
    pub contract: ContractId,
    pub by: Person,
    pub reason: Text,
    /// How many approvals there are now.
    pub approvals: u32,
    /// How many it takes.
    pub needed: u32,
    pub at: Timestamp,
}
