//! Decimals as people write them, each kind with its own bounds.
//!
//! Invariant: a value is stored as it was written, less trailing zeros; nothing is rounded on the way in.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotADecimal {
    #[error("`{0}` is no plain decimal: write digits and at most one point, as in 1234.50")]
    Form(String),
    #[error("{value} is no {what}: it must be {bounds}")]
    Bounds { value: Decimal, what: &'static str, bounds: &'static str },
}

/// Reads a plain decimal: an optional minus, up to 18 digits, optionally a point and up to 12 digits.
/// No grouping, exponent, plus sign, blank, `NaN` or infinity.
pub fn parse_plain(text: &str) -> Result<Decimal, NotADecimal> {
    let wrong = || NotADecimal::Form(text.chars().take(40).collect());
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let number = |part: &str, longest| {
        (1..=longest).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
    };
    if !number(whole, 18) || !number(fraction, 12) {
        return Err(wrong());
    }
    text.parse().map_err(|_| wrong())
}

macro_rules! decimals {
    ($($(#[$doc:meta])* $name:ident, $what:literal, $bounds:literal, $pattern:literal, $fits:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Decimal);

        impl $name {
            pub fn new(value: Decimal) -> Result<Self, NotADecimal> {
                let fits: fn(Decimal) -> bool = $fits;
                let value = value.normalize();
                if value.scale() > 9 || !fits(value) {
                    return Err(NotADecimal::Bounds { value, what: $what, bounds: $bounds });
                }
                Ok(Self(value))
            }

            pub const fn value(self) -> Decimal {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = NotADecimal;

            fn from_str(text: &str) -> Result<Self, NotADecimal> {
                Self::new(parse_plain(text)?)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        $crate::text::serde_as_text!($name, stringify!($name), $pattern);
    )*};
}

decimals! {
    /// An amount of what a contract counts: P-months or card-hours.
    Quantity, "quantity", "above 0 and below 10^15, with at most 9 decimals",
        r"^[0-9]{1,15}(\.[0-9]{1,9})?$", |v| v > Decimal::ZERO && v < LIMIT;
    /// Money for one unit; unlike Money it may be finer than the currency's minor unit.
    Price, "price", "above 0 and below 10^15, with at most 9 decimals",
        r"^[0-9]{1,15}(\.[0-9]{1,9})?$", |v| v > Decimal::ZERO && v < LIMIT;
    /// A share of a whole, 100 being all of it.
    Percent, "percentage", "above 0 and at most 100, with at most 9 decimals",
        r"^[0-9]{1,3}(\.[0-9]{1,9})?$", |v| v > Decimal::ZERO && v <= Decimal::ONE_HUNDRED;
    /// A share of a whole, 100 being all of it; may be none of it.
    Portion, "portion", "0 to 100, with at most 9 decimals",
        r"^[0-9]{1,3}(\.[0-9]{1,9})?$", |v| v >= Decimal::ZERO && v <= Decimal::ONE_HUNDRED;
    /// A share of a whole, 1 being all of it.
    Ratio, "ratio", "above 0 and at most 1, with at most 9 decimals",
        r"^[01](\.[0-9]{1,9})?$", |v| v > Decimal::ZERO && v <= Decimal::ONE;
    /// 10^15 operations per second, of a stated basis. Meaningless without one: see `Compute`.
    PFlops, "amount of P", "above 0 and below 10^15, with at most 9 decimals",
        r"^[0-9]{1,15}(\.[0-9]{1,9})?$", |v| v > Decimal::ZERO && v < LIMIT;
    /// Watts.
    Watts, "power", "above 0 and below 10^15, with at most 9 decimals",
        r"^[0-9]{1,15}(\.[0-9]{1,9})?$", |v| v > Decimal::ZERO && v < LIMIT;
    /// One card for one hour; may be zero, since a card can be watched and found idle.
    CardHours, "number of card-hours", "0 or more and below 10^15, with at most 9 decimals",
        r"^[0-9]{1,15}(\.[0-9]{1,9})?$", |v| v >= Decimal::ZERO && v < LIMIT;
    KilowattHours, "amount of energy", "0 or more and below 10^15, with at most 9 decimals",
        r"^[0-9]{1,15}(\.[0-9]{1,9})?$", |v| v >= Decimal::ZERO && v < LIMIT;
    /// How many times over something may be sold.
    OversellFactor, "factor of overselling", "above 1 and at most 100, with at most 9 decimals",
        r"^[0-9]{1,3}(\.[0-9]{1,9})?$", |v| v > Decimal::ONE && v <= Decimal::ONE_HUNDRED;
}

impl OversellFactor {
    /// So many times a number, rounded down.
    pub fn of(self, number: u32) -> u64 {
        let value = self.value();
        let product = value.mantissa() * i128::from(number) / 10_i128.pow(value.scale());
        product.try_into().expect("a hundred times 2^32, and nothing below 0")
    }
}

/// The least that is metered is a billionth: 10^-9 card-hours.
impl CardHours {
    const DECIMALS: u32 = 9;
    /// How many nanoseconds of one card make a billionth.
    pub const NANOSECONDS: i128 = 3_600;

    pub fn billionths(self) -> i128 {
        let value = self.value();
        value.mantissa() * 10_i128.pow(Self::DECIMALS - value.scale())
    }

    /// As card-hours, of which there may be more than one number of them holds: below 2^32 cards
    /// times 20,000 years, far from what a `Decimal` cannot hold.
    pub fn of_billionths(count: i128) -> Decimal {
        Decimal::from_i128_with_scale(count, Self::DECIMALS).normalize()
    }
}

/// 10^15: far above any market, far below where sums of such values could overflow.
const LIMIT: Decimal = Decimal::from_parts(2_764_472_320, 232_830, 0, false, 0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_decimals_are_read() {
        for text in
            ["", "1,000", "NaN", "inf", "1e3", "+1", " 1", "1.", ".5", "--1", "1.2.3", "0x1", "１"]
        {
            assert!(parse_plain(text).is_err(), "{text}");
        }
        for text in ["0", "-1", "1234.50", "000.1"] {
            assert!(parse_plain(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn bounds_are_those_that_are_stated() {
        assert_eq!(LIMIT, Decimal::from(1_000_000_000_000_000_i64));
        assert!("0".parse::<Quantity>().is_err());
        assert!("0".parse::<CardHours>().is_ok());
        assert!("100".parse::<Percent>().is_ok());
        assert!("100.000000001".parse::<Percent>().is_err());
        assert!("1.0000000001".parse::<Price>().is_err());
        assert!("1000000000000000".parse::<Price>().is_err());
    }

    #[test]
    fn what_may_be_sold_is_rounded_down() {
        let times =
            |factor: &str, number| factor.parse::<OversellFactor>().expect("valid").of(number);
        assert_eq!((times("1.25", 80), times("1.25", 79), times("1.000000001", 80)), (100, 98, 80));
        assert_eq!(times("100", u32::MAX), 429_496_729_500);
        assert!(
            "1".parse::<OversellFactor>().is_err() && "100.1".parse::<OversellFactor>().is_err()
        );
    }

    #[test]
    fn spelling_does_not_matter_to_what_is_stored() {
        let written: Price = "9.50".parse().expect("valid");
        assert_eq!(written.to_string(), "9.5");
    }
}
