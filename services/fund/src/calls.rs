//! The rules of calls: who bears how much, what answers them, who is in default, what goes back.

use std::collections::BTreeSet;

use loopledger_model::fund::{
    CallCapital, CallShare, CapitalCalled, Contribution, CureDefault, DeclareDefault, Event,
    PartnerDefaulted, RecallDistribution, Refusal, ReturnExcess,
};
use loopledger_model::{CallId, Money, PartyId};
use loopledger_service::Decision;

use crate::account::Account;
use crate::decider::{Answer, distinct, known_as, positive};
use crate::holdings::recyclable;
use crate::movement::Movement;
use crate::state::{Parties, State};

pub fn call_capital(state: &State, call: &CallCapital) -> Answer {
    let CallCapital { id, fund, at, due, .. } = call;
    let account = state.formed(fund)?;
    let known = account.calls.get(id).map(|known| &known.call);
    if let Some(answer) = known_as(known, call, || Refusal::CallExists { call: id.clone() }) {
        return answer;
    }
    account.formed_by(*at)?;
    let total = total(account, call)?;
    if due < at {
        return Err(Refusal::DueBeforeCall { call: id.clone(), at: *at, due: *due });
    }
    in_period(account, call)?;
    let shares = shares(account, call, total)?;
    for share in &shares {
        let partner = account.partner_by(&share.lp, *at)?;
        account.uncalled((&share.lp, partner), *at, share.amount)?;
    }
    Ok(Event::CapitalCalled(CapitalCalled { call: call.clone(), shares }).into())
}

fn total(account: &Account, call: &CallCapital) -> Result<Money, Refusal> {
    let mut purposes = BTreeSet::new();
    for line in &call.lines {
        if !line.amount.is_positive() || !purposes.insert(line.purpose) {
            return Err(Refusal::CallLines { call: call.id.clone() });
        }
        account.in_currency(line.amount)?;
    }
    if purposes.is_empty() {
        return Err(Refusal::CallLines { call: call.id.clone() });
    }
    let amounts = call.lines.iter().map(|line| line.amount);
    Ok(Money::sum(account.fund.currency, amounts)?)
}

fn in_period(account: &Account, call: &CallCapital) -> Result<(), Refusal> {
    let Some(terms) = account.terms_at(call.at) else { return Ok(()) };
    let mut lines = call.lines.iter().filter(|line| line.purpose.is_of_the_investment_period());
    match lines.next() {
        Some(line) if call.at >= terms.investment_ends => Err(Refusal::AfterInvestmentPeriod {
            fund: account.fund.id.clone(),
            ended_at: terms.investment_ends,
            purpose: line.purpose,
            at: call.at,
        }),
        _ => Ok(()),
    }
}

/// By commitment; what rounding leaves goes, unit by unit, to the largest remainders.
fn shares(account: &Account, call: &CallCapital, total: Money) -> Result<Vec<CallShare>, Refusal> {
    let mut weights: Vec<(&PartyId, i128)> = Vec::new();
    for (lp, partner) in &account.partners {
        let committed = partner.committed.left_at(call.at)?;
        if committed.is_positive() && !call.excused.contains(lp) {
            weights.push((lp, committed.minor_units()));
        }
    }
    // Of equal remainders the manager's is served first.
    weights.sort_by_key(|(lp, _)| *lp != &account.fund.manager);
    if weights.is_empty() {
        let (fund, call) = (call.fund.clone(), call.id.clone());
        return Err(Refusal::NobodyToCall { fund, call });
    }
    let by_weight: Vec<i128> = weights.iter().map(|(_, weight)| *weight).collect();
    let parts = total.split(&by_weight)?;
    let borne = weights.into_iter().zip(parts).filter(|(_, part)| part.is_positive());
    let share = |((lp, _), amount): ((&PartyId, i128), Money)| CallShare { lp: lp.clone(), amount };
    let mut shares: Vec<CallShare> = borne.map(share).collect();
    shares.sort_by(|left, right| left.lp.cmp(&right.lp));
    Ok(shares)
}

/// What a contribution that answers a call has to fit into.
pub fn answers(
    account: &Account,
    contribution: &Contribution,
    call: &CallId,
) -> Result<(), Refusal> {
    let &Contribution { ref lp, amount: asked, at, .. } = contribution;
    let made = account.call(call)?;
    made.made_by(at)?;
    let borne = made.share(lp)?;
    let paid = borne.paid.added();
    if paid.checked_add(asked)?.exceeds(borne.amount)? {
        let (call, lp, share) = (call.clone(), lp.clone(), borne.amount);
        return Err(Refusal::AboveCall { call, lp, share, paid, asked });
    }
    Ok(())
}

