//! Money: an exact amount of one currency, a whole number of its minor units.
//!
//! Invariant: an amount never has more decimals than its currency; sums of unlike currencies do not exist; nothing
//! rounds unless a `Rounding` is handed in.

use std::fmt;
use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decimal::{NotADecimal, Percent, Price, Quantity, Ratio, parse_plain};

/// ISO 4217 codes in use, those with an exponent other than 2 marked by it.
const CODES: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD3 BIF0 BMD BND BOB BRL BSD BTN BWP \
    BYN BZD CAD CDF CHF CLP0 CNY COP CRC CUP CVE CZK DJF0 DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD \
    GNF0 GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD3 IRR ISK0 JMD JOD3 JPY0 KES KGS KHR KMF0 KPW KRW0 KWD3 KYD KZT LAK \
    LBP LKR LRD LSL LYD3 MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR3 PAB PEN \
    PGK PHP PKR PLN PYG0 QAR RON RSD RUB RWF0 SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT \
    TND3 TOP TRY TTD TWD TZS UAH UGX0 USD UYU UZS VED VES VND0 VUV0 WST XAF0 XCD XOF0 XPF0 YER ZAR ZMW ZWG";

/// An ISO 4217 currency: its place among `CURRENCIES`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency(u8);

/// What is known of a currency.
#[derive(Clone, Copy)]
struct Known {
    code: [u8; 3],
    /// The number of its decimals.
    exponent: u8,
}

/// Those of `CODES`, in its order, which is that of the alphabet.
static CURRENCIES: [Known; count(CODES)] = currencies();

const fn count(codes: &str) -> usize {
    let (codes, mut place, mut count) = (codes.as_bytes(), 0, 0);
    while place < codes.len() {
        if place == 0 || codes[place - 1] == b' ' {
            count += 1;
        }
        place += 1;
    }
    count
}

const fn currencies() -> [Known; count(CODES)] {
    let mut all = [Known { code: [0; 3], exponent: 2 }; count(CODES)];
    let (codes, mut place, mut next) = (CODES.as_bytes(), 0, 0);
    while place < codes.len() {
        if codes[place] == b' ' {
            next += 1;
        } else if codes[place].is_ascii_digit() {
            all[next].exponent = codes[place] - b'0';
        } else {
            all[next].code = [codes[place], codes[place + 1], codes[place + 2]];
            place += 2;
        }
        place += 1;
    }
    all
}

