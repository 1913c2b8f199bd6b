//! Vouchers: issued, locked to contracts, redeemed in parts, settled, ended.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::claim::{Gate, Step};
use super::people::Profile;
use super::programme::{Funded, first_version, is_first};
use crate::id::{
    ApplicationId, ContractId, InvoiceId, LockId, PartyId, ProgrammeId, RedemptionId, SettlementId,
    UsageId, VoucherId,
};
use crate::money::Money;
use crate::text::{Text, names};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueVoucher {
    pub id: VoucherId,
    pub programme: ProgrammeId,
    pub holder: PartyId,
    pub amount: Money,
    pub at: Timestamp,
    /// The approved application that it is issued for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<ApplicationId>,
    /// Which tranche of it, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tranche: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LockVoucher {
    pub id: LockId,
    pub voucher: VoucherId,
    pub contract: ContractId,
    pub amount: Money,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseLock {
    pub lock: LockId,
    pub at: Timestamp,
}

/// The contract's provider claims part of an invoice from a voucher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedeemVoucher {
    pub id: RedemptionId,
    pub voucher: VoucherId,
    pub invoice: InvoiceId,
    pub amount: Money,
    pub at: Timestamp,
}

/// The issuer paid the provider for a redemption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SettleRedemption {
    pub id: SettlementId,
    pub redemption: RedemptionId,
    pub amount: Money,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Text>,
}

/// How a voucher ends before it is used up.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Its time ran out: what is free or locked is gone.
    Expired,
    /// The programme took it back: what is free or locked is gone.
    Revoked,
    /// The holder gave it back; nothing of it may be locked.
    Surrendered,
}

names!(Ending, "ending of a voucher": Expired = "expired", Revoked = "revoked", Surrendered = "surrendered");

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndVoucher {
    pub voucher: VoucherId,
    pub ending: Ending,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VoucherIssued {
    pub id: VoucherId,
    pub programme: ProgrammeId,
    pub holder: PartyId,
    pub amount: Money,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Whose rules it lives under.
    #[serde(default = "first_version", skip_serializing_if = "is_first")]
    pub version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<ApplicationId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tranche: Option<u32>,
    /// What tiers look at, from the application or the claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// Who bears it, where the programme has several sources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub funding: Vec<Funded>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VoucherLocked {
    pub id: LockId,
    pub voucher: VoucherId,
    pub programme: ProgrammeId,
    pub contract: ContractId,
    pub provider: PartyId,
    pub amount: Money,
    pub at: Timestamp,
    /// What the affiliation rule rested on, where the programme has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LockReleased {
    pub lock: LockId,
    pub voucher: VoucherId,
    pub programme: ProgrammeId,
    /// What was left of the lock and is free again.
    pub amount: Money,
    pub at: Timestamp,
}

/// What a redemption took from one lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TakenFrom {
    pub lock: LockId,
    pub amount: Money,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VoucherRedeemed {
    pub id: RedemptionId,
    pub voucher: VoucherId,
    pub programme: ProgrammeId,
    pub holder: PartyId,
    pub provider: PartyId,
    pub contract: ContractId,
    pub invoice: InvoiceId,
    pub amount: Money,
    /// Oldest lock first; the amounts add up to the redemption's.
    pub taken_from: Vec<TakenFrom>,
    pub at: Timestamp,
    /// Who is paid, if not the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payee: Option<PartyId>,
    /// The version that decided.
    #[serde(default = "first_version", skip_serializing_if = "is_first")]
    pub version: u32,
    /// How the amount was found, where it was worked out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trace: Vec<Step>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    /// The metered usage that it rests on, which no other invoice can rest on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub usage: Vec<UsageId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub funding: Vec<Funded>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedemptionSettled {
    pub id: SettlementId,
    pub redemption: RedemptionId,
    pub voucher: VoucherId,
    pub programme: ProgrammeId,
    pub issuer: PartyId,
    pub holder: PartyId,
    pub provider: PartyId,
    pub contract: ContractId,
    pub invoice: InvoiceId,
    pub amount: Money,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Text>,
    /// Who was paid, if not the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payee: Option<PartyId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub funding: Vec<Funded>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VoucherEnded {
    pub voucher: VoucherId,
    pub programme: ProgrammeId,
    pub ending: Ending,
    /// What was free.
    pub free: Money,
    /// What was locked.
    pub locked: Money,
    pub at: Timestamp,
    /// What each source gets back, where the programme has several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub funding: Vec<Funded>,
}
