//! Cards by their serial numbers: in which pools they are when, and which are in two at once.
//!
//! Invariant: a card is in a pool from its placing until a change says that it has left; pools that
//! have it at one instant are all told of, and none of them is believed more than another.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use loopledger_model::allocation::{CardSerial, CardState};
use loopledger_model::{FactId, PoolId};
use tokio_postgres::Transaction;

use crate::as_of::As;
use crate::error::Error;
use crate::rows::{CardChange, CardPlacing};
use crate::table::select;

/// What is recorded of cards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cards {
    pub(crate) placings: Vec<CardPlacing>,
    pub(crate) changes: Vec<CardChange>,
}

/// A card in one pool, from its placing until it left.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stay {
    from: Timestamp,
    to: Option<Timestamp>,
    facts: Vec<FactId>,
}

impl Stay {
    fn overlaps(&self, other: &Self) -> bool {
        self.to.is_none_or(|to| other.from < to) && other.to.is_none_or(|to| self.from < to)
    }
}

/// A card that more than one pool has at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Disputed {
    pub(crate) serial: CardSerial,
    pub(crate) pools: BTreeSet<PoolId>,
    /// The first such instant.
    pub(crate) at: Timestamp,
    pub(crate) facts: BTreeSet<FactId>,
}

/// What happened to one card in one pool: its states by their dates.
type Life = BTreeMap<(Timestamp, FactId), CardState>;

impl Cards {
    pub(crate) async fn load(transaction: &Transaction<'_>, seen: As) -> Result<Self, Error> {
        let times = [&seen.of as _, &seen.known as _];
        Ok(Self {
            placings: select(transaction, As::CONDITION, &times).await?,
            changes: select(transaction, As::CONDITION, &times).await?,
        })
    }

    fn lives(&self) -> BTreeMap<(&CardSerial, &PoolId), Life> {
        let mut lives: BTreeMap<_, Life> = BTreeMap::new();
        for row in &self.placings {
            let life = lives.entry((&row.serial, &row.pool)).or_default();
            life.insert((row.stamp.at, row.stamp.fact()), CardState::Racked);
        }
        for row in &self.changes {
            let life = lives.entry((&row.serial, &row.pool)).or_default();
            life.insert((row.stamp.at, row.stamp.fact()), row.state);
        }
        lives
    }

    /// The last state of every card of every pool by an instant.
    pub(crate) fn states(
        &self,
        by: Timestamp,
    ) -> BTreeMap<PoolId, BTreeMap<CardSerial, CardState>> {
        let mut states: BTreeMap<PoolId, BTreeMap<CardSerial, CardState>> = BTreeMap::new();
        for ((serial, pool), life) in self.lives() {
            let last = life.iter().rev().find(|((at, _), _)| *at <= by);
            if let Some((_, state)) = last {
                states.entry(pool.clone()).or_default().insert(serial.clone(), *state);
            }
        }
        states
    }

    /// By serial number.
    pub(crate) fn disputed(&self) -> Vec<Disputed> {
        let mut stays: BTreeMap<&CardSerial, Vec<(&PoolId, Stay)>> = BTreeMap::new();
        for ((serial, pool), life) in self.lives() {
            let of_card = stays.entry(serial).or_default();
            of_card.extend(stays_of(&life).into_iter().map(|stay| (pool, stay)));
        }
        stays.into_iter().filter_map(|(serial, stays)| disputed(serial, &stays)).collect()
    }
}

fn stays_of(life: &Life) -> Vec<Stay> {
    let mut stays: Vec<Stay> = Vec::new();
    for ((at, fact), state) in life {
        match stays.last_mut().filter(|stay| stay.to.is_none()) {
            Some(stay) if !state.is_there() => {
                stay.to = Some(*at);
                stay.facts.push(*fact);
            }
            Some(_) => {}
            None if state.is_there() => {
                stays.push(Stay { from: *at, to: None, facts: vec![*fact] });
            }
            None => {}
        }
    }
    stays
}

