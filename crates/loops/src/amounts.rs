//! How much of what the root paid out came back to it: four answers, since money in a balance is
//! fungible.
//!
//! The path is parties 0 (the root) to n; leg `i` runs from party `i` to party `i + 1`, the last
//! leg from party `n` back to the root. What the root pays on the first leg is tagged. Tagged money
//! stays so while it moves on legs only; any other payment takes it off the path. A balance starts
//! at zero, and what a payment lacks enters at that moment as outside money. An attribution says
//! how much of every payment and of every balance carried forward is tagged; the smallest, the
//! largest and two conventional ones are reported.
//!
//! Invariants: all amounts are whole minor units except pro rata, which is an exact fraction of
//! them. 0 <= lower <= fifo, pro rata <= upper <= capital out.

use std::collections::VecDeque;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};

use crate::maxflow::Network;

/// One movement of money, as the path sees it. A payment between parties of the path that is no leg
/// is two movements: an exit for the payer and other money for the payee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Movement {
    /// Along leg `leg`: from the party of that number to the next one, on the last leg to the root.
    Leg { leg: usize, amount: i128 },
    /// Out of a party's balance, off the path.
    Exit { party: usize, amount: i128 },
    /// Into a party's balance, from anywhere but a leg.
    OtherIn { party: usize, amount: i128 },
}

/// What went out and what came back, in minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amounts {
    /// All that the root paid on the first leg.
    pub capital_out: i128,
    /// All that the root received on the last leg, its own money or not.
    pub received: i128,
    pub returned_lower: i128,
    pub returned_fifo: i128,
    pub returned_pro_rata: BigRational,
    pub returned_upper: i128,
}

impl Amounts {
    /// The amounts of a path of `parties` parties, root included, given every movement on it in
    /// order. The movements' amounts are positive and add up without overflow.
    ///
    /// # Panics
    /// If there is no party besides the root, or a movement names a leg or a party that the path
    /// does not have.
    pub fn of(parties: usize, movements: &[Movement]) -> Self {
        assert!(parties >= 2, "a path has a party besides its root, this one has {parties} in all");
        let last_leg = parties - 1;
        let on_leg = |wanted: usize| -> i128 {
            let amount = |movement: &Movement| match *movement {
                Movement::Leg { leg, amount } if leg == wanted => amount,
                Movement::Leg { .. } | Movement::Exit { .. } | Movement::OtherIn { .. } => 0,
            };
            movements.iter().map(amount).sum()
        };
        let received = on_leg(last_leg);
        let network = TimeNetwork::of(parties, movements);
        Self {
            capital_out: on_leg(0),
            received,
            returned_lower: received - network.most_returned(&network.other),
            returned_fifo: fifo(parties, movements),
            returned_pro_rata: pro_rata(parties, movements),
            returned_upper: network.most_returned(&network.tagged),
        }
    }
}

/// Part of a balance, in the order in which it came in.
struct Lot {
    amount: i128,
    tagged: bool,
}

#[derive(Default)]
struct Queue(VecDeque<Lot>);

impl Queue {
    fn put(&mut self, amount: i128, tagged: bool) {
        match self.0.back_mut() {
            Some(newest) if newest.tagged == tagged => newest.amount += amount,
            Some(_) | None => self.0.push_back(Lot { amount, tagged }),
        }
    }

    /// Takes out what came in first; what is lacking comes as an untagged lot at the end.
    fn take(&mut self, amount: i128) -> Vec<Lot> {
        let mut taken = Vec::new();
        let mut open = amount;
        while open > 0 {
            let Some(oldest) = self.0.front_mut() else {
                taken.push(Lot { amount: open, tagged: false });
                break;
            };
            let part = oldest.amount.min(open);
            taken.push(Lot { amount: part, tagged: oldest.tagged });
            oldest.amount -= part;
            open -= part;
            if oldest.amount == 0 {
                self.0.pop_front();
            }
        }
        taken
    }
}

