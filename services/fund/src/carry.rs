//! The manager's share of profit: it is paid once the partners have what the tiers before it give them.
//!
//! Invariant: whenever carry was paid, its sum was no more than the tiers, filled in order by what the partners had got by
//! then, give.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::fund::{Event, PayCarry, Refusal, Waterfall};
use loopledger_model::{Money, Percent};
use loopledger_service::Decision;

use crate::account::Account;
use crate::decider::{Answer, known_as};
use crate::fees::spendable;
use crate::movement::Movement;
use crate::state::{Parties, State};

pub fn pay(state: &State, parties: &Parties, paid: &PayCarry) -> Answer {
    let PayCarry { id, fund, payee, amount, at } = paid;
    let exists = || Refusal::CarryExists { carry: id.clone() };
    if let Some(answer) = known_as(state.carries.get(id), paid, exists) {
        return answer;
    }
    let registered = parties.registered(payee)?;
    let account = state.formed(fund)?;
    let movement = Movement::from(paid);
    spendable(state, account, &movement)?;
    for at in std::iter::once(*at).chain(account.carry.instants_after(*at)) {
        in_order(account, at, *amount)?;
    }
    state.affordable(&movement)?;
    state.countable(&movement)?;
    Ok(Decision::from(Event::CarryPaid(paid.clone())).resting_on([registered]))
}

fn in_order(account: &Account, at: Timestamp, asked: Money) -> Result<(), Refusal> {
    let fund = &account.fund.id;
    let waterfall = account.terms_at(at).and_then(|terms| terms.waterfall.as_ref());
    let waterfall = waterfall.ok_or_else(|| Refusal::NoWaterfall { fund: fund.clone(), at })?;
    let carry = account.carry.left_at(at)?.checked_add(asked)?;
    let contributed = account.contributed_at(at)?;
    let distributed = account.distributed_at(at)?;
    let beyond = || Refusal::BeyondBounds { reason: format!("carry of {carry} is too much") };
    let allowed = given(account, waterfall, at, carry.minor_units()).ok_or_else(beyond)?;
    if allowed {
        return Ok(());
    }
    let fund = fund.clone();
    Err(Refusal::CarryTooEarly { fund, contributed, distributed, carry, at })
}

/// Whether the tiers give the manager so much, by what partners have got: of what they got beyond their capital and
/// the preferred return, in the measure of the catch-up, but no more than its share of all profit. Nothing where a
/// number is too large.
fn given(account: &Account, waterfall: &Waterfall, at: Timestamp, carry: i128) -> Option<bool> {
    let (gain, unreturned) = returned(account, at)?;
    // The preferred return, as a fraction with this denominator.
    let (preferred, whole) = match waterfall.preferred_percent_a_year {
        Some(percent) => {
            let (part, whole) = fraction(percent)?;
            (unreturned.checked_mul(part)?, whole.checked_mul(365)?)
        }
        None => (0, 1),
    };
    let beyond = gain.checked_mul(whole)?.checked_sub(preferred)?;
    let (caught, caught_of) =
        fraction(waterfall.catch_up_percent.unwrap_or(waterfall.carry_percent))?;
    let as_caught_up = carry.checked_mul(whole)?.checked_mul(caught_of.checked_sub(caught)?)?
        <= beyond.checked_mul(caught)?;
    let (share, share_of) = fraction(waterfall.carry_percent)?;
    let as_shared = carry.checked_mul(share_of.checked_sub(share)?)? <= gain.checked_mul(share)?;
    Some(beyond >= 0 && as_caught_up && as_shared)
}

/// What partners got by an instant beyond what they had paid in, and what was paid in and not back, times the days that it
/// was so.
fn returned(account: &Account, at: Timestamp) -> Option<(i128, i128)> {
    let mut by_day: BTreeMap<i64, i128> = BTreeMap::new();
    for partner in account.partners.values() {
        let paid =
            partner.contributed.entries().map(|(when, amount)| (when, -amount.minor_units()));
        let got = partner.distributed.entries().map(|(when, amount)| (when, amount.minor_units()));
        for (when, change) in paid.chain(got).filter(|(when, _)| *when <= at) {
            *by_day.entry(day(when)).or_default() += change;
        }
    }
    let (mut gain, mut unreturned, mut since) = (0_i128, 0_i128, day(at));
    for (day, change) in by_day.into_iter().chain([(day(at), 0)]) {
        let days = i128::from(day.saturating_sub(since).max(0));
        unreturned = unreturned.checked_add((-gain).max(0).checked_mul(days)?)?;
        gain = gain.checked_add(change)?;
        since = day;
    }
    Some((gain, unreturned))
}

fn day(at: Timestamp) -> i64 {
    at.as_second().div_euclid(86_400)
}

/// A percentage as a fraction.
fn fraction(percent: Percent) -> Option<(i128, i128)> {
    let exact = percent.value().normalize();
    Some((exact.mantissa(), 10_i128.checked_pow(exact.scale() + 2)?))
}
