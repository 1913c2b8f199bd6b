//! What fund knows: of itself, folded from its own events, and of the parties, folded from the
//! registry's.
//!
//! Invariant: a formed fund's cash holds every movement in its currency that names it, however late
//! it was recorded; of a party that is not formed only the latest movement is known, since it may
//! turn out to be a fund.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::fund::{
    ChangeCommitment, Commitment, Contribution, Distribution, DrawLine, ExitInvestment, Investment,
    PayCarry, PayExpense, PayFee, RecallDistribution, RecogniseReinvestment, ReduceFee, Refusal,
    RepayLine, ReturnExcess, StrikeNav, Transfer, TransferCommitment, ValueInvestment,
};
use loopledger_model::{
    CarryId, CommitmentChangeId, CommitmentId, CommitmentTransferId, ContributionId, Currency,
    DistributionId, ExcessReturnId, ExitId, ExpenseId, FactId, FeePaymentId, FeeReductionId,
    InvestmentId, LineDrawId, LinePaymentId, Money, MoneyError, NavId, PartyId, PaymentId,
    RecallId, RecognitionId, TransferId, ValuationId,
};
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::movement::Movement;
use crate::stakes::Stakes;
use crate::timeline::{Side, Timeline};

pub const COUNTED: &str = "amounts were found to be countable before they were recorded";

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub funds: BTreeMap<PartyId, Account>,
    pub commitments: BTreeMap<CommitmentId, Commitment>,
    pub contributions: BTreeMap<ContributionId, Contribution>,
    pub holdings: BTreeMap<InvestmentId, Holding>,
    pub distributions: BTreeMap<DistributionId, Distribution>,
    pub transfers: BTreeMap<TransferId, Transfer>,
    pub navs: BTreeMap<NavId, StrikeNav>,
    pub recognitions: BTreeMap<RecognitionId, RecogniseReinvestment>,
    pub commitment_changes: BTreeMap<CommitmentChangeId, ChangeCommitment>,
    pub commitment_transfers: BTreeMap<CommitmentTransferId, TransferCommitment>,
    pub excess_returns: BTreeMap<ExcessReturnId, ReturnExcess>,
    pub recalls: BTreeMap<RecallId, RecallDistribution>,
    pub exits: BTreeMap<ExitId, ExitInvestment>,
    pub valuations: BTreeMap<ValuationId, ValueInvestment>,
    pub fee_payments: BTreeMap<FeePaymentId, PayFee>,
    pub fee_reductions: BTreeMap<FeeReductionId, ReduceFee>,
    pub expenses: BTreeMap<ExpenseId, PayExpense>,
    pub carries: BTreeMap<CarryId, PayCarry>,
    pub draws: BTreeMap<LineDrawId, DrawLine>,
    pub line_payments: BTreeMap<LinePaymentId, RepayLine>,
    /// What can still be recalled of each recallable distribution.
    pub recallable: BTreeMap<DistributionId, Timeline<Side>>,
    /// The payments that a fund counts.
    pub(crate) recognised: BTreeMap<(PartyId, PaymentId), RecognitionId>,
    /// The NAV that stands of a fund's date.
    pub(crate) standing: BTreeMap<(PartyId, Timestamp), NavId>,
    /// The part of each company that investments bought and hold.
    pub stakes: BTreeMap<PartyId, Stakes>,
    /// When money of a party that is no formed fund last moved.
    moved: BTreeMap<(PartyId, Currency), Timestamp>,
}

/// What is held of an investment, whoever made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    pub investment: Investment,
    /// What is not given up.
    pub cost: Timeline<Side>,
    pub stake: Stakes,
    /// The valuation that stands of each date.
    pub valued: BTreeMap<Timestamp, ValuationId>,
}

impl State {
    /// Whether the latest valuation says that it is worth nothing.
    pub fn is_written_off(&self, holding: &Holding) -> bool {
        let latest = holding.valued.last_key_value();
        let latest = latest.and_then(|(_, valuation)| self.valuations.get(valuation));
        latest.is_some_and(|valuation| valuation.amount.is_zero())
    }

