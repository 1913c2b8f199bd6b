//! The rules of what a fund borrows, and of its end.

use loopledger_model::fund::{DissolveFund, DrawLine, Event, LinePart, Refusal, RepayLine};
use loopledger_model::{Money, PartyId};
use loopledger_service::Decision;

use crate::account::Account;
use crate::decider::{Answer, known_as};
use crate::fees::spendable;
use crate::holdings::recyclable;
use crate::movement::Movement;
use crate::state::{Parties, State};

pub fn draw(state: &State, parties: &Parties, drawn: &DrawLine) -> Answer {
    let DrawLine { id, fund, lender, amount, .. } = drawn;
    let exists = || Refusal::LineDrawExists { draw: id.clone() };
    if let Some(answer) = known_as(state.draws.get(id), drawn, exists) {
        return answer;
    }
    let registered = parties.registered(lender)?;
    let account = state.formed(fund)?;
    let movement = Movement::from(drawn);
    spendable(state, account, &movement)?;
    state.in_payers_currency(&movement)?;
    state.affordable(&movement)?;
    state.countable(&movement)?;
    if let Some(line) = account.lines.get(lender) {
        line.can_count(*amount)?;
    }
    Ok(Decision::from(Event::LineDrawn(drawn.clone())).resting_on([registered]))
}

pub fn repay(state: &State, parties: &Parties, repaid: &RepayLine) -> Answer {
    let RepayLine { id, fund, lender, part, .. } = repaid;
    let exists = || Refusal::LinePaymentExists { payment: id.clone() };
    if let Some(answer) = known_as(state.line_payments.get(id), repaid, exists) {
        return answer;
    }
    let registered = parties.registered(lender)?;
    let account = state.formed(fund)?;
    let movement = Movement::from(repaid);
    spendable(state, account, &movement)?;
    if *part == LinePart::Principal {
        owed(account, lender, repaid)?;
        recyclable(state, fund, repaid.amount, repaid.at)?;
    }
    state.affordable(&movement)?;
    state.countable(&movement)?;
    Ok(Decision::from(Event::LineRepaid(repaid.clone())).resting_on([registered]))
}

fn owed(account: &Account, lender: &PartyId, repaid: &RepayLine) -> Result<(), Refusal> {
    let (at, asked) = (repaid.at, repaid.amount);
    let short = match account.lines.get(lender) {
        Some(line) => line.shortfall(at, asked)?,
        None => Some((at, Money::zero(asked.currency()))),
    };
    let Some((at, owed)) = short else { return Ok(()) };
    let (fund, lender) = (account.fund.id.clone(), lender.clone());
    Err(Refusal::AboveLine { fund, lender, owed, asked, at })
}

pub fn dissolve(state: &State, end: &DissolveFund) -> Answer {
    let DissolveFund { fund, at } = end;
    let account = state.formed(fund)?;
    let known = account.dissolved.as_ref();
    let dissolved_at = known.map_or(*at, |known| known.at);
    let exists = || Refusal::FundDissolved { fund: fund.clone(), dissolved_at, at: *at };
    if let Some(answer) = known_as(known, end, exists) {
        return answer;
    }
    account.formed_by(*at)?;
    if let Some(moved_at) = account.cash.latest().filter(|moved_at| moved_at > at) {
        return Err(Refusal::DissolvedTooEarly { fund: fund.clone(), moved_at, at: *at });
    }
    let cash = account.cash.left()?;
    if !cash.is_zero() {
        return Err(Refusal::CashLeft { fund: fund.clone(), cash });
    }
    for (lender, line) in &account.lines {
        let owed = line.left()?;
        if !owed.is_zero() {
            return Err(Refusal::LineOwed { fund: fund.clone(), lender: lender.clone(), owed });
        }
    }
    for holding in state.holdings.values().filter(|it| it.investment.investor == *fund) {
        let cost = holding.cost.left()?;
        if !cost.is_zero() && !state.is_written_off(holding) {
            let investment = holding.investment.id.clone();
            return Err(Refusal::HoldingLeft { fund: fund.clone(), investment, cost });
        }
    }
    Ok(Event::FundDissolved(end.clone()).into())
}
