//! Amounts and instants as a state with many vouchers keeps them: in as few bytes as they need, without alignment.
//!
//! Invariant: what comes out is what went in; they are stored as what they stand for.

use std::fmt;

use jiff::Timestamp;
use loopledger_model::{Currency, Money};
use serde::{Deserialize, Serialize};

/// Money in 10 bytes; as it is worked with it takes 20.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "Money", into = "Money")]
pub(crate) struct PackedMoney {
    /// The low bytes, least first: money is less than 10^18 of at most 3 decimals, and 2^71 is more than 10^21.
    minor_units: [u8; 9],
    currency: Currency,
}

impl From<Money> for PackedMoney {
    fn from(money: Money) -> Self {
        let bytes = money.minor_units().to_le_bytes();
        let minor_units = *bytes.first_chunk().expect("16 bytes are more than 9");
        Self { minor_units, currency: money.currency() }
    }
}

impl From<PackedMoney> for Money {
    fn from(packed: PackedMoney) -> Self {
        let is_negative = packed.minor_units[8] > 0x7f;
        let mut bytes = if is_negative { [0xff; 16] } else { [0; 16] };
        bytes[..9].copy_from_slice(&packed.minor_units);
        let money = Self::of_minor_units(i128::from_le_bytes(bytes), packed.currency);
        money.expect("what was packed is money")
    }
}

impl fmt::Debug for PackedMoney {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&Money::from(*self), f)
    }
}

/// An instant in 9 bytes; as it is worked with it takes 16.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "Timestamp", into = "Timestamp")]
pub(crate) struct PackedTime {
    /// The low bytes, least first: an instant is less than 2^39 seconds from 1970.
    seconds: [u8; 5],
    nanoseconds: [u8; 4],
}

impl From<Timestamp> for PackedTime {
    fn from(instant: Timestamp) -> Self {
        let bytes = instant.as_second().to_le_bytes();
        let seconds = *bytes.first_chunk().expect("8 bytes are more than 5");
        Self { seconds, nanoseconds: instant.subsec_nanosecond().to_le_bytes() }
    }
}

impl From<PackedTime> for Timestamp {
    fn from(packed: PackedTime) -> Self {
        let is_negative = packed.seconds[4] > 0x7f;
        let mut bytes = if is_negative { [0xff; 8] } else { [0; 8] };
        bytes[..5].copy_from_slice(&packed.seconds);
        let nanoseconds = i32::from_le_bytes(packed.nanoseconds);
        let instant = Self::new(i64::from_le_bytes(bytes), nanoseconds);
        instant.expect("what was packed is an instant")
    }
}

impl fmt::Debug for PackedTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&Timestamp::from(*self), f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;

    fn money(minor_units: i128, currency: &str) -> Money {
        let currency = currency.parse().expect("a currency");
        Money::of_minor_units(minor_units, currency).expect("money")
    }

    fn is_kept(money: Money) {
        let out = Money::from(PackedMoney::from(money));
        assert_eq!((out, out.to_string()), (money, money.to_string()));
    }

    fn instant_is_kept(instant: Timestamp) {
        assert_eq!(Timestamp::from(PackedTime::from(instant)), instant);
    }

    #[test]
    fn the_ends_of_money_and_of_time_are_kept() {
        let most = Decimal::from(1_000_000_000_000_000_000_i64);
        for currency in ["KRW", "CNY", "KWD"] {
            for amount in [most, -most, Decimal::ZERO] {
                is_kept(Money::new(amount, currency.parse().expect("a currency")).expect("money"));
            }
        }
        let before_1970 = Timestamp::new(0, -1).expect("an instant");
        for instant in [Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH, before_1970] {
            instant_is_kept(instant);
        }
    }

    proptest! {
        #[test]
        fn what_comes_out_is_what_went_in(
            minor_units in -1_000_000_000_000_000_000_000i128..=1_000_000_000_000_000_000_000,
            second in Timestamp::MIN.as_second()..Timestamp::MAX.as_second(),
            nanosecond in -999_999_999i32..=999_999_999,
        ) {
            is_kept(money(minor_units, "KWD"));
            is_kept(money(minor_units / 10, "CNY"));
            if let Ok(instant) = Timestamp::new(second, nanosecond) {
                instant_is_kept(instant);
            }
        }

        #[test]
        fn what_is_stored_is_what_it_stands_for(minor_units in any::<i64>(), second in any::<i32>()) {
            let (money, instant) = (money(minor_units.into(), "CNY"), Timestamp::from_second(second.into()));
            let instant = instant.expect("an instant");
            let packed = (PackedMoney::from(money), PackedTime::from(instant));
            let written = serde_json::to_string(&packed).expect("JSON");
            prop_assert_eq!(&written, &serde_json::to_string(&(money, instant)).expect("JSON"));
            let read: (PackedMoney, PackedTime) = serde_json::from_str(&written).expect("reads back");
            prop_assert_eq!(read, packed);
        }
    }
}
