//! The affiliation gate: whether the two sides of a contract are related in the way that a
//! programme refuses.
//!
//! Invariant: a refusal shows the stakes or payments that relate the two; where the programme
//! allows all relations, nothing is looked at.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use loopledger_loops::{
    BigRational, CapitalFlow, FUNDING_LEGS, Moment, Ownership, OwnershipError, Recorded, Relation,
    Stake, funding_path, percent, round_half_up,
};
use loopledger_model::voucher::{
    Affiliation, ApproveWaiver, Event, Gate, Link, Refusal, Rules, WaiverApproved,
};
use loopledger_model::{ContractId, PartyId, Percent, PersonId};
use loopledger_service::Decision;
use rust_decimal::Decimal;

use crate::decider::Answer;
use crate::facts::{Contract, Facts};
use crate::programme::Account;
use crate::state::State;
use crate::ties::{Holding, Payment, Ties};

const CONTROL_PERCENT: Decimal = Decimal::from_parts(50, 0, 0, false, 0);
const LOOK_THROUGH_PERCENT: Decimal = Decimal::from_parts(25, 0, 0, false, 0);
const FUNDING_LINK_MONTHS: u32 = 12;

/// What the rule of a version rested on; refuses where it finds the provider and the buyer related at an instant and
/// too few approvers have waived that.
pub(crate) fn permit(
    account: &Account,
    version: u32,
    facts: &Facts,
    (id, contract): (&ContractId, &Contract),
    at: Timestamp,
) -> Result<Option<Gate>, Refusal> {
    let rules = account.rules(version);
    let rule = rules.affiliation;
    if rule == Affiliation::Allow {
        return Ok(None);
    }
    let gate = Gate { rule, facts_to: facts.latest, waived_by: Vec::new() };
    let Some(Finding { path, percent }) = find(rules, facts, contract, at)? else {
        return Ok(Some(gate));
    };
    let waived_by = waived_by(account, rules, id, at);
    let needed = rules.waiver.as_ref().map(|waiver| waiver.needed);
    if needed.is_some_and(|needed| waived_by.len() >= needed as usize) {
        return Ok(Some(Gate { waived_by, ..gate }));
    }
    let (provider, buyer) = (contract.seller.clone(), contract.buyer.clone());
    Err(Refusal::Related { rule, provider, buyer, path, percent })
}

/// The approvers of a version who had waived the relation of a contract's parties by an instant.
fn waived_by(account: &Account, rules: &Rules, id: &ContractId, at: Timestamp) -> Vec<PersonId> {
    let Some(rule) = &rules.waiver else { return Vec::new() };
    let waivers = account.waivers.get(id).into_iter().flatten();
    let counts = waivers.filter(|waiver| waiver.at <= at && rule.approvers.contains(&waiver.by));
    counts.map(|waiver| waiver.by.clone()).collect()
}

/// One approver more for the parties of a contract.
pub(crate) fn waive(state: &State, facts: &Facts, asked: &ApproveWaiver) -> Answer {
    let account = state.programme_of(&asked.programme)?;
    let programme = || asked.programme.clone();
    let rules = &account.terms().rules;
    let rule = rules.waiver.as_ref();
    let rule = rule.ok_or_else(|| Refusal::NoWaivers { programme: programme() })?;
    let made = account.waivers.get(&asked.contract).map_or(&[][..], Vec::as_slice);
    if made.iter().any(|waiver| waiver.by == asked.by.id) {
        return Ok(Decision::nothing());
    }
    if !rule.approvers.contains(&asked.by.id) {
        let (programme, person) = (programme(), asked.by.clone());
        return Err(Refusal::NotAnApprover { programme, person });
    }
    let contract = facts.contract(&asked.contract)?;
    let found = find(rules, facts, contract, asked.at)?;
    let nothing = || Refusal::NothingToWaive { contract: asked.contract.clone() };
    let path = found.ok_or_else(nothing)?.path;
    let ends = [&contract.seller, &contract.buyer];
    let mut parties = path.iter().flat_map(|link| [&link.from, &link.to]).chain(ends);
    let person = &asked.by;
    if parties.any(|party| person.of == *party || person.id.as_str() == party.as_str()) {
        let (person, party) = (person.clone(), person.of.clone());
        return Err(Refusal::PartyToIt { person, party });
    }
    let event = Event::WaiverApproved(WaiverApproved {
        programme: programme(),
        contract: asked.contract.clone(),
        by: asked.by.clone(),
        reason: asked.reason.clone(),
        approvals: u32::try_from(made.len()).unwrap_or(u32::MAX).saturating_add(1),
        needed: rule.needed,
        at: asked.at,
    });
    Ok(Decision::from(event).resting_on([contract.fact]))
}

/// Whether the rule finds the two sides of a contract related at an instant.
fn find(
    rules: &Rules,
    facts: &Facts,
    contract: &Contract,
    at: Timestamp,
) -> Result<Option<Finding>, Refusal> {
    let (provider, buyer) = (&contract.seller, &contract.buyer);
    let pair = Pair { ties: &facts.ties, provider, buyer, at };
    let threshold = |usual| {
        let stated = rules.affiliation_percent.map_or(usual, Percent::value);
        percent(stated.mantissa(), stated.scale())
    };
    match rules.affiliation {
        Affiliation::Allow => Ok(None),
        Affiliation::RefuseLegal => pair.control(&threshold(CONTROL_PERCENT)),
        Affiliation::RefuseLookThrough => pair.share(&threshold(LOOK_THROUGH_PERCENT)),
        Affiliation::RefuseFundingLink => {
            Ok(pair.funding(rules.funding_link_months.unwrap_or(FUNDING_LINK_MONTHS)))
        }
    }
}

