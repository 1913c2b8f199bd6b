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
//! Invariants: all amounts are whole minor units except pro rata, which is a fraction of them.
//! 0 <= lower <= fifo, pro rata <= upper <= capital out. Each takes time in proportion to the
//! number of movements, on paths of up to [`MOST_PARTIES_TO_CUT`] parties.

mod cuts;
mod fixed;
mod network;
mod pro_rata;

pub(crate) use cuts::Walk;
pub(crate) use pro_rata::Bounded;
pub use pro_rata::{ProRata, Within};

use crate::fifo::Fifo;

/// A state of a cut takes one bit per party besides the root; with more parties than these, a
/// maximum flow is faster.
pub(crate) const MOST_PARTIES_TO_CUT: usize = 10;

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
    pub returned_pro_rata: ProRata,
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
        let (tagged, other) = if parties <= MOST_PARTIES_TO_CUT {
            let mut walk = Walk::of(parties);
            movements.iter().for_each(|movement| walk.step(*movement));
            walk.most_returned()
        } else {
            network::TimeNetwork::of(parties, movements).most_returned()
        };
        let returned_lower = received - other;
        Self {
            capital_out: on_leg(0),
            received,
            returned_lower,
            returned_fifo: returned_fifo(parties, movements),
            returned_pro_rata: ProRata::of(parties, movements, returned_lower, tagged),
            returned_upper: tagged,
        }
    }
}

fn returned_fifo(parties: usize, movements: &[Movement]) -> i128 {
    let (mut fifo, mut returned) = (Fifo::of(parties), 0);
    for movement in movements {
        fifo.step(*movement, (), |amount, (), ()| returned += amount);
    }
    returned
}

#[cfg(test)]
mod tests;
