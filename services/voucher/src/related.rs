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
use loopledger_model::voucher::{Affiliation, Link, Refusal, Rules};
use loopledger_model::{PartyId, Percent};
use rust_decimal::Decimal;

use crate::facts::{Contract, Facts};
use crate::ties::{Holding, Payment, Ties};

const CONTROL_PERCENT: Decimal = Decimal::from_parts(50, 0, 0, false, 0);
const LOOK_THROUGH_PERCENT: Decimal = Decimal::from_parts(25, 0, 0, false, 0);
const FUNDING_LINK_MONTHS: u32 = 12;

/// Refuses where the programme's rule finds the provider and the buyer related at an instant.
pub(crate) fn permit(
    rules: &Rules,
    facts: &Facts,
    contract: &Contract,
    at: Timestamp,
) -> Result<(), Refusal> {
    let (provider, buyer) = (&contract.seller, &contract.buyer);
    let pair = Pair { ties: &facts.ties, provider, buyer, at };
    let threshold = |usual| {
        let stated = rules.affiliation_percent.map_or(usual, Percent::value);
        percent(stated.mantissa(), stated.scale())
    };
    let finding = match rules.affiliation {
        Affiliation::Allow => None,
        Affiliation::RefuseLegal => pair.control(&threshold(CONTROL_PERCENT))?,
        Affiliation::RefuseLookThrough => pair.share(&threshold(LOOK_THROUGH_PERCENT))?,
        Affiliation::RefuseFundingLink => {
            pair.funding(rules.funding_link_months.unwrap_or(FUNDING_LINK_MONTHS))
        }
    };
    let Some(Finding { path, percent }) = finding else { return Ok(()) };
    let (rule, provider, buyer) = (rules.affiliation, provider.clone(), buyer.clone());
    Err(Refusal::Related { rule, provider, buyer, path, percent })
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