pub fn declare_default(state: &State, default: &DeclareDefault) -> Answer {
    let DeclareDefault { fund, call, lp, at } = default;
    let made = state.formed(fund)?.call(call)?;
    let share = made.share(lp)?;
    let known = share.default.as_ref().map(|known| &known.default);
    let exists = || Refusal::DefaultExists { call: call.clone(), lp: lp.clone() };
    if let Some(answer) = known_as(known, default, exists) {
        return answer;
    }
    if *at <= made.call.due {
        return Err(Refusal::NotDue { call: call.clone(), due: made.call.due, at: *at });
    }
    let unpaid = share.unpaid_at(*at)?;
    if unpaid.is_zero() {
        return Err(Refusal::PaidInFull { call: call.clone(), lp: lp.clone(), at: *at });
    }
    Ok(Event::PartnerDefaulted(PartnerDefaulted { default: default.clone(), unpaid }).into())
}

pub fn cure_default(state: &State, cure: &CureDefault) -> Answer {
    let CureDefault { fund, call, lp, at } = cure;
    let share = state.formed(fund)?.call(call)?.share(lp)?;
    let exists = || Refusal::CureExists { call: call.clone(), lp: lp.clone() };
    if let Some(answer) = known_as(share.cure.as_ref(), cure, exists) {
        return answer;
    }
    if share.default.as_ref().is_none_or(|default| default.default.at > *at) {
        return Err(Refusal::NotInDefault { call: call.clone(), lp: lp.clone() });
    }
    let unpaid = share.unpaid_at(*at)?;
    if unpaid.is_positive() {
        let (call, lp) = (call.clone(), lp.clone());
        return Err(Refusal::StillUnpaid { call, lp, unpaid, at: *at });
    }
    Ok(Event::DefaultCured(cure.clone()).into())
}

pub fn return_excess(state: &State, returned: &ReturnExcess) -> Answer {
    let ReturnExcess { id, fund, call, lp, amount, at } = returned;
    let exists = || Refusal::ExcessReturnExists { excess_return: id.clone() };
    if let Some(answer) = known_as(state.excess_returns.get(id), returned, exists) {
        return answer;
    }
    let account = state.formed(fund)?;
    let movement = Movement::from(returned);
    state.after_formation(&movement)?;
    positive(*amount)?;
    account.in_currency(*amount)?;
    distinct(fund, lp)?;
    let share = account.call(call)?.share(lp)?;
    let partner = account.partner_by(lp, *at)?;
    for timeline in [&share.paid, &partner.contributed] {
        if let Some((at, paid)) = timeline.shortfall(*at, *amount)? {
            let (call, lp) = (call.clone(), lp.clone());
            return Err(Refusal::AbovePaid { call, lp, paid, asked: *amount, at });
        }
    }
    state.affordable(&movement)?;
    recyclable(state, fund, *amount, *at)?;
    state.countable(&movement)?;
    partner.uncalled.can_count(*amount)?;
    Ok(Event::ExcessReturned(returned.clone()).into())
}

pub fn recall(state: &State, parties: &Parties, recall: &RecallDistribution) -> Answer {
    let exists = || Refusal::RecallExists { recall: recall.id.clone() };
    if let Some(answer) = known_as(state.recalls.get(&recall.id), recall, exists) {
        return answer;
    }
    let &RecallDistribution { ref fund, ref lp, amount, at, .. } = recall;
    let registered = parties.registered(lp)?;
    let account = state.formed(fund)?;
    let movement = Movement::from(recall);
    state.after_formation(&movement)?;
    positive(amount)?;
    account.in_currency(amount)?;
    state.in_payers_currency(&movement)?;
    let partner = account.partner_by(lp, at)?;
    let distribution = recall.distribution.clone();
    let paid = state.distributions.get(&distribution);
    if paid.is_none_or(|paid| (&paid.fund, &paid.lp) != (fund, lp)) {
        let (fund, lp) = (fund.clone(), lp.clone());
        return Err(Refusal::UnknownDistribution { fund, lp, distribution });
    }
    let Some(recallable) = state.recallable.get(&distribution) else {
        return Err(Refusal::NotRecallable { distribution });
    };
    if let Some((at, left)) = recallable.shortfall(at, amount)? {
        return Err(Refusal::AboveRecallable { distribution, left, asked: amount, at });
    }
    account.uncalled((lp, partner), at, amount)?;
    state.affordable(&movement)?;
    recyclable(state, lp, amount, at)?;
    state.countable(&movement)?;
    partner.contributed.can_count(amount)?;
    Ok(Decision::from(Event::DistributionRecalled(recall.clone())).resting_on([registered]))
}
