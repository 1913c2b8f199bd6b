//! What was metered of one allocation, and whether that much can have been.
//!
//! Invariants: clusters are disjoint, and windows that overlap are in one; only what cannot be true
//! is refused: more card-hours in a window, or in the span of windows that overlap, than the cards
//! have in that time. All in integers.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::{CardHours, Period};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The decimals of card-hours.
const DECIMALS: u32 = 9;
/// How many nanoseconds of one card make 10^-9 card-hours.
const NANOSECONDS: i128 = 3_600;

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meter {
    /// By when they start.
    clusters: BTreeMap<Timestamp, Cluster>,
}

/// Windows that overlap, from the first start to the last end, and the 10^-9 card-hours in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Cluster {
    span: Period,
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
        let alone = Cluster { span: window, metered: 0 };
        let asked = whole(card_hours);
        [alone, self.joined(window)].into_iter().find_map(|Cluster { span, metered }| {
            let has = i128::from(cards) * span.nanoseconds();
            ((metered + asked) * NANOSECONDS > has).then(|| Excess {
                window: span,
                allocated: decimal(has / NANOSECONDS),
                metered: decimal(metered),
            })
        })
    }

    pub fn record(&mut self, window: Period, card_hours: CardHours) {
        let joined = self.joined(window);
        let span = joined.span.from()..joined.span.to();
        self.clusters.extract_if(span, |_, _| true).for_each(drop);
        let metered = joined.metered + whole(card_hours);
        self.clusters.insert(joined.span.from(), Cluster { metered, ..joined });
    }

    /// The cluster of all the windows that this one joins; windows that only touch stay apart.
    fn joined(&self, window: Period) -> Cluster {
        let earlier = self.clusters.range(..window.to()).rev().map(|(_, cluster)| cluster);
        let overlapping = earlier.take_while(|cluster| cluster.span.overlaps(&window));
        overlapping.fold(Cluster { span: window, metered: 0 }, |joined, cluster| Cluster {
            span: hull(joined.span, cluster.span),
            metered: joined.metered + cluster.metered,
        })
    }
}

fn hull(left: Period, right: Period) -> Period {
    Period::new(left.from().min(right.from()), left.to().max(right.to()))
        .expect("what holds a period is none the shorter")
}

/// As a whole number of 10^-9 card-hours.
fn whole(card_hours: CardHours) -> i128 {
    let value = card_hours.value();
    value.mantissa() * 10_i128.pow(DECIMALS - value.scale())
}

/// Below 2^32 cards times 20,000 years: far from what a `Decimal` cannot hold.
fn decimal(whole: i128) -> Decimal {
    Decimal::from_i128_with_scale(whole, DECIMALS).normalize()
}
