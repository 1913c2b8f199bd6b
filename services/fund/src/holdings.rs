//! The rules of what is held: what is put to work, sold, and said to be worth how much.

use std::collections::BTreeSet;

use jiff::Timestamp;
use loopledger_model::fund::{
    Event, ExitInvestment, Investment, InvestmentExited, InvestmentValued, Refusal, ValueInvestment,
};
use loopledger_model::{InvestmentId, Money, PartyId, Percent};
use loopledger_service::Decision;

use crate::account::Account;
use crate::decider::{Answer, distinct, known_as, positive};
use crate::fees::part_of;
use crate::movement::Movement;
use crate::state::{Holding, Parties, State};

pub fn invest(state: &State, parties: &Parties, investment: &Investment) -> Answer {
    let Investment { id, investor, company, amount, stake_percent, at, follows } = investment;
    let known = state.holdings.get(id).map(|holding| &holding.investment);
    let exists = || Refusal::InvestmentExists { investment: id.clone() };
    if let Some(answer) = known_as(known, investment, exists) {
        return answer;
    }
    let facts = [parties.registered(investor)?, parties.registered(company)?];
    let movement = Movement::from(investment);
    state.after_formation(&movement)?;
    positive(*amount)?;
    state.in_payers_currency(&movement)?;
    distinct(investor, company)?;
    if let Some(follows) = follows {
        let first = held(state, follows, *at)?;
        if (&first.investment.investor, &first.investment.company) != (investor, company) {
            let (investment, follows) = (id.clone(), follows.clone());
            return Err(Refusal::FollowsOther { investment, follows });
        }
    }
    state.affordable(&movement)?;
    recyclable(state, investor, *amount, *at)?;
    if let Some(stake) = stake_percent {
        within_whole(state, company, *stake, *at)?;
    }
    state.countable(&movement)?;
    Ok(Decision::from(Event::InvestmentFunded(investment.clone())).resting_on(facts))
}

fn held<'a>(state: &'a State, id: &InvestmentId, at: Timestamp) -> Result<&'a Holding, Refusal> {
    let unknown = || Refusal::UnknownInvestment { investment: id.clone() };
    let holding = state.holdings.get(id).ok_or_else(unknown)?;
    if at < holding.investment.at {
        let (investment, funded_at) = (id.clone(), holding.investment.at);
        return Err(Refusal::BeforeInvestment { investment, funded_at, at });
    }
    Ok(holding)
}

/// The stake fits beside what is held of the company then and ever after.
fn within_whole(
    state: &State,
    company: &PartyId,
    asked: Percent,
    at: Timestamp,
) -> Result<(), Refusal> {
    let held = state.stakes.get(company).and_then(|stakes| stakes.crowded(at, asked));
    match held {
        Some(held) => Err(Refusal::AboveWhole { company: company.clone(), held, asked }),
        None => Ok(()),
    }
}

/// What a fund has at work beyond what partners paid in and lenders lent is what came back, of which its terms allow
/// some: when it puts more to work or gives some of the others back, and ever after.
pub fn recyclable(
    state: &State,
    payer: &PartyId,
    asked: Money,
    at: Timestamp,
) -> Result<(), Refusal> {
    let Some(account) = state.funds.get(payer) else { return Ok(()) };
    for at in account.recycling_instants(at) {
        let terms = account.terms_at(at).and_then(|terms| terms.recycling_percent);
        let Some(percent) = terms else { continue };
        let allowed = part_of(account.committed_at(at)?, percent)?;
        let recycled = account.recycled_at(at)?.checked_add(asked)?;
        if recycled.exceeds(allowed)? {
            let fund = payer.clone();
            return Err(Refusal::AboveRecycling { fund, recycled, allowed, at });
        }
    }
    Ok(())
}

impl Account {
    /// This instant and the later ones at which more or less of what came back was at work.
    fn recycling_instants(&self, at: Timestamp) -> BTreeSet<Timestamp> {
        let paid_in = self.partners.values().map(|partner| &partner.contributed);
        let moved = paid_in.chain(self.lines.values()).chain([&self.put_to_work]);
        moved.flat_map(|timeline| timeline.instants_after(at)).chain([at]).collect()
    }