/// What relates two parties, and the share that was found.
struct Finding {
    path: Vec<Link>,
    percent: Option<Percent>,
}

/// The two sides of a contract at the instant in question.
struct Pair<'a> {
    ties: &'a Ties,
    provider: &'a PartyId,
    buyer: &'a PartyId,
    at: Timestamp,
}

impl Pair<'_> {
    /// One controls the other, or a third party controls both.
    fn control(&self, threshold: &BigRational) -> Result<Option<Finding>, Refusal> {
        let holdings = self.ties.holdings_above([self.provider, self.buyer], self.at);
        let (provider, buyer) = (self.provider.as_str(), self.buyer.as_str());
        let relation = ownership(&holdings)?.related(provider, buyer, threshold);
        Ok(relation.map(|relation| {
            let stakes = match relation {
                Relation::Same => Vec::new(),
                Relation::Control { stakes, .. } => stakes,
                Relation::CommonControl { first, second, .. } => [first, second].concat(),
            };
            Finding { path: links(&stakes, &holdings), percent: None }
        }))
    }

    /// One holds so much of the other, over all chains together.
    fn share(&self, threshold: &BigRational) -> Result<Option<Finding>, Refusal> {
        for (owner, owned) in [(self.provider, self.buyer), (self.buyer, self.provider)] {
            let holdings = self.ties.holdings_above([owned], self.at);
            let ownership = ownership(&holdings)?;
            let share = decided(ownership.economic_share(owner.as_str(), owned.as_str()))?;
            if share >= *threshold {
                let path = chains_from(owner, &holdings);
                return Ok(Some(Finding { path, percent: Some(as_percent(share)) }));
            }
        }
        Ok(None)
    }

    /// Capital went from the provider to the buyer in a few payments, each later than the last.
    fn funding(&self, months: u32) -> Option<Finding> {
        let since = months_before(self.at, months);
        let payments = self.ties.capital_below(self.provider, FUNDING_LEGS, since, self.at);
        let flows = payments.iter().zip(0..).map(|(payment, order)| {
            let recorded = Recorded { position: payment.fact.position, index: payment.fact.index };
            let moment = Moment { at: order, recorded };
            CapitalFlow { from: payment.payer, to: payment.payee, moment }
        });
        let path = funding_path(flows, self.provider, self.buyer, 0)?;
        let steps = path.iter().map(|flow| usize::try_from(flow.moment.at).ok());
        let steps = steps.filter_map(|order| payments.get(order?));
        Some(Finding { path: steps.map(Payment::link).collect(), percent: None })
    }
}

/// So many calendar months earlier (UTC), or the beginning of time if that is too far back.
fn months_before(at: Timestamp, months: u32) -> Timestamp {
    let span = Span::new().try_months(months);
    let start = span.and_then(|span| at.to_zoned(TimeZone::UTC).checked_sub(span));
    start.map_or(Timestamp::MIN, |start| start.timestamp())
}

fn ownership(holdings: &[Holding<'_>]) -> Result<Ownership, Refusal> {
    decided(Ownership::of(holdings.iter().map(|holding| {
        let share = holding.percent.value();
        Stake {
            owner: holding.owner.to_string(),
            owned: holding.owned.to_string(),
            share: percent(share.mantissa(), share.scale()),
        }
    })))
}

/// Filings that contradict themselves leave no answer, and without one nothing is paid.
fn decided<T>(answer: Result<T, OwnershipError>) -> Result<T, Refusal> {
    answer.map_err(|error| Refusal::BeyondBounds { reason: error.to_string() })
}

fn links(stakes: &[Stake], holdings: &[Holding<'_>]) -> Vec<Link> {
    let stated = |stake: &Stake| {
        holdings.iter().find(|holding| {
            holding.owner.as_str() == stake.owner && holding.owned.as_str() == stake.owned
        })
    };
    stakes.iter().filter_map(stated).map(Holding::link).collect()
}

/// The stakes of a party and of all below it, nearest first.
fn chains_from(owner: &PartyId, holdings: &[Holding<'_>]) -> Vec<Link> {
    let mut holders = vec![owner];
    let mut path = Vec::new();
    let mut next = 0;
    while let Some(holder) = holders.get(next).copied() {
        for holding in holdings.iter().filter(|holding| holding.owner == holder) {
            path.push(holding.link());
            if !holders.contains(&holding.owned) {
                holders.push(holding.owned);
            }
        }
        next += 1;
    }
    path
}

/// To nine decimals, a half upwards; filings that come to more than all of a party count as all.
fn as_percent(share: BigRational) -> Percent {
    let billionths = round_half_up(&share.min(percent(100, 0)), 11);
    let found = Decimal::try_from_i128_with_scale(billionths, 9);
    let found = found.ok().and_then(|found| Percent::new(found).ok());
    found.expect("a share at or above a threshold is above 0 % and at most 100 %")
}
