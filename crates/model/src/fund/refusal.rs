//! Why fund says no.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decimal::Percent;
use crate::id::{
    CallId, CarryId, CommitmentChangeId, CommitmentId, CommitmentTransferId, ContributionId,
    DistributionId, ExcessReturnId, ExitId, ExpenseId, FeeId, FeePaymentId, FeeReductionId,
    InvestmentId, LineDrawId, LinePaymentId, NavId, PartyId, PaymentId, RecallId, RecognitionId,
    TransferId, ValuationId,
};
use crate::money::{Currency, Money, MoneyError};

use super::call::CallPurpose;
use super::terms::Phase;

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
    #[error("change {change} of a commitment is recorded already, with other content")]
    CommitmentChangeExists { change: CommitmentChangeId },
    #[error("transfer {transfer} of a commitment is recorded already, with other content")]
    CommitmentTransferExists { transfer: CommitmentTransferId },
    #[error("version {version} of the terms of fund {fund} is set already, with other content")]
    TermsExists { fund: PartyId, version: u32 },
    #[error("the next version of the terms of fund {fund} is {expected}, not {version}")]
    TermsVersion { fund: PartyId, version: u32, expected: u32 },
    #[error(
        "version {version} of the terms of fund {fund} holds from {before} on: the next one cannot hold from {at} on"
    )]
    TermsBackdated { fund: PartyId, version: u32, before: Timestamp, at: Timestamp },
    #[error("the phases of fund {fund} end one after the other: {ends} is not after {before}")]
    PhasesOutOfOrder { fund: PartyId, before: Timestamp, ends: Timestamp },
    #[error("a fund's terms state one fee for each phase, at most")]
    FeeStatedTwice { fund: PartyId },
    #[error(
        "after the investment period a fee is not worked out from commitments: state another basis"
    )]
    FeeOnCommitments { fund: PartyId },
    #[error("call {call} is made already, with other content")]
    CallExists { call: CallId },
    #[error("a call says for what it is: give it one amount for each purpose, above zero")]
    CallLines { call: CallId },
    #[error("call {call} is due at {due}, before it is made at {at}")]
    DueBeforeCall { call: CallId, at: Timestamp, due: Timestamp },
    #[error(
        "the investment period of fund {fund} ended at {ended_at}: nothing is called for {purpose} at {at}"
    )]
    AfterInvestmentPeriod {
        fund: PartyId,
        ended_at: Timestamp,
        purpose: CallPurpose,
        at: Timestamp,
    },
    #[error("nobody is left to bear call {call} of fund {fund}")]
    NobodyToCall { fund: PartyId, call: CallId },
    #[error(
        "{lp} has {uncalled} of its commitment to fund {fund} uncalled at {at}: {asked} do not fit"
    )]
    AboveUncalled { fund: PartyId, lp: PartyId, uncalled: Money, asked: Money, at: Timestamp },
    #[error("fund {fund} made no call {call}")]
    UnknownCall { fund: PartyId, call: CallId },
    #[error("{lp} bears nothing of call {call}")]
    NotCalled { call: CallId, lp: PartyId },
    #[error("call {call} was made at {called_at}: {at} is before it")]
    BeforeCall { call: CallId, called_at: Timestamp, at: Timestamp },
    #[error("{lp} bears {share} of call {call} and has paid {paid}: {asked} do not fit")]
    AboveCall { call: CallId, lp: PartyId, share: Money, paid: Money, asked: Money },
    #[error("call {call} is due at {due}: nobody is in default at {at}")]
    NotDue { call: CallId, due: Timestamp, at: Timestamp },
    #[error("{lp} has paid its share of call {call} by {at}")]
    PaidInFull { call: CallId, lp: PartyId, at: Timestamp },
    #[error("the default of {lp} on call {call} is recorded already, with other content")]
    DefaultExists { call: CallId, lp: PartyId },
    #[error("{lp} is not in default on call {call}")]
    NotInDefault { call: CallId, lp: PartyId },
    #[error("{lp} has not paid {unpaid} of its share of call {call} by {at}: contribute it first")]
    StillUnpaid { call: CallId, lp: PartyId, unpaid: Money, at: Timestamp },
    #[error(
        "the cure of the default of {lp} on call {call} is recorded already, with other content"
    )]
    CureExists { call: CallId, lp: PartyId },
    #[error("return {excess_return} of an excess is recorded already, with other content")]
    ExcessReturnExists { excess_return: ExcessReturnId },
    #[error("{lp} has {paid} in call {call} at {at}: {asked} cannot be returned")]
    AbovePaid { call: CallId, lp: PartyId, paid: Money, asked: Money, at: Timestamp },
    #[error("recall {recall} is received already, with other content")]
    RecallExists { recall: RecallId },
    #[error("fund {fund} paid {lp} no distribution {distribution}")]
    UnknownDistribution { fund: PartyId, lp: PartyId, distribution: DistributionId },
    #[error("distribution {distribution} was not paid as recallable")]
    NotRecallable { distribution: DistributionId },
    #[error("{left} of distribution {distribution} can be recalled at {at}: {asked} are asked")]
    AboveRecallable { distribution: DistributionId, left: Money, asked: Money, at: Timestamp },
    #[error(
        "{lp} has {committed} committed to fund {fund} at {at}: {asked} cannot be given to another"
    )]
    AboveCommitted { fund: PartyId, lp: PartyId, committed: Money, asked: Money, at: Timestamp },
    #[error(
        "capital of {lp} in fund {fund} moved at {moved_at}: it is handed over after that, not at {at}"
    )]
    TransferTooEarly { fund: PartyId, lp: PartyId, moved_at: Timestamp, at: Timestamp },
    #[error("exit {exit} is recorded already, with other content")]
    ExitExists { exit: ExitId },
    #[error("valuation {valuation} is recorded already, with other content")]
    ValuationExists { valuation: ValuationId },
    #[error("investment {investment} is not funded")]
    UnknownInvestment { investment: InvestmentId },
    #[error("investment {investment} was funded at {funded_at}: {at} is before it")]
    BeforeInvestment { investment: InvestmentId, funded_at: Timestamp, at: Timestamp },
    #[error("investment {follows} is one of another investor or in another company")]
    FollowsOther { investment: InvestmentId, follows: InvestmentId },
    #[error("{amount} is below zero")]
    BelowZero { amount: Money },
    #[error("{amount} is not in the currency of investment {investment}, {currency}")]
    OtherCurrency { investment: InvestmentId, amount: Money, currency: Currency },
    #[error("exit {exit} gives nothing up and brings nothing")]
    EmptyExit { exit: ExitId },
    #[error(
        "investment {investment} has a cost of {left} left at {at}: {asked} cannot be given up"
    )]
    AboveCost { investment: InvestmentId, left: Money, asked: Money, at: Timestamp },
    #[error("investment {investment} holds less than {asked} % of its company at {at}")]
    AboveStake { investment: InvestmentId, asked: Percent, at: Timestamp },
    #[error("a valuation of {as_of} cannot be stated before that, at {at}")]
    ValuedBeforeItsDate { as_of: Timestamp, at: Timestamp },
    #[error(
        "of investment {investment} at {as_of} {} stands: name what is restated, and nothing else",
        stands.as_ref().map_or_else(|| "no valuation".to_owned(), |it| format!("valuation {it}"))
    )]
    ValuationStands { investment: InvestmentId, as_of: Timestamp, stands: Option<ValuationId> },
    #[error(
        "fund {fund} would have put {recycled} of what came back to work by {at}: its terms allow {allowed}"
    )]
    AboveRecycling { fund: PartyId, recycled: Money, allowed: Money, at: Timestamp },
    #[error("fee {fee} is accrued already, with other content")]
    FeeExists { fee: FeeId },
    #[error("fund {fund} has no terms at {at}: set them first")]
    NoTerms { fund: PartyId, at: Timestamp },
    #[error(
        "the terms of fund {fund} say another thing from {changes_at} on: accrue its fee up to then"
    )]
    FeeAcrossTerms { fund: PartyId, changes_at: Timestamp },
    #[error("all phases of fund {fund} have ended by {at}: no fee accrues")]
    NoPhase { fund: PartyId, at: Timestamp },
    #[error("the terms of fund {fund} state no fee of the phase {phase}")]
    NoFee { fund: PartyId, phase: Phase },
    #[error("fee {fee} is of days in the same period: a day's fee accrues once")]
    FeeOverlaps { fee: FeeId },
    #[error("payment {payment} of a fee is recorded already, with other content")]
    FeePaymentExists { payment: FeePaymentId },
    #[error("reduction {reduction} of a fee is recorded already, with other content")]
    FeeReductionExists { reduction: FeeReductionId },
    #[error("fund {fund} accrued no fee {fee}")]
    UnknownFee { fund: PartyId, fee: FeeId },
    #[error("{due} of fee {fee} are due at {at}: {asked} do not fit")]
    AboveFee { fee: FeeId, due: Money, asked: Money, at: Timestamp },
    #[error("expense {expense} is paid already, with other content")]
    ExpenseExists { expense: ExpenseId },
    #[error("{payee} manages fund {fund}: say that the expense is paid to a related party")]
    RelatedPartyUnsaid { fund: PartyId, payee: PartyId },
    #[error("carry {carry} is paid already, with other content")]
    CarryExists { carry: CarryId },
    #[error("the terms of fund {fund} at {at} do not say how profit is shared")]
    NoWaterfall { fund: PartyId, at: Timestamp },
    #[error(
        "the partners of fund {fund} come first: by {at} they have got {distributed} of {contributed} paid in, too little for carry of {carry} in all"
    )]
    CarryTooEarly {
        fund: PartyId,
        contributed: Money,
        distributed: Money,
        carry: Money,
        at: Timestamp,
    },
    #[error("draw {draw} on a line is recorded already, with other content")]
    LineDrawExists { draw: LineDrawId },
    #[error("payment {payment} on a line is recorded already, with other content")]
    LinePaymentExists { payment: LinePaymentId },
    #[error("fund {fund} owes {lender} {owed} at {at}: {asked} are no repayment")]
    AboveLine { fund: PartyId, lender: PartyId, owed: Money, asked: Money, at: Timestamp },
    #[error("fund {fund} was dissolved at {dissolved_at}: nothing of {at} is recorded of it")]
    FundDissolved { fund: PartyId, dissolved_at: Timestamp, at: Timestamp },
    #[error("money of fund {fund} moved at {moved_at}: it is not dissolved before that, at {at}")]
    DissolvedTooEarly { fund: PartyId, moved_at: Timestamp, at: Timestamp },
    #[error("fund {fund} has {cash} left: pay it out before the fund is dissolved")]
    CashLeft { fund: PartyId, cash: Money },
    #[error("fund {fund} owes {lender} {owed}: repay it before the fund is dissolved")]
    LineOwed { fund: PartyId, lender: PartyId, owed: Money },
    #[error(
        "fund {fund} holds investment {investment}, at a cost of {cost}: sell it or write it off before the fund is dissolved"
    )]
    HoldingLeft { fund: PartyId, investment: InvestmentId, cost: Money },
    #[error("{reason}")]
    BeyondBounds { reason: String },
}

impl From<MoneyError> for Refusal {
    fn from(error: MoneyError) -> Self {
        Self::BeyondBounds { reason: error.to_string() }
    }
}
