//! The bare search on any list of dated edges: a CSV file in, counts or the cycles themselves out.
//! It needs no ledger.
//!
//! Invariants: times are exact, in millionths of a millionth of a second; a file of which one row
//! cannot be read is not searched.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufWriter, ErrorKind, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use loopledger_importer::rfc4180::{Malformed, Reader};
use loopledger_loops::{
    CycleBounds, CycleCounts, CyclesError, DatedEdge, count_cycles, each_cycle,
};
use tokio::time::Instant;

/// So many decimals of a second are told apart.
const DECIMALS: i32 = 12;

/// Why a file is not searched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EdgesError {
    #[error("{file} cannot be read: {error}")]
    Unreadable { file: String, error: std::io::Error },
    #[error("{file} line {line}: is not UTF-8: save the file as UTF-8")]
    NotUtf8 { file: String, line: usize },
    #[error("{file} line {line}: {reason}")]
    Row { file: String, line: usize, reason: String },
    #[error("{file} line {line}, column {column}: {reason}")]
    Cell { file: String, line: usize, column: &'static str, reason: String },
    #[error("{file}: {error}")]
    Unsearchable { file: String, error: CyclesError },
}

/// What is asked of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question {
    pub(crate) bounds: CycleBounds,
    pub(crate) list: bool,
    pub(crate) json: bool,
}

/// Reads and searches a file and prints what it found.
pub(crate) fn run(file: &Path, question: Question) -> anyhow::Result<Result<(), EdgesError>> {
    let begun = Instant::now();
    let text = match read(file) {
        Ok(text) => text,
        Err(error) => return Ok(Err(error)),
    };
    let edges = match Edges::of(&file.display().to_string(), &text) {
        Ok(edges) => edges,
        Err(error) => return Ok(Err(error)),
    };
    let read = begun.elapsed();
    let mut out = BufWriter::new(std::io::stdout().lock());
    let told = tell(&edges, question, read, &mut out).and_then(|found| {
        out.flush()?;
        Ok(found)
    });
    match told {
        // A reader that has seen enough, such as `head`, is no failure.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Ok(())),
        Err(error) => Err(error).context("the answer could not be printed"),
        Ok(found) => {
            let file = file.display().to_string();
            Ok(found.map(drop).map_err(|error| EdgesError::Unsearchable { file, error }))
        }
    }
}

fn read(file: &Path) -> Result<String, EdgesError> {
    let name = || file.display().to_string();
    let bytes =
        std::fs::read(file).map_err(|error| EdgesError::Unreadable { file: name(), error })?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + valid.iter().filter(|byte| **byte == b'\n').count();
        EdgesError::NotUtf8 { file: name(), line }
    })
}

/// The edges of a file with what they were called there.
#[derive(Debug)]
struct Edges<'a> {
    edges: Vec<DatedEdge>,
    /// By edge.
    lines: Vec<usize>,
    /// By party.
    names: Vec<Cow<'a, str>>,
}

impl<'a> Edges<'a> {
    fn of(file: &str, text: &'a str) -> Result<Self, EdgesError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let at_row = |line, reason| EdgesError::Row { file: file.to_owned(), line, reason };
        let split = |Malformed { line, reason }| at_row(line, reason.to_string());
        let mut reader = Reader::of(text);
        let mut cells = Vec::new();
        let header = reader.next(&mut cells).map_err(split)?;
        let line = header.ok_or_else(|| at_row(1, "is blank: write a header row".to_owned()))?;
        let width = cells.len();
        let place = |column: &'static str| {
            let mut places = (0..width).filter(|place| cells[*place] == column);
            let wrong = |reason: &str| {
                let (file, reason) = (file.to_owned(), reason.to_owned());
                EdgesError::Cell { file, line, column, reason }
            };
            match (places.next(), places.next()) {
                (Some(place), None) => Ok(place),
                (None, _) => Err(wrong("is missing: the header needs src, dst and time")),
                (Some(_), Some(_)) => Err(wrong("is there twice: name a column once")),
            }
        };
        let (src, dst, time) = (place("src")?, place("dst")?, place("time")?);
        let mut parties = Parties::default();
        let mut found = Self { edges: Vec::new(), lines: Vec::new(), names: Vec::new() };
        while let Some(line) = reader.next(&mut cells).map_err(split)? {
            if cells.len() != width {
                let reason = format!("has {} cells where the header has {width}", cells.len());
                return Err(at_row(line, reason));
            }
            let cell_error =
                |column, reason| EdgesError::Cell { file: file.to_owned(), line, column, reason };
            for (column, place) in [("src", src), ("dst", dst)] {
                if cells[place].is_empty() {
                    let reason = "is blank: it has to be given".to_owned();
                    return Err(cell_error(column, reason));
                }
            }
            let time = seconds(&cells[time]).map_err(|reason| cell_error("time", reason))?;
            let (from, to) =
                (parties.number(cells[src].clone()), parties.number(cells[dst].clone()));
            found.edges.push(DatedEdge { from, to, time });
            found.lines.push(line);
        }
        found.names = parties.names;
        Ok(found)
    }
}

