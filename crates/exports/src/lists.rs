//! Answers as lists for other programs: CSV, JSON Lines and Parquet.
//!
//! Invariants: an answer has one list of rows, or is one row itself; its columns and their order
//! never depend on what is in it. Figures stay the text that they are, what is nested is JSON text,
//! and what is unknown is a blank cell or `null`.

use std::borrow::Cow;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use loopledger_views::{
    Caps, Claims, Contracts, Findings, Flows, FundReport, Implied, Loops, LpAccount, Owners,
    Parties, Pools, PriceTests, ProgrammeAnswer, Registered, Reservations, Reviews, RuleBook,
    Statement, Utilization, Vouchers,
};
use parquet::basic::{LogicalType, Repetition, Type as PhysicalType};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
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
        busy_card_hours lighting_rate allocation_rate busy_rate coverage sold_p physical_p physical_spec oversold worst_at by_basis \
        contracts_without_p days";
    Pools, Some("pools"), "pool operator site model registered_at event cards lit allocated reserved stage stages \
        oversells serials counts disputed owners provenances controls";
    Reservations, Some("reservations"), "reservation pool cards from to made_at held_until contract class state \
        allocation settled_at event";
    Implied, Some("contracts"), "contract buyer seller signed_at event declared_p precision sparsity model cards \
        implied reason other_reading";
    Contracts, Some("contracts"), "contract buyer seller capacity_owner currency kind unit quantity price_per_unit \
        value declared_p rating precision sparsity model cards terms announced signed_at from to effective_from \
        ordered_from ordered_quantity allocated_from metered_from metered_card_hours delivered_from delivered_quantity \
        invoiced_from invoiced_quantity minimum_missing invoiced credited disputed paid_from paid prepaid \
        prepaid_held deposited deposit_held refunded vouchers end resale sold_on event";
    PriceTests, Some("contracts"), "contract buyer seller signed_at currency unit model price reference_low \
        reference_high discount_low discount_high references reason event";
    FundReport, Some("partners"), "lp committed contributed unfunded distributed dpi irr priority_supplier";
    LpAccount, Some("entries"), "at kind id amount unfunded balance event";
    Findings, Some("findings"), "rule version subject parties at amount currency figures facts text";
    RuleBook, Some("rules"), "rule version about parameters";
    Vouchers, Some("vouchers"), "voucher programme holder currency issued_at face locked redeemed paid free status \
        expires_at";
    ProgrammeAnswer, None, "position programme name issuer currency stage versions totals periods sources \
        applications claims";
    Claims, Some("claims"), "claim programme version voucher contract invoice holder provider payee currency at \
        stage base asked payable cut cuts approved paid open recovered reasons payments clawbacks";
    Caps, Some("caps"), "programme year group holders currency issued redeemed cap counts above facts";
    Registered, Some("parties"), "party name kind country uscc lei at event";
    Reviews, Some("reviews"), "kind subject programme version step by of at stage until automatic applicant by_applicant \
        provider before amount note missing event";
    Statement, Some("claims"), "claim programme version voucher contract invoice holder provider payee currency at \
        stage base asked payable cut cuts approved paid open recovered reasons payments clawbacks";
}

/// Where in an answer's document its rows are, and what columns they have.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    list: Option<&'static str>,
    columns: &'static [&'static str],
}

impl Shape {
    pub const fn of<A: Listed>() -> Self {
        Self { list: A::LIST, columns: A::COLUMNS }
    }
}

/// A form in which an answer is a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// RFC 4180 with a header, lines ended by a line feed.
    Csv,
    /// One object a row, with every column.
    JsonLines,
    /// One row group, uncompressed; every column is text that may be null.
    Parquet,
}

