//! The rules of fund: what each command needs, and the first reason to refuse it.
//!
//! Invariant: what exists with the same content is nothing to do, whatever has happened since.

use loopledger_model::fund::{
    Command, Contribution, Distribution, DistributionKind, Event, Fund, RecogniseReinvestment,
    RecognitionKind, Refusal, StrikeNav, Transfer,
};
use loopledger_model::{Context, Fact, Money, NavId, PartyId, registry};
use loopledger_service::{Decider, Decision, Service};

use crate::account::Account;
use crate::movement::Movement;
use crate::state::{Parties, State};
use crate::{calls, carry, commitments, fees, holdings, lines};

/// The context fund; `Fund` itself is a fund.
pub enum FundDecider {}

pub static SERVICE: Service = Service::of::<FundDecider>();

pub type Answer = Result<Decision<Event>, Refusal>;

impl Decider for FundDecider {
    const CONTEXT: Context = Context::Fund;
    const READS: &'static [Context] = &[Context::Registry];
    const STATE_FORMAT: u32 = 4;

    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
    type State = State;
    type Facts = Parties;

    fn decide(state: &State, parties: &Parties, command: &Command) -> Answer {
        match command {
            Command::FormFund(fund) => form_fund(state, parties, fund),
            Command::Commit(commitment) => commitments::commit(state, parties, commitment),
            Command::Contribute(contribution) => contribute(state, parties, contribution),
            Command::Invest(investment) => holdings::invest(state, parties, investment),
            Command::Distribute(distribution) => distribute(state, distribution),
            Command::RecordTransfer(transfer) => record_transfer(state, parties, transfer),
            Command::StrikeNav(nav) => strike(state, nav),
            Command::RecogniseReinvestment(asked) => recognise(state, parties, asked),
            Command::ChangeCommitment(change) => commitments::change(state, change),
            Command::TransferCommitment(made) => commitments::transfer(state, parties, made),
            Command::SetTerms(terms) => commitments::set_terms(state, terms),
            Command::CallCapital(call) => calls::call_capital(state, call),
            Command::DeclareDefault(default) => calls::declare_default(state, default),
            Command::CureDefault(cure) => calls::cure_default(state, cure),
            Command::ReturnExcess(returned) => calls::return_excess(state, returned),
            Command::RecallDistribution(recall) => calls::recall(state, parties, recall),
            Command::ExitInvestment(exit) => holdings::exit(state, parties, exit),
            Command::ValueInvestment(valuation) => holdings::value(state, valuation),
            Command::AccrueFee(accrual) => fees::accrue(state, accrual),
            Command::PayFee(paid) => fees::pay(state, parties, paid),
            Command::ReduceFee(reduced) => fees::reduce(state, reduced),
            Command::PayExpense(expense) => fees::spend(state, parties, expense),
            Command::PayCarry(paid) => carry::pay(state, parties, paid),
            Command::DrawLine(drawn) => lines::draw(state, parties, drawn),
            Command::RepayLine(repaid) => lines::repay(state, parties, repaid),
            Command::DissolveFund(end) => lines::dissolve(state, end),
        }
    }

    fn evolve(state: &mut State, event: &Event) {
        state.apply(event);
    }

    fn learn(parties: &mut Parties, fact: &Fact) {
        use loopledger_model::Event::Registry;
        if let Registry(registry::Event::PartyRegistered(party)) = &fact.event {
            parties.0.entry(party.id.clone()).or_insert(fact.id);
        }
    }
}

fn form_fund(state: &State, parties: &Parties, fund: &Fund) -> Answer {
    let known = state.funds.get(&fund.id).map(|account| &account.fund);
    if let Some(answer) = known_as(known, fund, || Refusal::FundExists { fund: fund.id.clone() }) {
        return answer;
    }
    let facts = [parties.registered(&fund.id)?, parties.registered(&fund.manager)?];
    if let Some(moved_at) = state.moved_since(&fund.id, fund.currency, fund.at) {
        let (fund, formed_at) = (fund.id.clone(), fund.at);
        return Err(Refusal::LateFormation { fund, formed_at, moved_at });
    }
    Ok(Decision::from(Event::FundFormed(fund.clone())).resting_on(facts))
}

fn contribute(state: &State, parties: &Parties, contribution: &Contribution) -> Answer {
    let Contribution { id, fund, lp, amount, .. } = contribution;
    let exists = || Refusal::ContributionExists { contribution: id.clone() };
    if let Some(answer) = known_as(state.contributions.get(id), contribution, exists) {
        return answer;
    }
    let registered = parties.registered(lp)?;
    let account = state.formed(fund)?;
    let movement = Movement::from(contribution);
    state.after_formation(&movement)?;
    positive(*amount)?;
    account.in_currency(*amount)?;
    state.in_payers_currency(&movement)?;
    distinct(lp, fund)?;
    within_commitment(account, contribution)?;
    state.affordable(&movement)?;
    holdings::recyclable(state, lp, *amount, contribution.at)?;
    state.countable(&movement)?;
    account.partner_by(lp, contribution.at)?.contributed.can_count(*amount)?;
    Ok(Decision::from(Event::ContributionReceived(contribution.clone())).resting_on([registered]))
}

fn within_commitment(account: &Account, contribution: &Contribution) -> Result<(), Refusal> {
    let &Contribution { ref fund, ref lp, amount: asked, at, ref call, .. } = contribution;
    let partner = account.partner_by(lp, at)?;
    if let Some(call) = call {
        return calls::answers(account, contribution, call);
    }
    let Some((at, uncalled)) = partner.uncalled.shortfall(at, asked)? else { return Ok(()) };
    let committed = partner.committed.left_at(at)?;
    let contributed = committed.checked_sub(uncalled)?;
    let (fund, lp) = (fund.clone(), lp.clone());
    Err(Refusal::AboveCommitment { fund, lp, committed, contributed, asked, at })
}

