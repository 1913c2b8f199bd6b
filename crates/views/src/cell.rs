//! Values as PostgreSQL reads them in its binary format.
//!
//! Invariant: what is written is the value that the database's driver would write, which takes longer: it rounds times by
//! way of calendars and divides every decimal as if it were large.

use bytes::{BufMut as _, BytesMut};
use jiff::Timestamp;
use rust_decimal::Decimal;

/// The first instant of the year 2000, from which PostgreSQL counts, after that of 1970.
const EPOCH: i64 = 946_684_800_000_000;
/// A digit of a NUMERIC is one of ten thousand.
const BASE: u128 = 10_000;
const DECIMALS_A_DIGIT: u32 = 4;
/// As many as the largest mantissa, and what aligns it, come to.
const MOST_DIGITS: usize = 8;

/// A value of one cell.
pub(crate) trait Cell {
    /// False where there is no value, and then nothing is written.
    fn write(&self, into: &mut BytesMut) -> bool;
}

impl<T: Cell> Cell for Option<T> {
    fn write(&self, into: &mut BytesMut) -> bool {
        self.as_ref().is_some_and(|value| value.write(into))
    }
}

impl<T: Cell + ?Sized> Cell for &T {
    fn write(&self, into: &mut BytesMut) -> bool {
        (**self).write(into)
    }
}

impl Cell for str {
    fn write(&self, into: &mut BytesMut) -> bool {
        self.as_bytes().write(into)
    }
}

impl Cell for String {
    fn write(&self, into: &mut BytesMut) -> bool {
        self.as_bytes().write(into)
    }
}

impl Cell for [u8] {
    fn write(&self, into: &mut BytesMut) -> bool {
        into.put_slice(self);
        true
    }
}

impl Cell for Vec<u8> {
    fn write(&self, into: &mut BytesMut) -> bool {
        self.as_slice().write(into)
    }
}

impl Cell for bool {
    fn write(&self, into: &mut BytesMut) -> bool {
        into.put_u8(u8::from(*self));
        true
    }
}

impl Cell for i32 {
    fn write(&self, into: &mut BytesMut) -> bool {
        into.put_i32(*self);
        true
    }
}

impl Cell for i64 {
    fn write(&self, into: &mut BytesMut) -> bool {
        into.put_i64(*self);
        true
    }
}

impl Cell for Timestamp {
    fn write(&self, into: &mut BytesMut) -> bool {
        (self.as_microsecond() - EPOCH).write(into)
    }
}

impl Cell for Decimal {
    fn write(&self, into: &mut BytesMut) -> bool {
        let scale = self.scale();
        let decimals = scale.next_multiple_of(DECIMALS_A_DIGIT);
        let mut rest = self.mantissa().unsigned_abs() * 10_u128.pow(decimals - scale);
        let (mut digits, mut first) = ([0; MOST_DIGITS], MOST_DIGITS);
        while rest > 0 {
            first -= 1;
            // Most are small, and dividing large ones takes long.
            let digit = match u64::try_from(rest) {
                Ok(small) => {
                    rest = u128::from(small / BASE as u64);
                    small % BASE as u64
                }
                Err(_) => {
                    let digit = rest % BASE;
                    rest /= BASE;
                    digit as u64
                }
            };
            digits[first] = digit as i16;
        }
        let digits = &digits[first..];
        let [count, after_point] = [digits.len() as i16, (decimals / DECIMALS_A_DIGIT) as i16];
        into.put_i16(count);
        into.put_i16(if count == 0 { 0 } else { count - after_point - 1 });
        into.put_u16(if self.is_sign_negative() && count > 0 { 0x4000 } else { 0 });
        into.put_i16(scale as i16);
        digits.iter().for_each(|digit| into.put_i16(*digit));
        true
    }
}

#[cfg(test)]
mod tests {
    use loopledger_testkit::at;
    use tokio_postgres::types::{FromSql, ToSql, Type};

    use super::*;

    fn written(value: &impl Cell) -> BytesMut {
        let mut data = BytesMut::new();
        assert!(value.write(&mut data));
        data
    }

    #[test]
    fn a_value_is_written_as_the_driver_writes_it() {
        fn check(value: &(impl Cell + ToSql), of: &Type) {
            let mut driven = BytesMut::new();
            value.to_sql(of, &mut driven).expect("a value");
            assert_eq!(written(value), driven, "{value:?}");
        }
        for at in [at("0001-01-01"), at("1999-12-31T23:59:59.999999Z"), at("2025-03-01")] {
            check(&at, &Type::TIMESTAMPTZ);
        }
        check(&true, &Type::BOOL);
        check(&i32::MIN, &Type::INT4);
        check(&i64::MAX, &Type::INT8);
        check(&"桂A", &Type::TEXT);
        check(&String::new(), &Type::TEXT);
        check(&vec![0_u8, 255], &Type::BYTEA);
        assert!(!None::<i32>.write(&mut BytesMut::new()));
    }

    #[test]
    fn a_decimal_is_read_back_with_all_its_digits() {
        let mantissas = [0, 1, 9_999, 10_000, 10_001, 123_456_789, i128::from(u64::MAX)];
        let largest = Decimal::MAX.mantissa();
        for mantissa in mantissas.into_iter().chain([i128::from(u64::MAX) + 1, largest]) {
            for scale in 0..=28 {
                for mantissa in [mantissa, -mantissa] {
                    let value = Decimal::from_i128_with_scale(mantissa, scale);
                    let data = written(&value);
                    let read = Decimal::from_sql(&Type::NUMERIC, &data).expect("a decimal");
                    assert_eq!((read, read.scale()), (value, scale), "{value}");
                }
            }
        }
    }
}