fn fifo(parties: usize, movements: &[Movement]) -> i128 {
    let mut queues: Vec<Queue> = (0..parties).map(|_| Queue::default()).collect();
    let mut returned = 0;
    for movement in movements {
        match *movement {
            Movement::Leg { leg: 0, amount } => queues[1].put(amount, true),
            Movement::Leg { leg, amount } => {
                for lot in queues[leg].take(amount) {
                    if let Some(payee) = queues.get_mut(leg + 1) {
                        payee.put(lot.amount, lot.tagged);
                    } else if lot.tagged {
                        returned += lot.amount;
                    }
                }
            }
            Movement::Exit { party, amount } => {
                queues[party].take(amount);
            }
            Movement::OtherIn { party, amount } => queues[party].put(amount, false),
        }
    }
    returned
}

/// The tagged share of every balance. A payment out does not change its payer's share; money in
/// mixes into its payee's. All shares are kept over one common denominator, so that no step needs a
/// greatest common divisor of large numbers.
struct Shares {
    /// Numerators by party; the root's is the denominator, since its own money is all tagged.
    tagged: Vec<BigInt>,
    balances: Vec<i128>,
    /// What came back, over the common denominator.
    returned: BigInt,
}

impl Shares {
    fn of(parties: usize) -> Self {
        let mut tagged = vec![BigInt::zero(); parties];
        tagged[0] = BigInt::one();
        Self { tagged, balances: vec![0; parties], returned: BigInt::zero() }
    }

    /// Money with this tagged share comes into a party's balance.
    fn mix(&mut self, party: usize, amount: i128, share: &BigInt) {
        let balance = self.balances[party];
        self.balances[party] += amount;
        if self.tagged[party] == *share {
            return;
        }
        let common = gcd(balance, amount);
        let (balance, amount) = (balance / common, amount / common);
        let mixed = &self.tagged[party] * balance + share * amount;
        let total = BigInt::from(balance + amount);
        if !total.is_one() {
            self.tagged.iter_mut().for_each(|tagged| *tagged *= &total);
            self.returned *= &total;
        }
        self.tagged[party] = mixed;
    }

    fn pay(&mut self, party: usize, amount: i128) {
        let lacking = amount - self.balances[party];
        if lacking > 0 {
            self.mix(party, lacking, &BigInt::zero());
        }
        self.balances[party] -= amount;
    }
}

fn gcd(mut left: i128, mut right: i128) -> i128 {
    while right != 0 {
        (left, right) = (right, left % right);
    }
    left
}

fn pro_rata(parties: usize, movements: &[Movement]) -> BigRational {
    let mut shares = Shares::of(parties);
    for movement in movements {
        match *movement {
            Movement::Leg { leg, amount } => {
                if leg > 0 {
                    shares.pay(leg, amount);
                }
                let share = shares.tagged[leg].clone();
                if leg + 1 < parties {
                    shares.mix(leg + 1, amount, &share);
                } else {
                    shares.returned += share * amount;
                }
            }
            Movement::Exit { party, amount } => shares.pay(party, amount),
            Movement::OtherIn { party, amount } => shares.mix(party, amount, &BigInt::zero()),
        }
    }
    let denominator = shares.tagged.swap_remove(0);
    BigRational::new(shares.returned, denominator)
}

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
struct TimeNetwork {
    network: Network,
    sink: usize,
    /// Where the root's money enters, and where all other money does.
    tagged: Vec<(usize, i128)>,
    other: Vec<(usize, i128)>,
    holders: Vec<Holder>,
}

impl TimeNetwork {
    fn of(parties: usize, movements: &[Movement]) -> Self {
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

    /// The most of the money from these entries that can have come back to the root.
    fn most_returned(&self, entries: &[(usize, i128)]) -> i128 {
        let mut network = self.network.clone();
        let source = network.node();
        for &(node, amount) in entries {
            network.arc(source, node, amount);
        }
        network.max_flow(source, self.sink)
    }
}

#[cfg(test)]
mod tests;
