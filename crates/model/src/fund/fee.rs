//! What running a fund costs: its manager's fee, other expenses, and the manager's share of profit.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decimal::Percent;
use crate::id::{CarryId, ExpenseId, FeeId, FeePaymentId, FeeReductionId, PartyId};
use crate::money::Money;
use crate::text::{Text, names};
use crate::time::Period;

use super::terms::{FeeBasis, Phase};

/// The manager's fee of a period becomes due. How much it is follows from the terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccrueFee {
    pub id: FeeId,
    pub fund: PartyId,
    /// In one phase, under one version of the terms.
    pub period: Period,
    pub at: Timestamp,
}

/// A fee that is due: `percent_a_year` of `base` for the days of its period (actual/365), rounded down to minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FeeAccrued {
    pub accrual: AccrueFee,
    /// Of the terms.
    pub version: u32,
    pub phase: Phase,
    pub basis: FeeBasis,
    /// What the basis came to when the period began.
    pub base: Money,
    pub percent_a_year: Percent,
    pub amount: Money,
}

/// A fund pays a fee, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PayFee {
    pub id: FeePaymentId,
    pub fund: PartyId,
    pub fee: FeeId,
    pub payee: PartyId,
    pub amount: Money,
    pub at: Timestamp,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    Waived,
    /// Against what the manager got elsewhere, as from a portfolio company.
    Offset,
}

names!(Reduction, "reduction of a fee": Waived = "waived", Offset = "offset");

/// So much of a fee is not paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReduceFee {
    pub id: FeeReductionId,
    pub fund: PartyId,
    pub fee: FeeId,
    pub reduction: Reduction,
    pub amount: Money,
    pub at: Timestamp,
    /// Why, or against what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Text>,
}

/// A fund pays for anything but an investment or its manager's fee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PayExpense {
    pub id: ExpenseId,
    pub fund: PartyId,
    pub payee: PartyId,
    pub amount: Money,
    pub at: Timestamp,
    pub purpose: Text,
    /// The manager, or somebody related to it, is paid.
    #[serde(default)]
    pub related_party: bool,
}

/// A fund pays its manager's share of profit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PayCarry {
    pub id: CarryId,
    pub fund: PartyId,
    pub payee: PartyId,
    pub amount: Money,
    pub at: Timestamp,
}