impl Form {
    pub const ALL: [Self; 3] = [Self::Csv, Self::JsonLines, Self::Parquet];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
            Self::Parquet => "parquet",
        }
    }

    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::JsonLines => "application/x-ndjson",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    pub fn tell<A: Listed>(self, answer: &A) -> anyhow::Result<Told> {
        self.tell_document(Shape::of::<A>(), serde_json::to_value(answer)?)
    }

    /// An answer as its JSON has it.
    pub fn tell_document(self, shape: Shape, document: Value) -> anyhow::Result<Told> {
        let Rows { position, rows } = Rows::of(shape, document)?;
        let bytes = match self {
            Self::Csv => csv(shape.columns, &rows),
            Self::JsonLines => json_lines(shape.columns, rows)?,
            Self::Parquet => parquet(shape.columns, &rows)?,
        };
        Ok(Told { bytes, position })
    }
}

type Row = Map<String, Value>;

/// The rows of an answer, and the position that it rests on.
struct Rows {
    position: Option<u64>,
    rows: Vec<Row>,
}

impl Rows {
    fn of(shape: Shape, mut document: Value) -> anyhow::Result<Self> {
        let position = document.get("position").and_then(Value::as_u64);
        let rows = match shape.list {
            None => vec![document],
            Some(list) => match document.get_mut(list).map(Value::take) {
                Some(Value::Array(rows)) => rows,
                _ => anyhow::bail!("the answer has no list {list}"),
            },
        };
        let rows = rows.into_iter().map(|row| {
            let Value::Object(row) = row else { anyhow::bail!("{row} is no row") };
            let unknown = row.keys().find(|name| !shape.columns.contains(&name.as_str()));
            ensure!(unknown.is_none(), "no column is known for {unknown:?}");
            Ok(row)
        });
        Ok(Self { position, rows: rows.collect::<anyhow::Result<_>>()? })
    }
}

/// The list, and the position that it rests on.
pub struct Told {
    pub bytes: Vec<u8>,
    pub position: Option<u64>,
}

fn csv(columns: &[&str], rows: &[Row]) -> Vec<u8> {
    let mut text = csv_line(columns.iter().copied());
    for row in rows {
        let cells = columns.iter().map(|name| cell(row.get(*name)).unwrap_or_default());
        let cells: Vec<String> = cells.collect();
        text += &csv_line(cells.iter().map(String::as_str));
    }
    text.into()
}

fn json_lines(columns: &[&str], mut rows: Vec<Row>) -> anyhow::Result<Vec<u8>> {
    let mut text = String::new();
    for row in &mut rows {
        let members = columns.iter().map(|name| {
            let member = row.remove(*name).unwrap_or_default();
            serde_json::to_string(&member).map(|member| format!("\"{name}\":{member}"))
        });
        let members = members.collect::<Result<Vec<_>, _>>().context("a row has no JSON")?;
        text += &format!("{{{}}}\n", members.join(","));
    }
    Ok(text.into())
}

fn parquet(columns: &[&str], rows: &[Row]) -> anyhow::Result<Vec<u8>> {
    let fields = columns.iter().map(|name| {
        let column = Type::primitive_type_builder(name, PhysicalType::BYTE_ARRAY)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(Some(LogicalType::String));
        Ok(Arc::new(column.build()?))
    });
    let fields = fields.collect::<anyhow::Result<Vec<_>>>()?;
    let schema = Type::group_type_builder("rows").with_fields(fields).build()?;
    let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::default())?;
    let mut group = writer.next_row_group()?;
    for name in columns {
        let cells: Vec<Option<String>> = rows.iter().map(|row| cell(row.get(*name))).collect();
        let there: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
        let cells: Vec<ByteArray> =
            cells.iter().flatten().map(|cell| ByteArray::from(cell.as_str())).collect();
        let mut column = group.next_column()?.context("a row group has every column")?;
        column.typed::<ByteArrayType>().write_batch(&cells, Some(&there), None)?;
        column.close()?;
    }
    group.close()?;
    Ok(writer.into_inner()?)
}

