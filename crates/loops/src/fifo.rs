//! First in, first out: every party spends the money it has had longest first, and the root's comes
//! back part by part.

use std::collections::VecDeque;

use crate::amounts::Movement;

/// Part of a balance, and with which mark it left the root, if it is the root's.
#[derive(Debug, Clone)]
struct Lot<T> {
    amount: i128,
    left: Option<T>,
}

/// A balance, in the order in which it came in.
#[derive(Debug, Clone)]
struct Queue<T>(VecDeque<Lot<T>>);

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

/// The balances on a path after what came so far.
#[derive(Debug, Clone)]
pub(crate) struct Fifo<T> {
    /// By party.
    queues: Vec<Queue<T>>,
}

impl<T: Copy + PartialEq> Fifo<T> {
    /// Of a path of `parties` parties, root included.
    pub(crate) fn of(parties: usize) -> Self {
        Self { queues: (0..parties).map(|_| Queue::default()).collect() }
    }

    /// The next movement, with a mark. `returned` is told of each part of the root's money that comes back with it:
    /// its amount, the mark with which it left and this one.
    ///
    /// # Panics
    /// If the movement names a leg or a party that the path does not have.
    pub(crate) fn step(
        &mut self,
        movement: Movement,
        mark: T,
        mut returned: impl FnMut(i128, T, T),
    ) {
        let queues = &mut self.queues;
        match movement {
            Movement::Leg { leg: 0, amount } => queues[1].put(Lot { amount, left: Some(mark) }),
            Movement::Leg { leg, amount } => {
                let mut payer = std::mem::take(&mut queues[leg]);
                payer.take(amount, |lot| match (queues.get_mut(leg + 1), lot.left) {
                    (Some(payee), _) => payee.put(lot),
                    (None, Some(left)) => returned(lot.amount, left, mark),
                    (None, None) => {}
                });
                queues[leg] = payer;
            }
            Movement::Exit { party, amount } => queues[party].take(amount, |_| {}),
            Movement::OtherIn { party, amount } => queues[party].put(Lot { amount, left: None }),
        }
    }

    /// In how many parts the balances are.
    pub(crate) fn lots(&self) -> usize {
        self.queues.iter().map(|queue| queue.0.len()).sum()
    }
}

impl<T: Copy + PartialEq> Queue<T> {
    fn put(&mut self, lot: Lot<T>) {
        match self.0.back_mut() {
            Some(newest) if newest.left == lot.left => newest.amount += lot.amount,
            Some(_) | None => self.0.push_back(lot),
        }
    }

    /// Takes out what came in first; what is lacking comes as a lot that is not the root's.
    fn take(&mut self, amount: i128, mut taken: impl FnMut(Lot<T>)) {
        let mut open = amount;
        while open > 0 {
            let Some(oldest) = self.0.front_mut() else {
                taken(Lot { amount: open, left: None });
                break;
            };
            let part = oldest.amount.min(open);
            taken(Lot { amount: part, left: oldest.left });
            oldest.amount -= part;
            open -= part;
            if oldest.amount == 0 {
                self.0.pop_front();
            }
        }
    }
}
