//! What becomes of an investment after it was funded: parts of it are sold or pay income, and it is said to be worth more
//! or less.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decimal::Percent;
use crate::id::{ExitId, InvestmentId, PartyId, ValuationId};
use crate::money::Money;

/// An investor gives up an investment, or a part of it, and is paid for it. Where it gives nothing up, what it is paid is
/// income of the investment; where it is paid nothing, the part is lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExitInvestment {
    pub id: ExitId,
    pub investment: InvestmentId,
    /// The company or whoever else pays.
    pub payer: PartyId,
    /// The part of the investment's cost that is given up.
    pub cost: Money,
    pub proceeds: Money,
    /// The part of the company that is given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stake_percent: Option<Percent>,
    pub at: Timestamp,
}

/// What went with the money: the investor, which the command names by its investment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InvestmentExited {
    pub exit: ExitInvestment,
    pub investor: PartyId,
    pub company: PartyId,
}

/// What is held of an investment is said to be worth so much at a date: less than its cost where it is written down,
/// nothing where it is written off. It moves no money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ValueInvestment {
    pub id: ValuationId,
    pub investment: InvestmentId,
    /// The date that it is of.
    pub as_of: Timestamp,
    pub amount: Money,
    /// When it was stated.
    pub at: Timestamp,
    /// The one of the same date that it takes the place of; both stay on record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restates: Option<ValuationId>,
}

/// A valuation and whose investment it is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InvestmentValued {
    pub valuation: ValueInvestment,
    pub investor: PartyId,
}
