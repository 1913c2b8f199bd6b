//! What becomes of a commitment after it was made: it grows, shrinks or goes to another partner.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{CommitmentChangeId, CommitmentTransferId, PartyId};
use crate::money::Money;
use crate::text::names;

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    Increase,
    Reduce,
}

names!(ChangeKind, "change of a commitment": Increase = "increase", Reduce = "reduce");

/// From `at` on a limited partner promises so much more or less.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeCommitment {
    pub id: CommitmentChangeId,
    pub fund: PartyId,
    pub lp: PartyId,
    pub change: ChangeKind,
    pub amount: Money,
    pub at: Timestamp,
}

/// A limited partner hands its commitment, or so much of it, over to another; the same part of what it paid in and got
/// back goes with it. What the two pay each other is no money of the fund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferCommitment {
    pub id: CommitmentTransferId,
    pub fund: PartyId,
    pub from: PartyId,
    pub to: PartyId,
    pub amount: Money,
    pub at: Timestamp,
    /// A side letter of its own promises the new partner that portfolio companies buy from it first.
    #[serde(default)]
    pub priority_supplier: bool,
}

/// What went over with a commitment: the transferred part, rounded down, of what was `contributed` less what was
/// returned of it, of the `recallable` distributions, and of all that was `distributed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommitmentTransferred {
    pub transfer: TransferCommitment,
    pub contributed: Money,
    pub recallable: Money,
    pub distributed: Money,
}
