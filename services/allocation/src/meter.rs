//! What was metered of one allocation, and whether that much can have been.
//!
//! Invariants: clusters are disjoint, and windows that overlap are in one; only what cannot be true
//! is refused: more card-hours in the windows between two instants than the cards have in that
//! time. All in integers.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use loopledger_model::{CardHours, Period};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The most windows of a cluster that are told apart; with more they are taken as one.
const WINDOWS: usize = 200;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meter {
    /// By when they start.
    clusters: BTreeMap<Timestamp, Cluster>,
}

/// Windows that overlap, from the first start to the last end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Cluster {
    span: Period,
    windows: Vec<Window>,
}

/// The 10^-9 card-hours of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Window {
    period: Period,
    metered: i128,
}

/// More card-hours than the cards have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excess {
    pub window: Period,
    /// Rounded down to 9 decimals.
    pub allocated: Decimal,
    /// Already there; 0 where what is asked is too much by itself.
    pub metered: Decimal,
}

impl Meter {
    /// Why so many card-hours cannot have been metered with `cards` in this window.
    pub fn excess(&self, cards: u32, window: Period, card_hours: CardHours) -> Option<Excess> {
        let asked = Window { period: window, metered: card_hours.billionths() };
        let alone = Cluster { span: window, windows: Vec::new() };
        let joined = self.joined(window);
        [alone, joined].iter().find_map(|cluster| cluster.excess(cards, asked))
    }

    pub fn record(&mut self, window: Period, card_hours: CardHours) {
        let mut joined = self.joined(window);
        let span = joined.span.from()..joined.span.to();
        self.clusters.extract_if(span, |_, _| true).for_each(drop);
        joined.add(Window { period: window, metered: card_hours.billionths() });
        self.clusters.insert(joined.span.from(), joined);
    }

    /// Up to when anything was metered.
    pub fn end(&self) -> Option<Timestamp> {
        self.clusters.last_key_value().map(|(_, cluster)| cluster.span.to())
    }

    /// The cluster of all the windows that this one joins; windows that only touch stay apart.
    fn joined(&self, window: Period) -> Cluster {
        let earlier = self.clusters.range(..window.to()).rev().map(|(_, cluster)| cluster);
        let overlapping = earlier.take_while(|cluster| cluster.span.overlaps(&window));
        let mut joined = Cluster { span: window, windows: Vec::new() };
        for cluster in overlapping {
            joined.span = hull(joined.span, cluster.span);
            joined.windows.extend(&cluster.windows);
        }
        joined
    }
}

impl Cluster {
    /// Looks at all stretches of time from a window's start to a window's end that hold what is
    /// asked, the shortest ones first.
    fn excess(&self, cards: u32, asked: Window) -> Option<Excess> {
        if self.surely_fits(cards, asked) {
            return None;
        }
        let (first, last) = (asked.period.from(), asked.period.to());
        let starts = self.windows.iter().map(|window| window.period.from());
        let starts: BTreeSet<Timestamp> = starts.filter(|start| *start < first).collect();
        let mut by_end = self.windows.clone();
        by_end.sort_by_key(|window| window.period.to());
        std::iter::once(first).chain(starts.into_iter().rev()).find_map(|start| {
            let inside = by_end.iter().filter(|window| window.period.from() >= start);
            let (within, beyond): (Vec<&Window>, Vec<&Window>) =
                inside.partition(|window| window.period.to() <= last);
            let within = within.iter().map(|window| window.metered).sum();
            let sums = beyond.iter().scan(within, |sum, window| {
                *sum += window.metered;
                Some((window.period.to(), *sum))
            });
            std::iter::once((last, within)).chain(sums).find_map(|(end, metered)| {
                let span = Period::new(start, end).expect("it holds the window that is asked");
                let has = i128::from(cards) * span.nanoseconds();
                ((metered + asked.metered) * CardHours::NANOSECONDS > has).then(|| Excess {
                    window: span,
                    allocated: CardHours::of_billionths(has / CardHours::NANOSECONDS),
                    metered: CardHours::of_billionths(metered),
                })
            })
        })
    }

    /// Whether no stretch can hold too much: one that holds the window with the most card-hours is as
    /// long as both, and any other one as long as what is asked. This spares most looks at them all.
    fn surely_fits(&self, cards: u32, asked: Window) -> bool {
        let Some(most) = self.windows.iter().max_by_key(|window| window.metered) else {
            return false;
        };
        let total: i128 = self.windows.iter().map(|window| window.metered).sum();
        let fits = |metered: i128, span: Period| {
            (metered + asked.metered) * CardHours::NANOSECONDS
                <= i128::from(cards) * span.nanoseconds()
        };
        fits(total, hull(most.period, asked.period)) && fits(total - most.metered, asked.period)
    }

    fn add(&mut self, window: Window) {
        match self.windows.iter_mut().find(|known| known.period == window.period) {
            Some(known) => known.metered += window.metered,
            None => self.windows.push(window),
        }
        if self.windows.len() > WINDOWS {
            let metered = self.windows.iter().map(|window| window.metered).sum();
            self.windows = vec![Window { period: self.span, metered }];
        }
    }
}

fn hull(left: Period, right: Period) -> Period {
    Period::new(left.from().min(right.from()), left.to().max(right.to()))
        .expect("what holds a period is none the shorter")
}
