//! voucher: programmes, the providers they admit, and each voucher from issue to its last cent.
//!
//! Invariant: face = free + locked + redeemed + expired + revoked + surrendered, for every voucher at every position.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decimal::{CardHours, Percent, Quantity, Ratio};
use crate::id::{
    ContractId, InvoiceId, LockId, PartyId, ProgrammeId, RedemptionId, SettlementId, VoucherId,
};
use crate::money::{Currency, Money, MoneyError, Rounding};
use crate::text::{Text, names};

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
pub struct Programme {
    pub id: ProgrammeId,
    pub issuer: PartyId,
    pub name: Text,
    pub currency: Currency,
    pub budget: Money,
    /// When it opens.
    pub at: Timestamp,
    /// The last instant at which it issues vouchers.
    pub closes: Timestamp,
    pub rules: Rules,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// The share of an invoice that vouchers pay at most.
    pub ratio: Ratio,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap_voucher: Option<Money>,
    /// The most that is issued to one holder in a calendar year (UTC).
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
}

/// `provider` may be paid by the programme for service from `at` until `to`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Admission {
    pub programme: ProgrammeId,
    pub provider: PartyId,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueVoucher {
    pub id: VoucherId,
    pub programme: ProgrammeId,
    pub holder: PartyId,
    pub amount: Money,
    pub at: Timestamp,
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
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    ProgrammeDefined(Programme),
    ProviderAdmitted(Admission),
    VoucherIssued(VoucherIssued),
    VoucherLocked(VoucherLocked),
    LockReleased(LockReleased),
    VoucherRedeemed(VoucherRedeemed),
    RedemptionSettled(RedemptionSettled),
    VoucherEnded(VoucherEnded),
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
        }
    }
}

/// One step of what relates two parties, for a refusal to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Link {
    pub from: PartyId,
    pub to: PartyId,
    /// A stake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<Percent>,
    /// A flow of capital.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    pub at: Timestamp,
}

