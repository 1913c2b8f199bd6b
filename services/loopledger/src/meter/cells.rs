//! Cells that several formats share: instants, durations, shares of a card.
//!
//! Invariant: nothing is guessed; a local time without a zone is refused. All in integers.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

pub const SECOND: i128 = 1_000_000_000;
pub const HOUR: i128 = 3_600 * SECOND;
/// A whole card, in 10^-9.
pub const WHOLE: u64 = 1_000_000_000;
/// From here on DCGM means that it has no value.
const BLANK: u128 = 1 << 47;

/// Why a line cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub field: Option<&'static str>,
    pub reason: String,
}

impl Fault {
    pub fn of(field: &'static str, reason: impl Into<String>) -> Self {
        Self { field: Some(field), reason: reason.into() }
    }

    pub fn line(reason: impl Into<String>) -> Self {
        Self { field: None, reason: reason.into() }
    }
}

/// A local time, one with its offset, or seconds since 1970 with up to nine decimals.
pub fn instant(text: &str, zone: Option<Offset>) -> Result<Timestamp, String> {
    let wrong = || format!("`{}` is no time: write it as in 2025-03-01T08:00:00", cut(text));
    if !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit() || c == b'.') {
        let nanoseconds = decimal(text, 9).ok_or_else(wrong)?;
        let nanoseconds = i128::try_from(nanoseconds).map_err(|_| wrong())?;
        return Timestamp::from_nanosecond(nanoseconds).map_err(|_| wrong());
    }
    let tail = text.get(10..).unwrap_or_default();
    if tail.contains(['Z', 'z', '+', '-']) {
        return text.parse().map_err(|_| wrong());
    }
    let local: DateTime = text.parse().map_err(|_| wrong())?;
    let Some(zone) = zone else {
        return Err(format!("`{text}` is a local time: name its zone, as in --zone +08:00"));
    };
    zone.to_timestamp(local).map_err(|_| wrong())
}

/// Seconds of `[days-][hours:]minutes:seconds`, or plain seconds; blank is none.
pub fn duration(text: &str) -> Option<u64> {
    if text.is_empty() {
        return Some(0);
    }
    let (days, clock) = text.split_once('-').unwrap_or(("0", text));
    let mut seconds: u64 = whole(days)?;
    let parts: Vec<u64> = clock.split('.').next()?.split(':').map(whole).collect::<Option<_>>()?;
    let clock = match parts[..] {
        [seconds] => seconds,
        [minutes, seconds] => minutes.checked_mul(60)?.checked_add(seconds)?,
        [hours, minutes, seconds] => {
            hours.checked_mul(3_600)?.checked_add(minutes.checked_mul(60)?)?.checked_add(seconds)?
        }
        _ => return None,
    };
    seconds = seconds.checked_mul(86_400)?;
    seconds.checked_add(clock)
}

/// A whole number, digits only.
pub fn whole(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// What a gauge reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// In 10^-9 of the whole.
    Share(u64),
    /// `NaN`, or what DCGM writes where it has no value.
    None,
}

/// A gauge between 0 and `full` (a power of ten), as a share of it.
pub fn share(text: &str, full: u32) -> Result<Reading, String> {
    if text.is_empty() || text.eq_ignore_ascii_case("nan") {
        return Ok(Reading::None);
    }
    let wrong = || format!("`{}` is no number between 0 and {}", cut(text), 10_u32.pow(full));
    let value = decimal(text, 9 - full).ok_or_else(wrong)?;
    if value >= BLANK * 10_u128.pow(9 - full) {
        return Ok(Reading::None);
    }
    let share = u64::try_from(value).map_err(|_| wrong())?;
    if share > WHOLE { Err(wrong()) } else { Ok(Reading::Share(share)) }
}

/// A number as Prometheus writes it (`0.25`, `5.3e-05`), in 10^-`decimals`; what is finer is cut off.
pub fn decimal(text: &str, decimals: u32) -> Option<u128> {
    let (digits, exponent) = match text.split_once(['e', 'E']) {
        Some((digits, exponent)) => {
            (digits, exponent.strip_prefix('+').unwrap_or(exponent).parse::<i32>().ok()?)
        }
        None => (text, 0),
    };
    let digits = digits.strip_prefix('+').unwrap_or(digits);
    let (before, after) = digits.split_once('.').unwrap_or((digits, ""));
    let mut value: u128 = 0;
    for digit in before.bytes().chain(after.bytes()) {
        let digit = digit.is_ascii_digit().then(|| u128::from(digit - b'0'))?;
        value = value.checked_mul(10)?.checked_add(digit)?;
    }
    if before.is_empty() && after.is_empty() {
        return None;
    }
    let shift = exponent.checked_add(i32::try_from(decimals).ok()?)?;
    let shift = shift.checked_sub(i32::try_from(after.len()).ok()?)?;
    let power = 10_u128.checked_pow(shift.unsigned_abs());
    match (shift, power) {
        (0.., Some(power)) => value.checked_mul(power),
        (0.., None) => (value == 0).then_some(0),
        (_, power) => Some(power.map_or(0, |power| value / power)),
    }
}

/// The start of a text that somebody else wrote.
pub fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}
