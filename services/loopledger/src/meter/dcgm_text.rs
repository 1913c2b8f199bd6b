//! What dcgm-exporter serves: Prometheus' text format, one scrape or many with their times.

use jiff::Timestamp;

use super::cells::{Fault, cut};
use super::map::Target;
use super::series::{Cards, Metric, Sample};
use super::usage::Out;

/// Lines of other metrics and comments are passed over.
pub fn line(
    cards: &mut Cards,
    number: u64,
    text: &str,
    target: &Target,
    out: &mut Out,
) -> Result<(), Fault> {
    let end = text.find(|c: char| c == '{' || c.is_ascii_whitespace()).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let Some(metric) = Metric::named(name) else {
        return Ok(());
    };
    let (labels, rest) = labels(rest)?;
    let label = |name: &str| {
        labels.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value.as_str())
    };
    let mut parts = rest.split_ascii_whitespace();
    let value = parts.next().ok_or_else(|| Fault::of("value", "is missing"))?;
    let at = parts.next().map(milliseconds).transpose()?;
    if parts.next().is_some() {
        return Err(Fault::line("goes on behind the time"));
    }
    let (card, host, instance) = (label("UUID"), label("Hostname"), label("GPU_I_ID"));
    cards.sample(number, &Sample { metric, card, host, instance, at, value }, target, out)
}

fn milliseconds(text: &str) -> Result<Timestamp, Fault> {
    let at = text.parse().ok().and_then(|at| Timestamp::from_millisecond(at).ok());
    let wrong = || Fault::of("time", format!("`{}` are no milliseconds since 1970", cut(text)));
    at.ok_or_else(wrong)
}

/// The labels in braces, if any, and what follows them.
fn labels(text: &str) -> Result<(Vec<(&str, String)>, &str), Fault> {
    let Some(mut rest) = text.strip_prefix('{') else {
        return Ok((Vec::new(), text));
    };
    let wrong = || Fault::of("labels", "are not of the form {name=\"value\",..}");
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', ',']);
        if let Some(rest) = rest.strip_prefix('}') {
            return Ok((labels, rest));
        }
        let (name, after) = rest.split_once("=\"").ok_or_else(wrong)?;
        let mut value = String::new();
        let mut characters = after.char_indices();
        let end = loop {
            match characters.next().ok_or_else(wrong)? {
                (at, '"') => break at,
                (_, '\\') => match characters.next().ok_or_else(wrong)?.1 {
                    'n' => value.push('\n'),
                    other => value.push(other),
                },
                (_, other) => value.push(other),
            }
        };
        labels.push((name.trim(), value));
        rest = &after[end + 1..];
    }
}
