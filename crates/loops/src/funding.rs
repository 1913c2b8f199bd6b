//! Funding links: whether a party's capital can have reached another one through funds and
//! holdings.
//!
//! Invariant: on the path that is found every payment stands after the one before it, and no party
//! stands twice.

use std::collections::BTreeMap;

use crate::flow::{Flow, Moment, Party};

/// The most payments that a funding path has.
pub const FUNDING_LEGS: usize = 4;

/// A capital payment between parties named in the caller's way: [`Party`] handles, `&str` ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapitalFlow<P> {
    pub from: P,
    pub to: P,
    pub moment: Moment,
}

impl Flow {
    /// The flow as a step of a funding path, if it is capital.
    pub fn capital(&self) -> Option<CapitalFlow<Party>> {
        let moment = self.moment();
        self.kind.is_capital().then_some(CapitalFlow { from: self.from, to: self.to, moment })
    }
}

/// The capital payments, at most [`FUNDING_LEGS`] and as few as possible, by which money that left
/// `from` at `since` or later (same unit as the moments) can have reached `to`. The currency plays
/// no part: funds change money.
pub fn funding_path<P: Copy + Ord>(
    flows: impl IntoIterator<Item = CapitalFlow<P>>,
    from: P,
    to: P,
    since: i64,
) -> Option<Vec<CapitalFlow<P>>> {
    if from == to {
        return None;
    }
    let mut flows: Vec<_> = flows.into_iter().filter(|flow| flow.moment.at >= since).collect();
    flows.sort_unstable_by_key(|flow| flow.moment);
    // By the number of payments before the last one: whom money reached so, and the place of the
    // first payment to do it.
    let mut arrivals: [BTreeMap<P, usize>; FUNDING_LEGS] = Default::default();
    for (place, flow) in flows.iter().enumerate() {
        for legs in 0..FUNDING_LEGS {
            let departs = match legs.checked_sub(1) {
                None => flow.from == from,
                Some(before) => arrivals[before].contains_key(&flow.from),
            };
            if departs {
                arrivals[legs].entry(flow.to).or_insert(place);
            }
        }
    }
    let legs = arrivals.iter().position(|arrivals| arrivals.contains_key(&to))?;
    let mut path = Vec::with_capacity(legs + 1);
    let mut payee = to;
    for arrivals in arrivals[..=legs].iter().rev() {
        let flow = flows[*arrivals.get(&payee)?];
        payee = flow.from;
        path.push(flow);
    }
    path.reverse();
    Some(path)
}

#[cfg(test)]
mod tests;
