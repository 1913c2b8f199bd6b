//! First in, first out: every party spends the money it has had longest first, and the root's comes
//! back part by part.

use std::collections::VecDeque;

use crate::amounts::Movement;

/// Part of a balance, and with which mark it left the root, if it is the root's.
struct Lot<T> {
    amount: i128,
    left: Option<T>,
}

/// A balance, in the order in which it came in.
struct Queue<T>(VecDeque<Lot<T>>);

/// Follows the root's money along a path of `parties` parties, root included, given every movement
/// on it in order with a mark. `returned` is told of each part that comes back: its amount, the mark
/// with which it left and the one with which it returned.
///
/// # Panics
/// If a movement names a leg or a party that the path does not have.
pub(crate) fn follow<T: Copy + PartialEq>(
    parties: usize,
    movements: impl IntoIterator<Item = (Movement, T)>,
    mut returned: impl FnMut(i128, T, T),
) {
    let mut queues: Vec<Queue<T>> = (0..parties).map(|_| Queue(VecDeque::new())).collect();
    for (movement, mark) in movements {
        match movement {
            Movement::Leg { leg: 0, amount } => queues[1].put(Lot { amount, left: Some(mark) }),
            Movement::Leg { leg, amount } => {
                for lot in queues[leg].take(amount) {
                    if let Some(payee) = queues.get_mut(leg + 1) {
                        payee.put(lot);
                    } else if let Some(left) = lot.left {
                        returned(lot.amount, left, mark);
                    }
                }
            }
            Movement::Exit { party, amount } => {
                queues[party].take(amount);
            }
            Movement::OtherIn { party, amount } => queues[party].put(Lot { amount, left: None }),
        }
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
    fn take(&mut self, amount: i128) -> Vec<Lot<T>> {
        let mut taken = Vec::new();
        let mut open = amount;
        while open > 0 {
            let Some(oldest) = self.0.front_mut() else {
                taken.push(Lot { amount: open, left: None });
                break;
            };
            let part = oldest.amount.min(open);
            taken.push(Lot { amount: part, left: oldest.left });
            oldest.amount -= part;
            open -= part;
            if oldest.amount == 0 {
                self.0.pop_front();
            }
        }
        taken
    }
}
