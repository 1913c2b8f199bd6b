//! The most that can have come back, as the cheapest cut through the path's states in time order.
//!
//! The states make a network: money enters at a state, a payment is an arc of the part of it that
//! the balance covered, and a balance carried forward is an arc of the actual balance, since with
//! less of it some of the money must have gone elsewhere. The largest flow is the cheapest cut, and
//! a cut says of every state on which side it stands. Going through the movements in order, only
//! the present state of each party can have further arcs, so the cheapest cut is kept for each
//! choice of their sides and for nothing older.
//!
//! Invariant: time is linear in the movements; space and time double with every party.

use super::Movement;

/// The cheapest cuts for money of one kind.
#[derive(Debug, Clone)]
struct Cuts {
    /// By the present states on the source's side, party 1 in the lowest bit.
    cheapest: Vec<i128>,
    /// What goes from the source to the sink at once is in every cut.
    direct: i128,
}

impl Cuts {
    fn of(parties: usize) -> Self {
        Self { cheapest: vec![0; 1 << (parties - 1)], direct: 0 }
    }

    /// Money enters at the party's present state, or comes to the root at once.
    fn enter(&mut self, party: Option<usize>, amount: i128) {
        match party {
            Some(party) => self.charge(amount, 0, bit(party)),
            None => self.direct += amount,
        }
    }

    /// An arc between present states, the sink where there is no payee.
    fn arc(&mut self, payer: usize, payee: Option<usize>, capacity: i128) {
        self.charge(capacity, bit(payer), payee.map_or(0, bit));
    }

    /// The cost of every cut that has the one state on the source's side and the other not.
    fn charge(&mut self, amount: i128, with: usize, without: usize) {
        for (sides, cost) in self.cheapest.iter_mut().enumerate() {
            if sides & with == with && sides & without == 0 {
                *cost += amount;
            }
        }
    }

    /// The party's present state gets a later one, to which its balance is carried.
    fn carry(&mut self, party: usize, balance: i128) {
        let bit = bit(party);
        for sides in (0..self.cheapest.len()).filter(|sides| sides & bit == 0) {
            let (beyond, within) = (self.cheapest[sides], self.cheapest[sides | bit]);
            self.cheapest[sides] = beyond.min(within + balance);
            self.cheapest[sides | bit] = beyond.min(within);
        }
    }

    fn least(&self) -> i128 {
        self.direct + self.cheapest.iter().min().copied().unwrap_or_default()
    }
}

const fn bit(party: usize) -> usize {
    1 << (party - 1)
}

#[derive(Debug, Clone, Default)]
struct Holder {
    balance: i128,
    /// It has paid from its present state, so what comes in next starts another one. Until then no
    /// arc within the span can bind, so one state is enough for it.
    paid: bool,
}

/// The cuts through what came so far.
#[derive(Debug, Clone)]
pub(crate) struct Walk {
    holders: Vec<Holder>,
    tagged: Cuts,
    other: Cuts,
}

impl Walk {
    pub(crate) fn of(parties: usize) -> Self {
        let holders = vec![Holder::default(); parties];
        Self { holders, tagged: Cuts::of(parties), other: Cuts::of(parties) }
    }

    /// The next movement.
    pub(crate) fn step(&mut self, movement: Movement) {
        match movement {
            Movement::Leg { leg: 0, amount } => {
                self.receive(1, amount);
                self.tagged.enter(Some(1), amount);
            }
            Movement::Leg { leg, amount } => self.pass_on(leg, amount),
            Movement::Exit { party, amount } => {
                self.pay(party, amount);
            }
            Movement::OtherIn { party, amount } => {
                self.receive(party, amount);
                self.other.enter(Some(party), amount);
            }
        }
    }

    /// The most of the root's money that can have come back, and the most of all other money.
    pub(crate) fn most_returned(&self) -> (i128, i128) {
        (self.tagged.least(), self.other.least())
    }

    fn receive(&mut self, party: usize, amount: i128) {
        let Holder { balance, paid } = &mut self.holders[party];
        if std::mem::take(paid) {
            self.tagged.carry(party, *balance);
            self.other.carry(party, *balance);
        }
        *balance += amount;
    }

    /// How much of the payment the balance covered.
    fn pay(&mut self, party: usize, amount: i128) -> i128 {
        let holder = &mut self.holders[party];
        let covered = holder.balance.min(amount);
        holder.balance -= covered;
        holder.paid = true;
        covered
    }

    fn pass_on(&mut self, leg: usize, amount: i128) {
        let payee = Some(leg + 1).filter(|payee| *payee < self.holders.len());
        let covered = self.pay(leg, amount);
        if let Some(payee) = payee {
            self.receive(payee, amount);
        }
        if covered > 0 {
            self.tagged.arc(leg, payee, covered);
            self.other.arc(leg, payee, covered);
        }
        if covered < amount {
            self.other.enter(payee, amount - covered);
        }
    }
}
