//! Answers as lists for other programs: CSV and JSON Lines.
//!
//! Invariants: an answer has one list of rows, or is one row itself; its columns and their order
//! never depend on what is in it. Figures stay the text that they are, what is nested is JSON text,
//! and what is unknown is a blank cell or `null`.

use std::borrow::Cow;

use anyhow::{Context as _, ensure};
use loopledger_views::{
    Claims, Findings, Flows, Implied, Loops, Owners, Parties, ProgrammeAnswer, RuleBook, Statement,
    Utilization, Vouchers,
};
use serde::Serialize;
use serde_json::{Map, Value};

/// An answer that can be told as a list.
pub trait Listed: Serialize {
    /// The member that is the list; the document is the only row where there is none.
    const LIST: Option<&'static str>;
    /// Every member that a row may have.
    const COLUMNS: &'static [&'static str];
}

macro_rules! listed {
    ($($answer:ty, $list:expr, $columns:literal;)*) => {$(
        impl Listed for $answer {
            const LIST: Option<&'static str> = $list;
            const COLUMNS: &'static [&'static str] = &words::<{ count($columns) }>($columns);
        }
    )*};
}

const fn count(text: &str) -> usize {
    let (bytes, mut place, mut count) = (text.as_bytes(), 0, 1);
    while place < bytes.len() {
        if bytes[place] == b' ' {
            count += 1;
        }
        place += 1;
    }
    count
}

/// The words of a text that are one blank apart.
const fn words<const N: usize>(text: &'static str) -> [&'static str; N] {
    let (mut words, mut rest, mut next) = ([""; N], text, 0);
    while next < N {
        let bytes = rest.as_bytes();
        let mut end = 0;
        while end < bytes.len() && bytes[end] != b' ' {
            end += 1;
        }
        let (word, behind) = rest.split_at(end);
        words[next] = word;
        rest = if behind.is_empty() { behind } else { behind.split_at(1).1 };
        next += 1;
    }
    words
}

listed! {
    Loops, Some("loops"), "parties kind currency capital_out returned_lower returned_fifo returned_pro_rata \
        returned_upper ratio_pro_rata voucher_amount first_capital_at closed_at last_return_at lag_days dwell_days \
        legs voucher_events positions groups";
    Parties, Some("parties"), "party currency capital_out returned returned_of_capital returned_of_revenue \
        compute_revenue voucher_revenue voucher_exposure dwell_days loops customers open_loops promises positions";
    Owners, Some("owners"), "owner share way economic_share cascade_share controls ultimate path positions";
    Flows, Some("flows"), "id from to kind amount currency at event";
    Utilization, Some("pools"), "pool operator model installed_card_hours lit_card_hours allocated_card_hours \
        busy_card_hours lighting_rate allocation_rate busy_rate coverage sold_p physical_p oversold worst_at by_basis \
        contracts_without_p days";
    Implied, Some("contracts"), "contract buyer seller signed_at event declared_p precision sparsity model cards \
        implied reason other_reading";
    Findings, Some("findings"), "rule version subject parties at amount currency figures facts text";
    RuleBook, Some("rules"), "rule version about parameters";
    Vouchers, Some("vouchers"), "voucher programme holder currency issued_at face locked redeemed paid free status \
        expires_at";
    ProgrammeAnswer, None, "position programme name issuer currency stage versions totals periods sources \
        applications claims";
    Claims, Some("claims"), "claim programme version voucher contract invoice holder provider payee currency at \
        stage base asked payable cut cuts approved paid open recovered reasons payments clawbacks";
    Statement, Some("claims"), "claim programme version voucher contract invoice holder provider payee currency at \
        stage base asked payable cut cuts approved paid open recovered reasons payments clawbacks";
}

/// The rows of an answer, and the position that it rests on.
struct Rows {
    position: Option<u64>,
    rows: Vec<Map<String, Value>>,
}

impl Rows {
    fn of<A: Listed>(answer: &A) -> anyhow::Result<Self> {
        let mut document = serde_json::to_value(answer)?;
        let position = document.get("position").and_then(Value::as_u64);
        let rows = match A::LIST {
            None => vec![document],
            Some(list) => match document.get_mut(list).map(Value::take) {
                Some(Value::Array(rows)) => rows,
                _ => anyhow::bail!("the answer has no list {list}"),
            },
        };
        let rows = rows.into_iter().map(|row| {
            let Value::Object(row) = row else { anyhow::bail!("{row} is no row") };
            let unknown = row.keys().find(|name| !A::COLUMNS.contains(&name.as_str()));
            ensure!(unknown.is_none(), "no column is known for {unknown:?}");
            Ok(row)
        });
        Ok(Self { position, rows: rows.collect::<anyhow::Result<_>>()? })
    }
}

