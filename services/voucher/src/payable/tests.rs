//! Exact arithmetic against decimals, and what holds of every trace.

use loopledger_model::voucher::{Profile, RoundingUnit, Rounds, Step};
use loopledger_model::{Currency, Money, Rounding, RoundingMode};
use loopledger_testkit::{id, period};
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::tests::world::ruled;

fn decimal(mantissa: i64, scale: u32) -> Decimal {
    Decimal::new(mantissa, scale)
}

fn mode() -> impl Strategy<Value = RoundingMode> {
    prop_oneof![
        Just(RoundingMode::Truncate),
        Just(RoundingMode::HalfUp),
        Just(RoundingMode::HalfEven)
    ]
}

#[test]
fn what_is_no_decimal_is_written_as_a_fraction() {
    let third = Exact::of(decimal(1, 0)).over(&Exact::of(decimal(3, 0)));
    assert_eq!(third.to_string(), "1/3");
    assert_eq!(third.decimal(), None);
    for (value, text) in
        [(decimal(-1250, 3), "-1.25"), (decimal(0, 2), "0"), (decimal(5, 2), "0.05")]
    {
        assert_eq!(Exact::of(value).to_string(), text);
    }
}

#[test]
fn a_unit_of_ten_thousand_moves_the_last_digit() {
    let rounding = |digits| Rounding { digits, mode: RoundingMode::Truncate };
    let rounded = |digits| {
        let value = Exact::of(decimal(12_345_678, 2));
        value.rounded(rounding(digits), RoundingUnit::TenThousand, 2).to_string()
    };
    assert_eq!(rounded(0), "120000");
    assert_eq!(rounded(4), "123456");
    assert_eq!(rounded(9), "123456.78", "never finer than the currency");
}

fn figures<'a>(base: Decimal, profile: &'a Profile, counted: Counted) -> Figures<'a> {
    Figures {
        currency: id("CNY"),
        profile,
        bases: Bases { invoiced: Some(base), ..Bases::default() },
        items: &[],
        card_hours: None,
        service: period("2025-01-01", "2026-12-31"),
        counted,
        asked: None,
        is_traced: true,
    }
}

fn money(cents: i64, currency: Currency) -> Money {
    Money::new(decimal(cents, 2), currency).expect("valid money")
}

proptest! {
    #[test]
    fn rounding_fractions_is_rounding_decimals(
        mantissa in -10_000_000i64..10_000_000, scale in 0..6u32, digits in 0..4u32, mode in mode(),
    ) {
        let (value, rounding) = (decimal(mantissa, scale), Rounding { digits, mode });
        let rounded = Exact::of(value).rounded(rounding, RoundingUnit::One, 3).decimal();
        let expected = Rounding { digits: digits.min(3), mode }.apply(value);
        prop_assert_eq!(rounded, Some(expected.normalize()));
    }

    #[test]
    fn short_decimals_and_fractions_of_any_length_come_to_the_same(
        left in -1_000_000i64..1_000_000, right in -1_000_000i64..1_000_000, scales in (0..5u32, 0..5u32),
        digits in 0..6u32, mode in mode(), unit in prop_oneof![Just(RoundingUnit::One), Just(RoundingUnit::TenThousand)],
    ) {
        // A mantissa this long has no room beside another one, so the sum is worked out in fractions of any length.
        let huge = Exact::of(Decimal::MAX).times(&Exact::of(Decimal::new(1, 10)));
        let long = |value: &Exact| huge.times(&huge).plus(value);
        let (left, right) = (Exact::of(decimal(left, scales.0)), Exact::of(decimal(right, scales.1)));
        let shortened = |value: Exact| value.less(&huge.times(&huge));
        prop_assert_eq!(shortened(long(&left)).to_string(), left.to_string());
        prop_assert_eq!(shortened(long(&left).plus(&right)), left.plus(&right));
        prop_assert_eq!(shortened(long(&left).less(&right)), left.less(&right));
        prop_assert_eq!(huge.times(&left).over(&huge), left.clone());
        prop_assert_eq!(left.over(&right).times(&right), if right == Exact::zero() { Exact::zero() } else { left.clone() });
        prop_assert_eq!(long(&left).cmp(&long(&right)), left.cmp(&right));
        let (rounding, thirds) = (Rounding { digits, mode }, Exact::of(decimal(3, 0)));
        let third = left.over(&thirds);
        prop_assert_eq!(third.times(&thirds).rounded(rounding, unit, 2), left.rounded(rounding, unit, 2));
    }

    #[test]
    fn every_trace_adds_up_and_no_limit_is_passed(
        base in 1i64..1_000_000_000, ratio in 1i64..1_000, cap in 1i64..10_000_000,
        taken in 0i64..10_000_000, each in any::<bool>(), mode in mode(),
    ) {
        let currency = id("CNY");
        let rules = ruled(|rules| {
            rules.ratio = loopledger_model::Ratio::new(decimal(ratio, 3)).expect("a ratio");
            rules.rounding = Rounding { digits: 2, mode };
            rules.cap_holder_year = Some(money(cap, currency));
            rules.amount.rounds = if each { Rounds::EachStep } else { Rounds::Result };
            rules.amount.pro_rata = Some(loopledger_model::voucher::ProRata {
                window: period("2025-03-01", "2025-12-31"),
                day_count: loopledger_model::voucher::DayCount::Difference,
            });
        }).rules;
        let counted = Counted { in_holder_year: Some(money(taken, currency)), ..Counted::default() };
        let profile = Profile::default();
        let found = payable(&rules, &figures(decimal(base, 2), &profile, counted));
        let found = found.expect("it is payable");
        let value = |text: &str| text.parse::<Decimal>().ok();
        for pair in found.trace.windows(2) {
            prop_assert_eq!(&pair[0].after, &pair[1].before);
        }
        for Step { before, after, cut, .. } in &found.trace {
            if let (Some(before), Some(after), Some(cut)) = (value(before), value(after), value(cut)) {
                prop_assert_eq!(before - after, cut);
            }
        }
        let last = found.trace.last().map(|step| step.after.clone());
        prop_assert_eq!(last.as_deref().and_then(value), Some(found.amount.amount().normalize()));
        prop_assert!(found.amount.minor_units() >= 0);
        prop_assert!(found.amount.minor_units() <= i128::from((cap - taken).max(0)));
    }
}
