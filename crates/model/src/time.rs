//! When things hold: instants as people write them, and stretches of time that end before they would touch the next.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::Parsed;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no date: write 2025-03-01 (which means 00:00:00Z) or a full timestamp with offset, \
     as in 2025-03-01T08:00:00+08:00"
)]
pub struct NotADate(pub String);

/// Reads `2025-03-01` as 00:00:00Z of that day, or a full timestamp with its offset.
pub fn parse_instant(text: &str) -> Result<Timestamp, NotADate> {
    let wrong = || NotADate(text.chars().take(40).collect());
    if text.len() == "2025-03-01".len() {
        let date: Date = text.parse().map_err(|_| wrong())?;
        let zoned = date.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| wrong())?;
        return Ok(zoned.timestamp());
    }
    text.parse().map_err(|_| wrong())
}

/// From an instant up to, but not including, a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
pub struct Period {
    from: Timestamp,
    to: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a period from {from} to {to} is empty: its end must be later than its start")]
pub struct EmptyPeriod {
    pub from: Timestamp,
    pub to: Timestamp,
}

impl Period {
    pub fn new(from: Timestamp, to: Timestamp) -> Result<Self, EmptyPeriod> {
        if from < to { Ok(Self { from, to }) } else { Err(EmptyPeriod { from, to }) }
    }

    pub const fn from(&self) -> Timestamp {
        self.from
    }

    pub const fn to(&self) -> Timestamp {
        self.to
    }

    pub fn contains(&self, instant: Timestamp) -> bool {
        self.from <= instant && instant < self.to
    }

    pub fn encloses(&self, other: &Self) -> bool {
        self.from <= other.from && other.to <= self.to
    }

    pub fn overlaps(&self, other: &Self) -> bool {
        self.from < other.to && other.from < self.to
    }

    /// What both cover.
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        Self::new(self.from.max(other.from), self.to.min(other.to)).ok()
    }

    /// Its length; sub-second parts are kept.
    pub fn nanoseconds(&self) -> i128 {
        self.to.as_nanosecond() - self.from.as_nanosecond()
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.from, self.to)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Written {
            from: Instant,
            to: Instant,
        }
        let Written { from: Instant(from), to: Instant(to) } = Written::deserialize(deserializer)?;
        Self::new(from, to).map_err(serde::de::Error::custom)
    }
}

/// Either end of a period: most events have two, and nearly all to the second.
struct Instant(Timestamp);

impl FromStr for Instant {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        utc_second(text).map_or_else(|| text.parse(), Ok).map(Self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Parsed(PhantomData))
    }
}

/// An instant that is written as `2025-03-01T00:00:00Z`, in a quarter of the time that any form takes.
fn utc_second(text: &str) -> Option<Timestamp> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', ref time @ ..] = text.as_bytes() else {
        return None;
    };
    let &[h1, h2, b':', i1, i2, b':', s1, s2, b'Z'] = time else { return None };
    let year = i16::from(two(y1, y2)?) * 100 + i16::from(two(y3, y4)?);
    let (month, day) = (two(m1, m2)?, two(d1, d2)?);
    let (hour, minute, second) = (two(h1, h2)?, two(i1, i2)?, two(s1, s2)?);
    let civil = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    Offset::UTC.to_timestamp(civil).ok()
}

/// A number of two digits.
fn two(tens: u8, ones: u8) -> Option<i8> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| (byte - b'0').cast_signed());
    Some(digit(tens)? * 10 + digit(ones)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        parse_instant(text).expect("a date")
    }

    #[test]
    fn a_bare_date_is_midnight_utc() {
        assert_eq!(at("2025-03-01").to_string(), "2025-03-01T00:00:00Z");
        assert_eq!(at("2025-03-01T08:00:00+08:00"), at("2025-03-01"));
    }

    #[test]
    fn what_is_no_date_or_has_no_offset_is_refused() {
        for text in ["", "2025-02-30", "01/03/2025", "2025-3-1", "2025-03-01T08:00:00", "now"] {
            assert!(parse_instant(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_end_of_a_period_is_read_as_any_instant_is() {
        for text in [
            "2025-03-01T08:09:10Z",
            "0001-01-01T00:00:00Z",
            "9999-12-30T22:00:00Z",
            "9999-12-31T23:59:59Z",
            "2024-02-29T23:59:60Z",
            "2025-02-29T00:00:00Z",
            "2025-13-01T00:00:00Z",
            "2025-03-01T24:00:00Z",
            "2025-03-01t08:09:10z",
            "2025-03-01T08:09:10.5Z",
            "2025-03-01T08:09:10+08:00",
            "2025-03-01T08:09:1:Z",
            "2025-03-01",
        ] {
            let (read, any) = (text.parse::<Instant>(), text.parse::<Timestamp>());
            assert_eq!(read.map(|Instant(at)| at).ok(), any.ok(), "{text}");
        }
    }

    #[test]
    fn a_period_ends_before_its_end() {
        let march = Period::new(at("2025-03-01"), at("2025-04-01")).expect("a period");
        let april = Period::new(at("2025-04-01"), at("2025-05-01")).expect("a period");
        assert!(march.contains(at("2025-03-01")) && !march.contains(at("2025-04-01")));
        assert!(!march.overlaps(&april));
        assert_eq!(march.intersection(&april), None);
        assert!(Period::new(at("2025-03-01"), at("2025-03-01")).is_err());
    }
}
