//! The flows of one currency, indexed for walking (who paid whom on which leg, when) and for
//! balances (all that touches a party), with the loops found in it.
//!
//! Invariants: every list of entries is in the order of moments and every list of links in the
//! order of parties; but what touches a party is in order only while the party is on a loop. A self flow is never in
//! here, since no money moves.

use std::collections::BTreeMap;

use crate::flow::{Flow, Kind, Leg, Moment, Party};

/// A flow in a sorted list: when it stands, and its place in the graph's table of flows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) moment: Moment,
    pub(crate) flow: usize,
}

/// All flows of one leg type between two parties.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    /// The party at the far end.
    pub(crate) party: Party,
    pair: usize,
}

#[derive(Debug, Clone, Default)]
struct Node {
    capital_out: Vec<Link>,
    capital_in: Vec<Link>,
    compute_out: Vec<Link>,
    compute_in: Vec<Link>,
    /// In the order of moments while there are loops below; nobody asks before, and who pays everybody has many.
    touching: Vec<Entry>,
    /// Loops on whose path this party stands, other than as root.
    loops: Vec<usize>,
}

impl Node {
    fn links_out(&mut self, leg: Leg) -> &mut Vec<Link> {
        match leg {
            Leg::Capital => &mut self.capital_out,
            Leg::Compute => &mut self.compute_out,
        }
    }

    fn links_in(&mut self, leg: Leg) -> &mut Vec<Link> {
        match leg {
            Leg::Capital => &mut self.capital_in,
            Leg::Compute => &mut self.compute_in,
        }
    }

    fn touch(&mut self, entry: Entry) {
        if self.loops.is_empty() {
            self.touching.push(entry);
        } else {
            insert_sorted(&mut self.touching, entry);
        }
    }

    fn part_with(&mut self, moment: Moment) {
        if self.loops.is_empty() {
            self.touching.retain(|entry| entry.moment != moment);
        } else {
            remove_sorted(&mut self.touching, moment);
        }
    }