fn disputed(serial: &CardSerial, stays: &[(&PoolId, Stay)]) -> Option<Disputed> {
    let mut found: Option<Disputed> = None;
    for (place, (pool, stay)) in stays.iter().enumerate() {
        for (other, earlier) in &stays[..place] {
            if pool == other || !stay.overlaps(earlier) {
                continue;
            }
            let at = stay.from.max(earlier.from);
            let one = found.get_or_insert_with(|| Disputed {
                serial: serial.clone(),
                pools: BTreeSet::new(),
                at,
                facts: BTreeSet::new(),
            });
            one.at = one.at.min(at);
            one.pools.extend([(*pool).clone(), (*other).clone()]);
            one.facts.extend(stay.facts.iter().chain(&earlier.facts));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use loopledger_testkit::{at, id};
    use proptest::prelude::*;

    use super::*;
    use crate::rows::Stamp;

    fn stamp(position: u64, at: Timestamp) -> Stamp {
        Stamp { position, fact_index: 0, at, recorded_at: at }
    }

    fn day(day: usize) -> Timestamp {
        at(&format!("2025-01-{:02}", day + 1))
    }

    const DAYS: usize = 12;

    /// A card of pool and days: from, until it left, if it did.
    fn cards(stays: &[(u8, usize, Option<usize>)]) -> Cards {
        let mut cards = Cards::default();
        for (position, &(pool, from, to)) in (1..).zip(stays) {
            let (pool, serial): (PoolId, CardSerial) = (id(&format!("p{pool}")), id("sn-1"));
            let (stamp_in, owner) = (stamp(position * 2, day(from)), None);
            let (of, card) = (pool.clone(), serial.clone());
            cards.placings.push(CardPlacing { stamp: stamp_in, pool: of, serial: card, owner });
            if let Some(to) = to {
                let stamp = stamp(position * 2 + 1, day(to));
                let (state, reason) = (CardState::Moved, None);
                cards.changes.push(CardChange { stamp, pool, serial, state, reason });
            }
        }
        cards
    }

    #[test]
    fn a_card_that_moved_is_in_one_pool_at_a_time() {
        let moved = cards(&[(1, 0, Some(5)), (2, 5, None)]);
        assert_eq!(moved.disputed(), []);
        let states = moved.states(day(6));
        let state = |pool: &str| states[&id::<PoolId>(pool)][&id::<CardSerial>("sn-1")];
        assert_eq!((state("p1"), state("p2")), (CardState::Moved, CardState::Racked));
    }

    #[test]
    fn a_card_of_two_pools_is_disputed_from_the_first_instant_that_both_have_it() {
        let both = cards(&[(1, 0, Some(6)), (2, 5, None)]).disputed();
        let [disputed] = both.as_slice() else { panic!("{both:?}") };
        assert_eq!(disputed.at, day(5));
        assert_eq!(disputed.pools, BTreeSet::from([id("p1"), id("p2")]));
        let positions: Vec<u64> = disputed.facts.iter().map(|fact| fact.position).collect();
        assert_eq!(positions, [2, 3, 4]);
    }

    proptest! {
        #[test]
        fn disputes_are_what_a_diary_day_by_day_shows(
            stays in prop::collection::btree_map(0_u8..4, (0..DAYS, prop::option::of(1..DAYS)), 0..4),
        ) {
            let stays: Vec<_> = stays
                .into_iter()
                .map(|(pool, (from, length))| {
                    (pool, from, length.map(|length| from + length).filter(|to| *to < DAYS))
                })
                .collect();
            let there = |day: usize| {
                let has = |&&(_, from, to): &&(u8, usize, Option<usize>)| {
                    from <= day && to.is_none_or(|to| day < to)
                };
                stays.iter().filter(has).count()
            };
            let first = (0..DAYS).find(|&day| there(day) > 1);
            let found = cards(&stays).disputed();
            prop_assert_eq!(found.first().map(|disputed| disputed.at), first.map(day));
        }
    }
}
