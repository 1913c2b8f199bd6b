//! The internal rate of return of dated amounts: how many rates there are, and which.
//!
//! A rate r a year of 365 days discounts an amount after n days by x^n, where x = (1 + r)^(-1/365). So the rates above
//! -100 % are the roots x > 0 of a polynomial in x. Those below 1 and, with the days counted backwards, those above 1 are
//! looked for in [0, 1], which is halved until each part is shown, in interval arithmetic rounded outwards, to have no
//! root or to rise or fall throughout.
//!
//! Invariant: a rate is told only where it is shown to be the only one; no floating point is used.

use std::collections::BTreeMap;

use loopledger_loops::{BigRational, decimal};
use num_bigint::BigInt;
use schemars::JsonSchema;
use serde::Serialize;

mod interval;

use interval::{ONE, Polynomial, Sign};

/// How many parts are looked at before the search gives up.
const MOST_PARTS: u32 = 20_000;
/// The narrowest part that is halved, in units of 2^-62.
const NARROWEST: u64 = 1 << 8;
/// A rate has so many decimals.
const DIGITS: u32 = 6;

/// How many rates above -100 % make the amounts cancel out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IrrStatus {
    None,
    One,
    Many,
    /// The arithmetic cannot tell: amounts that cancel out at a rate without changing sign there, or a
    /// rate too steep for six decimals.
    Undetermined,
}

/// The internal rate of return, compounded yearly, actual/365; `rate` where there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Irr {
    pub status: IrrStatus,
    /// Six decimals, rounded half up: `0.100000` is 10 % a year.
    pub rate: Option<String>,
    /// All of them, smallest first, where there are many.
    pub rates: Vec<String>,
}

/// Amounts in minor units by day, any day counted as 0.
pub(crate) fn irr(flows: &BTreeMap<i64, i128>) -> Irr {
    search(flows).map_or_else(|Unclear| Irr::of(IrrStatus::Undetermined, Vec::new()), Irr::found)
}

impl Irr {
    fn of(status: IrrStatus, rates: Vec<String>) -> Self {
        let rate = (status == IrrStatus::One).then(|| rates[0].clone());
        let rates = if status == IrrStatus::Many { rates } else { Vec::new() };
        Self { status, rate, rates }
    }

    /// Where the amounts themselves are not known.
    pub(crate) const fn undetermined() -> Self {
        Self { status: IrrStatus::Undetermined, rate: None, rates: Vec::new() }
    }

    fn found(rates: Vec<String>) -> Self {
        let status = match rates.len() {
            0 => IrrStatus::None,
            1 => IrrStatus::One,
            _ => IrrStatus::Many,
        };
        Self::of(status, rates)
    }
}

/// The search cannot tell how many rates there are, or which.
struct Unclear;

fn search(flows: &BTreeMap<i64, i128>) -> Result<Vec<String>, Unclear> {
    let flows: Vec<(i64, i128)> =
        flows.iter().filter(|(_, amount)| **amount != 0).map(|(day, sum)| (*day, *sum)).collect();
    let (Some((first, _)), Some((last, _))) = (flows.first(), flows.last()) else {
        return Ok(Vec::new());
    };
    let forwards: Vec<(u64, i128)> =
        flows.iter().map(|(day, sum)| (day.abs_diff(*first), *sum)).collect();
    let backwards: Vec<(u64, i128)> =
        flows.iter().rev().map(|(day, sum)| (day.abs_diff(*last), *sum)).collect();
    let mut rates = Vec::new();
    // Below 0 %: 1 / x is below 1. The smaller it is, the smaller is the rate.
    for root in Search::new(&backwards)?.roots()? {
        rates.push(told(&scaled(root.from), &scaled(root.to))?);
    }
    if flows.iter().map(|(_, sum)| sum).sum::<i128>() == 0 {
        rates.push(decimal(&BigRational::from_integer(BigInt::from(0)), DIGITS));
    }
    for root in Search::new(&forwards)?.roots()?.into_iter().rev() {
        if root.from == 0 {
            return Err(Unclear);
        }
        rates.push(told(&scaled_inverse(root.to), &scaled_inverse(root.from))?);
    }
    Ok(rates)
}

const YEAR: u32 = 365;
/// 1 + r is counted in units of 10 to minus this until the rate is told.
const SCALE: u32 = 12;

/// What a daily factor comes to in a year, rounded down.
fn scaled(factor: u64) -> BigInt {
    (BigInt::from(factor).pow(YEAR) * BigInt::from(10).pow(SCALE)) >> (interval::POINT * YEAR)
}

