//! Figures as answers write them: exact until here, rounded half up, never in floating point.

use loopledger_loops::{BigRational, decimal};
use loopledger_model::Currency;
use num_bigint::BigInt;
use num_traits::Zero;
use rust_decimal::Decimal;

const DIGITS: u32 = 6;

pub(crate) fn whole(number: impl Into<BigInt>) -> BigRational {
    BigRational::from_integer(number.into())
}

pub(crate) fn exact(number: Decimal) -> BigRational {
    BigRational::new(number.mantissa().into(), BigInt::from(10).pow(number.scale()))
}

/// Money with its currency's decimals.
pub(crate) fn amount(amount: Decimal, currency: Currency) -> String {
    let digits = currency.exponent();
    let mut written = amount;
    written.rescale(digits);
    // Nothing is rounded where no decimals are lost.
    if amount.is_sign_positive() && amount.scale() <= digits && written.scale() == digits {
        return written.to_string();
    }
    decimal(&exact(amount), digits)
}

/// An exact amount of money, rounded half up to its currency's decimals.
pub(crate) fn rounded(amount: &BigRational, currency: Currency) -> String {
    decimal(amount, currency.exponent())
}

/// Money in minor units, with its currency's decimals.
pub(crate) fn minor_units(amount: i128, currency: Currency) -> String {
    let unit = BigInt::from(10).pow(currency.exponent());
    decimal(&BigRational::new(amount.into(), unit), currency.exponent())
}

/// A share with six decimals; nothing where the whole is zero.
pub(crate) fn ratio(part: &BigRational, of: &BigRational) -> Option<String> {
    (!of.is_zero()).then(|| decimal(&(part / of), DIGITS))
}

/// Card-hours or P: up to six decimals, without superfluous zeros.
pub(crate) fn quantity(value: &BigRational) -> String {
    let text = decimal(value, DIGITS);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn currency(code: &str) -> Currency {
        code.parse().expect("a currency")
    }

    fn fraction(part: i64, of: i64) -> BigRational {
        BigRational::new(part.into(), of.into())
    }

    #[test]
    fn money_has_its_currencys_decimals() {
        assert_eq!(amount(Decimal::new(15, 1), currency("CNY")), "1.50");
        assert_eq!(amount(Decimal::ZERO, currency("KRW")), "0");
        assert_eq!(amount(Decimal::new(1005, 3), currency("CNY")), "1.01");
        assert_eq!(amount(Decimal::new(-1005, 3), currency("CNY")), "-1.00");
        assert_eq!(amount(Decimal::new(-2, 0), currency("CNY")), "-2.00");
        assert_eq!(
            amount(Decimal::MAX, currency("KWD")),
            "79228162514264337593543950335.000",
            "more digits than a decimal holds"
        );
        assert_eq!(minor_units(5, currency("CNY")), "0.05");
        assert_eq!(minor_units(1234, currency("KWD")), "1.234");
    }

    #[test]
    fn a_ratio_has_six_decimals_rounded_half_up() {
        assert_eq!(ratio(&whole(2), &whole(3)).as_deref(), Some("0.666667"));
        assert_eq!(ratio(&fraction(5, 10_000_000), &whole(1)).as_deref(), Some("0.000001"));
        assert_eq!(ratio(&whole(1), &whole(1)).as_deref(), Some("1.000000"));
        assert_eq!(ratio(&whole(0), &whole(0)), None);
    }

    #[test]
    fn a_quantity_has_no_superfluous_zeros() {
        assert_eq!(quantity(&whole(1_376_256)), "1376256");
        assert_eq!(quantity(&whole(100)), "100");
        assert_eq!(quantity(&whole(0)), "0");
        assert_eq!(quantity(&fraction(1, 3)), "0.333333");
        assert_eq!(quantity(&fraction(2_025_472, 1000)), "2025.472");
    }
}