/// Nothing where it is unknown.
fn cell(value: Option<&Value>) -> Option<String> {
    match value {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(value) => Some(value.to_string()),
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
    use loopledger_views::{DeclaredContract, FlowKind, MoneyFlow};
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::record::{Field, Row as Read};
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
        let told = Form::Csv.tell(&flows()).expect("a list");
        assert_eq!(
            text(&told),
            "id,from,to,kind,amount,currency,at,event\n\
             pm-1,c,a,compute_payment,2516220.00,CNY,2025-03-20T00:00:00Z,18.2\n"
        );
        assert_eq!(told.position, Some(27));
        let told = Form::JsonLines.tell(&flows()).expect("a list");
        assert_eq!(
            text(&told),
            "{\"id\":\"pm-1\",\"from\":\"c\",\"to\":\"a\",\"kind\":\"compute_payment\",\
             \"amount\":\"2516220.00\",\"currency\":\"CNY\",\"at\":\"2025-03-20T00:00:00Z\",\
             \"event\":\"18.2\"}\n"
        );
    }

    fn text(told: &Told) -> &str {
        str::from_utf8(&told.bytes).expect("UTF-8")
    }

    /// As the library's own reader understands it.
    fn read_parquet<A: Listed>(answer: &A) -> (Vec<String>, Vec<Vec<Field>>) {
        let told = Form::Parquet.tell(answer).expect("a list");
        let reader = SerializedFileReader::new(bytes::Bytes::from(told.bytes)).expect("a file");
        let schema = reader.metadata().file_metadata().schema();
        let columns = schema.get_fields().iter().map(|field| field.name().to_owned()).collect();
        let rows = reader.get_row_iter(None).expect("rows");
        let cells = |row: Read| row.get_column_iter().map(|(_, cell)| cell.clone()).collect();
        (columns, rows.map(|row| cells(row.expect("a row"))).collect())
    }

    #[test]
    fn a_parquet_list_has_the_same_cells_as_the_csv_one() {
        let book = RuleBook::in_force();
        let (columns, rows) = read_parquet(&book);
        assert_eq!(columns, RuleBook::COLUMNS);
        let csv = Form::Csv.tell(&book).expect("a list");
        let mut csv = csv::Reader::from_reader(&*csv.bytes);
        for (row, line) in rows.iter().zip(csv.records()) {
            let line: Vec<Field> =
                line.expect("CSV").iter().map(|cell| Field::Str(cell.to_owned())).collect();
            assert_eq!(*row, line);
        }
        assert_eq!(rows.len(), book.rules.len());
        let none = Implied { position: 1, contracts: vec![declared()] };
        let (columns, rows) = read_parquet(&none);
        let model = columns.iter().position(|name| name == "model").expect("a column");
        assert_eq!((&rows[0][model], &rows[0][0]), (&Field::Null, &Field::Str("k-1".to_owned())));
    }

    fn declared() -> DeclaredContract {
        serde_json::from_value(serde_json::json!({
            "contract": "k-1", "buyer": "c", "seller": "a", "signed_at": "2025-01-01T00:00:00Z",
            "event": "3.0", "declared_p": "1", "precision": null, "sparsity": null, "model": null,
            "cards": null, "implied": [], "reason": null, "other_reading": null,
        }))
        .expect("a contract")
    }

    #[test]
    fn an_empty_list_still_has_its_header() {
        let none = Flows { position: 0, flows: Vec::new() };
        let header = Form::Csv.tell(&none).expect("a list");
        assert_eq!(text(&header), "id,from,to,kind,amount,currency,at,event\n");
        assert!(Form::JsonLines.tell(&none).expect("a list").bytes.is_empty());
        let (columns, rows) = read_parquet(&none);
        assert_eq!((columns.len(), rows.len()), (8, 0));
    }

    #[test]
    fn nested_values_are_json_text_and_unknown_ones_blank() {
        let book = RuleBook::in_force();
        let told = Form::Csv.tell(&book).expect("a list");
        let mut read = csv::Reader::from_reader(&*told.bytes);
        let first = read.records().next().expect("a rule").expect("CSV");
        assert!(serde_json::from_str::<Map<String, Value>>(&first[3]).is_ok(), "{first:?}");
        assert_eq!(cell(Some(&Value::Null)), None);
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
