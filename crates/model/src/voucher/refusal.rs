//! Why voucher says no, and the chain of stakes or payments that a refusal shows.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::claim::{Side, Step};
use super::instrument::Ending;
use super::people::{ApplicantKind, EvidenceKind, Person};
use super::programme::{AdmissionChange, ProgrammeStage};
use super::review::Subject;
use super::rules::{Affiliation, Base, ClawbackTrigger};
use crate::decimal::{CardHours, Percent, Quantity};
use crate::id::{
    ApplicationId, ClawbackId, ContractId, DisputeId, InvoiceId, LockId, PartyId, PoolId,
    ProgrammeId, RecoveryId, RedemptionId, SettlementId, UsageId, VoucherId,
};
use crate::money::{Currency, Money, MoneyError};
use crate::text::Text;
use crate::time::Period;

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
    #[error("version {version} of programme {programme} is drafted already, with other content")]
    VersionExists { programme: ProgrammeId, version: u32 },
    #[error("programme {programme} continues with version {next}, not {version}")]
    WrongVersion { programme: ProgrammeId, next: u32, version: u32 },
    #[error("version {version} of programme {programme} has to keep its {what}")]
    NotKept { programme: ProgrammeId, version: u32, what: String },
    #[error("the rules contradict each other: {reason}")]
    ContradictoryRules { reason: String },
    #[error(
        "{committed} of programme {programme} are issued, so version {version} cannot have less: {budget}"
    )]
    BelowCommitted { programme: ProgrammeId, version: u32, committed: Money, budget: Money },
    #[error("version {version} of programme {programme} is not drafted")]
    UnknownVersion { programme: ProgrammeId, version: u32 },
    #[error("programme {programme} is {stage}, so it cannot become {to}")]
    WrongStage { programme: ProgrammeId, stage: ProgrammeStage, to: ProgrammeStage },
    #[error("{at} is before the programme's last change ({changed_at})")]
    BeforeLastChange { programme: ProgrammeId, changed_at: Timestamp, at: Timestamp },
    #[error("programme {programme} is {stage}")]
    ProgrammeNotOpen { programme: ProgrammeId, stage: ProgrammeStage },
    #[error("programme {programme} has {vouchers} vouchers and {claims} claims that are not done")]
    Unsettled { programme: ProgrammeId, vouchers: u64, claims: u64 },
    #[error("{provider} applied to programme {programme} already, with other content")]
    AdmissionAppliedFor { programme: ProgrammeId, provider: PartyId },
    #[error("{provider} does not have what programme {programme} asks of providers: {gate}")]
    BelowProviderGate { programme: ProgrammeId, provider: PartyId, gate: String },
    #[error("{provider} was never admitted to programme {programme}")]
    NeverAdmitted { programme: ProgrammeId, provider: PartyId },
    #[error("the admission of {provider} to programme {programme} is {state}: not {change}")]
    WrongAdmissionState {
        programme: ProgrammeId,
        provider: PartyId,
        state: String,
        change: AdmissionChange,
    },
    #[error("{person} acts for {party}, whose case this is")]
    OwnCase { person: Person, party: PartyId },
    #[error("{person} does not act for {party}")]
    NotForParty { person: Person, party: PartyId },
    #[error("programme {programme} has no waivers")]
    NoWaivers { programme: ProgrammeId },
    #[error("{person} is no approver of programme {programme}")]
    NotAnApprover { programme: ProgrammeId, person: Person },
    #[error("{person} acts for {party}, which is party to what would be waived")]
    PartyToIt { person: Person, party: PartyId },
    #[error("the affiliation rule finds nothing to waive on contract {contract}")]
    NothingToWaive { contract: ContractId },
    #[error("application {application} is submitted already, with other content")]
    ApplicationExists { application: ApplicationId },
    #[error("programme {programme} takes no applications")]
    NoApplications { programme: ProgrammeId },
    #[error("programme {programme} issues vouchers for approved applications alone")]
    ApplicationNeeded { programme: ProgrammeId },
    #[error("application {application} is not submitted")]
    UnknownApplication { application: ApplicationId },
    #[error("application {application} is {applicant}'s, not {holder}'s")]
    NotTheApplicant { application: ApplicationId, applicant: PartyId, holder: PartyId },
    #[error("application {application} is another programme's, {programme}'s")]
    ApplicationElsewhere { application: ApplicationId, programme: ProgrammeId },
    #[error("application {application} is {stage}")]
    NotApproved { application: ApplicationId, stage: String },
    #[error("application {application} has no tranche {tranche}")]
    UnknownTranche { application: ApplicationId, tranche: u32 },
    #[error("tranche {tranche} of application {application} waits for: {kind}")]
    TrancheTooEarly { application: ApplicationId, tranche: u32, kind: EvidenceKind },
    #[error(
        "application {application} is approved for {limit} by now, of which {issued} are issued: {asked} do not fit"
    )]
    AboveApproved { application: ApplicationId, limit: Money, issued: Money, asked: Money },
    #[error("the programme is for {allowed}, not for {found}")]
    IneligibleApplicant { found: ApplicantKind, allowed: String },
    #[error("the programme is for {allowed}, not for {found}")]
    IneligiblePurpose { found: String, allowed: String },
    #[error("{party} was paid what it had to give back, and is banned until {until}")]
    Banned { party: PartyId, until: Timestamp },
    #[error("{subject} is not submitted")]
    UnknownSubject { subject: Subject },
    #[error("{subject} is {stage}, so there is nothing to {step}")]
    WrongReviewStage { subject: Subject, stage: String, step: String },
    #[error("{at} is before the last step of {subject} ({last})")]
    BeforeLastStep { subject: Subject, last: Timestamp, at: Timestamp },
    #[error("{person} verified {subject} at another level already")]
    SamePerson { subject: Subject, person: Person },
    #[error("{subject} lacks evidence: {missing:?}")]
    EvidenceMissing { subject: Subject, missing: Vec<EvidenceKind> },
    #[error("{subject} has {verified} of the {levels} levels of its review")]
    NotVerified { subject: Subject, verified: u32, levels: u32 },
    #[error("{subject} has all {levels} levels of its review")]
    AllVerified { subject: Subject, levels: u32 },
    #[error("{subject} has to be publicised for {days} days first")]
    NotPublicised { subject: Subject, days: u32 },
    #[error("{subject} is not publicised by its programme's rules")]
    NoPublicity { subject: Subject },
    #[error("{subject} is publicised until {until}")]
    StillPublicised { subject: Subject, until: Timestamp },
    #[error("a rejection needs a reason")]
    NoReason,
    #[error("the rejection of {subject} could be appealed until {until}")]
    AppealTooLate { subject: Subject, until: Timestamp },
    #[error("the rejection of {subject} can be appealed until {until}")]
    StillAppealable { subject: Subject, until: Timestamp },
    #[error("{amount} is more than {subject} is for: {limit}")]
    AboveAsked { subject: Subject, limit: Money, amount: Money },
    #[error("programme {programme} reviews claims: submit one, with its evidence")]
    ReviewNeeded { programme: ProgrammeId },
    #[error("voucher {voucher} is of programme {programme}")]
    VoucherElsewhere { voucher: VoucherId, programme: ProgrammeId },
    #[error("the claim has to say who is to be paid: provider or firm")]
    PayeeMissing,
    #[error("programme {programme} pays the {payee}")]
    OtherPayee { programme: ProgrammeId, payee: Side },
    #[error("claim {claim} for the same time of contract {contract} pays {payee}")]
    OtherSidePaid { contract: ContractId, claim: RedemptionId, payee: PartyId },
    #[error("contract {contract} has a claim already: {claim}")]
    ContractClaimed { contract: ContractId, claim: RedemptionId },
    #[error("invoice {invoice} has a claim already: {claim}")]
    InvoiceHasClaim { invoice: InvoiceId, claim: RedemptionId },
    #[error("{kind} number {number} supports invoice {invoice}'s claim already")]
    NumberUsed { kind: EvidenceKind, number: Text, invoice: InvoiceId },
    #[error("usage {usage} supports invoice {invoice}'s claim already")]
    UsageClaimed { usage: UsageId, invoice: InvoiceId },
    #[error("usage {usage} is not metered for contract {contract} in the service time")]
    ForeignUsage { usage: UsageId, contract: ContractId },
    #[error("{claimed} card-hours are claimed, and {metered} are metered")]
    AboveMeteredHours { claimed: CardHours, metered: CardHours },
    #[error(
        "pool {pool} had {lit} lit card-hours in {window}, and {metered} are metered: look at the pool's changes and its meter"
    )]
    AboveLit {
        pool: PoolId,
        window: Period,
        #[schemars(with = "String")]
        lit: rust_decimal::Decimal,
        #[schemars(with = "String")]
        metered: rust_decimal::Decimal,
    },
    #[error("contract {contract} was signed at {signed_at}, outside the programme's time")]
    SignedOutOfTime { contract: ContractId, signed_at: Timestamp },
    #[error("contract {contract} runs for {days} days, more than {most}")]
    TermTooLong { contract: ContractId, days: i64, most: u32 },
    #[error("contract {contract} does not state its P at a precision that the programme takes")]
    WrongPrecision { contract: ContractId },
    #[error("{at} is after the time for claims, which ended at {until}")]
    ClaimTooLate { until: Timestamp, at: Timestamp },
    #[error("the service {service} is outside the voucher's validity")]
    ServiceOutsideValidity { voucher: VoucherId, service: Period },
    #[error("the buyer has paid {paid} of its own share, {share}")]
    OwnShareUnpaid { share: Money, paid: Money },
    #[error(
        "the programme pays a share of what is {base}, which is not known of invoice {invoice}"
    )]
    NoBase { base: Base, invoice: InvoiceId },
    #[error("the rules leave nothing to pay")]
    NothingPayable { trace: Vec<Step> },
    #[error("claim {claim} on the voucher is not decided")]
    ClaimPending { claim: RedemptionId },
    #[error("lock {lock} on the claim's voucher has to be named otherwise")]
    LockNameTaken { lock: LockId },
    #[error("payment {settlement} is not ordered")]
    NotOrdered { settlement: SettlementId },
    #[error("payment {settlement} is ordered for {ordered}, not {amount}")]
    OtherThanOrdered { settlement: SettlementId, ordered: Money, amount: Money },
    #[error("payment {settlement} is ordered already, with other content")]
    OrderExists { settlement: SettlementId },
    #[error("payment {settlement} is {state}")]
    OrderDone { settlement: SettlementId, state: String },
    #[error("{at} is before payment {settlement} was ordered ({ordered_at})")]
    BeforeOrder { settlement: SettlementId, ordered_at: Timestamp, at: Timestamp },
    #[error("programme {programme} is settled in kind: no money is paid")]
    PaidInKind { programme: ProgrammeId },
    #[error("clawback {clawback} is opened already, with other content")]
    ClawbackExists { clawback: ClawbackId },
    #[error("programme {programme} has no clawback for {trigger}")]
    NoClawback { programme: ProgrammeId, trigger: ClawbackTrigger },
    #[error("clawback {clawback} is not opened")]
    UnknownClawback { clawback: ClawbackId },
    #[error("clawback {clawback} is {state}")]
    WrongClawbackState { clawback: ClawbackId, state: String },
    #[error("{at} is before the last step of clawback {clawback} ({last})")]
    BeforeClawbackStep { clawback: ClawbackId, last: Timestamp, at: Timestamp },
    #[error("{paid} are paid and not clawed back, so {asked} cannot be")]
    AbovePaid { redemption: RedemptionId, paid: Money, asked: Money },
    #[error("recovery {recovery} is recorded already, with other content")]
    RecoveryExists { recovery: RecoveryId },
    #[error("clawback {clawback} has {owed} owed: {asked} do not fit")]
    AboveOwed { clawback: ClawbackId, owed: Money, asked: Money },
    #[error(
        "the cap of {holder} for {year} is {cap}, of which {redeemed} are redeemed: {asked} do not fit"
    )]
    AboveHolderRedeemed { holder: PartyId, year: i16, cap: Money, redeemed: Money, asked: Money },
    #[error("{from} to {to} have {remaining} of their budget left: {asked} do not fit")]
    AbovePeriodBudget {
        programme: ProgrammeId,
        from: Timestamp,
        to: Timestamp,
        remaining: Money,
        asked: Money,
    },
    #[error("programme {programme} has no budget for {at}")]
    NoBudgetPeriod { programme: ProgrammeId, at: Timestamp },
    #[error("invoice {invoice} is in dispute {dispute}")]
    InvoiceDisputed { invoice: InvoiceId, dispute: DisputeId },
    #[error("{reason}")]
    BeyondBounds { reason: String },
}

impl From<MoneyError> for Refusal {
    fn from(error: MoneyError) -> Self {
        Self::BeyondBounds { reason: error.to_string() }
    }
}
