//! fund: capital. Funds, what limited partners committed and paid in, what was invested, what it is
//! said to be worth, what came back, and any other money that moved.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decimal::Percent;
use crate::id::{
    CallId, CommitmentId, ContributionId, DistributionId, InvestmentId, NavId, PartyId, PaymentId,
    RecallId, RecognitionId, TransferId,
};
use crate::money::{Currency, Money};
use crate::text::{Text, names};

mod call;
mod commitment;
mod fee;
mod holding;
mod line;
mod refusal;
mod terms;

pub use call::{
    CallCapital, CallLine, CallPurpose, CallShare, CapitalCalled, CureDefault, DeclareDefault,
    PartnerDefaulted, ReturnExcess,
};
pub use commitment::{ChangeCommitment, ChangeKind, CommitmentTransferred, TransferCommitment};
pub use fee::{AccrueFee, FeeAccrued, PayCarry, PayExpense, PayFee, ReduceFee, Reduction};
pub use holding::{ExitInvestment, InvestmentExited, InvestmentValued, ValueInvestment};
pub use line::{DissolveFund, DrawLine, LinePart, RepayLine};
pub use refusal::Refusal;
pub use terms::{FeeBasis, Phase, PhaseFee, SetTerms, Waterfall};

/// A fund, which is a party too, and the party that manages it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fund {
    pub id: PartyId,
    pub manager: PartyId,
    pub currency: Currency,
    /// When it was formed.
    pub at: Timestamp,
}

/// What a limited partner promised to pay in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Commitment {
    pub id: CommitmentId,
    pub fund: PartyId,
    pub lp: PartyId,
    pub amount: Money,
    pub at: Timestamp,
    /// A side letter promises this partner that portfolio companies buy from it first.
    #[serde(default)]
    pub priority_supplier: bool,
}

/// Money that a limited partner paid into a fund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contribution {
    pub id: ContributionId,
    pub fund: PartyId,
    pub lp: PartyId,
    pub amount: Money,
    pub at: Timestamp,
    /// The call that it answers; what answers none is paid in on what is uncalled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallId>,
}

/// Money that a fund or any other party put into a company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Investment {
    pub id: InvestmentId,
    pub investor: PartyId,
    pub company: PartyId,
    pub amount: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stake_percent: Option<Percent>,
    pub at: Timestamp,
    /// The investment of the same investor in the same company that it adds to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<InvestmentId>,
}

/// What a distribution is of.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DistributionKind {
    ReturnOfCapital,
    Gain,
    Income,
    /// Capital that may be called again: it adds to what is unfunded.
    Recallable,
}

names!(DistributionKind, "kind of distribution": ReturnOfCapital = "return_of_capital", Gain = "gain",
    Income = "income", Recallable = "recallable");

/// Money that a fund paid back to a limited partner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Distribution {
    pub id: DistributionId,
    pub fund: PartyId,
    pub lp: PartyId,
    pub amount: Money,
    pub at: Timestamp,
    /// Absent where nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<DistributionKind>,
}

/// Money that a limited partner pays back of a recallable distribution: it is paid in like a contribution, on what the
/// distribution added to the unfunded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecallDistribution {
    pub id: RecallId,
    pub fund: PartyId,
    pub lp: PartyId,
    pub distribution: DistributionId,
    pub amount: Money,
    pub at: Timestamp,
}

/// What a fund's holdings, less what it owes, are said to be worth at a date: a valuation, which moves no money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StrikeNav {
    pub id: NavId,
    pub fund: PartyId,
    /// The date that it is of.
    pub as_of: Timestamp,
    pub amount: Money,
    /// When it was struck.
    pub at: Timestamp,
    /// The one of the same date that it takes the place of; both stay on record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restates: Option<NavId>,
}

/// What is recognised as investment that a guidance fund brought to its place.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RecognitionKind {
    RegisteredLocally,
    MovedIn,
    LocalSubsidiary,
    /// Something bought of a local seller.
    LocalPurchase,
}

names!(RecognitionKind, "kind of recognition": RegisteredLocally = "registered_locally", MovedIn = "moved_in",
    LocalSubsidiary = "local_subsidiary", LocalPurchase = "local_purchase");

