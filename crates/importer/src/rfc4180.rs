//! Splits the text of a CSV file into records, by RFC 4180 and no more.
//!
//! Readers for all kinds of CSV repair what is broken: `"1"0` becomes 10, and a file cut off inside
//! quotes ends with a cell of whatever is left. An amount must not be read that way, so here both
//! are errors.
//!
//! Invariants: every cell is part of exactly one record; a record knows the physical line on which
//! it begins.

use std::borrow::Cow;

/// One record: as many cells as its line has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// Counted from 1; a line break inside quotes counts too.
    pub line: usize,
    pub cells: Vec<Cow<'a, str>>,
}

/// Why the rest of a file cannot be split.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error("a quoted cell is never closed: write a quotation mark at its end")]
    NeverClosed,
    #[error(
        "`{0}` follows the closing quotation mark of a cell: double a mark that is part of the text"
    )]
    AfterQuotes(char),
    #[error(
        "a quotation mark stands in a cell that does not begin with one: \
         quote the cell and double the mark"
    )]
    StrayQuote,
    #[error("a carriage return stands by itself: end lines with a line feed, or with both")]
    StrayReturn,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    pub line: usize,
    pub reason: Reason,
}

/// All records; lines with nothing on them are passed over.
pub fn records(text: &str) -> Result<Vec<Record<'_>>, Malformed> {
    let mut reader = Reader::of(text);
    let mut records = Vec::new();
    let mut cells = Vec::new();
    while let Some(line) = reader.next(&mut cells)? {
        records.push(Record { line, cells: std::mem::take(&mut cells) });
    }
    Ok(records)
}

/// Records one by one, for files too long to hold all cells of.
pub struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Reader<'a> {
    pub fn of(text: &'a str) -> Self {
        Self { rest: text, line: 1 }
    }

    /// Puts the cells of the next record in the place of others; the line on which it begins.
    pub fn next(&mut self, cells: &mut Vec<Cow<'a, str>>) -> Result<Option<usize>, Malformed> {
        cells.clear();
        while let Some(after) = line_end(self.rest) {
            (self.rest, self.line) = (after, self.line + 1);
        }
        if self.rest.is_empty() {
            return Ok(None);
        }
        let begins = self.line;
        loop {
            let line = self.line;
            let (cell, after) = cell(self.rest).map_err(|reason| Malformed { line, reason })?;
            let taken = &self.rest[..self.rest.len() - after.len()];
            self.line += taken.bytes().filter(|byte| *byte == b'\n').count();
            cells.push(cell);
            if let Some(next) = after.strip_prefix(',') {
                self.rest = next;
            } else {
                self.rest = line_end(after).unwrap_or(after);
                self.line += 1;
                return Ok(Some(begins));
            }
        }
    }
}

fn line_end(text: &str) -> Option<&str> {
    text.strip_prefix("\r\n").or_else(|| text.strip_prefix('\n'))
}

/// The first cell and what follows it: a comma, a line end or nothing.
fn cell(text: &str) -> Result<(Cow<'_, str>, &str), Reason> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', '\n', '\r', '"']).unwrap_or(text.len());
        let (cell, after) = text.split_at(end);
        return match after.as_bytes() {
            [b'"', ..] => Err(Reason::StrayQuote),
            [b'\r', next @ ..] if !next.starts_with(b"\n") => Err(Reason::StrayReturn),
            _ => Ok((cell.into(), after)),
        };
    };
    let mut from = 0;
    loop {
        let mark = from + quoted[from..].find('"').ok_or(Reason::NeverClosed)?;
        let after = &quoted[mark + 1..];
        if after.starts_with('"') {
            from = mark + 2;
            continue;
        }
        let cell = &quoted[..mark];
        let cell = if from == 0 { cell.into() } else { cell.replace("\"\"", "\"").into() };
        return match after.chars().next() {
            None | Some(',' | '\n') => Ok((cell, after)),
            Some('\r') if after.starts_with("\r\n") => Ok((cell, after)),
            Some('\r') => Err(Reason::StrayReturn),
            Some(other) => Err(Reason::AfterQuotes(other)),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cells(text: &str) -> Vec<Vec<String>> {
        let records = records(text).expect("well-formed");
        records
            .into_iter()
            .map(|record| record.cells.into_iter().map(Cow::into_owned).collect())
            .collect()
    }

    #[test]
    fn quotes_commas_and_line_ends_may_stand_inside_quotes() {
        assert_eq!(
            cells("a,\"b,\"\"c\"\"\r\nd\"\r\n,\n"),
            [vec!["a", "b,\"c\"\r\nd"], vec!["", ""]]
        );
    }

    #[test]
    fn a_record_knows_the_line_on_which_it_begins() {
        let records = records("a\r\n\r\n\"b\nb\",c\r\n\nd").expect("well-formed");
        let lines: Vec<_> = records.iter().map(|record| record.line).collect();
        assert_eq!(lines, [1, 3, 6]);
    }

    #[test]
    fn the_last_line_may_end_or_not_and_a_final_comma_makes_a_blank_cell() {
        assert_eq!(cells("a,b"), cells("a,b\n"));
        assert_eq!(cells("a,"), [["a", ""]]);
        assert!(cells("").is_empty() && cells("\n\r\n").is_empty());
    }

    #[test]
    fn what_others_repair_is_an_error_here() {
        for (text, line, reason) in [
            ("a\n\"1\"0\n", 2, Reason::AfterQuotes('0')),
            ("a\n1\"0\"\n", 2, Reason::StrayQuote),
            ("a\n\"1\n2\n", 2, Reason::NeverClosed),
            ("a\rb\n", 1, Reason::StrayReturn),
            ("\"a\"\rb\n", 1, Reason::StrayReturn),
            ("\"a\nb\",c\nd,\"e\"f\n", 3, Reason::AfterQuotes('f')),
        ] {
            assert_eq!(records(text), Err(Malformed { line, reason }), "{text:?}");
        }
        let mut lenient = csv::Reader::from_reader("a\n\"1\"0\n".as_bytes());
        let repaired = lenient.records().next().expect("a record").expect("no error");
        assert_eq!(&repaired[0], "10");
    }

    proptest! {
        #[test]
        fn what_a_csv_writer_writes_is_read(
            rows in prop::collection::vec(prop::collection::vec("[a\",\r\n é]{0,6}", 3), 0..6),
            with_returns: bool,
        ) {
            let ends = [csv::Terminator::Any(b'\n'), csv::Terminator::CRLF];
            let end = ends[usize::from(with_returns)];
            let mut writer = csv::WriterBuilder::new().terminator(end).from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).expect("writes to memory");
            }
            let text = String::from_utf8(writer.into_inner().expect("flushes")).expect("UTF-8");
            prop_assert_eq!(cells(&text), rows);
        }

        #[test]
        fn any_text_is_split_or_refused(text in "[a\",\r\n]{0,40}") {
            if let Ok(records) = records(&text) {
                let lines: Vec<_> = records.iter().map(|record| record.line).collect();
                prop_assert!(lines.is_sorted());
                prop_assert!(lines.iter().all(|line| *line <= text.lines().count()));
            }
        }
    }
}
