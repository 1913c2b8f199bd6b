//! What a version of a programme rules: parameters that an official can write down, and no code.
//!
//! Invariant: what is left out is off; a programme that states the first nine parameters alone pays its ratio of
//! what was invoiced to the provider, without review.

use jiff::Timestamp;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::people::{ApplicantKind, ComputeOrigin, EvidenceKind, Purpose};
use crate::compute::Precision;
use crate::decimal::{CardHours, PFlops, Percent, Price, Ratio};
use crate::id::PersonId;
use crate::money::{Money, Rounding};
use crate::text::{Text, names};
use crate::time::Period;

/// What a programme does when the provider and the buyer of a contract are related.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Affiliation {
    Allow,
    /// Refuses where one controls the other or one party controls both (`affiliation_percent`, else 50, is control).
    RefuseLegal,
    /// Refuses where one holds `affiliation_percent` (else 25) or more of the other, through any chain.
    RefuseLookThrough,
    /// Refuses where the provider's capital reached the buyer in the last `funding_link_months` (else 12).
    RefuseFundingLink,
}

names!(Affiliation, "affiliation rule": Allow = "allow", RefuseLegal = "refuse_legal",
    RefuseLookThrough = "refuse_look_through", RefuseFundingLink = "refuse_funding_link");

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// The share of the base that vouchers pay at most, where no tier says otherwise.
    pub ratio: Ratio,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap_voucher: Option<Money>,
    /// The most for one holder in a calendar year (UTC); `amount.cap_counts` says of what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap_holder_year: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity_days: Option<u32>,
    pub affiliation: Affiliation,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affiliation_percent: Option<Percent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub funding_link_months: Option<u32>,
    pub metering_required: bool,
    pub rounding: Rounding,
    #[serde(default, skip_serializing_if = "is_default")]
    pub amount: Box<AmountRules>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub eligibility: Box<EligibilityRules>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub settlement: SettlementRules,
    /// Absent: vouchers are issued without an application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_review: Option<ReviewRules>,
    /// Absent: a redemption is approved by being in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_review: Option<ReviewRules>,
    /// Absent: the affiliation rule has no exceptions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiver: Option<WaiverRule>,
    /// Absent: what was paid is not claimed back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clawback: Option<ClawbackRule>,
}

impl Rules {
    /// Of all tiers, and of users whom none fits.
    pub fn highest_ratio(&self) -> Decimal {
        let tiers = self.amount.tiers.iter().map(|tier| tier.ratio.value());
        tiers.fold(self.ratio.value(), Decimal::max)
    }

    /// Whether an amount is the ratio of what was invoiced, so that a redemption needs no trace to be understood.
    pub fn is_plain(&self) -> bool {
        is_default(&self.amount)
    }
}

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// How an amount is found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AmountRules {
    /// The first whose conditions all hold takes the place of `ratio`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
    /// The first whose conditions all hold takes its ratio off the user's own share.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub own_share_discounts: Vec<Tier>,
    #[serde(skip_serializing_if = "is_default")]
    pub base: Base,
    /// What an invoice has of these is taken off the base.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded_items: Vec<ItemKind>,
    /// What the programme counts a card-hour at; for `base` `list`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list_price: Option<Price>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pro_rata: Option<ProRata>,
    /// `rounding` counts decimals of so many units of the currency: 4 decimals of 10,000 CNY are whole yuan.
    #[serde(skip_serializing_if = "is_default")]
    pub rounding_unit: RoundingUnit,
    #[serde(skip_serializing_if = "is_default")]
    pub rounds: Rounds,
    /// The most for one contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cap_contract: Option<Money>,
    /// The most card-hours of one contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cap_card_hours: Option<CardHours>,
    #[serde(skip_serializing_if = "is_default")]
    pub cap_counts: CapCounts,
}

/// A ratio for users of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    pub when: Conditions,
    pub ratio: Ratio,
}

/// All that are stated have to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Conditions {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applicant: Option<ApplicantKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_up: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub young_founder: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compute_origin: Option<ComputeOrigin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filed_model: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
}

/// What the ratio is a share of.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Base {
    /// What was invoiced.
    #[default]
    Invoiced,
    /// What the contract comes to.
    Contract,
    /// What the buyer has paid of the invoice.
    Settled,
    /// What was metered, at the contract's price.
    Used,
    /// What is claimed in card-hours, at the programme's list price.
    List,
}

names!(Base, "base": Invoiced = "invoiced", Contract = "contract", Settled = "settled", Used = "used", List = "list");

/// A kind of thing that an invoice may be for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    Compute,
    Storage,
    Network,
    Security,
    Other,
}

names!(ItemKind, "kind of item": Compute = "compute", Storage = "storage", Network = "network",
    Security = "security", Other = "other");

/// Only the days of service within the window count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProRata {
    pub window: Period,
    pub day_count: DayCount,
}

/// How the days between two dates are counted.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DayCount {
    /// The later date less the earlier.
    Difference,
    /// Both dates count.
    Inclusive,
}

names!(DayCount, "day count": Difference = "difference", Inclusive = "inclusive");

/// So many units of the currency.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RoundingUnit {
    #[default]
    One,
    Hundred,
    Thousand,
    TenThousand,
    Million,
}

names!(RoundingUnit, "rounding unit": One = "one", Hundred = "hundred", Thousand = "thousand",
    TenThousand = "ten_thousand", Million = "million");

