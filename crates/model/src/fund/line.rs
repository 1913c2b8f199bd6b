//! Money that a fund borrows until its partners pay in, and the fund's end.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{LineDrawId, LinePaymentId, PartyId};
use crate::money::Money;
use crate::text::names;

/// A fund draws on its subscription line: it owes the lender so much more. It is nobody's capital.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DrawLine {
    pub id: LineDrawId,
    pub fund: PartyId,
    pub lender: PartyId,
    pub amount: Money,
    pub at: Timestamp,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum LinePart {
    Principal,
    Interest,
}

names!(LinePart, "part of a line's payment": Principal = "principal", Interest = "interest");

/// A fund pays its lender back, or pays interest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RepayLine {
    pub id: LinePaymentId,
    pub fund: PartyId,
    pub lender: PartyId,
    pub part: LinePart,
    pub amount: Money,
    pub at: Timestamp,
}

/// A fund ends: it holds nothing, owes nothing and has no money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DissolveFund {
    pub fund: PartyId,
    pub at: Timestamp,
}
