//! What a contract is worth: its volume at its price.
//!
//! Invariant: where the price steps, the volume is spread evenly over the term, since nobody recorded when it is
//! used; a framework is worth what was ordered of it.

use jiff::Timestamp;
use loopledger_loops::BigRational;
use loopledger_model::{Period, Quantity};
use num_traits::Zero;

use crate::figures::{exact, whole};
use crate::rows::Contract;

/// What a unit costs on average over a period.
pub(crate) fn mean_price(row: &Contract, over: &Period) -> BigRational {
    let steps = row.terms.as_ref().map_or(&[][..], |terms| &terms.price_steps);
    if steps.is_empty() {
        return exact(row.price_per_unit.value());
    }
    let starts = steps.iter().map(|step| (step.from, step.price_per_unit));
    let prices: Vec<_> = [(Timestamp::MIN, row.price_per_unit)].into_iter().chain(starts).collect();
    let ends = prices.iter().skip(1).map(|(from, _)| *from).chain([Timestamp::MAX]);
    let sum: BigRational = prices
        .iter()
        .zip(ends)
        .filter_map(|((from, price), to)| {
            let held = Period::new(*from, to).ok()?.intersection(over)?;
            Some(exact(price.value()) * whole(held.nanoseconds()))
        })
        .sum();
    sum / whole(over.nanoseconds())
}

/// The term; absent where it is shorter than rows can tell.
pub(crate) fn term(row: &Contract) -> Option<Period> {
    Period::new(row.from_at, row.to_at).ok()
}

pub(crate) fn worth(row: &Contract, ordered: &BigRational) -> BigRational {
    let volume = row.quantity.map_or_else(|| ordered.clone(), |all| exact(Quantity::value(all)));
    if volume.is_zero() {
        return volume;
    }
    let price =
        term(row).map_or_else(|| exact(row.price_per_unit.value()), |term| mean_price(row, &term));
    volume * price
}