/// Why voucher says no, the first that applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Refusal {
    #[error("programme {programme} is defined already, with other content")]
    ProgrammeExists { programme: ProgrammeId },
    #[error(
        "the admission of {provider} to {programme} from {at} is recorded already, with other content"
    )]
    AdmissionExists { programme: ProgrammeId, provider: PartyId, at: Timestamp },
    #[error("voucher {voucher} is issued already, with other content")]
    VoucherExists { voucher: VoucherId },
    #[error("lock {lock} is made already, with other content")]
    LockExists { lock: LockId },
    #[error("redemption {redemption} is made already, with other content")]
    RedemptionExists { redemption: RedemptionId },
    #[error("settlement {settlement} is recorded already, with other content")]
    SettlementExists { settlement: SettlementId },
    #[error("party {party} is not registered")]
    UnknownParty { party: PartyId },
    #[error("{party} is no government body, so it cannot issue vouchers")]
    NotGovernment { party: PartyId },
    #[error("programme {programme} closes ({closes}) before it opens ({opens})")]
    ClosesBeforeOpening { programme: ProgrammeId, opens: Timestamp, closes: Timestamp },
    #[error("an admission has to end after it begins ({at} to {to})")]
    EmptyAdmission { at: Timestamp, to: Timestamp },
    #[error("programme {programme} is not defined")]
    UnknownProgramme { programme: ProgrammeId },
    #[error("{amount} is not above zero")]
    NotPositive { amount: Money },
    #[error("{amount} is not in the programme's currency, {currency}")]
    WrongCurrency { amount: Money, currency: Currency },
    #[error("programme {programme} issues vouchers from {opens} to {closes}, not at {at}")]
    NotOpen { programme: ProgrammeId, opens: Timestamp, closes: Timestamp, at: Timestamp },
    #[error("a voucher of this programme is at most {cap}, not {asked}")]
    AboveVoucherCap { cap: Money, asked: Money },
    #[error("{holder} may be issued {cap} in {year} and was issued {issued}: {asked} do not fit")]
    AboveHolderCap { holder: PartyId, year: i16, cap: Money, issued: Money, asked: Money },
    #[error("programme {programme} has {remaining} of its budget left: {asked} do not fit")]
    AboveBudget { programme: ProgrammeId, remaining: Money, asked: Money },
    #[error("voucher {voucher} is not issued")]
    UnknownVoucher { voucher: VoucherId },
    #[error("{at} is before voucher {voucher} was issued ({issued_at})")]
    BeforeIssue { voucher: VoucherId, issued_at: Timestamp, at: Timestamp },
    #[error("voucher {voucher} is {ending} since {ended_at}")]
    VoucherEnded { voucher: VoucherId, ending: Ending, ended_at: Timestamp },
    #[error("voucher {voucher} was valid until {expires_at}")]
    OutOfDate { voucher: VoucherId, expires_at: Timestamp },
    #[error("invoice {invoice} is not issued")]
    UnknownInvoice { invoice: InvoiceId },
    #[error("{at} is before invoice {invoice} was issued ({invoiced_at})")]
    BeforeInvoice { invoice: InvoiceId, invoiced_at: Timestamp, at: Timestamp },
    #[error("contract {contract} is not signed")]
    UnknownContract { contract: ContractId },
    #[error("{at} is before contract {contract} was signed ({signed_at})")]
    BeforeSigning { contract: ContractId, signed_at: Timestamp, at: Timestamp },
    #[error("contract {contract} ended at {ended_at}")]
    ContractEnded { contract: ContractId, ended_at: Timestamp },
    #[error("voucher {voucher} is held by {holder}, but contract {contract} is {buyer}'s")]
    NotTheHolder { voucher: VoucherId, holder: PartyId, contract: ContractId, buyer: PartyId },
    #[error("contract {contract} is in {priced_in}, not in the programme's currency, {currency}")]
    ContractInOtherCurrency { contract: ContractId, priced_in: Currency, currency: Currency },
    #[error("voucher {voucher} has no lock on contract {contract}")]
    NotLocked { voucher: VoucherId, contract: ContractId },
    #[error("{provider} is not admitted to programme {programme} at {at}")]
    NotAdmitted { programme: ProgrammeId, provider: PartyId, at: Timestamp },
    #[error("{provider} and {buyer} are related, which the programme refuses ({rule})")]
    Related {
        rule: Affiliation,
        provider: PartyId,
        buyer: PartyId,
        /// The chain that relates them.
        path: Vec<Link>,
        /// The share that was found, for `refuse_look_through`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        percent: Option<Percent>,
    },
    #[error("invoice {invoice} was redeemed in programme {programme} already")]
    InvoiceClaimed { invoice: InvoiceId, programme: ProgrammeId },
    #[error(
        "{limit} is the programme's share of contract {contract}, and {taken} is locked or redeemed on it: {asked} do not fit"
    )]
    AboveContractShare { contract: ContractId, limit: Money, taken: Money, asked: Money },
    #[error("voucher {voucher} has {free} free: {asked} do not fit")]
    AboveFree { voucher: VoucherId, free: Money, asked: Money },
    #[error(
        "{limit} is the programme's share of invoice {invoice}, and {redeemed} is redeemed on it: {asked} do not fit"
    )]
    AboveInvoiceShare { invoice: InvoiceId, limit: Money, redeemed: Money, asked: Money },
    #[error("no usage of contract {contract} is metered in the service time of invoice {invoice}")]
    NotMetered { contract: ContractId, invoice: InvoiceId },
    #[error(
        "invoice {invoice} is for {invoiced} card-hours, and {metered} are metered in its service time"
    )]
    AboveMetered { invoice: InvoiceId, invoiced: Quantity, metered: CardHours },
    #[error("voucher {voucher} has {locked} locked on contract {contract}: {asked} do not fit")]
    AboveLocked { voucher: VoucherId, contract: ContractId, locked: Money, asked: Money },
    #[error("lock {lock} is not made")]
    UnknownLock { lock: LockId },
    #[error("{at} is before lock {lock} was made ({locked_at})")]
    BeforeLock { lock: LockId, locked_at: Timestamp, at: Timestamp },
    #[error("lock {lock} is used up, released or ended with its voucher")]
    LockGone { lock: LockId },
    #[error("redemption {redemption} is not made")]
    UnknownRedemption { redemption: RedemptionId },
    #[error("{at} is before redemption {redemption} was made ({redeemed_at})")]
    BeforeRedemption { redemption: RedemptionId, redeemed_at: Timestamp, at: Timestamp },
    #[error(
        "redemption {redemption} is for {redeemed}, of which {paid} are paid: {asked} do not fit"
    )]
    AboveRedemption { redemption: RedemptionId, redeemed: Money, paid: Money, asked: Money },
    #[error("voucher {voucher} is valid until {expires_at}, so it has not expired at {at}")]
    NotExpired { voucher: VoucherId, expires_at: Timestamp, at: Timestamp },
    #[error("voucher {voucher} never expires")]
    NeverExpires { voucher: VoucherId },
    #[error("voucher {voucher} has {locked} locked, so it cannot be surrendered")]
    StillLocked { voucher: VoucherId, locked: Money },
    #[error("{reason}")]
    BeyondBounds { reason: String },
}

impl From<MoneyError> for Refusal {
    fn from(error: MoneyError) -> Self {
        Self::BeyondBounds { reason: error.to_string() }
    }
}
