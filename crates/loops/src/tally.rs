//! What is folded from the movements on a loop's path, as far as they have come: everything that is told of its
//! amounts.
//!
//! Invariant: told the same movements in the same order, a tally comes to what [`Amounts`](crate::Amounts) and
//! [`Dwell`] do.

use crate::amounts::{Bounded, Movement, Walk, Within};
use crate::dwell::Dwell;
use crate::fifo::Fifo;

#[derive(Debug, Clone)]
pub(crate) struct Tally {
    last_leg: usize,
    pub(crate) capital_out: i128,
    received: i128,
    walk: Walk,
    shares: Bounded,
    fifo: Fifo<i64>,
    /// The amount that it has followed back is what first in, first out returns.
    pub(crate) dwell: Dwell,
}

/// What came back, in minor units.
pub(crate) struct Returned {
    pub(crate) lower: i128,
    pub(crate) upper: i128,
    pub(crate) pro_rata: Within,
}

impl Tally {
    /// Of a path of `parties` parties, root included: few enough to cut.
    pub(crate) fn of(parties: usize) -> Self {
        Self {
            last_leg: parties - 1,
            capital_out: 0,
            received: 0,
            walk: Walk::of(parties),
            shares: Bounded::of(parties),
            fifo: Fifo::of(parties),
            dwell: Dwell::default(),
        }
    }

    /// The next movement, with its time in microseconds.
    pub(crate) fn step(&mut self, movement: Movement, at: i64) {
        if let Movement::Leg { leg, amount } = movement {
            self.capital_out += if leg == 0 { amount } else { 0 };
            self.received += if leg == self.last_leg { amount } else { 0 };
        }
        self.walk.step(movement);
        self.shares.step(movement);
        let dwell = &mut self.dwell;
        self.fifo.step(movement, at, |amount, left, back| dwell.bring_back(amount, left, back));
    }

    pub(crate) fn returned(&self) -> Returned {
        let (upper, other) = self.walk.most_returned();
        let lower = self.received - other;
        Returned { lower, upper, pro_rata: self.shares.returned(lower, upper) }
    }

    /// In how many parts the balances on the path are.
    pub(crate) fn lots(&self) -> usize {
        self.fifo.lots()
    }
}
