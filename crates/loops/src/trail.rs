//! A loop's amounts, gone on with from where they stood: a flow that comes last is one more movement, and one that is
//! dated back is folded in with those after it only.
//!
//! On the way to the end, marks are left from which the next time can go on: few, and nearer to each other the nearer
//! they are to the end, since what is recorded late is seldom dated back far.
//!
//! Invariant: a mark is used only if no flow has come in before it since, so a trail comes to what folding from the
//! start does.

use crate::flow::{Flow, Moment};
use crate::market::Entry;
use crate::record::{Closing, Ring};
use crate::tally::Tally;

/// The last mark is about so many movements before the end, the one before it twice as many, and so on.
const SPACING: usize = if cfg!(test) { 2 } else { 64 };

/// What is kept of one loop between two questions for it; an empty one is as good, but slower.
#[derive(Debug, Clone, Default)]
pub struct Trail {
    /// The splits that close, which say what is a movement on which leg, and how many flows were void.
    under: (usize, usize, usize),
    /// In the order of time.
    marks: Vec<Mark>,
}

/// The tally of everything up to a moment.
#[derive(Debug, Clone)]
struct Mark {
    up_to: Moment,
    /// How many entries of each list are in it.
    places: Vec<usize>,
    tally: Tally,
}

impl Mark {
    /// Whether the lists still begin as they did.
    fn holds(&self, lists: &[&[Entry]]) -> bool {
        let parts =
            self.places.iter().zip(lists).map(|(place, list)| list.split_at_checked(*place));
        parts.into_iter().all(|parts| {
            parts.is_some_and(|(taken, rest)| {
                taken.last().is_none_or(|entry| entry.moment <= self.up_to)
                    && rest.first().is_none_or(|entry| entry.moment > self.up_to)
            })
        })
    }
}

impl Trail {
    /// What the movements on the ring come to; `void` flows were taken out of the market so far.
    pub(crate) fn tally(
        &mut self,
        ring: &Ring<'_>,
        flows: &[Flow],
        closing: &Closing,
        void: usize,
    ) -> Tally {
        let under = (closing.fewest, closing.most, void);
        if self.under != under {
            *self = Self { under, marks: Vec::new() };
        }
        let mut merged = Merged::of(ring.lists());
        while self.marks.last().is_some_and(|mark| !mark.holds(&merged.lists)) {
            self.marks.pop();
        }
        let mut tally = Tally::of(ring.parties.len());
        if let Some(mark) = self.marks.last() {
            merged.places.clone_from(&mark.places);
            tally.clone_from(&mark.tally);
        }
        let mut next = nearer(merged.left(), SPACING);
        let mut movements = Vec::new();
        while let Some(entry) = merged.next() {
            ring.movements(&flows[entry.flow], closing, &mut movements);
            for movement in movements.drain(..) {
                tally.step(movement, entry.moment.at);
            }
            let left = merged.left();
            if next.is_some_and(|next| left <= next) {
                let (up_to, places) = (entry.moment, merged.places.clone());
                self.marks.push(Mark { up_to, places, tally: tally.clone() });
                // A mark is a copy of the balances: where they are in many parts, there are fewer.
                next = nearer(left, SPACING.max(tally.lots() / 8));
            }
        }
        self.thin(merged.places.iter().sum());
        tally
    }

    /// Keeps the last of marks that are about as far from the end.
    fn thin(&mut self, end: usize) {
        let mut kept = 0;
        self.marks.reverse();
        self.marks.retain(|mark| {
            let distance = end - mark.places.iter().sum::<usize>();
            let keep = distance * 5 >= kept * 7;
            kept = if keep { distance } else { kept };
            keep
        });
        self.marks.reverse();
    }
}

/// How far from the end the next mark is, coming from so far; none is nearer than `least`.
fn nearer(left: usize, least: usize) -> Option<usize> {
    let next = left / 3 * 2;
    (next >= least).then_some(next)
}

/// The entries of several lists in one order; one that is in two of them comes once.
pub(crate) struct Merged<'a> {
    lists: Vec<&'a [Entry]>,
    /// The next of each list.
    places: Vec<usize>,
}

impl<'a> Merged<'a> {
    pub(crate) fn of(lists: Vec<&'a [Entry]>) -> Self {
        let places = vec![0; lists.len()];
        Self { lists, places }
    }

    /// So many at most are to come.
    fn left(&self) -> usize {
        self.lists.iter().zip(&self.places).map(|(list, place)| list.len() - place).sum()
    }
}

impl Iterator for Merged<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        let heads =
            self.lists.iter().zip(&self.places).filter_map(|(list, place)| list.get(*place));
        let first = *heads.min_by_key(|entry| entry.moment)?;
        for (list, place) in self.lists.iter().zip(&mut self.places) {
            *place +=
                usize::from(list.get(*place).is_some_and(|entry| entry.moment == first.moment));
        }
        Some(first)
    }
}

#[cfg(test)]
mod tests;
