//! Applications, and the one way in which applications and claims are reviewed.
//!
//! Submitted, then under review, where information may be requested and levels of persons verify; then publicised
//! where the programme asks for it, which an objection sends back; then approved or rejected. A rejection can be
//! appealed for a while and keeps its place until it is closed.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::people::{Evidence, EvidenceKind, Person, Profile};
use super::programme::{first_version, is_first};
use crate::id::{ApplicationId, PartyId, ProgrammeId, RedemptionId};
use crate::money::Money;
use crate::text::{Text, names};

/// A future holder asks a programme for a voucher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Application {
    pub id: ApplicationId,
    pub programme: ProgrammeId,
    pub applicant: PartyId,
    pub amount: Money,
    #[serde(default)]
    pub profile: Profile,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    pub by: Person,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplicationSubmitted {
    pub application: Application,
    /// The version whose rules it is held to.
    #[serde(default = "first_version", skip_serializing_if = "is_first")]
    pub version: u32,
    /// The how-manieth application of its programme it is.
    pub place: u64,
}

/// What is reviewed. A claim has the id of the redemption that it becomes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    Application(ApplicationId),
    Claim(RedemptionId),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Application(id) => write!(f, "application {id}"),
            Self::Claim(id) => write!(f, "claim {id}"),
        }
    }
}

/// One step of a review, by a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Review {
    pub subject: Subject,
    pub step: ReviewStep,
    pub by: Person,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewStep {
    /// A reviewer takes it up and looks through the evidence.
    Check {},
    RequestInformation {
        question: Text,
    },
    /// The applicant adds evidence; asked or not, while it is under review or, for tranches, approved.
    Supply {
        evidence: Vec<Evidence>,
    },
    /// The next level verifies it.
    Verify {},
    Publicise {},
    /// Anybody objects while it is publicised.
    Object {
        reason: Text,
    },
    Approve {
        /// Less than was asked for; a claim is also held to what its rules come to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        amount: Option<Money>,
    },
    Reject {
        reasons: Vec<RejectionReason>,
    },
    /// The applicant takes it back.
    Withdraw {},
    /// The applicant asks for another look at a rejection; it keeps its place.
    Appeal {
        reason: Text,
    },
    /// A rejection or withdrawal is final: what it held is let go.
    Close {},
}

impl ReviewStep {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Check {} => "check",
            Self::RequestInformation { .. } => "request_information",
            Self::Supply { .. } => "supply",
            Self::Verify {} => "verify",
            Self::Publicise {} => "publicise",
            Self::Object { .. } => "object",
            Self::Approve { .. } => "approve",
            Self::Reject { .. } => "reject",
            Self::Withdraw {} => "withdraw",
            Self::Appeal { .. } => "appeal",
            Self::Close {} => "close",
        }
    }
}

/// Why something was rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RejectionReason {
    pub code: RejectionCode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Text>,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RejectionCode {
    Ineligible,
    EvidenceMissing,
    EvidenceFalse,
    Duplicate,
    RelatedParties,
    OutOfTime,
    BudgetExhausted,
    Other,
}

names!(RejectionCode, "reason for rejection": Ineligible = "ineligible", EvidenceMissing = "evidence_missing",
    EvidenceFalse = "evidence_false", Duplicate = "duplicate", RelatedParties = "related_parties",
    OutOfTime = "out_of_time", BudgetExhausted = "budget_exhausted", Other = "other");

/// Where a review stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewStage {
    Submitted,
    UnderReview {
        /// How many levels have verified it.
        verified: u32,
    },
    InformationRequested,
    Publicised {
        until: Timestamp,
    },
    Approved,
    Rejected {
        appeal_until: Timestamp,
    },
    Withdrawn,
    /// Rejected for good.
    Closed,
}

impl ReviewStage {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::UnderReview { .. } => "under_review",
            Self::InformationRequested => "information_requested",
            Self::Publicised { .. } => "publicised",
            Self::Approved => "approved",
            Self::Rejected { .. } => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Closed => "closed",
        }
    }

    /// Whether it still holds its place: nothing of it is decided for good.
    pub const fn is_pending(self) -> bool {
        match self {
            Self::Submitted
            | Self::UnderReview { .. }
            | Self::InformationRequested
            | Self::Publicised { .. }
            | Self::Rejected { .. } => true,
            Self::Approved | Self::Withdrawn | Self::Closed => false,
        }
    }
}

impl fmt::Display for ReviewStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reviewed {
    pub subject: Subject,
    pub programme: ProgrammeId,
    /// The version whose rules it was held to.
    #[serde(default = "first_version", skip_serializing_if = "is_first")]
    pub version: u32,
    pub step: ReviewStep,
    pub stage: ReviewStage,
    /// Evidence that the programme asks for and that is not there yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<EvidenceKind>,
    /// What an approval is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// Whether the rules approved it without a reviewer; `by` is who asked then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub automatic: bool,
    pub by: Person,
    pub at: Timestamp,
}
