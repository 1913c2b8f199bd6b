//! All loops of a few flows by trying every sequence of flows there is: slow, and without any of
//! the graph's ideas.

use std::collections::{BTreeMap, BTreeSet};

use loopledger_loops::{Bounds, Cycle, Flow, Moment};

/// How a cycle closes: with which numbers of capital legs, and when first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closings {
    pub capital_legs: BTreeSet<usize>,
    pub first: Moment,
}

pub type Enumerated = BTreeMap<Cycle, Closings>;

pub fn enumerate(flows: &[Flow], bounds: &Bounds) -> Enumerated {
    let mut found = Enumerated::new();
    for flow in flows.iter().filter(|flow| flow.kind.is_capital() && flow.from != flow.to) {
        extend(flows, bounds, &mut vec![*flow], &mut found);
    }
    found
}

fn extend(flows: &[Flow], bounds: &Bounds, walk: &mut Vec<Flow>, found: &mut Enumerated) {
    let (first, last) = (walk[0], *walk.last().unwrap());
    let capital = walk.iter().filter(|flow| flow.kind.is_capital()).count();
    let compute = walk.len() - capital;
    if capital > bounds.capital_legs || compute > bounds.compute_legs {
        return;
    }
    if last.to == first.from {
        let within = bounds.window.is_none_or(|window| last.at - first.at <= window);
        if compute > 0 && within {
            let parties = walk.iter().map(|flow| flow.from).collect();
            let cycle = Cycle { currency: first.currency, parties };
            let closings = found.entry(cycle).or_insert_with(|| Closings {
                capital_legs: BTreeSet::new(),
                first: last.moment(),
            });
            closings.capital_legs.insert(capital);
            closings.first = closings.first.min(last.moment());
        }
        return;
    }
    for next in flows {
        let is_leg = next.kind.is_compute() || next.kind.is_capital() && compute == 0;
        let is_new = walk.iter().all(|flow| flow.from != last.to);
        let follows = next.from == last.to && next.moment() > last.moment();
        if is_leg && is_new && follows && next.currency == first.currency {
            walk.push(*next);
            extend(flows, bounds, walk, found);
            walk.pop();
        }
    }
}
