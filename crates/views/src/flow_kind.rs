//! The kinds of money that moves, as rows and answers name them.

use std::fmt;
use std::str::FromStr;

use loopledger_model::NotAName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum FlowKind {
    /// A limited partner to its fund.
    Contribution,
    /// A fund or any party to a company.
    Investment,
    /// A fund to a limited partner.
    Distribution,
    /// A buyer's own cash to its provider.
    ComputePayment,
    /// Government to a provider, for a buyer's invoice.
    VoucherPayment,
    Refund,
    Transfer,
}

impl FlowKind {
    pub const ALL: [Self; 7] = [
        Self::Contribution,
        Self::Investment,
        Self::Distribution,
        Self::ComputePayment,
        Self::VoucherPayment,
        Self::Refund,
        Self::Transfer,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Contribution => "contribution",
            Self::Investment => "investment",
            Self::Distribution => "distribution",
            Self::ComputePayment => "compute_payment",
            Self::VoucherPayment => "voucher_payment",
            Self::Refund => "refund",
            Self::Transfer => "transfer",
        }
    }
}

impl fmt::Display for FlowKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for FlowKind {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| NotAName {
            text: text.chars().take(40).collect(),
            what: "kind of flow",
            names: "contribution investment distribution compute_payment voucher_payment refund \
                    transfer",
        })
    }
}
