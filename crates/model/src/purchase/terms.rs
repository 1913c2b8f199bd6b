//! What a contract says beside who sells what to whom: its kind, how its price steps, what is taken, prepaid and
//! promised at least or at most, and what its end before its time costs whom.
//!
//! Invariant: whatever was not agreed, or is not known to be, is absent; nothing is taken for granted.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Contract;
use crate::decimal::{Percent, Portion, Price, Quantity};
use crate::money::Money;
use crate::text::names;
use crate::time::Period;

/// The most steps of one schedule.
pub const MAX_STEPS: usize = 240;

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ContractKind {
    Lease,
    Service,
    /// Without volume: what is delivered and invoiced was ordered before.
    Framework,
    /// Of what its seller bought by its backing contract.
    Resale,
}

names!(ContractKind, "kind of contract": Lease = "lease", Service = "service", Framework = "framework",
    Resale = "resale");

/// Whether P is what makers say of cards, or what somebody measured on them.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Rating {
    Rated,
    Measured,
}

names!(Rating, "rating of P": Rated = "rated", Measured = "measured");

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ContractSide {
    Buyer,
    Seller,
}

names!(ContractSide, "side of a contract": Buyer = "buyer", Seller = "seller");

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// In the order of their dates, which lie within the term and after its start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub price_steps: Vec<PriceStep>,
    /// Units that the buyer takes, or pays for, over the term.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Quantity>,
    /// Of the contract's value, to be paid before any invoice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepayment: Option<Percent>,
    /// Held by the seller and given back at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposit: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sla: Option<Sla>,
    #[serde(default, skip_serializing_if = "Penalties::are_silent")]
    pub penalties: Penalties,
    /// In the order of their dates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refund_steps: Vec<RefundStep>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceStep {
    pub from: Timestamp,
    pub price_per_unit: Price,
}

/// What is promised, and the most that is credited of an invoice where it was not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sla {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability: Option<Percent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deliver_by: Option<Timestamp>,
    pub credit: Percent,
}

/// The most that each side owes where it ends the contract early or breaks it: of what is not invoiced yet, at
/// the price of the day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Penalties {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buyer: Option<Percent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seller: Option<Percent>,
}

/// From then on, so much of what was paid goes back where the contract ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundStep {
    pub from: Timestamp,
    pub percent: Portion,
}

impl Terms {
    pub fn is_silent(&self) -> bool {
        *self == Self::default()
    }

    /// What of everything paid goes back where the contract ends then; absent before the first step.
    pub fn refund_at(&self, instant: Timestamp) -> Option<Portion> {
        self.refund_steps.iter().rev().find(|step| step.from <= instant).map(|step| step.percent)
    }
}

impl Penalties {
    pub fn are_silent(&self) -> bool {
        *self == Self::default()
    }

    pub const fn of(&self, side: ContractSide) -> Option<Percent> {
        match side {
            ContractSide::Buyer => self.buyer,
            ContractSide::Seller => self.seller,
        }
    }
}

impl Contract {
    /// What a unit costs at an instant.
    pub fn price_at(&self, instant: Timestamp) -> Price {
        let steps = self.terms.price_steps.iter().rev();
        let mut past = steps.filter(|step| step.from <= instant);
        past.next().map_or(self.price_per_unit, |step| step.price_per_unit)
    }

    /// The first instant within a period, after its start, at which the price changes.
    pub fn price_step_within(&self, period: &Period) -> Option<Timestamp> {
        let mut steps = self.terms.price_steps.iter().map(|step| step.from);
        steps.find(|at| period.from() < *at && period.contains(*at))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;
    use crate::time::parse_instant;

    fn at(text: &str) -> Timestamp {
        parse_instant(text).expect("a date")
    }

    #[test]
    fn a_price_holds_from_its_step_up_to_the_next_one() {
        let contract: Contract = from_value(json!({
            "id": "k", "buyer": "b", "seller": "s", "currency": "CNY", "price_per_unit": "10",
            "unit": "card_hour", "quantity": "5", "at": "2025-01-01T00:00:00Z",
            "term": { "from": "2025-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z" },
            "terms": { "price_steps": [
                { "from": "2025-04-01T00:00:00Z", "price_per_unit": "8" },
                { "from": "2025-07-01T00:00:00Z", "price_per_unit": "9" },
            ] },
        }))
        .expect("a contract");
        let prices = ["2025-03-31", "2025-04-01", "2025-06-30", "2025-07-01", "2027-01-01"];
        let prices = prices.map(|day| contract.price_at(at(day)).to_string());
        assert_eq!(prices, ["10", "8", "8", "9", "9"]);
        let step = |from, to| {
            let period = Period::new(at(from), at(to)).expect("a period");
            contract.price_step_within(&period)
        };
        assert_eq!(step("2025-03-01", "2025-04-01"), None);
        assert_eq!(step("2025-04-01", "2025-07-01"), None);
        assert_eq!(step("2025-03-31", "2025-08-01"), Some(at("2025-04-01")));
    }

    #[test]
    fn a_refund_schedule_says_nothing_before_its_first_step() {
        let terms: Terms = from_value(json!({ "refund_steps": [
            { "from": "2025-01-01T00:00:00Z", "percent": "60" },
            { "from": "2025-07-01T00:00:00Z", "percent": "0" },
        ] }))
        .expect("terms");
        let due = ["2024-12-31", "2025-06-30", "2025-07-01"].map(|day| terms.refund_at(at(day)));
        let due = due.map(|percent| percent.map(|percent| percent.to_string()));
        assert_eq!(due, [None, Some("60".to_owned()), Some("0".to_owned())]);
    }
}
