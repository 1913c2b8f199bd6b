//! Short ways to write down values in tests; a value that is not valid fails the test.

use std::fmt::Debug;
use std::str::FromStr;

use jiff::Timestamp;
use loopledger_model::{Event, Fact, FactId, Money, Period, parse_instant};

/// Anything that is read from text: an id, a ratio, a currency.
#[track_caller]
pub fn id<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("a valid value")
}

#[track_caller]
pub fn at(text: &str) -> Timestamp {
    parse_instant(text).expect("a valid date")
}

#[track_caller]
pub fn period(from: &str, to: &str) -> Period {
    Period::new(at(from), at(to)).expect("a period")
}

#[track_caller]
pub fn money(amount: &str, currency: &str) -> Money {
    Money::parse(amount, id(currency)).expect("valid money")
}

#[track_caller]
pub fn cny(amount: &str) -> Money {
    money(amount, "CNY")
}

/// A fact as another context recorded it at a position; recorded when it took effect.
pub fn fact(position: u64, event: Event) -> Fact {
    Fact { id: FactId { position, index: 0 }, recorded_at: event.at(), event }
}
