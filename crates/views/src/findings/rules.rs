//! The rules by which findings are raised, and the figures from which on each of them is.
//!
//! Invariant: a finding names the version of its rule. Whoever changes what a rule says, or a
//! figure of its, raises the rule's version and that of the set.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use loopledger_model::NotAName;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// In the order of their codes.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    ContractWithoutModelAndDelivery,
    EnergyOutsideBounds,
    EvidenceUsedTwice,
    LoopRatioAboveThreshold,
    NeverExecutedAfterVoucher,
    OversoldPool,
    PriceOutsideReference,
    SerialInTwoPools,
    SoldButDark,
    SoleSupplierShare,
    VoucherInsideLoop,
    WorkloadBeyondCapability,
}

/// The figures of the rules. Amounts and shares have to be above them, a score has to reach its.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RuleSet {
    pub(crate) version: u32,
    /// Voucher money, in any currency.
    pub(crate) voucher_amount: Decimal,
    /// Pro rata returned of the capital put out.
    pub(crate) loop_ratio: Decimal,
    /// Sold P of physical P; 1 or more.
    pub(crate) oversold_share: Decimal,
    /// Sold P of lit P; 1 or more.
    pub(crate) dark_share: Decimal,
    /// How far a price may lie outside what the references span, as a share of their bound.
    pub(crate) price_tolerance: Decimal,
    /// A reference price counts for so long.
    pub(crate) reference_days: u32,
    /// By which prices of cards for an hour and for a month are converted.
    pub(crate) hours_per_month: u32,
    /// One provider's part of a buyer's payments for compute.
    pub(crate) supplier_share: Decimal,
    /// Of model, delivery, order and payment, so many that are absent.
    pub(crate) paper_score: usize,
    /// A contract without anything is given so long after its start.
    pub(crate) paper_days: u32,
    /// Uses of one piece of evidence.
    pub(crate) evidence_uses: usize,
    /// Pools that have one card at one instant.
    pub(crate) pools_of_a_card: usize,
    /// Sources that say that a card can be used so.
    pub(crate) sources_of_a_use: usize,
    /// What an idle card draws of its greatest power, at least.
    pub(crate) idle_share: Decimal,
    /// What a server draws for each watt of its cards, at most.
    pub(crate) host_factor: Decimal,
    /// What a site draws for each watt of its servers, at most.
    pub(crate) pue: Decimal,
}

pub(crate) const RULES: RuleSet = RuleSet {
    version: 3,
    voucher_amount: Decimal::ZERO,
    loop_ratio: Decimal::from_parts(10, 0, 0, false, 2),
    oversold_share: Decimal::ONE,
    dark_share: Decimal::ONE,
    price_tolerance: Decimal::from_parts(20, 0, 0, false, 2),
    reference_days: 365,
    hours_per_month: 730,
    supplier_share: Decimal::from_parts(50, 0, 0, false, 2),
    paper_score: 3,
    paper_days: 30,
    evidence_uses: 1,
    pools_of_a_card: 1,
    sources_of_a_use: 0,
    idle_share: Decimal::from_parts(10, 0, 0, false, 2),
    host_factor: Decimal::TWO,
    pue: Decimal::from_parts(15, 0, 0, false, 1),
};

/// The rules as they are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleBook {
    pub rule_set: u32,
    pub rules: Vec<RuleTold>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleTold {
    pub rule: Rule,
    pub version: u32,
    pub about: String,
    pub parameters: BTreeMap<String, String>,
}

impl Rule {
    pub const ALL: [Self; 12] = [
        Self::ContractWithoutModelAndDelivery,
        Self::EnergyOutsideBounds,
        Self::EvidenceUsedTwice,
        Self::LoopRatioAboveThreshold,
        Self::NeverExecutedAfterVoucher,
        Self::OversoldPool,
        Self::PriceOutsideReference,
        Self::SerialInTwoPools,
        Self::SoldButDark,
        Self::SoleSupplierShare,
        Self::VoucherInsideLoop,
        Self::WorkloadBeyondCapability,
    ];

