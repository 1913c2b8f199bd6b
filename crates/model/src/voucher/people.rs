//! Who asks and who reviews, what an applicant is, and what is laid before a reviewer.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::Sha256;
use crate::id::{PartyId, PersonId};
use crate::text::{Text, names};

/// Somebody, and the party that they act for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    pub id: PersonId,
    pub of: PartyId,
}

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.id, self.of)
    }
}

#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ApplicantKind {
    #[default]
    Enterprise,
    /// A small or medium enterprise.
    Sme,
    Institute,
    University,
    /// Without legal personality.
    Maker,
}

names!(ApplicantKind, "kind of applicant": Enterprise = "enterprise", Sme = "sme", Institute = "institute",
    University = "university", Maker = "maker");

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ComputeOrigin {
    Domestic,
    Foreign,
}

names!(ComputeOrigin, "origin of compute": Domestic = "domestic", Foreign = "foreign");

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    Training,
    Inference,
}

names!(Purpose, "purpose": Training = "training", Inference = "inference");

/// What an applicant states of itself and of the compute, for tiers to look at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Profile {
    pub applicant: ApplicantKind,
    #[serde(skip_serializing_if = "super::rules::is_default")]
    pub start_up: bool,
    #[serde(skip_serializing_if = "super::rules::is_default")]
    pub young_founder: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compute_origin: Option<ComputeOrigin>,
    /// Whether the model is filed with the authority.
    #[serde(skip_serializing_if = "super::rules::is_default")]
    pub filed_model: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    Contract,
    /// Its number is the invoice's (fapiao) number.
    ProviderInvoice,
    /// Its number is the bank's reference.
    PaymentProof,
    DeliveryCertificate,
    UsageRecord,
    ElectricityRecord,
    CardList,
    NonAffiliationStatement,
    NoDuplicateStatement,
    ProjectReport,
    ThirdPartyAudit,
}

names!(EvidenceKind, "kind of evidence": Contract = "contract", ProviderInvoice = "provider_invoice",
    PaymentProof = "payment_proof", DeliveryCertificate = "delivery_certificate", UsageRecord = "usage_record",
    ElectricityRecord = "electricity_record", CardList = "card_list",
    NonAffiliationStatement = "non_affiliation_statement", NoDuplicateStatement = "no_duplicate_statement",
    ProjectReport = "project_report", ThirdPartyAudit = "third_party_audit");

impl EvidenceKind {
    /// Whether its number supports one claim and no other.
    pub const fn is_numbered_once(self) -> bool {
        matches!(self, Self::ProviderInvoice | Self::PaymentProof)
    }
}

/// A document that lies elsewhere: the ledger keeps what it takes to recognise it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    pub kind: EvidenceKind,
    pub sha256: Sha256,
    /// In bytes.
    pub size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<Text>,
}
