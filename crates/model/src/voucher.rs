//! voucher: programmes, the providers they admit, applications, and each voucher from issue to its last cent; claims
//! on vouchers, their review and payment, and what is claimed back.
//!
//! Invariant: face = free + locked + redeemed + expired + revoked + surrendered, for every voucher at every position.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod claim;
mod instrument;
mod people;
mod programme;
mod refusal;
mod review;
mod rules;

pub use claim::*;
pub use instrument::*;
pub use people::*;
pub use programme::{
    Admission, AdmissionApplication, AdmissionChange, ApproveWaiver, BudgetPeriod, ChangeAdmission,
    ChangeProgramme, Funded, Programme, ProgrammeChanged, ProgrammeStage, Qualification, Source,
    WaiverApproved,
};
pub use refusal::{Link, Refusal};
pub use review::*;
pub use rules::{
    Affiliation, AmountRules, Base, CapCounts, ClawbackRule, ClawbackTrigger, Conditions, DayCount,
    EligibilityRules, ItemKind, PayeeRule, ProRata, ProviderGate, ReviewRules, RoundingUnit,
    Rounds, Rules, SettlementMode, SettlementRules, Tier, Tranche, WaiverRule,
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    DefineProgramme(Programme),
    AdmitProvider(Admission),
    IssueVoucher(IssueVoucher),
    LockVoucher(LockVoucher),
    ReleaseLock(ReleaseLock),
    RedeemVoucher(RedeemVoucher),
    SettleRedemption(SettleRedemption),
    EndVoucher(EndVoucher),
    DraftProgramme(Programme),
    ChangeProgramme(ChangeProgramme),
    ApplyForAdmission(AdmissionApplication),
    ChangeAdmission(ChangeAdmission),
    ApproveWaiver(ApproveWaiver),
    Apply(Application),
    SubmitClaim(SubmitClaim),
    Review(Review),
    OrderPayment(OrderPayment),
    FailPayment(FailPayment),
    OpenClawback(OpenClawback),
    AssessClawback(AssessClawback),
    RecordRecovery(RecordRecovery),
    WriteOffClawback(WriteOffClawback),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    ProgrammeDefined(Box<Programme>),
    ProviderAdmitted(Admission),
    VoucherIssued(VoucherIssued),
    VoucherLocked(VoucherLocked),
    LockReleased(LockReleased),
    VoucherRedeemed(VoucherRedeemed),
    RedemptionSettled(RedemptionSettled),
    VoucherEnded(VoucherEnded),
    ProgrammeDrafted(Box<Programme>),
    ProgrammeChanged(ProgrammeChanged),
    AdmissionAppliedFor(AdmissionApplication),
    AdmissionChanged(ChangeAdmission),
    WaiverApproved(WaiverApproved),
    ApplicationSubmitted(ApplicationSubmitted),
    ClaimSubmitted(ClaimSubmitted),
    Reviewed(Reviewed),
    PaymentOrdered(PaymentOrdered),
    PaymentFailed(PaymentFailed),
    ClawbackOpened(ClawbackOpened),
    ClawbackAssessed(ClawbackAssessed),
    ClawbackRecovered(ClawbackRecovered),
    ClawbackWrittenOff(ClawbackWrittenOff),
}

impl Event {
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::ProgrammeDefined(programme) => programme.at,
            Self::ProviderAdmitted(admission) => admission.at,
            Self::VoucherIssued(issued) => issued.at,
            Self::VoucherLocked(locked) => locked.at,
            Self::LockReleased(released) => released.at,
            Self::VoucherRedeemed(redeemed) => redeemed.at,
            Self::RedemptionSettled(settled) => settled.at,
            Self::VoucherEnded(ended) => ended.at,
            Self::ProgrammeDrafted(programme) => programme.at,
            Self::ProgrammeChanged(change) => change.at,
            Self::AdmissionAppliedFor(asked) => asked.at,
            Self::AdmissionChanged(change) => change.at,
            Self::WaiverApproved(approved) => approved.at,
            Self::ApplicationSubmitted(submitted) => submitted.application.at,
            Self::ClaimSubmitted(submitted) => submitted.claim.at,
            Self::Reviewed(reviewed) => reviewed.at,
            Self::PaymentOrdered(ordered) => ordered.at,
            Self::PaymentFailed(failed) => failed.at,
            Self::ClawbackOpened(opened) => opened.at,
            Self::ClawbackAssessed(assessed) => assessed.at,
            Self::ClawbackRecovered(recovered) => recovered.at,
            Self::ClawbackWrittenOff(written_off) => written_off.at,
        }
    }
}
