//! fund: capital. Funds, what limited partners committed and paid in, what was invested, what it is
//! said to be worth, what came back, and any other money that moved.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decimal::Percent;
use crate::id::{
    CommitmentId, ContributionId, DistributionId, InvestmentId, NavId, PartyId, PaymentId,
    RecognitionId, TransferId,
};
use crate::money::{Currency, Money, MoneyError};
use crate::text::{Text, names};

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
}

/// Money that a fund paid back to a limited partner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Distribution {
    pub id: DistributionId,
    pub fund: PartyId,
    pub lp: PartyId,
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
        }
    }
}

/// Why fund says no, the first that applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Refusal {
    #[error("fund {fund} is formed already, with other content")]
    FundExists { fund: PartyId },
    #[error("commitment {commitment} is made already, with other content")]
    CommitmentExists { commitment: CommitmentId },
    #[error("contribution {contribution} is received already, with other content")]
    ContributionExists { contribution: ContributionId },
    #[error("investment {investment} is funded already, with other content")]
    InvestmentExists { investment: InvestmentId },
    #[error("distribution {distribution} is paid already, with other content")]
    DistributionExists { distribution: DistributionId },
    #[error("transfer {transfer} is recorded already, with other content")]
    TransferExists { transfer: TransferId },
    #[error("party {party} is not registered")]
    UnknownParty { party: PartyId },
    #[error("fund {fund} is not formed")]
    UnknownFund { fund: PartyId },
    #[error("{at} is before fund {fund} was formed ({formed_at})")]
    BeforeFormation { fund: PartyId, formed_at: Timestamp, at: Timestamp },
    #[error(
        "money of {fund} moved at {moved_at} before it was recorded as a fund: its formation has to be later than that, not at {formed_at}"
    )]
    LateFormation { fund: PartyId, formed_at: Timestamp, moved_at: Timestamp },
    #[error("{amount} is not above zero")]
    NotPositive { amount: Money },
    #[error("{amount} is not in the fund's currency, {currency}")]
    WrongCurrency { amount: Money, currency: Currency },
    #[error("money from {party} to itself does not move")]
    SameParty { party: PartyId },
    #[error("{lp} has no commitment to fund {fund} at {at}")]
    NoCommitment { fund: PartyId, lp: PartyId, at: Timestamp },
    #[error(
        "{lp} committed {committed} to fund {fund} by {at} and has paid in {contributed}: {asked} do not fit"
    )]
    AboveCommitment {
        fund: PartyId,
        lp: PartyId,
        committed: Money,
        contributed: Money,
        asked: Money,
        at: Timestamp,
    },
    #[error("fund {fund} would be short: it has {cash} at {at}, and {asked} are asked")]
    AboveCash { fund: PartyId, cash: Money, asked: Money, at: Timestamp },
    #[error("recognition {recognition} is recorded already, with other content")]
    RecognitionExists { recognition: RecognitionId },
    #[error("a local purchase names its payment, and no other recognition does")]
    PaymentOfRecognition { recognition: RecognitionId },
    #[error("payment {payment} is recognised already, by {recognition}")]
    PaymentRecognised { payment: PaymentId, recognition: RecognitionId },
    #[error("NAV {nav} is struck already, with other content")]
    NavExists { nav: NavId },
    #[error("a NAV of {as_of} cannot be struck before that, at {at}")]
    NavBeforeItsDate { as_of: Timestamp, at: Timestamp },
    #[error("fund {fund} has NAV {nav} of {as_of}: name it as the one that is restated")]
    NavStruck { fund: PartyId, as_of: Timestamp, nav: NavId },
    #[error("NAV {nav} is not struck")]
    UnknownNav { nav: NavId },
    #[error("NAV {nav} is of fund {fund} at {as_of}, so it is restated for that")]
    OtherNav { nav: NavId, fund: PartyId, as_of: Timestamp },
    #[error("NAV {nav} was restated by {by}: restate that one")]
    NavRestated { nav: NavId, by: NavId },
    #[error("{held} % of {company} are held already: {asked} % more do not fit")]
    AboveWhole { company: PartyId, held: Percent, asked: Percent },
    #[error("{reason}")]
    BeyondBounds { reason: String },
}

impl From<MoneyError> for Refusal {
    fn from(error: MoneyError) -> Self {
        Self::BeyondBounds { reason: error.to_string() }
    }
}