    fn join_loop(&mut self, number: usize) {
        if self.loops.is_empty() {
            self.touching.sort_unstable_by_key(|entry| entry.moment);
        }
        self.loops.push(number);
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Market {
    nodes: Vec<Node>,
    pairs: Vec<Vec<Entry>>,
    /// Voucher money by (provider paid, buyer whose invoice it paid).
    vouchers: BTreeMap<(Party, Party), i128>,
    /// By number; nothing stands in the place of one that is forgotten.
    cycles: Vec<Vec<Party>>,
    known: BTreeMap<Vec<Party>, usize>,
}

impl Market {
    /// `place` is the flow's place in the graph's table.
    pub(crate) fn insert(&mut self, flow: &Flow, place: usize) {
        let needed = flow.from.0.max(flow.to.0) as usize + 1;
        if self.nodes.len() < needed {
            self.nodes.resize_with(needed, Node::default);
        }
        let entry = Entry { moment: flow.moment(), flow: place };
        self.nodes[flow.from.0 as usize].touch(entry);
        self.nodes[flow.to.0 as usize].touch(entry);
        if let Some(leg) = flow.kind.leg() {
            let pair = self.pair(leg, flow.from, flow.to);
            insert_sorted(&mut self.pairs[pair], entry);
        }
        if let Kind::VoucherPayment { buyer: Some(buyer) } = flow.kind {
            *self.vouchers.entry((flow.to, buyer)).or_default() += flow.amount;
        }
    }

    /// Takes out what [`Market::insert`] put in.
    pub(crate) fn remove(&mut self, flow: &Flow) {
        let moment = flow.moment();
        self.nodes[flow.from.0 as usize].part_with(moment);
        self.nodes[flow.to.0 as usize].part_with(moment);
        if let Some(leg) = flow.kind.leg() {
            let pair = self.pair(leg, flow.from, flow.to);
            remove_sorted(&mut self.pairs[pair], moment);
        }
        if let Kind::VoucherPayment { buyer: Some(buyer) } = flow.kind {
            *self.vouchers.entry((flow.to, buyer)).or_default() -= flow.amount;
        }
    }

    fn pair(&mut self, leg: Leg, from: Party, to: Party) -> usize {
        let out = self.nodes[from.0 as usize].links_out(leg);
        match out.binary_search_by_key(&to, |link| link.party) {
            Ok(found) => out[found].pair,
            Err(gap) => {
                let pair = self.pairs.len();
                self.pairs.push(Vec::new());
                out.insert(gap, Link { party: to, pair });
                let back = self.nodes[to.0 as usize].links_in(leg);
                let gap = back.partition_point(|link| link.party < from);
                back.insert(gap, Link { party: from, pair });
                pair
            }
        }
    }

    fn node(&self, party: Party) -> Option<&Node> {
        self.nodes.get(party.0 as usize)
    }

    pub(crate) fn links_out(&self, leg: Leg, from: Party) -> &[Link] {
        self.node(from).map_or(&[], |node| match leg {
            Leg::Capital => &node.capital_out,
            Leg::Compute => &node.compute_out,
        })
    }

    pub(crate) fn links_in(&self, leg: Leg, to: Party) -> &[Link] {
        self.node(to).map_or(&[], |node| match leg {
            Leg::Capital => &node.capital_in,
            Leg::Compute => &node.compute_in,
        })
    }

    /// The flows of one leg type from one party to another, in order.
    pub(crate) fn between(&self, leg: Leg, from: Party, to: Party) -> &[Entry] {
        let out = self.links_out(leg, from);
        out.binary_search_by_key(&to, |link| link.party)
            .map_or(&[], |found| &self.pairs[out[found].pair])
    }

    pub(crate) fn flows_of(&self, link: Link) -> &[Entry] {
        &self.pairs[link.pair]
    }

    /// Every flow from or to a party on a loop, in order.
    pub(crate) fn touching(&self, party: Party) -> &[Entry] {
        self.node(party).map_or(&[], |node| &node.touching)
    }

    pub(crate) fn voucher_amount(&self, provider: Party, buyer: Party) -> i128 {
        self.vouchers.get(&(provider, buyer)).copied().unwrap_or_default()
    }

    /// The number of the loop with this path, which is new or known.
    pub(crate) fn record_cycle(&mut self, parties: Vec<Party>) -> usize {
        if let Some(&number) = self.known.get(&parties) {
            return number;
        }
        let number = self.cycles.len();
        for party in &parties[1..] {
            self.nodes[party.0 as usize].join_loop(number);
        }
        self.cycles.push(parties.clone());
        self.known.insert(parties, number);
        number
    }

    /// Takes a loop out that does not close any more.
    pub(crate) fn forget_cycle(&mut self, parties: &[Party]) {
        let Some(number) = self.known.remove(parties) else { return };
        for party in &parties[1..] {
            self.nodes[party.0 as usize].loops.retain(|other| *other != number);
        }
        self.cycles[number] = Vec::new();
    }

    pub(crate) fn cycle(&self, number: usize) -> &[Party] {
        &self.cycles[number]
    }

    pub(crate) fn knows(&self, parties: &[Party]) -> bool {
        self.known.contains_key(parties)
    }

    /// All loops of this currency, in the order of their parties.
    pub(crate) fn cycles(&self) -> impl Iterator<Item = &[Party]> {
        self.known.keys().map(Vec::as_slice)
    }

    /// The loops that have this party on their path, other than as root.
    pub(crate) fn loops_over(&self, party: Party) -> &[usize] {
        self.node(party).map_or(&[], |node| &node.loops)
    }
}

/// Most come late, so the place is looked for from the end: the whole list is not in the processor's memory.
fn insert_sorted(entries: &mut Vec<Entry>, entry: Entry) {
    let is_before = |other: &Entry| other.moment < entry.moment;
    let mut late = 1;
    while late < entries.len() && !is_before(&entries[entries.len() - late]) {
        late *= 2;
    }
    let start = entries.len().saturating_sub(late);
    let gap = start + entries[start..].partition_point(is_before);
    entries.insert(gap, entry);
}

fn remove_sorted(entries: &mut Vec<Entry>, moment: Moment) {
    entries.remove(entries.partition_point(|other| other.moment < moment));
}

/// The latest moment in the list that is before `bound`.
pub(crate) fn latest_before(entries: &[Entry], bound: Moment) -> Option<Moment> {
    let end = entries.partition_point(|entry| entry.moment < bound);
    entries[..end].last().map(|entry| entry.moment)
}

/// The earliest moment in the list that is after `bound`.
pub(crate) fn earliest_after(entries: &[Entry], bound: Moment) -> Option<Moment> {
    let start = entries.partition_point(|entry| entry.moment <= bound);
    entries.get(start).map(|entry| entry.moment)
}