/// Parties by name. Nothing depends on the order of the table: numbers are given in the order of
/// the file.
#[derive(Debug, Default)]
#[expect(clippy::disallowed_types, reason = "a table of millions that is only ever asked by name")]
struct Parties<'a> {
    numbers: std::collections::HashMap<Cow<'a, str>, u32>,
    names: Vec<Cow<'a, str>>,
}

impl<'a> Parties<'a> {
    fn number(&mut self, name: Cow<'a, str>) -> u32 {
        if let Some(number) = self.numbers.get(&name) {
            return *number;
        }
        let number = u32::try_from(self.names.len()).expect("memory ends before 2^32 names do");
        self.numbers.insert(name.clone(), number);
        self.names.push(name);
        number
    }
}

/// A time in seconds as it is written: `1289241912`, `-3.5`, `1.289e9`.
fn seconds(text: &str) -> Result<i128, String> {
    let text = text.trim();
    let shown: String = text.chars().take(40).collect();
    let wrong = || format!("`{shown}` is no time in seconds: write a plain decimal");
    let too_large = || format!("`{shown}` is out of range: write a time within 10^26 seconds");
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i16>().map_err(|_| wrong())?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let has_digits = digits.bytes().any(|byte| byte.is_ascii_digit());
    if !has_digits || !all_digits(whole) || !all_digits(fraction) {
        return Err(wrong());
    }
    let digits = format!("{}{fraction}", whole.trim_start_matches('0'));
    let decimals = i32::try_from(fraction.len()).map_err(|_| wrong())?;
    let zeros = i32::from(exponent) + DECIMALS - decimals;
    let number: i128 = match digits.trim_start_matches('0') {
        "" => return Ok(0),
        digits => digits.parse().map_err(|_| too_large())?,
    };
    let scaled = if let Ok(zeros) = u32::try_from(zeros) {
        10_i128
            .checked_pow(zeros)
            .and_then(|unit| number.checked_mul(unit))
            .ok_or_else(too_large)?
    } else {
        let unit = 10_i128.checked_pow(zeros.unsigned_abs());
        unit.filter(|unit| number % unit == 0).map(|unit| number / unit).ok_or_else(|| {
            format!("`{shown}` is finer than {DECIMALS} decimals of a second: round it")
        })?
    };
    Ok(if negative { -scaled } else { scaled })
}

/// A span of time such as `7d`, `12h`, `90m`, `1.5w` or, in seconds, `604800`.
pub(crate) fn span(text: &str) -> Result<i128, String> {
    let units = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400), ('w', 604_800)];
    let unit = units.iter().find(|(name, _)| text.ends_with(*name));
    let (number, unit) = unit.map_or((text, 1), |(_, unit)| (&text[..text.len() - 1], *unit));
    let span = seconds(number)
        .map_err(|_| format!("`{text}` is no span of time: write one such as 7d, 12h or 90s"))?;
    if span < 0 {
        return Err(format!("`{text}` is less than nothing: write a span such as 7d"));
    }
    span.checked_mul(unit).ok_or_else(|| format!("`{text}` is longer than can be reckoned with"))
}

/// Writes what was found; an error is that of writing.
fn tell(
    edges: &Edges<'_>,
    question: Question,
    read: Duration,
    out: &mut impl Write,
) -> std::io::Result<Result<CycleCounts, CyclesError>> {
    let begun = Instant::now();
    let searched = if question.list {
        list(edges, question, out)?
    } else {
        count_cycles(&edges.edges, &question.bounds)
    };
    let took = begun.elapsed();
    let Ok(counts) = &searched else { return Ok(searched) };
    if question.json {
        let by_hops: BTreeMap<usize, u128> = counts.by_hops().collect();
        let by_hops = serde_json::to_string(&by_hops)?;
        let start = if question.list { "" } else { "{" };
        let (edges, cycles) = (edges.edges.len(), counts.total());
        writeln!(out, "{start}\"edges\":{edges},\"cycles\":{cycles},\"by_hops\":{by_hops}}}")?;
    } else {
        write!(out, "{}", summary(edges.edges.len(), counts))?;
        out.flush()?;
        let millis = |time: Duration| time.as_micros().div_ceil(1_000);
        eprintln!("read in {} ms, searched in {} ms", millis(read), millis(took));
    }
    Ok(searched)
}

