//! Claims on vouchers with the trace of their amounts, the payment of what is approved, and clawbacks.
//!
//! Invariant: a clawback appends; nothing that was redeemed or paid is ever taken off the record.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::people::{Evidence, Person, Profile};
use super::programme::{Funded, first_version, is_first};
use super::rules::{Affiliation, ClawbackTrigger, ItemKind};
use crate::context::FactId;
use crate::decimal::CardHours;
use crate::id::{
    ClawbackId, ContractId, InvoiceId, PartyId, PersonId, ProgrammeId, RecoveryId, RedemptionId,
    SettlementId, UsageId, VoucherId,
};
use crate::money::Money;
use crate::text::{Text, names};

/// A claim on a voucher for one invoice. Where the settlement mode has claims issue, `voucher` is the name of the
/// voucher that the claim makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitClaim {
    pub id: RedemptionId,
    pub programme: ProgrammeId,
    pub voucher: VoucherId,
    pub invoice: InvoiceId,
    /// The most that is asked for; absent: what the rules come to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// Absent: the invoice's, where its contract counts card-hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_hours: Option<CardHours>,
    /// The metered usage that it rests on; empty: all of the contract's within the invoice's service time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub usage: Vec<UsageId>,
    /// What parts of the invoice are for; the rest is compute.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item>,
    /// Counts where the voucher was issued without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// Who is to be paid, where the programme leaves that open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payee: Option<Side>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    pub by: Person,
    pub at: Timestamp,
}

/// A part of an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Item {
    pub kind: ItemKind,
    pub amount: Money,
}

/// A side of a contract.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Provider,
    Firm,
}

names!(Side, "side of a contract": Provider = "provider", Firm = "firm");

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimSubmitted {
    pub claim: SubmitClaim,
    /// The version whose rules it is held to.
    #[serde(default = "first_version", skip_serializing_if = "is_first")]
    pub version: u32,
    pub contract: ContractId,
    pub holder: PartyId,
    pub provider: PartyId,
    pub payee: PartyId,
    /// What the rules come to; an approval works it out anew and never goes above it.
    pub amount: Money,
    pub trace: Vec<Step>,
    /// How many it is for, where that can be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_hours: Option<CardHours>,
    /// The metered usage that it rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub usage: Vec<UsageId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    /// The how-manieth claim of its programme it is.
    pub place: u64,
}

/// One rule at work on an amount. `before` and `after` are exact: a decimal, or a fraction as in `1/3`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub rule: RuleName,
    /// What the rule looked at, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, String>,
    pub before: String,
    pub after: String,
    /// `before` less `after`.
    pub cut: String,
}

/// The rules that find an amount, in the order in which they do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RuleName {
    Base,
    ExcludedItems,
    CapCardHours,
    ProRata,
    ProRataRounding,
    Ratio,
    OwnShareDiscount,
    Rounding,
    CapContract,
    CapVoucher,
    CapHolderYear,
    /// What is redeemed on the invoice already.
    InvoiceShare,
    /// What is locked or, where the claim issues, left of the budget.
    Available,
    Asked,
}

names!(RuleName, "rule": Base = "base", ExcludedItems = "excluded_items", CapCardHours = "cap_card_hours",
    ProRata = "pro_rata", ProRataRounding = "pro_rata_rounding", Ratio = "ratio",
    OwnShareDiscount = "own_share_discount", Rounding = "rounding", CapContract = "cap_contract",
    CapVoucher = "cap_voucher", CapHolderYear = "cap_holder_year", InvoiceShare = "invoice_share",
    Available = "available", Asked = "asked");

/// What the affiliation rule rested on when it let a contract through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    pub rule: Affiliation,
    /// The last of the other contexts' facts that was known; absent: none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts_to: Option<FactId>,
    /// Who waived a relation that was found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waived_by: Vec<PersonId>,
}

/// The treasury is told to pay a part of a redemption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderPayment {
    /// The settlement that the payment will be.
    pub id: SettlementId,
    pub redemption: RedemptionId,
    pub amount: Money,
    pub by: Person,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentOrdered {
    pub id: SettlementId,
    pub redemption: RedemptionId,
    pub programme: ProgrammeId,
    pub payee: PartyId,
    pub amount: Money,
    pub by: Person,
    pub at: Timestamp,
}

/// An ordered payment did not arrive; it can be ordered again under another id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FailPayment {
    pub id: SettlementId,
    pub reason: Text,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentFailed {
    pub id: SettlementId,
    pub redemption: RedemptionId,
    pub programme: ProgrammeId,
    pub amount: Money,
    pub reason: Text,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenClawback {
    pub id: ClawbackId,
    pub redemption: RedemptionId,
    pub trigger: ClawbackTrigger,
    pub by: Person,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClawbackOpened {
    pub id: ClawbackId,
    pub redemption: RedemptionId,
    pub programme: ProgrammeId,
    /// Who was paid.
    pub payee: PartyId,
    pub trigger: ClawbackTrigger,
    pub by: Person,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssessClawback {
    pub clawback: ClawbackId,
    /// Without interest.
    pub principal: Money,
    pub by: Person,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClawbackAssessed {
    pub clawback: ClawbackId,
    pub redemption: RedemptionId,
    pub programme: ProgrammeId,
    pub payee: PartyId,
    pub principal: Money,
    pub interest: Money,
    /// Until when the payee can neither apply nor claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub banned_until: Option<Timestamp>,
    pub by: Person,
    pub at: Timestamp,
}

/// The payee paid back a part of what was assessed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordRecovery {
    pub id: RecoveryId,
    pub clawback: ClawbackId,
    pub amount: Money,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Text>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClawbackRecovered {
    pub id: RecoveryId,
    pub clawback: ClawbackId,
    pub redemption: RedemptionId,
    pub programme: ProgrammeId,
    pub issuer: PartyId,
    pub payee: PartyId,
    pub contract: ContractId,
    pub invoice: InvoiceId,
    pub amount: Money,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub funding: Vec<Funded>,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Text>,
}

/// What is still owed is given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteOffClawback {
    pub clawback: ClawbackId,
    pub reason: Text,
    pub by: Person,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClawbackWrittenOff {
    pub clawback: ClawbackId,
    pub redemption: RedemptionId,
    pub programme: ProgrammeId,
    pub amount: Money,
    pub reason: Text,
    pub by: Person,
    pub at: Timestamp,
}
