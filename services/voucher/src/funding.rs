//! What each source of a budget bears of an amount.
//!
//! Invariants: the parts come to the amount; none is above what its source has left, if together they have enough.

use loopledger_model::Money;
use loopledger_model::voucher::{Funded, Source};

/// Splits an amount in the proportion of the sources' parts: each gets its whole minor units, the largest remainders
/// one more, on a tie the earlier source.
pub fn split(amount: Money, sources: &[Source]) -> Vec<Funded> {
    let units = shares(amount.minor_units(), sources, None);
    funded(amount, sources, &units)
}

/// The same, but what a source has no room for goes to those that have.
pub(crate) fn split_within(amount: Money, sources: &[Source], room: &[Money]) -> Vec<Funded> {
    let room: Vec<i128> = room.iter().map(|money| money.minor_units()).collect();
    let units = shares(amount.minor_units(), sources, Some(&room));
    funded(amount, sources, &units)
}

fn shares(amount: i128, sources: &[Source], room: Option<&[i128]>) -> Vec<i128> {
    let all: i128 = sources.iter().map(|source| i128::from(source.parts)).sum();
    if all == 0 {
        return Vec::new();
    }
    let mut units: Vec<i128> =
        sources.iter().map(|source| amount * i128::from(source.parts) / all).collect();
    let mut order: Vec<usize> = (0..sources.len()).collect();
    let remainder = |place: &usize| amount * i128::from(sources[*place].parts) % all;
    order.sort_by_key(|place| std::cmp::Reverse(remainder(place)));
    let left = amount - units.iter().sum::<i128>();
    for place in order.iter().take(usize::try_from(left).unwrap_or(0)) {
        units[*place] += 1;
    }
    let Some(room) = room else { return units };
    let mut over = 0;
    for (units, room) in units.iter_mut().zip(room) {
        let excess = (*units - room).max(0);
        *units -= excess;
        over += excess;
    }
    for (units, room) in units.iter_mut().zip(room) {
        let more = over.min(room - *units);
        *units += more;
        over -= more;
    }
    units
}

fn funded(amount: Money, sources: &[Source], units: &[i128]) -> Vec<Funded> {
    let currency = amount.currency();
    let money = |units: &i128| {
        let value =
            rust_decimal::Decimal::try_from_i128_with_scale(*units, currency.exponent()).ok();
        let money = value.and_then(|value| Money::new(value, currency).ok());
        money.expect("a part of an amount of money is an amount of money")
    };
    let part = |(source, units): (&Source, &i128)| Funded {
        source: source.party.clone(),
        amount: money(units),
    };
    sources.iter().zip(units).map(part).collect()
}