/// Somebody recognises an amount as reinvested in a fund's place. It moves no money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecogniseReinvestment {
    pub id: RecognitionId,
    pub fund: PartyId,
    pub kind: RecognitionKind,
    /// Whose it is.
    pub company: PartyId,
    pub amount: Money,
    pub at: Timestamp,
    /// By which a purchase was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentId>,
}

/// Any other money that moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    pub id: TransferId,
    pub from: PartyId,
    pub to: PartyId,
    pub amount: Money,
    pub at: Timestamp,
    pub purpose: Text,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    FormFund(Fund),
    Commit(Commitment),
    Contribute(Contribution),
    Invest(Investment),
    Distribute(Distribution),
    RecordTransfer(Transfer),
    StrikeNav(StrikeNav),
    RecogniseReinvestment(RecogniseReinvestment),
    ChangeCommitment(ChangeCommitment),
    TransferCommitment(TransferCommitment),
    SetTerms(SetTerms),
    CallCapital(CallCapital),
    DeclareDefault(DeclareDefault),
    CureDefault(CureDefault),
    ReturnExcess(ReturnExcess),
    RecallDistribution(RecallDistribution),
    ExitInvestment(ExitInvestment),
    ValueInvestment(ValueInvestment),
    AccrueFee(AccrueFee),
    PayFee(PayFee),
    ReduceFee(ReduceFee),
    PayExpense(PayExpense),
    PayCarry(PayCarry),
    DrawLine(DrawLine),
    RepayLine(RepayLine),
    DissolveFund(DissolveFund),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    FundFormed(Fund),
    CommitmentMade(Commitment),
    ContributionReceived(Contribution),
    InvestmentFunded(Investment),
    DistributionPaid(Distribution),
    TransferRecorded(Transfer),
    NavStruck(StrikeNav),
    ReinvestmentRecognised(RecogniseReinvestment),
    CommitmentChanged(ChangeCommitment),
    CommitmentTransferred(CommitmentTransferred),
    TermsSet(SetTerms),
    CapitalCalled(CapitalCalled),
    PartnerDefaulted(PartnerDefaulted),
    DefaultCured(CureDefault),
    ExcessReturned(ReturnExcess),
    DistributionRecalled(RecallDistribution),
    InvestmentExited(InvestmentExited),
    InvestmentValued(InvestmentValued),
    FeeAccrued(FeeAccrued),
    FeePaid(PayFee),
    FeeReduced(ReduceFee),
    ExpensePaid(PayExpense),
    CarryPaid(PayCarry),
    LineDrawn(DrawLine),
    LineRepaid(RepayLine),
    FundDissolved(DissolveFund),
}

impl Event {
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::FundFormed(fund) => fund.at,
            Self::CommitmentMade(commitment) => commitment.at,
            Self::ContributionReceived(contribution) => contribution.at,
            Self::InvestmentFunded(investment) => investment.at,
            Self::DistributionPaid(distribution) => distribution.at,
            Self::TransferRecorded(transfer) => transfer.at,
            Self::NavStruck(nav) => nav.at,
            Self::ReinvestmentRecognised(recognised) => recognised.at,
            Self::CommitmentChanged(change) => change.at,
            Self::CommitmentTransferred(made) => made.transfer.at,
            Self::TermsSet(terms) => terms.at,
            Self::CapitalCalled(made) => made.call.at,
            Self::PartnerDefaulted(made) => made.default.at,
            Self::DefaultCured(cure) => cure.at,
            Self::ExcessReturned(returned) => returned.at,
            Self::DistributionRecalled(recall) => recall.at,
            Self::InvestmentExited(made) => made.exit.at,
            Self::InvestmentValued(made) => made.valuation.at,
            Self::FeeAccrued(made) => made.accrual.at,
            Self::FeePaid(made) => made.at,
            Self::FeeReduced(made) => made.at,
            Self::ExpensePaid(made) => made.at,
            Self::CarryPaid(made) => made.at,
            Self::LineDrawn(made) => made.at,
            Self::LineRepaid(made) => made.at,
            Self::FundDissolved(made) => made.at,
        }
    }
}
