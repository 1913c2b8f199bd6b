//! Days between two dates.

use jiff::tz::TimeZone;
use loopledger_model::Period;
use loopledger_model::voucher::DayCount;

/// The days from the date on which a period begins to the date on which it ends (UTC): the difference, or one more
/// where both count.
pub(crate) fn days(period: Period, count: DayCount) -> i64 {
    let date = |at: jiff::Timestamp| at.to_zoned(TimeZone::UTC).date();
    let (from, to) = (date(period.from()), date(period.to()));
    let difference = i64::from(from.until(to).map_or(0, |span| span.get_days()));
    match count {
        DayCount::Difference => difference,
        DayCount::Inclusive => difference + 1,
    }
}