impl RoundingUnit {
    /// How many zeros it has.
    pub const fn zeros(self) -> u32 {
        match self {
            Self::One => 0,
            Self::Hundred => 2,
            Self::Thousand => 3,
            Self::TenThousand => 4,
            Self::Million => 6,
        }
    }
}

/// When an amount is rounded.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Rounds {
    /// Once, after the ratio.
    #[default]
    Result,
    /// After pro rata and after the ratio.
    EachStep,
}

names!(Rounds, "moment of rounding": Result = "result", EachStep = "each_step");

/// What the cap of a holder's year counts.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CapCounts {
    /// Faces, in the year of issue.
    #[default]
    Issued,
    /// What is redeemed, in the year of the claim.
    Redeemed,
    /// Each of the two stays within it.
    Both,
}

names!(CapCounts, "thing to count": Issued = "issued", Redeemed = "redeemed", Both = "both");

impl CapCounts {
    pub const fn issued(self) -> bool {
        matches!(self, Self::Issued | Self::Both)
    }

    pub const fn redeemed(self) -> bool {
        matches!(self, Self::Redeemed | Self::Both)
    }
}

/// Who may be paid for what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EligibilityRules {
    /// Empty: every kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub applicants: Vec<ApplicantKind>,
    /// Empty: every purpose.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub purposes: Vec<Purpose>,
    /// The first instant at which a contract may be signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_from: Option<Timestamp>,
    /// The last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term_days_max: Option<u32>,
    /// Precisions on which a contract may state its P; empty: any, or none stated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub precisions: Vec<Precision>,
    #[serde(skip_serializing_if = "is_default")]
    pub one_claim_per_contract: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub provider: ProviderGate,
}

/// What a provider has to be admitted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderGate {
    /// Whether providers need no admission at all.
    #[serde(skip_serializing_if = "is_default")]
    pub unlisted: bool,
    /// Of `p_min` and `racks_min` one suffices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_min: Option<PFlops>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub racks_min: Option<u32>,
    /// Whether it has to be connected to the programme's platform.
    #[serde(skip_serializing_if = "is_default")]
    pub connected: bool,
    /// Empty: any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<Text>,
}

/// How money gets from the budget to whom.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SettlementRules {
    #[serde(skip_serializing_if = "is_default")]
    pub mode: SettlementMode,
    #[serde(skip_serializing_if = "is_default")]
    pub payee: PayeeRule,
    /// Whether the buyer's payments have to cover the rest of the invoice first.
    #[serde(skip_serializing_if = "is_default")]
    pub own_share_first: bool,
    /// How long after the service a claim may be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim_window_days: Option<u32>,
    /// In what parts an approved application is issued; they come to 1. Empty: at once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tranches: Vec<Tranche>,
}

#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SettlementMode {
    /// M1: the voucher is deducted on the bill and the provider redeems it.
    #[default]
    ProviderRedeems,
    /// M2: the voucher comes first, the firm pays and redeems it.
    FirmRedeems,
    /// M3: no voucher; the claim for what was used and paid makes one that lives as long as the claim.
    Reimbursement,
    /// M4: hours in kind with a co-payment; no money is paid out.
    InKind,
    /// M5: credits, exchanged at the provider's rates, in tranches.
    Credits,
    /// M6: the supply side, by a target letter (the contract); the claim makes the voucher.
    TargetLetter,
}

names!(SettlementMode, "settlement mode": ProviderRedeems = "provider_redeems", FirmRedeems = "firm_redeems",
    Reimbursement = "reimbursement", InKind = "in_kind", Credits = "credits", TargetLetter = "target_letter");

impl SettlementMode {
    /// Whether a claim makes its own voucher.
    pub const fn claims_issue(self) -> bool {
        matches!(self, Self::Reimbursement | Self::TargetLetter)
    }
}

#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum PayeeRule {
    #[default]
    Provider,
    Firm,
    /// The claim says which; never both for the same contract and time.
    EitherNotBoth,
}

names!(PayeeRule, "payee": Provider = "provider", Firm = "firm", EitherNotBoth = "either_not_both");

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tranche {
    pub share: Ratio,
    /// What the application needs to have been supplied with first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<EvidenceKind>,
}

/// How an application or a claim is reviewed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReviewRules {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EvidenceKind>,
    /// How many persons verify it, one after the other.
    #[serde(skip_serializing_if = "is_default")]
    pub levels: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub publicity_days: u32,
    /// Below this amount it is approved by being complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_approve_below: Option<Money>,
    /// How long a rejection can be appealed.
    #[serde(skip_serializing_if = "is_default")]
    pub appeal_days: u32,
}

/// Who may let related parties through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaiverRule {
    pub approvers: Vec<PersonId>,
    /// How many of them it takes.
    pub needed: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClawbackRule {
    pub triggers: Vec<ClawbackTrigger>,
    /// A year, on actual days over 365, from the latest payment to the assessment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interest: Option<Percent>,
    /// For how long who was paid can neither apply nor claim, from the assessment.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ban_years: u32,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ClawbackTrigger {
    FalseEvidence,
    Collusion,
    DuplicatePayment,
    ContractTerminated,
    NeverExecuted,
    Ineligible,
}

names!(ClawbackTrigger, "clawback trigger": FalseEvidence = "false_evidence", Collusion = "collusion",
    DuplicatePayment = "duplicate_payment", ContractTerminated = "contract_terminated",
    NeverExecuted = "never_executed", Ineligible = "ineligible");
