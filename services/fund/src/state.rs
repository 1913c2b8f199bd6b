//! What fund knows: of itself, folded from its own events, and of the parties, folded from the
//! registry's.
//!
//! Invariant: a formed fund's cash holds every movement in its currency that names it, however late
//! it was recorded; of a party that is not formed only the latest movement is known, since it may
//! turn out to be a fund.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::fund::{
    Commitment, Contribution, Distribution, Event, Fund, Investment, RecogniseReinvestment,
    Refusal, StrikeNav, Transfer,
};
use loopledger_model::{
    CommitmentId, ContributionId, Currency, DistributionId, FactId, InvestmentId, Money,
    MoneyError, NavId, PartyId, PaymentId, Percent, RecognitionId, TransferId,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::movement::Movement;
use crate::timeline::Timeline;

const WHOLE: Decimal = Decimal::ONE_HUNDRED;
const COUNTED: &str = "amounts were found to be countable before they were recorded";

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub funds: BTreeMap<PartyId, Account>,
    pub commitments: BTreeMap<CommitmentId, Commitment>,
    pub contributions: BTreeMap<ContributionId, Contribution>,
    pub investments: BTreeMap<InvestmentId, Investment>,
    pub distributions: BTreeMap<DistributionId, Distribution>,
    pub transfers: BTreeMap<TransferId, Transfer>,
    pub navs: BTreeMap<NavId, StrikeNav>,
    pub recognitions: BTreeMap<RecognitionId, RecogniseReinvestment>,
    /// The payments that a fund counts.
    recognised: BTreeMap<(PartyId, PaymentId), RecognitionId>,
    /// The NAV that stands of a fund's date.
    standing: BTreeMap<(PartyId, Timestamp), NavId>,
    /// The percentages of each company that investments bought.
    pub stakes: BTreeMap<PartyId, Percent>,
    /// When money of a party that is no formed fund last moved.
    moved: BTreeMap<(PartyId, Currency), Timestamp>,
}

/// A formed fund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub fund: Fund,
    /// In recorded order within an instant.
    pub cash: Timeline<usize>,
    /// What each partner promised and has not paid in yet.
    pub partners: BTreeMap<PartyId, Timeline<Side>>,
}

/// What is promised at the very instant at which it is paid in is promised first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Side {
    Commitment,
    Contribution,
}

impl State {
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
        formed.try_for_each(|account| account.formed_by(movement.at))
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

    /// The stake fits beside what is held of the company already.
    pub fn within_whole(&self, company: &PartyId, asked: Percent) -> Result<(), Refusal> {
        let Some(held) = self.stakes.get(company).copied() else { return Ok(()) };
        if held.value().checked_add(asked.value()).is_some_and(|sum| sum <= WHOLE) {
            return Ok(());
        }
        Err(Refusal::AboveWhole { company: company.clone(), held, asked })
    }

    fn cash_in(&self, party: &PartyId, currency: Currency) -> Option<&Timeline<usize>> {
        let account = self.funds.get(party)?;
        (account.cash.currency() == currency).then_some(&account.cash)
    }

    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::FundFormed(fund) => self.form(fund),
            Event::CommitmentMade(commitment) => {
                let partner = self.partner(&commitment.fund, &commitment.lp);
                partner.add(commitment.at, Side::Commitment, commitment.amount).expect(COUNTED);
                self.commitments.insert(commitment.id.clone(), commitment.clone());
            }
            Event::ContributionReceived(contribution) => {
                let partner = self.partner(&contribution.fund, &contribution.lp);
                let (at, amount) = (contribution.at, contribution.amount);
                partner.take(at, Side::Contribution, amount).expect(COUNTED);
                self.post(&contribution.into());
                self.contributions.insert(contribution.id.clone(), contribution.clone());
            }
            Event::InvestmentFunded(investment) => {
                if let Some(stake) = investment.stake_percent {
                    self.hold(&investment.company, stake);
                }
                self.post(&investment.into());
                self.investments.insert(investment.id.clone(), investment.clone());
            }
            Event::DistributionPaid(distribution) => {
                self.post(&distribution.into());
                self.distributions.insert(distribution.id.clone(), distribution.clone());
            }
            Event::TransferRecorded(transfer) => {
                self.post(&transfer.into());
                self.transfers.insert(transfer.id.clone(), transfer.clone());
            }
            Event::ReinvestmentRecognised(made) => {
                if let Some(payment) = &made.payment {
                    self.recognised.insert((made.fund.clone(), payment.clone()), made.id.clone());
                }
                self.recognitions.insert(made.id.clone(), made.clone());
            }
            Event::NavStruck(nav) => {
                self.standing.insert((nav.fund.clone(), nav.as_of), nav.id.clone());
                self.navs.insert(nav.id.clone(), nav.clone());
            }
        }
    }

    fn form(&mut self, fund: &Fund) {
        let cash = Timeline::new(fund.currency);
        let account = Account { fund: fund.clone(), cash, partners: BTreeMap::new() };
        self.funds.insert(fund.id.clone(), account);
    }

    fn partner(&mut self, fund: &PartyId, lp: &PartyId) -> &mut Timeline<Side> {
        let account = self.funds.get_mut(fund).expect("capital is recorded of formed funds only");
        let currency = account.fund.currency;
        account.partners.entry(lp.clone()).or_insert_with(|| Timeline::new(currency))
    }

    fn hold(&mut self, company: &PartyId, stake: Percent) {
        let held = self.stakes.get(company).map_or(Decimal::ZERO, |held| held.value());
        let sum = held.checked_add(stake.value()).and_then(|sum| Percent::new(sum).ok());
        self.stakes.insert(company.clone(), sum.expect("stakes were found to fit in the whole"));
    }

    fn post(&mut self, movement: &Movement<'_>) {
        let &Movement { from, to, amount, at } = movement;
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

impl Account {
    pub fn formed_by(&self, at: Timestamp) -> Result<(), Refusal> {
        if at >= self.fund.at {
            return Ok(());
        }
        let (fund, formed_at) = (self.fund.id.clone(), self.fund.at);
        Err(Refusal::BeforeFormation { fund, formed_at, at })
    }

    pub fn in_currency(&self, amount: Money) -> Result<(), Refusal> {
        if amount.currency() == self.fund.currency {
            return Ok(());
        }
        Err(Refusal::WrongCurrency { amount, currency: self.fund.currency })
    }

    /// The partner's promises and payments, if it promised anything by then.
    pub fn partner_by(&self, lp: &PartyId, at: Timestamp) -> Result<&Timeline<Side>, Refusal> {
        let partner = self.partners.get(lp).filter(|partner| partner.begins_by(at));
        let fund = &self.fund.id;
        partner.ok_or_else(|| Refusal::NoCommitment { fund: fund.clone(), lp: lp.clone(), at })
    }
}

/// The registered parties, and the facts that say so.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Parties(pub BTreeMap<PartyId, FactId>);

impl Parties {
    pub fn registered(&self, party: &PartyId) -> Result<FactId, Refusal> {
        let fact = self.0.get(party).copied();
        fact.ok_or_else(|| Refusal::UnknownParty { party: party.clone() })
    }
}
