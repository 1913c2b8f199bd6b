//! Who asks and who reviews, what an applicant is, and what is laid before a reviewer.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// A SHA-256, as 64 hexadecimal digits in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256([u8; 32]);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no SHA-256: write 64 hexadecimal digits in lower case")]
pub struct NotASha256(pub String);

impl Sha256 {
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for Sha256 {
    type Err = NotASha256;

    fn from_str(text: &str) -> Result<Self, NotASha256> {
        let wrong = || NotASha256(text.chars().take(80).collect());
        let digit = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        };
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != 32 || !rest.is_empty() {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            let (high, low) = digit(*high).zip(digit(*low)).ok_or_else(wrong)?;
            *byte = high * 16 + low;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

crate::text::serde_as_text!(Sha256, "Sha256", "^[0-9a-f]{64}$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sha256_is_64_hexadecimal_digits_in_lower_case() {
        let text = "0123456789abcdef".repeat(4);
        assert_eq!(text.parse::<Sha256>().expect("valid").to_string(), text);
        for wrong in ["", &text[1..], &text.to_uppercase(), &format!("{text}0"), &"é".repeat(32)] {
            assert!(wrong.parse::<Sha256>().is_err(), "{wrong}");
        }
    }
}