/// What a daily factor's inverse comes to in a year, rounded down.
fn scaled_inverse(factor: u64) -> BigInt {
    (BigInt::from(10).pow(SCALE) << (interval::POINT * YEAR)) / BigInt::from(factor).pow(YEAR)
}

/// The rate between two bounds of 1 + r, if they are close enough to tell its last decimal but for one.
fn told(from: &BigInt, to: &BigInt) -> Result<String, Unclear> {
    let to = to + 1;
    if &to - from > BigInt::from(10).pow(SCALE - DIGITS) {
        return Err(Unclear);
    }
    let two = BigInt::from(2) * BigInt::from(10).pow(SCALE);
    Ok(decimal(&BigRational::new(from + to - &two, two), DIGITS))
}

/// A part of [0, 1], in units of 2^-62, and the polynomial's signs at its ends.
#[derive(Debug, Clone, Copy)]
struct Part {
    from: u64,
    to: u64,
    at_from: Sign,
    at_to: Sign,
}

struct Search {
    value: Polynomial,
    /// x times the derivative, which has the derivative's sign.
    slope: Polynomial,
    all: Part,
}

impl Search {
    /// Terms by ascending exponent, the first of which is 0.
    fn new(terms: &[(u64, i128)]) -> Result<Self, Unclear> {
        let slopes: Option<Vec<(u64, i128)>> = terms
            .iter()
            .map(|(days, sum)| Some((*days, sum.checked_mul(i128::from(*days))?)))
            .collect();
        let sum: i128 = terms.iter().map(|(_, sum)| sum).sum();
        let at_from = Sign::of(terms[0].1);
        Ok(Self {
            value: Polynomial::new(terms).ok_or(Unclear)?,
            slope: Polynomial::new(&slopes.ok_or(Unclear)?).ok_or(Unclear)?,
            all: Part { from: 0, to: ONE, at_from, at_to: Sign::of(sum) },
        })
    }

    /// The roots strictly between 0 and 1, smallest first, each between two close bounds.
    fn roots(&self) -> Result<Vec<Part>, Unclear> {
        let mut roots = Vec::new();
        let mut parts = vec![self.all];
        for _ in 0..MOST_PARTS {
            let Some(part) = parts.pop() else { return Ok(roots) };
            if self.value.over(part.from, part.to).sign().is_some() {
                continue;
            }
            if self.slope.over(part.from, part.to).sign().is_some() {
                if part.at_from.is_opposite(part.at_to) {
                    roots.push(self.narrowed(part));
                }
                continue;
            }
            let (left, right) = self.halves(part).ok_or(Unclear)?;
            parts.extend([right, left]);
        }
        Err(Unclear)
    }

    /// Cuts a part where the sign is clear, near its middle.
    fn halves(&self, part: Part) -> Option<(Part, Part)> {
        let width = part.to - part.from;
        if width < NARROWEST {
            return None;
        }
        let cuts = [32, 31, 33, 28, 36, 24, 40].map(|share| part.from + width / 64 * share);
        let (cut, sign) =
            cuts.into_iter().find_map(|cut| Some((cut, self.value.over(cut, cut).sign()?)))?;
        Some((Part { to: cut, at_to: sign, ..part }, Part { from: cut, at_from: sign, ..part }))
    }

    /// The one root of a part, as closely as the arithmetic tells.
    fn narrowed(&self, mut part: Part) -> Part {
        while part.to - part.from > 1 {
            let middle = part.from + (part.to - part.from) / 2;
            match self.value.over(middle, middle).sign() {
                Some(sign) if sign == part.at_from => part.from = middle,
                Some(_) => part.to = middle,
                None => return self.hemmed(part, middle),
            }
        }
        part
    }

    /// The root where the sign at the middle is unclear: each side is brought as near to it as signs
    /// are clear.
    fn hemmed(&self, part: Part, middle: u64) -> Part {
        let clear = |at| self.value.over(at, at).sign().is_some();
        let (mut from, mut near) = (part.from, middle);
        while near - from > 1 {
            let at = from + (near - from) / 2;
            if clear(at) { from = at } else { near = at }
        }
        let (mut near, mut to) = (middle, part.to);
        while to - near > 1 {
            let at = near + (to - near) / 2;
            if clear(at) { to = at } else { near = at }
        }
        Part { from, to, ..part }
    }
}

#[cfg(test)]
mod tests;