impl Currency {
    const fn known(&self) -> &Known {
        &CURRENCIES[self.0 as usize]
    }

    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.known().code).expect("a code is three letters")
    }

    /// How many decimals an amount has: 2 for CNY, 0 for KRW.
    pub const fn exponent(self) -> u32 {
        self.known().exponent as u32
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no currency: write its ISO 4217 code, as in CNY")]
pub struct NotACurrency(pub String);

impl FromStr for Currency {
    type Err = NotACurrency;

    fn from_str(text: &str) -> Result<Self, NotACurrency> {
        let wrong = || NotACurrency(text.chars().take(20).collect());
        let code: [u8; 3] = text.as_bytes().try_into().map_err(|_| wrong())?;
        let place = CURRENCIES.binary_search_by_key(&code, |known| known.code);
        let place = u8::try_from(place.map_err(|_| wrong())?);
        Ok(Self(place.expect("there are fewer than 256 currencies")))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

crate::text::serde_as_text!(Currency, "Currency", "^[A-Z]{3}$", as_str);

/// How an amount that falls between two minor units is brought to one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoundingMode {
    /// Towards zero: what is beyond the last digit is dropped.
    Truncate,
    HalfUp,
    HalfEven,
}

/// A rounding rule: so many decimals, in this mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rounding {
    pub digits: u32,
    pub mode: RoundingMode,
}

impl Rounding {
    pub fn apply(self, value: Decimal) -> Decimal {
        let strategy = match self.mode {
            RoundingMode::Truncate => RoundingStrategy::ToZero,
            RoundingMode::HalfUp => RoundingStrategy::MidpointAwayFromZero,
            RoundingMode::HalfEven => RoundingStrategy::MidpointNearestEven,
        };
        value.round_dp_with_strategy(self.digits, strategy)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("{amount} is finer than the minor unit of {currency} ({} decimals)", currency.exponent())]
    TooFine { amount: Decimal, currency: Currency },
    #[error("{amount} {currency} is beyond what this ledger counts (10^18)")]
    TooLarge { amount: Decimal, currency: Currency },
    #[error("{left} and {right} cannot be put together")]
    UnlikeCurrencies { left: Currency, right: Currency },
    #[error(transparent)]
    NotADecimal(#[from] NotADecimal),
}

/// An exact amount of one currency; it may be zero or negative where a balance or a difference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Money {
    /// In the currency's major unit, always with the currency's number of decimals.
    #[schemars(with = "String", regex(pattern = r"^-?[0-9]{1,18}(\.[0-9]{1,3})?$"))]
    amount: Decimal,
    /// ISO 4217.
    currency: Currency,
}

/// 10^18 major units.
const MOST: Decimal = Decimal::from_parts(2_808_348_672, 232_830_643, 0, false, 0);

impl Money {
    pub fn new(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let mut exact = amount.normalize();
        if exact.scale() > currency.exponent() {
            return Err(MoneyError::TooFine { amount, currency });
        }
        if exact.abs() > MOST {
            return Err(MoneyError::TooLarge { amount, currency });
        }
        exact.rescale(currency.exponent());
        Ok(Self { amount: exact, currency })
    }

    /// Of an amount that has the currency's number of decimals.
    fn of_exact(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        debug_assert_eq!(amount.scale(), currency.exponent());
        if amount.abs() > MOST {
            return Err(MoneyError::TooLarge { amount, currency });
        }
        Ok(Self { amount, currency })
    }

    pub fn parse(amount: &str, currency: Currency) -> Result<Self, MoneyError> {
        Self::new(parse_plain(amount)?, currency)
    }

    pub fn zero(currency: Currency) -> Self {
        Self { amount: Decimal::new(0, currency.exponent()), currency }
    }

    pub const fn amount(self) -> Decimal {
        self.amount
    }

    pub const fn currency(self) -> Currency {
        self.currency
    }

    pub fn is_positive(self) -> bool {
        self.amount > Decimal::ZERO
    }

    pub fn is_zero(self) -> bool {
        self.amount.is_zero()
    }

    /// The amount as a whole number of minor units: 1.50 CNY is 150.
    pub fn minor_units(self) -> i128 {
        self.amount.mantissa()
    }

    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.alike(other)?;
        Self::of_exact(self.amount + other.amount, self.currency)
    }

    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.alike(other)?;
        Self::of_exact(self.amount - other.amount, self.currency)
    }

    /// Smallest of the two.
    pub fn min(self, other: Self) -> Result<Self, MoneyError> {
        self.alike(other)?;
        Ok(if other.amount < self.amount { other } else { self })
    }

    pub fn exceeds(self, other: Self) -> Result<bool, MoneyError> {
        self.alike(other)?;
        Ok(self.amount > other.amount)
    }

    pub fn sum(
        currency: Currency,
        parts: impl IntoIterator<Item = Self>,
    ) -> Result<Self, MoneyError> {
        parts.into_iter().try_fold(Self::zero(currency), Self::checked_add)
    }

    /// So many minor units of a currency.
    pub fn of_minor_units(count: i128, currency: Currency) -> Result<Self, MoneyError> {
        let scale = currency.exponent();
        let amount = Decimal::try_from_i128_with_scale(count, scale);
        let beyond = MoneyError::TooLarge { amount: Decimal::MAX, currency };
        Self::of_exact(amount.map_err(|_| beyond)?, currency)
    }

    /// Shares the amount by weights of which at least one is above zero, and none below it. The shares come to the
    /// amount: each is rounded down to minor units, and what is left goes, unit by unit, to the largest remainders, of
    /// equal ones to the first.
    pub fn split(self, weights: &[i128]) -> Result<Vec<Self>, MoneyError> {
        let Self { amount, currency } = self;
        let beyond = || MoneyError::TooLarge { amount, currency };
        let add = |sum: i128, weight: &i128| sum.checked_add(*weight);
        let whole = weights.iter().try_fold(0, add).filter(|whole| *whole > 0);
        let whole = whole.ok_or_else(beyond)?;
        let mut parts = Vec::with_capacity(weights.len());
        for weight in weights {
            let product = self.minor_units().checked_mul(*weight).ok_or_else(beyond)?;
            parts.push((product.div_euclid(whole), product.rem_euclid(whole)));
        }
        let mut left = self.minor_units() - parts.iter().map(|(part, _)| part).sum::<i128>();
        let mut by_remainder: Vec<usize> = (0..parts.len()).collect();
        by_remainder.sort_by_key(|place| -parts[*place].1);
        for place in by_remainder {
            if left > 0 {
                parts[place].0 += 1;
                left -= 1;
            }
        }
        parts.into_iter().map(|(part, _)| Self::of_minor_units(part, currency)).collect()
    }

    /// This share of the amount, brought to money by the rounding rule.
    pub fn share(self, ratio: Ratio, rounding: Rounding) -> Result<Self, MoneyError> {
        Self::product(self.amount, ratio.value(), self.currency, rounding)
    }

    /// So many hundredths of it, brought to money by the rounding rule.
    pub fn percent(self, percent: Percent, rounding: Rounding) -> Result<Self, MoneyError> {
        let value = percent.value();
        let hundredths = Decimal::from_i128_with_scale(value.mantissa(), value.scale() + 2);
        Self::product(self.amount, hundredths, self.currency, rounding)
    }

    /// What a quantity costs, brought to money by the rounding rule.
    pub fn cost(
        quantity: Quantity,
        price: Price,
        currency: Currency,
        rounding: Rounding,
    ) -> Result<Self, MoneyError> {
        Self::product(quantity.value(), price.value(), currency, rounding)
    }

    /// Rounds once, from the exact product; one that 96 bits cannot hold exactly is refused.
    fn product(
        left: Decimal,
        right: Decimal,
        currency: Currency,
        rounding: Rounding,
    ) -> Result<Self, MoneyError> {
        let scale = left.scale() + right.scale();
        let exact = left.checked_mul(right).filter(|product| product.scale() == scale);
        let exact = exact.ok_or(MoneyError::TooLarge { amount: left, currency })?;
        Self::rounded(exact, currency, rounding)
    }

    fn rounded(exact: Decimal, currency: Currency, rounding: Rounding) -> Result<Self, MoneyError> {
        let digits = rounding.digits.min(currency.exponent());
        Self::new(Rounding { digits, ..rounding }.apply(exact), currency)
    }

    fn alike(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            return Ok(());
        }
        Err(MoneyError::UnlikeCurrencies { left: self.currency, right: other.currency })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Written<'a> {
            #[serde(borrow)]
            amount: std::borrow::Cow<'a, str>,
            currency: Currency,
        }
        let written = Written::deserialize(deserializer)?;
        let money = Self::parse(&written.amount, written.currency).or_else(|error| {
            // A sum may reach the limit itself, which has a digit more than people may write.
            let amount = written.amount.parse().ok().filter(|sum: &Decimal| sum.abs() == MOST);
            amount.map_or(Err(error), |sum| Self::new(sum, written.currency))
        });
        money.map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_code_of_the_list_is_a_currency_and_stands_in_order() {
        assert!(CURRENCIES.is_sorted_by_key(|known| known.code));
        for entry in CODES.split_ascii_whitespace() {
            let (code, digit) = entry.split_at(3);
            let currency: Currency = code.parse().expect("it is in the list");
            assert_eq!(currency.to_string(), code);
            assert_eq!(currency.exponent(), digit.parse().unwrap_or(2));
        }
    }

    fn currency(code: &str) -> Currency {
        code.parse().expect("a currency")
    }

    fn cny(amount: &str) -> Money {
        Money::parse(amount, currency("CNY")).expect("valid money")
    }

    #[test]
    fn a_currency_knows_its_minor_unit() {
        assert_eq!(currency("CNY").exponent(), 2);
        assert_eq!(currency("KRW").exponent(), 0);
        assert_eq!(currency("KWD").exponent(), 3);
        for wrong in ["", "cny", "CN", "XXX", "CNYY", "NY "] {
            assert!(wrong.parse::<Currency>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn money_has_no_more_decimals_than_its_currency() {
        assert_eq!(cny("1.5").to_string(), "1.50 CNY");
        assert_eq!(cny("1.500").to_string(), "1.50 CNY");
        assert!(Money::parse("1.005", currency("CNY")).is_err());
        assert!(Money::parse("1.5", currency("KRW")).is_err());
    }

    #[test]
    fn unlike_currencies_do_not_add() {
        let won = Money::parse("5", currency("KRW")).expect("valid money");
        assert!(cny("1").checked_add(won).is_err());
        assert!(cny("1").exceeds(won).is_err());
    }

    #[test]
    fn a_share_is_rounded_only_as_the_rule_says() {
        let ratio: Ratio = "0.3".parse().expect("a ratio");
        let rule = |mode| Rounding { digits: 2, mode };
        let amount = cny("8.35");
        assert_eq!(amount.share(ratio, rule(RoundingMode::Truncate)), Ok(cny("2.50")));
        assert_eq!(amount.share(ratio, rule(RoundingMode::HalfUp)), Ok(cny("2.51")));
        assert_eq!(amount.share(ratio, rule(RoundingMode::HalfEven)), Ok(cny("2.50")));
    }

    #[test]
    fn a_percentage_is_rounded_only_as_the_rule_says() {
        let rule = |mode| Rounding { digits: 2, mode };
        let percent = |text: &str| text.parse().expect("a percentage");
        let of = |text, mode| cny("8.35").percent(percent(text), rule(mode));
        assert_eq!(of("100", RoundingMode::HalfUp), Ok(cny("8.35")));
        assert_eq!(of("30", RoundingMode::Truncate), Ok(cny("2.50")));
        assert_eq!(of("30", RoundingMode::HalfUp), Ok(cny("2.51")));
        assert_eq!(of("0.000000001", RoundingMode::HalfUp), Ok(cny("0")));
    }

    #[test]
    fn a_product_that_would_be_rounded_twice_is_refused() {
        let rule = Rounding { digits: 2, mode: RoundingMode::HalfUp };
        let cost = |quantity: &str, price: &str| {
            let quantity = quantity.parse().expect("a quantity");
            Money::cost(quantity, price.parse().expect("a price"), currency("CNY"), rule)
        };
        assert_eq!(cost("3600", "5991"), Ok(cny("21567600")));
        assert_eq!(cost("0.000000001", "0.000000001"), Ok(cny("0")));
        let finest = cost("123456789012345.123456789", "98765432109.987654321");
        assert!(matches!(finest, Err(MoneyError::TooLarge { .. })), "{finest:?}");
    }

    proptest! {
        #[test]
        fn what_is_added_can_be_taken_away(a in -1_000_000_000_000i64..1_000_000_000_000, b in -1_000_000_000_000i64..1_000_000_000_000) {
            let money = |n| Money::new(Decimal::new(n, 2), currency("CNY")).expect("valid money");
            let sum = money(a).checked_add(money(b)).expect("in range");
            prop_assert_eq!(sum.checked_sub(money(b)), Ok(money(a)));
            prop_assert_eq!(sum.minor_units(), i128::from(a) + i128::from(b));
        }

        #[test]
        fn money_survives_json(n in any::<i32>()) {
            let money = Money::new(Decimal::new(n.into(), 2), currency("CNY")).expect("valid money");
            let json = serde_json::to_string(&money).expect("serialises");
            prop_assert_eq!(serde_json::from_str::<Money>(&json).expect("reads back"), money);
        }
    }

    #[test]
    fn the_limit_is_ten_to_the_eighteen() {
        assert_eq!(MOST, Decimal::from(1_000_000_000_000_000_000_i64));
        for most in [MOST, -MOST] {
            let most = Money::new(most, currency("CNY")).expect("the limit itself is in range");
            let json = serde_json::to_string(&most).expect("serialises");
            assert_eq!(serde_json::from_str::<Money>(&json).expect("reads back"), most);
        }
    }
}
