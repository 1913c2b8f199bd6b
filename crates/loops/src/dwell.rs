//! How long the root's money was away: days between the payment on the first leg and the one that
//! brought it back, weighted by amount.
//!
//! The money followed is the one that first in, first out brings back: every part of it has one day
//! on which it left and one on which it returned.
//!
//! Invariant: the amount that is followed back is the path's `returned_fifo`.

use num_bigint::BigInt;
use num_rational::BigRational;

use crate::amounts::Movement;
use crate::fifo::Fifo;

const DAY_US: i64 = 24 * 60 * 60 * 1_000_000;

/// Money that came back, and how long it was away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dwell {
    /// Minor units, first in, first out.
    pub returned: i128,
    /// Minor units times microseconds away.
    away: BigInt,
}

impl Dwell {
    /// Of a path of `parties` parties, root included, given every movement on it in order with its
    /// time in microseconds.
    ///
    /// # Panics
    /// If a movement names a leg or a party that the path does not have.
    pub fn of(parties: usize, movements: impl IntoIterator<Item = (Movement, i64)>) -> Self {
        let (mut dwell, mut fifo) = (Self::default(), Fifo::of(parties));
        for (movement, at) in movements {
            fifo.step(movement, at, |amount, left, back| dwell.bring_back(amount, left, back));
        }
        dwell
    }

    pub(crate) fn bring_back(&mut self, amount: i128, left: i64, at: i64) {
        self.returned += amount;
        let away = at.saturating_sub(left);
        match amount.checked_mul(away.into()) {
            Some(weighted) => self.away += weighted,
            None => self.away += BigInt::from(amount) * away,
        }
    }

    /// Amount-weighted days; nothing where nothing came back.
    pub fn days(&self) -> Option<BigRational> {
        let whole = BigInt::from(self.returned) * DAY_US;
        (self.returned > 0).then(|| BigRational::new(self.away.clone(), whole))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::amounts::Amounts;

    const DAY: i64 = DAY_US;

    fn days(parties: usize, movements: &[(Movement, i64)]) -> Option<BigRational> {
        Dwell::of(parties, movements.iter().copied()).days()
    }

    #[test]
    fn each_part_counts_by_its_amount() {
        let there_and_back = [
            (Movement::Leg { leg: 0, amount: 100 }, 0),
            (Movement::Leg { leg: 0, amount: 100 }, 10 * DAY),
            (Movement::Leg { leg: 1, amount: 150 }, 40 * DAY),
        ];
        // 100 were away for 40 days, 50 for 30.
        assert_eq!(days(2, &there_and_back), Some(BigRational::new(5500.into(), 150.into())));
    }

    #[test]
    fn other_money_has_no_dwell_and_half_a_day_is_half_a_day() {
        let mixed = [
            (Movement::OtherIn { party: 1, amount: 30 }, 0),
            (Movement::Leg { leg: 0, amount: 100 }, 0),
            (Movement::Leg { leg: 1, amount: 40 }, DAY / 2),
        ];
        assert_eq!(days(2, &mixed), Some(BigRational::new(1.into(), 2.into())));
        assert_eq!(days(2, &mixed[..2]), None);
        let others_only = [mixed[0], mixed[1], (Movement::Leg { leg: 1, amount: 30 }, DAY)];
        assert_eq!(days(2, &others_only), None);
    }

    fn movement() -> impl Strategy<Value = Movement> {
        prop_oneof![
            3 => (0..3_usize, 1..60_i128).prop_map(|(leg, amount)| Movement::Leg { leg, amount }),
            1 => (1..3_usize, 1..60_i128)
                .prop_map(|(party, amount)| Movement::Exit { party, amount }),
            1 => (1..3_usize, 1..60_i128)
                .prop_map(|(party, amount)| Movement::OtherIn { party, amount }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_followed_back_is_what_first_in_first_out_returns(
            movements in proptest::collection::vec(movement(), 0..40)
        ) {
            let dated = movements.iter().copied().zip(0..);
            let dwell = Dwell::of(3, dated);
            prop_assert_eq!(dwell.returned, Amounts::of(3, &movements).returned_fifo);
        }
    }
}