    /// What was put to work, less what was paid in and lent; below zero where there is more of that.
    pub(crate) fn recycled_at(&self, at: Timestamp) -> Result<Money, Refusal> {
        let lent = self.lines.values().map(|line| line.left_at(at));
        let funded = lent.chain([Ok(self.contributed_at(at)?)]).collect::<Result<Vec<_>, _>>()?;
        let funded = Money::sum(self.fund.currency, funded)?;
        Ok(self.put_to_work.left_at(at)?.checked_sub(funded)?)
    }
}

pub fn exit(state: &State, parties: &Parties, exit: &ExitInvestment) -> Answer {
    let ExitInvestment { id, investment, payer, cost, proceeds, stake_percent, at } = exit;
    let known = state.exits.get(id);
    if let Some(answer) = known_as(known, exit, || Refusal::ExitExists { exit: id.clone() }) {
        return answer;
    }
    let registered = parties.registered(payer)?;
    let holding = held(state, investment, *at)?;
    let Investment { investor, company, .. } = &holding.investment;
    let (investor, company) = (investor.clone(), company.clone());
    let made = InvestmentExited { exit: exit.clone(), investor, company };
    let movement = Movement::from(&made);
    state.after_formation(&movement)?;
    for amount in [*cost, *proceeds] {
        in_currency_of(holding, amount)?;
        not_below_zero(amount)?;
    }
    if cost.is_zero() && proceeds.is_zero() && stake_percent.is_none() {
        return Err(Refusal::EmptyExit { exit: id.clone() });
    }
    state.in_payers_currency(&movement)?;
    distinct(payer, &made.investor)?;
    if let Some((at, left)) = holding.cost.shortfall(*at, *cost)? {
        let (investment, asked) = (investment.clone(), *cost);
        return Err(Refusal::AboveCost { investment, left, asked, at });
    }
    if let Some(asked) = stake_percent.filter(|asked| !holding.stake.holds(*at, *asked)) {
        return Err(Refusal::AboveStake { investment: investment.clone(), asked, at: *at });
    }
    state.affordable(&movement)?;
    state.countable(&movement)?;
    Ok(Decision::from(Event::InvestmentExited(made)).resting_on([registered]))
}

fn in_currency_of(holding: &Holding, amount: Money) -> Result<(), Refusal> {
    let currency = holding.cost.currency();
    if amount.currency() == currency {
        return Ok(());
    }
    Err(Refusal::OtherCurrency { investment: holding.investment.id.clone(), amount, currency })
}

fn not_below_zero(amount: Money) -> Result<(), Refusal> {
    if amount.is_positive() || amount.is_zero() {
        return Ok(());
    }
    Err(Refusal::BelowZero { amount })
}

/// One valuation of a date stands; another takes its place only by naming it.
pub fn value(state: &State, valuation: &ValueInvestment) -> Answer {
    let ValueInvestment { id, investment, as_of, amount, at, restates } = valuation;
    let exists = || Refusal::ValuationExists { valuation: id.clone() };
    if let Some(answer) = known_as(state.valuations.get(id), valuation, exists) {
        return answer;
    }
    let holding = held(state, investment, *as_of)?;
    in_currency_of(holding, *amount)?;
    not_below_zero(*amount)?;
    if at < as_of {
        return Err(Refusal::ValuedBeforeItsDate { as_of: *as_of, at: *at });
    }
    let stands = holding.valued.get(as_of);
    if stands != restates.as_ref() {
        let (investment, stands) = (investment.clone(), stands.cloned());
        return Err(Refusal::ValuationStands { investment, as_of: *as_of, stands });
    }
    let investor = holding.investment.investor.clone();
    Ok(Event::InvestmentValued(InvestmentValued { valuation: valuation.clone(), investor }).into())
}