fn distribute(state: &State, distribution: &Distribution) -> Answer {
    let Distribution { id, fund, lp, amount, at, .. } = distribution;
    let exists = || Refusal::DistributionExists { distribution: id.clone() };
    if let Some(answer) = known_as(state.distributions.get(id), distribution, exists) {
        return answer;
    }
    let account = state.formed(fund)?;
    let movement = Movement::from(distribution);
    state.after_formation(&movement)?;
    positive(*amount)?;
    account.in_currency(*amount)?;
    distinct(fund, lp)?;
    let partner = account.partner_by(lp, *at)?;
    state.affordable(&movement)?;
    state.countable(&movement)?;
    partner.distributed.can_count(*amount)?;
    if distribution.kind == Some(DistributionKind::Recallable) {
        partner.recallable.can_count(*amount)?;
        partner.uncalled.can_count(*amount)?;
    }
    Ok(Decision::from(Event::DistributionPaid(distribution.clone())))
}

fn record_transfer(state: &State, parties: &Parties, transfer: &Transfer) -> Answer {
    let Transfer { id, from, to, amount, .. } = transfer;
    let exists = || Refusal::TransferExists { transfer: id.clone() };
    if let Some(answer) = known_as(state.transfers.get(id), transfer, exists) {
        return answer;
    }
    let facts = [parties.registered(from)?, parties.registered(to)?];
    let movement = Movement::from(transfer);
    state.after_formation(&movement)?;
    positive(*amount)?;
    distinct(from, to)?;
    state.affordable(&movement)?;
    state.countable(&movement)?;
    Ok(Decision::from(Event::TransferRecorded(transfer.clone())).resting_on(facts))
}

/// A fund counts a payment once; whether money ran in a loop is for its readers to see.
fn recognise(state: &State, parties: &Parties, asked: &RecogniseReinvestment) -> Answer {
    let RecogniseReinvestment { id, fund, kind, company, amount, at, payment } = asked;
    let exists = || Refusal::RecognitionExists { recognition: id.clone() };
    if let Some(answer) = known_as(state.recognitions.get(id), asked, exists) {
        return answer;
    }
    let registered = parties.registered(company)?;
    let account = state.formed(fund)?;
    account.formed_by(*at)?;
    positive(*amount)?;
    account.in_currency(*amount)?;
    if (*kind == RecognitionKind::LocalPurchase) != payment.is_some() {
        return Err(Refusal::PaymentOfRecognition { recognition: id.clone() });
    }
    if let Some(payment) = payment
        && let Some(recognition) = state.recognised(fund, payment)
    {
        let (payment, recognition) = (payment.clone(), recognition.clone());
        return Err(Refusal::PaymentRecognised { payment, recognition });
    }
    Ok(Decision::from(Event::ReinvestmentRecognised(asked.clone())).resting_on([registered]))
}

/// One NAV of a date stands; another takes its place only by naming it.
fn strike(state: &State, nav: &StrikeNav) -> Answer {
    let StrikeNav { id, fund, as_of, amount, at, restates } = nav;
    let exists = || Refusal::NavExists { nav: id.clone() };
    if let Some(answer) = known_as(state.navs.get(id), nav, exists) {
        return answer;
    }
    let account = state.formed(fund)?;
    account.formed_by(*as_of)?;
    account.in_currency(*amount)?;
    if at < as_of {
        return Err(Refusal::NavBeforeItsDate { as_of: *as_of, at: *at });
    }
    let stands = state.nav_of(fund, *as_of);
    match (restates, stands) {
        (None, None) => {}
        (None, Some(nav)) => {
            let (fund, nav) = (fund.clone(), nav.clone());
            return Err(Refusal::NavStruck { fund, as_of: *as_of, nav });
        }
        (Some(restated), stands) => restate(state, nav, restated, stands)?,
    }
    Ok(Event::NavStruck(nav.clone()).into())
}

fn restate(
    state: &State,
    nav: &StrikeNav,
    restated: &NavId,
    stands: Option<&NavId>,
) -> Result<(), Refusal> {
    let unknown = || Refusal::UnknownNav { nav: restated.clone() };
    let before = state.navs.get(restated).ok_or_else(unknown)?;
    if (&before.fund, before.as_of) != (&nav.fund, nav.as_of) {
        let (fund, as_of) = (before.fund.clone(), before.as_of);
        return Err(Refusal::OtherNav { nav: restated.clone(), fund, as_of });
    }
    match stands {
        Some(by) if by != restated => {
            Err(Refusal::NavRestated { nav: restated.clone(), by: by.clone() })
        }
        Some(_) | None => Ok(()),
    }
}

/// What a command comes to whose thing is known already; `None` where it is new.
pub fn known_as<T: PartialEq>(
    known: Option<&T>,
    asked: &T,
    exists: impl FnOnce() -> Refusal,
) -> Option<Answer> {
    known.map(|known| if known == asked { Ok(Decision::nothing()) } else { Err(exists()) })
}

pub fn positive(amount: Money) -> Result<(), Refusal> {
    if amount.is_positive() { Ok(()) } else { Err(Refusal::NotPositive { amount }) }
}

pub fn distinct(from: &PartyId, to: &PartyId) -> Result<(), Refusal> {
    if from != to { Ok(()) } else { Err(Refusal::SameParty { party: from.clone() }) }
}
