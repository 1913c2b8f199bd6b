//! Loops between economic groups: every flow is its parties' ultimate controllers', as of its day.
//!
//! Invariants: money that moves inside a group is no flow here. A party that changes its group takes
//! its flows along from that day on; what it held before stays with the group it was in.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use loopledger_loops::{Ownership, Relation, half};
use loopledger_model::{FactId, PartyId, Position};

use crate::error::Error;
use crate::flow_graph::FlowGraph;
use crate::loops::{GroupOnLoop, LoopFound};
use crate::register::{Register, Standing, ownership};
use crate::rows::Flow;

/// Loops between groups, in no order, and the flows whose search for loops ran out of steps.
pub(crate) fn loops_of_groups(
    flows: &[Flow],
    register: &Register,
) -> Result<(Vec<LoopFound>, Vec<FactId>), Error> {
    let groups = Groups::of(flows, register);
    let by_group: Vec<Flow> = flows.iter().map(|flow| groups.lift(flow)).collect();
    let graph = FlowGraph::of(&by_group)?;
    let actual: BTreeMap<FactId, &Flow> =
        flows.iter().map(|flow| (flow.stamp.fact(), flow)).collect();
    let loops = graph.all().map(|found| with_parties(found, &actual, &groups)).collect();
    Ok((loops, graph.cut_searches()))
}

/// The groups of parties in each stretch of time between changes of stakes.
struct Groups<'a> {
    changes: Vec<Timestamp>,
    /// Of parties that are not their own group.
    memberships: BTreeMap<(usize, &'a PartyId), Membership>,
}

/// A party's group, and the positions of the stakes by which it belongs to it.
struct Membership {
    group: PartyId,
    positions: BTreeSet<Position>,
}

impl Membership {
    fn of(party: &PartyId, control: &Ownership, standing: &Standing) -> Option<Self> {
        let group = control.ultimate_controller(party.as_str(), &half());
        let relation = control.related(group, party.as_str(), &half())?;
        let Relation::Control { stakes, .. } = relation else { return None };
        let pair = |owner: &str, owned: &str| Some((owner.parse().ok()?, owned.parse().ok()?));
        let held = stakes
            .iter()
            .filter_map(|stake| standing.control.get(&pair(&stake.owner, &stake.owned)?));
        let positions = held.flat_map(|held| &held.events).map(|event| event.position).collect();
        Some(Self { group: group.parse().ok()?, positions })
    }
}

impl<'a> Groups<'a> {
    fn of(flows: &'a [Flow], register: &Register) -> Self {
        let changes = register.changes();
        let held = register.held();
        let mut wanted: BTreeMap<usize, BTreeSet<&PartyId>> = BTreeMap::new();
        for flow in flows {
            let named = [&flow.from_party, &flow.to_party].into_iter().chain(&flow.buyer);
            let stretch = stretch(&changes, flow.stamp.at);
            let parties = named.filter(|party| held.contains(party));
            wanted.entry(stretch).or_default().extend(parties);
        }
        let mut found = BTreeMap::new();
        for (stretch, parties) in wanted {
            // Before the first change nothing is held.
            let Some(since) = stretch.checked_sub(1) else { continue };
            if parties.is_empty() {
                continue;
            }
            let standing = register.at(changes[since]);
            let control = ownership(&standing.control);
            for party in parties {
                let membership = Membership::of(party, &control, &standing);
                found.extend(membership.map(|membership| ((stretch, party), membership)));
            }
        }
        Self { changes, memberships: found }
    }

    fn lift(&self, flow: &'a Flow) -> Flow {
        let stretch = stretch(&self.changes, flow.stamp.at);
        let group = |party: &'a PartyId| {
            let membership = self.memberships.get(&(stretch, party));
            membership.map_or(party, |membership| &membership.group).clone()
        };
        Flow {
            from_party: group(&flow.from_party),
            to_party: group(&flow.to_party),
            buyer: flow.buyer.as_ref().map(group),
            ..flow.clone()
        }
    }
}

/// How many changes have come to pass.
fn stretch(changes: &[Timestamp], at: Timestamp) -> usize {
    changes.partition_point(|change| *change <= at)
}

/// Puts the parties themselves on the legs, beside their groups, with what made them members.
fn with_parties(
    mut found: LoopFound,
    actual: &BTreeMap<FactId, &Flow>,
    groups: &Groups<'_>,
) -> LoopFound {
    let mut members: BTreeMap<PartyId, BTreeSet<&PartyId>> = BTreeMap::new();
    let mut positions: BTreeSet<Position> = found.positions.iter().copied().collect();
    let paid = found.legs.iter().map(|leg| &leg.event).chain(&found.voucher_events);
    for flow in paid.filter_map(|event| actual.get(event)) {
        let stretch = stretch(&groups.changes, flow.stamp.at);
        // Who paid a voucher is on no leg.
        let payer = flow.buyer.as_ref().unwrap_or(&flow.from_party);
        for party in [payer, &flow.to_party] {
            let membership = groups.memberships.get(&(stretch, party));
            let group = membership.map_or(party, |membership| &membership.group);
            members.entry(group.clone()).or_default().insert(party);
            positions.extend(membership.into_iter().flat_map(|by| &by.positions));
        }
    }
    for leg in &mut found.legs {
        let Some(flow) = actual.get(&leg.event) else { continue };
        leg.from_group = Some(std::mem::replace(&mut leg.from, flow.from_party.to_string()));
        leg.to_group = Some(std::mem::replace(&mut leg.to, flow.to_party.to_string()));
    }
    let on_loop = |group: &String| {
        let parties = group.parse().ok().and_then(|group: PartyId| members.remove(&group));
        let parties = parties.unwrap_or_default().into_iter().map(ToString::to_string);
        GroupOnLoop { group: group.clone(), parties: parties.collect() }
    };
    found.groups = found.parties.iter().map(on_loop).collect();
    found.positions = positions.into_iter().collect();
    found
}