fn summary(edges: usize, counts: &CycleCounts) -> String {
    let mut text = format!("{edges} edges, {} cycles\n", counts.total());
    for (hops, cycles) in counts.by_hops() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {hops:>3} hops {cycles:>12}");
    }
    text
}

/// Writes every cycle as it is found: for programs the lines of its edges, for people its parties
/// too.
fn list(
    edges: &Edges<'_>,
    question: Question,
    out: &mut impl Write,
) -> std::io::Result<Result<CycleCounts, CyclesError>> {
    if question.json {
        write!(out, "{{\"list\":[")?;
    }
    let mut first = true;
    let mut written = Ok(());
    let mut write_one = |cycle: &[usize]| -> std::io::Result<()> {
        let lines: Vec<_> = cycle.iter().map(|edge| edges.lines[*edge].to_string()).collect();
        if question.json {
            let comma = if std::mem::take(&mut first) { "" } else { "," };
            return write!(out, "{comma}[{}]", lines.join(","));
        }
        for edge in cycle {
            write!(out, "{} → ", edges.names[edges.edges[*edge].from as usize])?;
        }
        let start = edges.edges[cycle[0]].from;
        writeln!(out, "{}   lines {}", edges.names[start as usize], lines.join(" "))
    };
    let tell = &mut |cycle: &[usize]| {
        written = write_one(cycle);
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let searched = each_cycle(&edges.edges, &question.bounds, tell);
    written?;
    if question.json {
        write!(out, "],")?;
    }
    Ok(searched)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i128 = 10_i128.pow(DECIMALS.unsigned_abs());

    fn refused(text: &str) -> String {
        Edges::of("e.csv", text).expect_err("a bad file").to_string()
    }

    #[test]
    fn columns_stand_in_any_order_and_others_are_passed_over() {
        let text = "note,time,dst,amount,src\r\n\"a,b\",1.5,y,?,x\r\n\r\nc,-2,x,,y\r\n";
        let found = Edges::of("e.csv", text).expect("a good file");
        assert_eq!(found.names, ["x", "y"]);
        assert_eq!(found.lines, [2, 4]);
        let edge = |from, to, time| DatedEdge { from, to, time };
        assert_eq!(found.edges, [edge(0, 1, SECOND + SECOND / 2), edge(1, 0, -2 * SECOND)]);
    }

    #[test]
    fn times_are_exact_however_they_are_written() {
        for (text, expected) in [
            ("0", 0),
            ("-0.0", 0),
            ("1289241911.72836", 1_289_241_911_728_360_000_000),
            ("1.28924191172836e+09", 1_289_241_911_728_360_000_000),
            ("1e-12", 1),
            ("-.5", -SECOND / 2),
            ("+5.", 5 * SECOND),
            ("1700000000000000000", 1_700_000_000_000_000_000 * SECOND),
            ("0.10000000000000000000", SECOND / 10),
        ] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for text in ["", "-", ".", "e5", "1e", "0x10", "1,5", "NaN", "2020-01-01", "1e-13", "1e99"]
        {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_span_is_a_number_with_a_unit() {
        for (text, expected) in [("7d", 604_800), ("1.5h", 5_400), ("90", 90), ("0s", 0)] {
            assert_eq!(span(text), Ok(expected * SECOND), "{text}");
        }
        for text in ["", "d", "-1d", "7 days", "7x"] {
            assert!(span(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_file_line_and_column() {
        for (text, said) in [
            ("", "e.csv line 1: is blank"),
            ("src,dst\n", "e.csv line 1, column time: is missing"),
            ("src,dst,time,src\n", "e.csv line 1, column src: is there twice"),
            ("src,dst,time\na,b,1\na,b\n", "e.csv line 3: has 2 cells where the header has 3"),
            ("src,dst,time\na,b,x\n", "e.csv line 2, column time: `x` is no time"),
            ("src,dst,time\na,,1\n", "e.csv line 2, column dst: is blank"),
            ("src,dst,time\na,\"b\"c,1\n", "e.csv line 2: `c` follows"),
        ] {
            assert!(refused(text).contains(said), "{text:?}: {}", refused(text));
        }
    }
}
