//! Parameters as people write them: dates, and from when an answer is wanted.

use std::fmt::Display;
use std::str::FromStr;

use jiff::Timestamp;
use loopledger_model::{Period, parse_instant};
use loopledger_views::As;

use crate::problem::Problem;

/// A parameter that has to be there.
pub fn required<'a>(name: &str, text: Option<&'a str>) -> Result<&'a str, Problem> {
    text.ok_or_else(|| Problem::bad_parameter(&format!("the parameter {name} is missing")))
}

pub fn date(name: &str, text: &str) -> Result<Timestamp, Problem> {
    parse_instant(text).map_err(|error| Problem::bad_parameter(&format!("{name}: {error}")))
}

pub fn optional_date(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    text.map(|text| date(name, text)).transpose()
}

/// An id, a currency or another value that is read from its text.
pub fn optional<T: FromStr<Err: Display>>(
    name: &str,
    text: Option<&str>,
) -> Result<Option<T>, Problem> {
    text.map(|text| read(name, text)).transpose()
}

pub fn read<T: FromStr<Err: Display>>(name: &str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|error: T::Err| Problem::bad_parameter(&format!("{name}: {error}")))
}

/// From one date to another, which is not included.
pub fn period(from: Option<&str>, to: Option<&str>) -> Result<Period, Problem> {
    let from = date("from", required("from", from)?)?;
    let to = date("to", required("to", to)?)?;
    Period::new(from, to).map_err(|error| Problem::bad_parameter(&error))
}

pub fn seen(as_of: Option<&str>, as_known: Option<&str>) -> Result<As, Problem> {
    Ok(As { of: optional_date("as_of", as_of)?, known: optional_date("as_known", as_known)? })
}