    pub const fn code(self) -> &'static str {
        match self {
            Self::ContractWithoutModelAndDelivery => "contract_without_model_and_delivery",
            Self::EnergyOutsideBounds => "energy_outside_bounds",
            Self::EvidenceUsedTwice => "evidence_used_twice",
            Self::LoopRatioAboveThreshold => "loop_ratio_above_threshold",
            Self::NeverExecutedAfterVoucher => "never_executed_after_voucher",
            Self::OversoldPool => "oversold_pool",
            Self::PriceOutsideReference => "price_outside_reference",
            Self::SerialInTwoPools => "serial_in_two_pools",
            Self::SoldButDark => "sold_but_dark",
            Self::SoleSupplierShare => "sole_supplier_share",
            Self::VoucherInsideLoop => "voucher_inside_loop",
            Self::WorkloadBeyondCapability => "workload_beyond_capability",
        }
    }

    pub const fn version(self) -> u32 {
        match self {
            Self::ContractWithoutModelAndDelivery | Self::PriceOutsideReference => 2,
            Self::EnergyOutsideBounds
            | Self::SerialInTwoPools
            | Self::WorkloadBeyondCapability
            | Self::EvidenceUsedTwice
            | Self::LoopRatioAboveThreshold
            | Self::NeverExecutedAfterVoucher
            | Self::OversoldPool
            | Self::SoldButDark
            | Self::SoleSupplierShare
            | Self::VoucherInsideLoop => 1,
        }
    }

    pub const fn about(self) -> &'static str {
        match self {
            Self::ContractWithoutModelAndDelivery => {
                "a contract names neither model nor cards, was given none and had no delivery \
                 accepted, and of model, delivery, order (or invoice) and payment (or advance) at \
                 least so many are absent so many days after its start, or when it ended"
            }
            Self::EnergyOutsideBounds => {
                "electricity read of a pool, by all meters with the same window, is below the idle \
                 share of the least published power of its cards for the hours that they were \
                 busy, or above the greatest of all installed ones with servers and site"
            }
            Self::EvidenceUsedTwice => {
                "more payments or settlements than this carry one reference, or more usages of \
                 different allocations than this carry one source, window and number of \
                 card-hours, which is neither none nor all"
            }
            Self::LoopRatioAboveThreshold => {
                "of the capital that a loop's first party put out, a larger share than this came \
                 back to it, pro rata"
            }
            Self::NeverExecutedAfterVoucher => {
                "a contract ended without execution after more voucher money than this had been \
                 locked to it"
            }
            Self::OversoldPool => {
                "P sold of a pool, of contracts in force, is above so many times the P of its \
                 installed cards on the same basis"
            }
            Self::PriceOutsideReference => {
                "a contract's unit price, on average over its term, lies outside what the reference \
                 prices of its signing span, or those of all models where it names none, by more \
                 than the tolerance"
            }
            Self::SerialInTwoPools => {
                "more pools than this have the card of one serial number at one instant"
            }
            Self::SoldButDark => {
                "P sold of a pool, of contracts in force, is above so many times the P of its lit \
                 cards on the same basis; or fewer cards are lit than are allocated"
            }
            Self::SoleSupplierShare => {
                "of what a buyer paid for compute, a larger share than this went to one provider \
                 whose capital has reached the buyer in at most four steps"
            }
            Self::VoucherInsideLoop => {
                "more voucher money than this was paid to a loop's first party for invoices of its \
                 last one"
            }
            Self::WorkloadBeyondCapability => {
                "cards are given or used for a class of workload, and of the sources that say what \
                 their model can be used for no more than this name it"
            }
        }
    }
}

impl RuleSet {
    fn parameters(&self, rule: Rule) -> Vec<(&'static str, String)> {
        match rule {
            Rule::ContractWithoutModelAndDelivery => vec![
                ("absent_at_least", self.paper_score.to_string()),
                ("days", self.paper_days.to_string()),
            ],
            Rule::EnergyOutsideBounds => vec![
                ("idle_share", self.idle_share.to_string()),
                ("host_factor", self.host_factor.to_string()),
                ("pue", self.pue.to_string()),
            ],
            Rule::SerialInTwoPools => vec![("pools_above", self.pools_of_a_card.to_string())],
            Rule::WorkloadBeyondCapability => {
                vec![("sources_at_most", self.sources_of_a_use.to_string())]
            }
            Rule::EvidenceUsedTwice => vec![("uses_above", self.evidence_uses.to_string())],
            Rule::LoopRatioAboveThreshold => vec![("ratio_above", self.loop_ratio.to_string())],
            Rule::NeverExecutedAfterVoucher | Rule::VoucherInsideLoop => {
                vec![("amount_above", self.voucher_amount.to_string())]
            }
            Rule::OversoldPool => vec![("share_above", self.oversold_share.to_string())],
            Rule::PriceOutsideReference => vec![
                ("tolerance", self.price_tolerance.to_string()),
                ("reference_days", self.reference_days.to_string()),
                ("hours_per_month", self.hours_per_month.to_string()),
            ],
            Rule::SoldButDark => vec![("share_above", self.dark_share.to_string())],
            Rule::SoleSupplierShare => vec![("share_above", self.supplier_share.to_string())],
        }
    }
}

impl RuleBook {
    /// The rules in force.
    pub fn in_force() -> Self {
        let rules = Rule::ALL.into_iter().map(|rule| RuleTold {
            rule,
            version: rule.version(),
            about: rule.about().to_owned(),
            parameters: RULES
                .parameters(rule)
                .into_iter()
                .map(|(name, figure)| (name.to_owned(), figure))
                .collect(),
        });
        Self { rule_set: RULES.version, rules: rules.collect() }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Rule {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        Self::ALL.into_iter().find(|rule| rule.code() == text).ok_or_else(|| NotAName {
            text: text.chars().take(40).collect(),
            what: "rule",
            names: "contract_without_model_and_delivery energy_outside_bounds \
                    evidence_used_twice loop_ratio_above_threshold \
                    never_executed_after_voucher oversold_pool price_outside_reference \
                    serial_in_two_pools sold_but_dark sole_supplier_share \
                    voucher_inside_loop workload_beyond_capability",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_read_from_its_code_and_told_in_the_order_of_codes() {
        for rule in Rule::ALL {
            assert_eq!(rule.code().parse(), Ok(rule));
            let written = serde_json::to_value(rule).expect("a rule is written as its code");
            assert_eq!(written, rule.code());
        }
        assert!(Rule::ALL.is_sorted() && Rule::ALL.is_sorted_by_key(|rule| rule.code()));
        let unknown = "guilt".parse::<Rule>().expect_err("no rule");
        assert!(Rule::ALL.iter().all(|rule| unknown.names.contains(rule.code())));
    }

    #[test]
    fn every_rule_is_told_with_its_figures() {
        let book = RuleBook::in_force();
        assert_eq!((book.rule_set, book.rules.len()), (3, Rule::ALL.len()));
        assert!(book.rules.iter().all(|rule| !rule.parameters.is_empty()));
    }
}