/// The list, and the position that it rests on.
pub struct Told {
    pub text: String,
    pub position: Option<u64>,
}

/// RFC 4180 with a header, lines ended by a line feed.
pub fn csv<A: Listed>(answer: &A) -> anyhow::Result<Told> {
    let Rows { position, rows } = Rows::of(answer)?;
    let mut text = csv_line(A::COLUMNS.iter().copied());
    for row in rows {
        let cells: Vec<String> = A::COLUMNS.iter().map(|name| cell(row.get(*name))).collect();
        text += &csv_line(cells.iter().map(String::as_str));
    }
    Ok(Told { text, position })
}

/// One object a row, with every column.
pub fn json_lines<A: Listed>(answer: &A) -> anyhow::Result<Told> {
    let Rows { position, mut rows } = Rows::of(answer)?;
    let mut text = String::new();
    for row in &mut rows {
        let members = A::COLUMNS.iter().map(|name| {
            let member = row.remove(*name).unwrap_or_default();
            serde_json::to_string(&member).map(|member| format!("\"{name}\":{member}"))
        });
        let members = members.collect::<Result<Vec<_>, _>>().context("a row has no JSON")?;
        text += &format!("{{{}}}\n", members.join(","));
    }
    Ok(Told { text, position })
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}

/// Quoted where it has to be, and a lone blank cell always: a blank line would be no row.
pub fn csv_line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cells: Vec<Cow<'_, str>> = cells.into_iter().map(quoted).collect();
    let line = cells.join(",");
    if line.is_empty() { "\"\"\n".to_owned() } else { line + "\n" }
}

fn quoted(cell: &str) -> Cow<'_, str> {
    if cell.contains(['"', ',', '\n', '\r']) {
        return format!("\"{}\"", cell.replace('"', "\"\"")).into();
    }
    cell.into()
}

#[cfg(test)]
mod tests {
    use loopledger_views::{FlowKind, MoneyFlow};
    use proptest::prelude::*;

    use super::*;

    fn flows() -> Flows {
        let flow = MoneyFlow {
            id: "pm-1".to_owned(),
            from: "c".parse().expect("an id"),
            to: "a".parse().expect("an id"),
            kind: FlowKind::ComputePayment,
            amount: "2516220.00".to_owned(),
            currency: "CNY".parse().expect("a currency"),
            at: "2025-03-20T00:00:00Z".parse().expect("an instant"),
            event: "18.2".parse().expect("a fact"),
        };
        Flows { position: 27, flows: vec![flow] }
    }

    #[test]
    fn a_list_has_its_columns_in_their_order_with_exact_figures() {
        let told = csv(&flows()).expect("a list");
        assert_eq!(
            told.text,
            "id,from,to,kind,amount,currency,at,event\n\
             pm-1,c,a,compute_payment,2516220.00,CNY,2025-03-20T00:00:00Z,18.2\n"
        );
        assert_eq!(told.position, Some(27));
        let told = json_lines(&flows()).expect("a list");
        assert_eq!(
            told.text,
            "{\"id\":\"pm-1\",\"from\":\"c\",\"to\":\"a\",\"kind\":\"compute_payment\",\
             \"amount\":\"2516220.00\",\"currency\":\"CNY\",\"at\":\"2025-03-20T00:00:00Z\",\
             \"event\":\"18.2\"}\n"
        );
    }

    #[test]
    fn an_empty_list_still_has_its_header() {
        let none = Flows { position: 0, flows: Vec::new() };
        let header = csv(&none).expect("a list").text;
        assert_eq!(header, "id,from,to,kind,amount,currency,at,event\n");
        assert_eq!(json_lines(&none).expect("a list").text, "");
    }

    #[test]
    fn nested_values_are_json_text_and_unknown_ones_blank() {
        let book = RuleBook::in_force();
        let told = csv(&book).expect("a list").text;
        let mut read = csv::Reader::from_reader(told.as_bytes());
        let first = read.records().next().expect("a rule").expect("CSV");
        assert!(serde_json::from_str::<Map<String, Value>>(&first[3]).is_ok(), "{first:?}");
        assert_eq!(cell(Some(&Value::Null)), "");
    }

    proptest! {
        #[test]
        fn every_line_is_read_as_it_was_written(cells in prop::collection::vec(".*", 1..6)) {
            let text = csv_line(["header"]) + &csv_line(cells.iter().map(String::as_str));
            let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
            let row = reader.records().next().expect("a line").expect("CSV");
            let read: Vec<String> = row.iter().map(str::to_owned).collect();
            prop_assert_eq!(read, cells);
        }
    }
}
