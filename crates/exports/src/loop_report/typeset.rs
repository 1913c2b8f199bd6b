//! The same report as a source for typst, which makes pages of it.
//!
//! Invariants: it says what the HTML file says; whatever people wrote is a string literal, never markup; nothing in it is
//! of the time of its making, so the same report has the same pages.

use std::fmt::{self, Write as _};

use anyhow::Context as _;
use loopledger_journal::Commit;
use loopledger_views::LoopFound;

use super::{
    CHAIN, COMMITS, FUNGIBLE, LAST, LEGS, LoopReport, PAYMENTS, SUMMARY, check, closing,
    commit_rows, figures, words,
};
use crate::figures::percent;
use crate::reading::{MEANING, READING};

const STYLE: &str = r#"#set page(paper: "a4", margin: (x: 1.6cm, y: 1.8cm), numbering: "1 / 1")
#set text(size: 8.5pt, lang: "en")
#set heading(numbering: none)
#set table(inset: (x: 3pt, y: 2.5pt), stroke: (x, y) => (bottom: if y == 0 { 0.6pt } else { 0.2pt + luma(75%) }))
#show raw: set text(size: 6.5pt)
"#;

impl LoopReport {
    pub fn typst(&self, commits: &[Commit]) -> anyhow::Result<String> {
        self.ensure_proven(commits)?;
        let name = Literal(self.name(&self.party));
        let mut source = format!("#set document(title: {name}, date: none)\n{STYLE}");
        writeln!(source, "#text(fill: luma(40%))[Loop report]\n= #{name}")?;
        writeln!(source, "#raw({})\n", Literal(self.party.as_str()))?;
        write_facts(&mut source, &self.when())?;
        writeln!(source, "== In short\n#{}\n", Literal(&joined(MEANING)))?;
        write_table(&mut source, &SUMMARY, self.summary()?)?;
        self.write_typst_loops(&mut source)?;
        writeln!(source, "== Every payment from and to it")?;
        write_table(&mut source, &PAYMENTS, self.payments())?;
        writeln!(source, "== The facts in the journal")?;
        writeln!(source, "#{} #raw({})\n", Literal(CHAIN), Literal(&check(commits)))?;
        write_table(&mut source, &COMMITS, commit_rows(commits))?;
        writeln!(source, "#{}", Literal(LAST)).context("text takes text")?;
        Ok(source)
    }

    fn write_typst_loops(&self, source: &mut String) -> fmt::Result {
        writeln!(source, "== Loops")?;
        if self.loops.loops.is_empty() {
            return writeln!(source, "None were found.\n");
        }
        writeln!(source, "#{}\n", Literal(FUNGIBLE))?;
        let reading = READING.map(|(figure, meaning)| vec![figure.to_owned(), meaning.to_owned()]);
        write_table(source, &["figure", "meaning"], reading)?;
        for (number, found) in (1..).zip(&self.loops.loops) {
            self.write_typst_loop(source, number, found)?;
        }
        match self.cut_short() {
            Some(cut) => writeln!(source, "#{}\n", Literal(&cut)),
            None => Ok(()),
        }
    }

    fn write_typst_loop(&self, source: &mut String, number: u32, found: &LoopFound) -> fmt::Result {
        let title = format!("{number}. A loop of the kind {}", words(&found.kind));
        writeln!(source, "=== #{}", Literal(&title))?;
        let way: Vec<&str> = self.way(found).collect();
        writeln!(source, "#{}\n", Literal(&way.join(" → ")))?;
        write_facts(source, &figures(found))?;
        let share =
            format!("Of the capital, {} came back pro rata.", percent(&found.ratio_pro_rata));
        writeln!(source, "#{}\n", Literal(&share))?;
        write_table(source, &LEGS, self.legs(found))?;
        writeln!(source, "#{}\n", Literal(&closing(found)))
    }
}

/// On one line.
fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Figures side by side, each above its name.
fn write_facts(source: &mut String, facts: &[(&str, String)]) -> fmt::Result {
    write!(source, "#grid(columns: {}, column-gutter: 12pt, row-gutter: 4pt", facts.len())?;
    for (_, value) in facts {
        write!(source, ", strong({})", Literal(value))?;
    }
    for (name, _) in facts {
        write!(source, ", text(fill: luma(40%), {})", Literal(name))?;
    }
    writeln!(source, ")\n")
}

/// Headings with `>` are over figures; hashes are set in one width.
fn write_table(
    source: &mut String,
    headings: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> fmt::Result {
    let side = |heading: &&str| if heading.starts_with('>') { "right" } else { "left" };
    let sides: Vec<&str> = headings.iter().map(side).collect();
    write!(
        source,
        "#table(columns: {}, align: ({}), table.header(",
        headings.len(),
        sides.join(", ")
    )?;
    for heading in headings {
        write!(source, "strong({}), ", Literal(heading.trim_start_matches('>')))?;
    }
    writeln!(source, "),")?;
    for row in rows {
        for (heading, cell) in headings.iter().zip(&row) {
            let cell = Literal(cell);
            match *heading {
                "SHA-256" | "fact" => write!(source, "raw({cell}), ")?,
                _ => write!(source, "{cell}, ")?,
            }
        }
        source.push('\n');
    }
    writeln!(source, ")\n")
}

/// A string literal of typst.
struct Literal<'a>(&'a str);

impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        self.0.chars().try_for_each(|c| match c {
            '"' => f.write_str("\\\""),
            '\\' => f.write_str("\\\\"),
            c if c.is_control() => write!(f, "\\u{{{:x}}}", u32::from(c)),
            c => f.write_char(c),
        })?;
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_stays_within_its_literal() {
        let hostile = "a\"), read(\"/etc/passwd\") #[x] \\ \n $";
        let literal = r#""a\"), read(\"/etc/passwd\") #[x] \\ \u{a} $""#;
        assert_eq!(Literal(hostile).to_string(), literal);
    }
}
