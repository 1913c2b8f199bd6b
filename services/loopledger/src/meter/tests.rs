//! Meters' files, format by format, from text to usages.

mod dcgm;
mod sacct;
mod sending;
mod tables;

use std::collections::BTreeMap;
use std::io::Write as _;

use jiff::tz::Offset;

use super::map::Map;
use super::{Asked, Format, MeterError, Target, Usages, check};

/// A file, read as the importer reads it.
struct File {
    asked: Asked,
    target: Target,
    text: String,
}

struct Read {
    usages: Vec<String>,
    ids: Vec<String>,
    skipped: BTreeMap<&'static str, u64>,
    energy: (Option<String>, u64),
}

fn file(format: Format, text: &str) -> File {
    let asked = Asked {
        file: "meter".into(),
        format,
        allocation: None,
        map: None,
        zone: None,
        at: None,
        interval_s: 30,
    };
    let target = Target::One("al-1".parse().expect("an id"));
    File { asked, target, text: text.to_owned() }
}

impl File {
    fn zone(mut self, hours: i8) -> Self {
        self.asked.zone = Some(Offset::constant(hours));
        self
    }

    fn map(mut self, table: &str) -> Self {
        let map = Map::parse(table, self.asked.format.keys()).expect("a map");
        self.target = Target::Map(map);
        self
    }

    fn read(mut self) -> Result<Read, String> {
        let mut kept = tempfile::NamedTempFile::new().expect("a temporary file");
        kept.write_all(self.text.as_bytes()).expect("our own file");
        self.asked.file = kept.path().to_owned();
        let name = kept.path().display().to_string();
        self.inside().map_err(|error| error.to_string().replace(&name, "meter"))
    }

    fn inside(&self) -> Result<Read, MeterError> {
        let (evidence, reader) = check(&self.asked, &self.target, |_| {})?;
        let mut file = Usages::open(&self.asked, reader.again(&self.asked), &self.target)?;
        let (mut usages, mut ids) = (Vec::new(), Vec::new());
        while let Some(batch) = file.next()? {
            for usage in batch {
                let super::Usage { line, allocation, from, to, card_hours, source, .. } = &usage;
                usages.push(format!("{line} {allocation} {from} {to} {card_hours} {source}"));
                ids.push(usage.identity);
            }
        }
        assert_eq!(file.lines.evidence(), evidence);
        let cards = file.reader.cards();
        let energy = cards.map_or((None, 0), |cards| (cards.energy(), cards.energy_resets));
        Ok(Read { usages, ids, skipped: file.out.skipped, energy })
    }

    #[track_caller]
    fn usages(self) -> Vec<String> {
        self.read().expect("it can be read").usages
    }

    #[track_caller]
    fn fault(self) -> String {
        self.read().err().expect("it cannot be read")
    }
}

#[test]
fn problems_are_told_up_to_a_bound_and_counted() {
    let lines = "x,2025-03-01T00:00:00Z,2\n".repeat(50);
    let said = file(Format::CardHours, &format!("serial,hour,util\n{lines}")).fault();
    assert_eq!(said.matches("column util").count(), 20);
    assert!(said.contains("meter line 2, column util") && said.ends_with("and 30 more"), "{said}");
}

#[test]
fn an_empty_file_is_no_meters_file() {
    for format in [Format::Sacct, Format::DcgmCsv, Format::CardHours] {
        assert!(file(format, "").fault().contains("is empty"), "{format:?}");
    }
}

#[test]
fn what_is_no_text_and_lines_without_end_are_refused() {
    let long = format!("serial,hour,util\n{}", "x".repeat(3 << 20));
    assert!(file(Format::CardHours, &long).fault().contains("line 2: is longer than 1 MiB"));
}

#[test]
fn the_first_row_of_a_map_that_agrees_decides_and_others_are_skipped() {
    let table = "account,partition,allocation\nteam,big,al-2\nteam,,al-1\n,small,al-3\n";
    let line = |account: &str, partition: &str, job: u32| {
        format!(
            "{job}|2025-03-01T00:00:00|2025-03-01T01:00:00|3600|gres/gpu=1|COMPLETED|{account}|{partition}\n"
        )
    };
    let head = "JobIDRaw|Start|End|ElapsedRaw|AllocTRES|State|Account|Partition\n";
    let text = [
        line("team", "big", 1),
        line("team", "small", 2),
        line("x", "small", 3),
        line("x", "y", 4),
    ];
    let read = file(Format::Sacct, &format!("{head}{}", text.concat())).zone(0).map(table).read();
    let read = read.expect("it can be read");
    let allocations: Vec<_> =
        read.usages.iter().map(|usage| usage.split(' ').nth(1).expect("an id")).collect();
    assert_eq!(allocations, ["al-2", "al-1", "al-3"]);
    assert_eq!(read.skipped, BTreeMap::from([("not_mapped", 1)]));
}

#[test]
fn a_map_with_columns_that_the_format_has_not_is_refused() {
    for (table, word) in [
        ("host,allocation\nh,al-1\n", "unknown column `host`"),
        ("job\n1\n", "`allocation` is missing"),
        ("job,allocation\n1,a b\n", "line 2: column allocation"),
        ("job,allocation\n", "has no rows"),
        ("job,allocation\n1\n", "line 2: has 1 cells"),
    ] {
        let said = Map::parse(table, Format::Sacct.keys()).expect_err("it is wrong");
        assert!(said.contains(word), "{said}");
    }
}
