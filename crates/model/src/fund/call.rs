//! Capital that a fund calls, who bears how much of it, who does not pay, and what was called in excess.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{CallId, ExcessReturnId, PartyId};
use crate::money::Money;
use crate::text::names;

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CallPurpose {
    Investment,
    /// More for a company that is held already, or for what it was promised in the investment period.
    FollowOn,
    Fee,
    Expense,
    /// What it cost to set the fund up.
    OrganisationCost,
}

names!(CallPurpose, "purpose of a call": Investment = "investment", FollowOn = "follow_on", Fee = "fee",
    Expense = "expense", OrganisationCost = "organisation_cost");

impl CallPurpose {
    /// After the investment period nothing new is bought or set up.
    pub const fn is_of_the_investment_period(self) -> bool {
        matches!(self, Self::Investment | Self::OrganisationCost)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallLine {
    pub purpose: CallPurpose,
    pub amount: Money,
}

/// A fund asks its limited partners to pay in, each its share by commitment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallCapital {
    pub id: CallId,
    pub fund: PartyId,
    /// When notice was given.
    pub at: Timestamp,
    pub due: Timestamp,
    /// At least one, and one for a purpose.
    pub lines: Vec<CallLine>,
    /// Partners that bear nothing of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excused: Vec<PartyId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallShare {
    pub lp: PartyId,
    pub amount: Money,
}

/// A call and who bears it. The shares come to the call's total: each is its exact part rounded down to minor units,
/// and what is left goes to the largest remainders, of equal ones to the manager's first, then by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CapitalCalled {
    pub call: CallCapital,
    /// By id; without those who bear nothing.
    pub shares: Vec<CallShare>,
}

/// A partner has not paid its share when it was due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclareDefault {
    pub fund: PartyId,
    pub call: CallId,
    pub lp: PartyId,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PartnerDefaulted {
    pub default: DeclareDefault,
    /// What it had not paid by then.
    pub unpaid: Money,
}

/// A partner in default has paid its share after all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CureDefault {
    pub fund: PartyId,
    pub call: CallId,
    pub lp: PartyId,
    pub at: Timestamp,
}

/// Money that a fund called and did not need goes back to a partner, and can be called again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnExcess {
    pub id: ExcessReturnId,
    pub fund: PartyId,
    pub call: CallId,
    pub lp: PartyId,
    pub amount: Money,
    pub at: Timestamp,
}
