//! Figures as people read them; never used where a program reads.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// `5032440.00` as `5,032,440.00`.
pub fn grouped(figure: &str) -> String {
    let (sign, digits) = figure.strip_prefix('-').map_or(("", figure), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
    let mut text = String::from(sign);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if let Some(fraction) = fraction {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

/// `2025-03-20`, or the whole timestamp where it is not midnight UTC.
pub fn day(at: Timestamp) -> String {
    let civil = at.to_zoned(TimeZone::UTC).datetime();
    if civil.time() == jiff::civil::Time::midnight() {
        civil.date().to_string()
    } else {
        at.to_string()
    }
}

/// A ratio with 6 decimals as a percentage with 4: `0.050324` as `5.0324 %`.
pub fn percent(ratio: &str) -> String {
    let (whole, fraction) = ratio.split_once('.').unwrap_or((ratio, ""));
    let fraction = format!("{fraction:0<6}");
    let shifted = format!("{whole}{}", &fraction[..2]);
    let shifted = shifted.trim_start_matches('0');
    let shifted = if shifted.is_empty() { "0" } else { shifted };
    format!("{}.{} %", grouped(shifted), &fraction[2..])
}

/// What is absent is unknown, not zero.
pub fn or_unknown(figure: Option<&str>, show: impl Fn(&str) -> String) -> String {
    figure.map_or_else(|| "unknown".to_owned(), show)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_figures_are_grouped() {
        assert_eq!(grouped("5032440.00"), "5,032,440.00");
        assert_eq!(grouped("-1234"), "-1,234");
        assert_eq!(grouped("999.5"), "999.5");
        assert_eq!(grouped("0.00"), "0.00");
    }

    #[test]
    fn ratios_are_shown_as_percentages() {
        assert_eq!(percent("0.050324"), "5.0324 %");
        assert_eq!(percent("1.000000"), "100.0000 %");
        assert_eq!(percent("0.000000"), "0.0000 %");
    }

    #[test]
    fn midnight_is_shown_as_a_day() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a timestamp");
        assert_eq!(day(at("2025-03-20T00:00:00Z")), "2025-03-20");
        assert_eq!(day(at("2025-03-20T01:00:00Z")), "2025-03-20T01:00:00Z");
    }
}
