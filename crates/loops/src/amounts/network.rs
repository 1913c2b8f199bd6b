//! The path's states in time order as a network, for paths of many parties.
//!
//! Invariant: the most that can flow is the most of the money that can have come back.

use super::Movement;
use crate::maxflow::Network;

/// What a party holds while the network is built.
struct Holder {
    /// The node of its present state: money that came in since its last payment joins what it held
    /// then.
    node: usize,
    balance: i128,
    /// It has paid from this state, so what comes in next starts another one.
    paid: bool,
}

/// The path's states in time order. A payment's capacity is the part of it that the balance
/// covered, a carried-forward arc's is the actual balance: with less, some of the money must have
/// gone elsewhere. What a payment lacked starts at its payee. One state spans money in and then
/// money out, as no cap inside such a span can bind.
pub(super) struct TimeNetwork {
    network: Network,
    sink: usize,
    /// Where the root's money enters, and where all other money does.
    tagged: Vec<(usize, i128)>,
    other: Vec<(usize, i128)>,
    holders: Vec<Holder>,
}

impl TimeNetwork {
    pub(super) fn of(parties: usize, movements: &[Movement]) -> Self {
        let mut network = Network::default();
        let sink = network.node();
        let holder = |_| Holder { node: network.node(), balance: 0, paid: false };
        let holders = (0..parties).map(holder).collect();
        let mut time = Self { network, sink, tagged: Vec::new(), other: Vec::new(), holders };
        for movement in movements {
            match *movement {
                Movement::Leg { leg: 0, amount } => {
                    let entry = (time.receive(1, amount), amount);
                    time.tagged.push(entry);
                }
                Movement::Leg { leg, amount } => time.pass_on(leg, amount),
                Movement::Exit { party, amount } => {
                    time.pay(party, amount);
                }
                Movement::OtherIn { party, amount } => {
                    let entry = (time.receive(party, amount), amount);
                    time.other.push(entry);
                }
            }
        }
        time
    }

    fn pass_on(&mut self, leg: usize, amount: i128) {
        let payer = self.holders[leg].node;
        let covered = self.pay(leg, amount);
        let is_last = leg + 1 == self.holders.len();
        let payee = if is_last { self.sink } else { self.receive(leg + 1, amount) };
        if covered > 0 {
            self.network.arc(payer, payee, covered);
        }
        if covered < amount {
            self.other.push((payee, amount - covered));
        }
    }

    /// The node at which the money stands then.
    fn receive(&mut self, party: usize, amount: i128) -> usize {
        let holder = &mut self.holders[party];
        if holder.paid {
            let before = holder.node;
            holder.node = self.network.node();
            holder.paid = false;
            if holder.balance > 0 {
                self.network.arc(before, holder.node, holder.balance);
            }
        }
        holder.balance += amount;
        holder.node
    }

    /// How much of the payment the balance covered.
    fn pay(&mut self, party: usize, amount: i128) -> i128 {
        let holder = &mut self.holders[party];
        let covered = holder.balance.min(amount);
        holder.balance -= covered;
        holder.paid = true;
        covered
    }

    /// The most of the root's money that can have come back, and the most of all other money.
    pub(super) fn most_returned(&self) -> (i128, i128) {
        (self.most_of(&self.tagged), self.most_of(&self.other))
    }

    fn most_of(&self, entries: &[(usize, i128)]) -> i128 {
        let mut network = self.network.clone();
        let source = network.node();
        for &(node, amount) in entries {
            network.arc(source, node, amount);
        }
        network.max_flow(source, self.sink)
    }
}