    pub fn formed(&self, fund: &PartyId) -> Result<&Account, Refusal> {
        self.funds.get(fund).ok_or_else(|| Refusal::UnknownFund { fund: fund.clone() })
    }

    /// By what a fund counts this payment.
    pub fn recognised(&self, fund: &PartyId, payment: &PaymentId) -> Option<&RecognitionId> {
        self.recognised.get(&(fund.clone(), payment.clone()))
    }

    /// The NAV of this date, as it was last stated.
    pub fn nav_of(&self, fund: &PartyId, as_of: Timestamp) -> Option<&NavId> {
        self.standing.get(&(fund.clone(), as_of))
    }

    /// Money of this party, in this currency, that moved at `at` or later while it was no formed
    /// fund.
    pub fn moved_since(
        &self,
        party: &PartyId,
        currency: Currency,
        at: Timestamp,
    ) -> Option<Timestamp> {
        self.moved.get(&(party.clone(), currency)).copied().filter(|moved_at| *moved_at >= at)
    }

    /// Nothing moves from or to a fund before it is formed.
    pub fn after_formation(&self, movement: &Movement<'_>) -> Result<(), Refusal> {
        let parties = [movement.from, movement.to];
        let mut formed = parties.into_iter().filter_map(|party| self.funds.get(party));
        formed.try_for_each(|account| {
            account.formed_by(movement.at)?;
            account.open(movement.at)
        })
    }

    /// A fund that pays does so in its own currency.
    pub fn in_payers_currency(&self, movement: &Movement<'_>) -> Result<(), Refusal> {
        let payer = self.funds.get(movement.from);
        payer.map_or(Ok(()), |account| account.in_currency(movement.amount))
    }

    /// A fund that pays has the cash, then and ever after.
    pub fn affordable(&self, movement: &Movement<'_>) -> Result<(), Refusal> {
        let &Movement { from, amount: asked, at, .. } = movement;
        let Some(cash) = self.cash_in(from, asked.currency()) else { return Ok(()) };
        match cash.shortfall(at, asked)? {
            None => Ok(()),
            Some((at, cash)) => Err(Refusal::AboveCash { fund: from.clone(), cash, asked, at }),
        }
    }

    /// A fund that is paid can still count what it was paid in all.
    pub fn countable(&self, movement: &Movement<'_>) -> Result<(), MoneyError> {
        let cash = self.cash_in(movement.to, movement.amount.currency());
        cash.map_or(Ok(()), |cash| cash.can_count(movement.amount))
    }

    fn cash_in(&self, party: &PartyId, currency: Currency) -> Option<&Timeline<usize>> {
        let account = self.funds.get(party)?;
        (account.cash.currency() == currency).then_some(&account.cash)
    }

    pub(crate) fn post(&mut self, movement: &Movement<'_>) {
        let &Movement { from, to, amount, at } = movement;
        if amount.is_zero() {
            return;
        }
        self.post_to(from, amount, at, Timeline::take);
        self.post_to(to, amount, at, Timeline::add);
    }

    fn post_to(&mut self, party: &PartyId, amount: Money, at: Timestamp, enter: Enter) {
        let currency = amount.currency();
        match self.funds.get_mut(party) {
            None => {
                let moved = self.moved.entry((party.clone(), currency)).or_insert(at);
                *moved = at.max(*moved);
            }
            Some(account) if account.cash.currency() == currency => {
                let order = account.cash.len();
                enter(&mut account.cash, at, order, amount).expect(COUNTED);
            }
            Some(_) => {}
        }
    }
}

type Enter = fn(&mut Timeline<usize>, Timestamp, usize, Money) -> Result<(), MoneyError>;

/// The registered parties, and the facts that say so.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Parties(pub BTreeMap<PartyId, FactId>);

impl Parties {
    pub fn registered(&self, party: &PartyId) -> Result<FactId, Refusal> {
        let fact = self.0.get(party).copied();
        fact.ok_or_else(|| Refusal::UnknownParty { party: party.clone() })
    }
}
