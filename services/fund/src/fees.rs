//! The rules of what running a fund costs: fees as the terms say, and other expenses.

use jiff::Timestamp;
use loopledger_model::fund::{
    AccrueFee, Event, FeeAccrued, FeeBasis, PayExpense, PayFee, ReduceFee, Refusal,
};
use loopledger_model::{FeeId, Money, PartyId, Percent};
use loopledger_service::Decision;

use crate::account::{Account, Fee};
use crate::decider::{Answer, distinct, known_as, positive};
use crate::movement::Movement;
use crate::state::{Parties, State};

const DAY_NS: i128 = 86_400_000_000_000;

pub fn accrue(state: &State, accrual: &AccrueFee) -> Answer {
    let AccrueFee { id, fund, period, at } = accrual;
    let account = state.formed(fund)?;
    let known = account.fees.get(id).map(|fee| &fee.accrued.accrual);
    if let Some(answer) = known_as(known, accrual, || Refusal::FeeExists { fee: id.clone() }) {
        return answer;
    }
    let from = period.from();
    account.formed_by(from)?;
    account.formed_by(*at)?;
    let terms = account.terms_at(from);
    let terms = terms.ok_or_else(|| Refusal::NoTerms { fund: fund.clone(), at: from })?;
    let phase = terms.phase(from);
    let phase = phase.ok_or_else(|| Refusal::NoPhase { fund: fund.clone(), at: from })?;
    let next_terms = account.terms.iter().map(|terms| terms.at).filter(|at| *at > from);
    let changes_at = next_terms.chain(terms.ends(phase)).min();
    if let Some(changes_at) = changes_at.filter(|changes_at| *changes_at < period.to()) {
        return Err(Refusal::FeeAcrossTerms { fund: fund.clone(), changes_at });
    }
    let fee = terms.fee(phase);
    let fee = fee.ok_or_else(|| Refusal::NoFee { fund: fund.clone(), phase })?;
    let mut others = account.fees.values().map(|fee| &fee.accrued.accrual);
    if let Some(other) = others.find(|other| other.period.overlaps(period)) {
        return Err(Refusal::FeeOverlaps { fee: other.id.clone() });
    }
    let base = base(state, account, fee.basis, from)?;
    let days = period.nanoseconds() / DAY_NS;
    Ok(Event::FeeAccrued(FeeAccrued {
        accrual: accrual.clone(),
        version: terms.version,
        phase,
        basis: fee.basis,
        base,
        percent_a_year: fee.percent_a_year,
        amount: share(base, fee.percent_a_year, (days, 365))?,
    })
    .into())
}

/// What a fee is worked out from, at an instant.
fn base(
    state: &State,
    account: &Account,
    basis: FeeBasis,
    at: Timestamp,
) -> Result<Money, Refusal> {
    match basis {
        FeeBasis::Commitments => account.committed_at(at),
        FeeBasis::Contributions => account.contributed_at(at),
        FeeBasis::InvestedCost => {
            let held = state.holdings.values();
            let held = held.filter(|it| it.investment.investor == account.fund.id);
            let costs = held.map(|it| it.cost.left_at(at)).collect::<Result<Vec<_>, _>>()?;
            Ok(Money::sum(account.fund.currency, costs)?)
        }
    }
}

/// So many percent of an amount, rounded down to minor units.
pub fn part_of(amount: Money, percent: Percent) -> Result<Money, Refusal> {
    share(amount, percent, (1, 1))
}

fn share(of: Money, percent: Percent, (days, whole): (i128, i128)) -> Result<Money, Refusal> {
    let beyond = || Refusal::BeyondBounds { reason: format!("{percent} % of {of} are too much") };
    let exact = percent.value().normalize();
    let whole = 10_i128.checked_pow(exact.scale() + 2).and_then(|scale| scale.checked_mul(whole));
    let product = of.minor_units().checked_mul(exact.mantissa());
    let product = product.and_then(|product| product.checked_mul(days));
    let minor = product.zip(whole).and_then(|(product, whole)| product.checked_div(whole));
    Ok(Money::of_minor_units(minor.ok_or_else(beyond)?, of.currency())?)
}

/// So much of the fee is due, then and ever after.
fn due<'a>(
    account: &'a Account,
    fee: &FeeId,
    at: Timestamp,
    asked: Money,
) -> Result<&'a Fee, Refusal> {
    let fund = &account.fund.id;
    let unknown = || Refusal::UnknownFee { fund: fund.clone(), fee: fee.clone() };
    let accrued = account.fees.get(fee).ok_or_else(unknown)?;
    match accrued.due.shortfall(at, asked)? {
        Some((at, due)) => Err(Refusal::AboveFee { fee: fee.clone(), due, asked, at }),
        None => Ok(accrued),
    }
}

pub fn pay(state: &State, parties: &Parties, paid: &PayFee) -> Answer {
    let PayFee { id, fund, fee, payee, amount, at } = paid;
    let exists = || Refusal::FeePaymentExists { payment: id.clone() };
    if let Some(answer) = known_as(state.fee_payments.get(id), paid, exists) {
        return answer;
    }
    let registered = parties.registered(payee)?;
    let account = state.formed(fund)?;
    let movement = Movement::from(paid);
    spendable(state, account, &movement)?;
    due(account, fee, *at, *amount)?;
    state.affordable(&movement)?;
    state.countable(&movement)?;
    Ok(Decision::from(Event::FeePaid(paid.clone())).resting_on([registered]))
}

/// What holds of all money that a fund pays to others than its partners, its cash apart.
pub fn spendable(state: &State, account: &Account, movement: &Movement<'_>) -> Result<(), Refusal> {
    state.after_formation(movement)?;
    positive(movement.amount)?;
    account.in_currency(movement.amount)?;
    distinct(movement.from, movement.to)
}

pub fn reduce(state: &State, reduced: &ReduceFee) -> Answer {
    let ReduceFee { id, fund, fee, amount, at, .. } = reduced;
    let exists = || Refusal::FeeReductionExists { reduction: id.clone() };
    if let Some(answer) = known_as(state.fee_reductions.get(id), reduced, exists) {
        return answer;
    }
    let account = state.formed(fund)?;
    account.formed_by(*at)?;
    positive(*amount)?;
    account.in_currency(*amount)?;
    due(account, fee, *at, *amount)?;
    Ok(Event::FeeReduced(reduced.clone()).into())
}

pub fn spend(state: &State, parties: &Parties, expense: &PayExpense) -> Answer {
    let PayExpense { id, fund, payee, related_party, .. } = expense;
    let exists = || Refusal::ExpenseExists { expense: id.clone() };
    if let Some(answer) = known_as(state.expenses.get(id), expense, exists) {
        return answer;
    }
    let registered = parties.registered(payee)?;
    let account = state.formed(fund)?;
    let movement = Movement::from(expense);
    spendable(state, account, &movement)?;
    related(account, payee, *related_party)?;
    state.affordable(&movement)?;
    state.countable(&movement)?;
    Ok(Decision::from(Event::ExpensePaid(expense.clone())).resting_on([registered]))
}

fn related(account: &Account, payee: &PartyId, said: bool) -> Result<(), Refusal> {
    if said || *payee != account.fund.manager {
        return Ok(());
    }
    Err(Refusal::RelatedPartyUnsaid { fund: account.fund.id.clone(), payee: payee.clone() })
}
