//! What the database is asked, as spans below those of whoever asks.

use std::future::Future;

use tracing::Instrument as _;
use tracing::instrument::Instrumented;

/// The question's span: its statement, which has parameters in the place of values.
pub(crate) fn asked<F: Future>(statement: &str, asking: F) -> Instrumented<F> {
    asking.instrument(tracing::trace_span!(
        target: "loopledger::span",
        "sql",
        otel.name = name(statement),
        otel.kind = "client",
        db.system.name = "postgresql",
        db.query.text = statement,
    ))
}

/// What is done and to which table first, as in `SELECT flows`.
fn name(statement: &str) -> String {
    let mut words = statement.split_whitespace();
    let verb = words.next().unwrap_or("SQL");
    let leads = |word: &&str| ["FROM", "INTO", "UPDATE", "COPY"].contains(word);
    let table = [verb].into_iter().chain(words.clone()).zip(words).find(|(word, _)| leads(word));
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match table {
        Some((_, table)) if table.starts_with(plain) => {
            format!("{verb} {}", table.trim_end_matches(|c| !plain(c)))
        }
        Some(_) | None => verb.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_called_by_its_verb_and_its_table() {
        for (statement, called) in [
            ("SELECT a, b\n FROM flows WHERE c = $1", "SELECT flows"),
            ("INSERT INTO accesses (a) VALUES ($1)", "INSERT accesses"),
            ("UPDATE progress SET position = $2", "UPDATE progress"),
            ("COPY flows (a) FROM STDIN", "COPY flows"),
            ("SELECT count(*) FROM (SELECT 1 FROM flows) AS f", "SELECT"),
            ("SELECT 1", "SELECT"),
            ("", "SQL"),
        ] {
            assert_eq!(name(statement), called, "{statement}");
        }
    }
}
