//! Bundles that are in order: what their rows become, and in which order.

use std::collections::BTreeMap;

use expect_test::{expect, expect_file};
use loopledger_model::{Currency, Rounding, RoundingMode, purchase, voucher};
use proptest::prelude::*;

use super::{Bundle, Ledger, full, lp_loop, problems, read_knowing, rows, with, without};
use crate::files::FILES;
use crate::send::MOST_ROWS;
use crate::{ContextCommand, Row, Thing};

fn listed(rows: &[Row]) -> String {
    let line = |row: &Row| {
        let Row { file, line, at, id, by, .. } = row;
        format!("{at} {file}:{line} {id} by {by}\n")
    };
    rows.iter().map(line).collect()
}

#[test]
fn the_sample_is_read_in_the_order_of_its_dates() {
    expect![[r#"
        1970-01-01T00:00:00Z parties.csv:2 import:parties:city by importer
        1970-01-01T00:00:00Z parties.csv:3 import:parties:provider-a by importer
        1970-01-01T00:00:00Z parties.csv:4 import:parties:provider-x by importer
        1970-01-01T00:00:00Z parties.csv:5 import:parties:fund-b by importer
        1970-01-01T00:00:00Z parties.csv:6 import:parties:gp-b by importer
        1970-01-01T00:00:00Z parties.csv:7 import:parties:lp-state by importer
        1970-01-01T00:00:00Z parties.csv:8 import:parties:company-c by importer
        1970-01-01T00:00:00Z parties.csv:9 import:parties:company-d by importer
        1970-01-01T00:00:00Z parties.csv:10 import:parties:reseller-r by importer
        2025-01-01T00:00:00Z programmes.csv:2 import:programmes:cv-2025 by city
        2024-01-01T00:00:00Z card_specs.csv:2 import:card_specs:a4c1dcd1506bdc1bfa1bb8a892b5671f by importer
        2024-01-01T00:00:00Z card_specs.csv:3 import:card_specs:70213e3188bf5588ae8a2bdd33f6cc50 by importer
        2024-06-01T00:00:00Z ownership.csv:2 import:ownership:263609170d9ec4a3d08b4b4dd46dc0e5 by importer
        2024-06-01T00:00:00Z funds.csv:2 import:funds:fund-b by gp-b
        2024-06-15T00:00:00Z commitments.csv:2 import:commitments:cm-1 by provider-a
        2024-06-15T00:00:00Z commitments.csv:3 import:commitments:cm-2 by lp-state
        2024-09-01T00:00:00Z contributions.csv:2 import:contributions:ct-1 by provider-a
        2024-09-01T00:00:00Z contributions.csv:3 import:contributions:ct-2 by lp-state
        2024-11-15T00:00:00Z investments.csv:2 import:investments:iv-1 by fund-b
        2025-01-01T00:00:00Z prices.csv:2 import:prices:529eda04c33c51a0831d8a19f7b2242c by importer
        2025-01-01T00:00:00Z admissions.csv:2 import:admissions:08bced19b03b7eb1408b9a31f6e2680e by city
        2025-01-01T00:00:00Z admissions.csv:3 import:admissions:9780f592ea0dcf452ad18a8c73385e72 by city
        2025-01-01T00:00:00Z pools.csv:2 import:pools:pool-a1 by provider-a
        2025-01-01T00:00:00Z pools.csv:3 import:pools:pool-x1 by provider-x
        2025-01-10T00:00:00Z contracts.csv:2 import:contracts:k-1 by provider-a
        2025-01-20T00:00:00Z investments.csv:3 import:investments:iv-2 by fund-b
        2025-01-20T00:00:00Z vouchers.csv:2 import:vouchers:v-c1 by city
        2025-01-25T00:00:00Z locks.csv:2 import:locks:lk-1 by company-c
        2025-02-01T00:00:00Z allocations.csv:2 import:allocations:al-1 by provider-a
        2025-02-10T00:00:00Z investments.csv:4 import:investments:iv-3 by provider-x
        2025-02-15T00:00:00Z contracts.csv:3 import:contracts:k-2 by provider-x
        2025-02-20T00:00:00Z contracts.csv:4 import:contracts:k-3 by provider-a
        2025-02-20T00:00:00Z vouchers.csv:3 import:vouchers:v-d1 by city
        2025-02-25T00:00:00Z contracts.csv:5 import:contracts:k-4 by reseller-r
        2025-02-25T00:00:00Z locks.csv:3 import:locks:lk-2 by company-d
        2025-03-01T00:00:00Z allocations.csv:3 import:allocations:al-2 by provider-x
        2025-03-01T00:00:00Z allocations.csv:4 import:allocations:al-3 by provider-a
        2025-03-01T00:00:00Z usage.csv:2 import:usage:us-1 by provider-a
        2025-03-05T00:00:00Z contracts.csv:6 import:contracts:k-5 by provider-a
        2025-03-05T00:00:00Z invoices.csv:2 import:invoices:in-1 by provider-a
        2025-03-20T00:00:00Z payments.csv:2 import:payments:pm-1 by company-c
        2025-03-25T00:00:00Z redemptions.csv:2 import:redemptions:rd-1 by provider-a
        2025-03-28T00:00:00Z terminations.csv:2 import:terminations:k-5 by importer
        2025-04-01T00:00:00Z pool_changes.csv:2 import:pool_changes:08e20201fe313e90f2e0e2404f29a161 by provider-a
        2025-04-01T00:00:00Z usage.csv:3 import:usage:us-2 by provider-a
        2025-04-01T00:00:00Z usage.csv:4 import:usage:us-3 by provider-x
        2025-04-05T00:00:00Z invoices.csv:3 import:invoices:in-2 by provider-a
        2025-04-06T00:00:00Z invoices.csv:6 import:invoices:in-5 by reseller-r
        2025-04-08T00:00:00Z invoices.csv:4 import:invoices:in-3 by provider-x
        2025-04-10T00:00:00Z invoices.csv:5 import:invoices:in-4 by provider-a
        2025-04-15T00:00:00Z settlements.csv:2 import:settlements:st-1 by city
        2025-04-20T00:00:00Z payments.csv:3 import:payments:pm-2 by company-c
        2025-04-22T00:00:00Z payments.csv:4 import:payments:pm-3 by company-d
        2025-04-24T00:00:00Z payments.csv:5 import:payments:pm-5 by company-c
        2025-04-25T00:00:00Z redemptions.csv:3 import:redemptions:rd-2 by provider-a
        2025-04-26T00:00:00Z redemptions.csv:4 import:redemptions:rd-3 by provider-x
        2025-04-28T00:00:00Z payments.csv:6 import:payments:pm-4 by reseller-r
        2025-05-15T00:00:00Z settlements.csv:3 import:settlements:st-3 by city
    "#]].assert_eq(&listed(&rows(&lp_loop())));
}

#[test]
fn a_bundle_of_all_columns_is_read() {
    expect_file!["full_rows.txt"].assert_eq(&listed(&rows(&full())));
}

#[test]
fn every_row_becomes_the_command_that_it_describes() {
    let json = |row: &Row| format!("{}\n", serde_json::to_string(&row.command).expect("JSON"));
    let commands: String = rows(&full()).iter().map(json).collect();
    expect_file!["full_commands.txt"].assert_eq(&commands);
}

/// Without what needs one of several optional cells.
fn plain() -> Bundle {
    let steps = |of: &str, id: &str| {
        format!("{of},step,by,of,at,amount,reasons,note\n{id},check,o-1,G,2024-04-01,,,\n")
    };
    let bundle = with(full(), "application_reviews.csv", &steps("application", "ap-1"));
    let bundle = with(bundle, "claim_reviews.csv", &steps("claim", "cl-1"));
    with(bundle, "evidence.csv", "application,claim,supplied_at,kind,sha256,size,number\n")
}

/// The bundle with every optional cell blank.
fn bare(keep: impl Fn(&str) -> bool) -> Bundle {
    let mut bundle = plain();
    for file in FILES {
        let optional =
            |name: &str| file.columns().any(|column| column.name == name && column.is_optional);
        let text = bundle.get_mut(file.name).expect("every file is in it");
        let header: Vec<_> = text.lines().next().expect("a header").split(',').collect();
        let lines = text.lines().enumerate().map(|(line, text)| {
            let cells = text.split(',').zip(&header);
            let cells = cells.filter(|(_, name)| keep(name) || !optional(name));
            cells
                .map(|(cell, name)| if line > 0 && optional(name) { "" } else { cell })
                .collect::<Vec<_>>()
                .join(",")
        });
        *text = lines.collect::<Vec<_>>().join("\r\n");
    }
    bundle
}

#[test]
fn an_optional_column_may_be_blank_or_left_out() {
    let blank = rows(&bare(|_| true));
    let left_out = rows(&bare(|_| false));
    assert_eq!(blank, left_out);
    assert_eq!(blank.len(), rows(&plain()).len());
}

#[test]
fn a_programme_that_states_no_rounding_truncates_at_the_minor_unit_of_its_currency() {
    for (currency, digits) in [("CNY", 2), ("JPY", 0), ("KWD", 3)] {
        let text = format!(
            "id,issuer,name,currency,budget,opens,closes,ratio,affiliation\n\
             p-9,G,P,{currency},100,2024-01-01,2024-12-31,0.3,allow\n"
        );
        let bundle = BTreeMap::from([
            ("parties.csv".to_owned(), "id,name,kind\nG,G,government\n".to_owned()),
            ("programmes.csv".to_owned(), text),
        ]);
        let rows = rows(&bundle);
        let ContextCommand::Voucher(voucher::Command::DefineProgramme(programme)) =
            &rows[1].command
        else {
            panic!("{rows:?}");
        };
        assert_eq!(programme.rules.rounding, Rounding { digits, mode: RoundingMode::Truncate });
        assert!(!programme.rules.metering_required);
    }
}

#[test]
fn a_header_without_rows_and_a_file_that_is_absent_are_the_same() {
    let header = with(full(), "transfers.csv", "purpose,at,id,from,to,amount,currency\n");
    assert_eq!(rows(&header), rows(&without(full(), "transfers.csv")));
}

#[test]
fn a_byte_order_mark_line_ends_and_quotes_make_no_difference() {
    let marked = full().into_iter().map(|(name, text)| {
        if !name.ends_with(".csv") {
            return (name, text);
        }
        let quoted = text.lines().map(|line| format!("\"{}\"", line.replace(',', "\",\"")));
        (name, format!("\u{feff}{}\r\n", quoted.collect::<Vec<_>>().join("\r\n")))
    });
    assert_eq!(rows(&marked.collect()), rows(&full()));
}

#[test]
fn files_that_are_no_csv_are_passed_over() {
    assert_eq!(rows(&with(full(), "README.md", "a note")), rows(&full()));
}

#[test]
fn a_row_that_is_written_twice_counts_once() {
    let twice = "id,from,to,amount,currency,at,purpose\n\
        tr-1,C,A,2,CNY,2024-03-06,loan\n\
        tr-1,C,A,2.00,CNY,2024-03-06T08:00:00+08:00,loan\n";
    assert_eq!(rows(&with(full(), "transfers.csv", twice)), rows(&full()));
    let stakes = "owner,owned,percent,from,to\n\
        A,C,10,2024-01-01,2024-06-01\n\
        A,C,10.0,2024-01-01T00:00:00Z,2024-06-01\n";
    assert_eq!(rows(&with(full(), "ownership.csv", stakes)), rows(&full()));
}

#[test]
fn the_id_of_a_command_follows_from_the_key_of_its_row_alone() {
    let id = |text: &str| {
        let rows =
            rows(&with(full(), "ownership.csv", &format!("owner,owned,percent,from\n{text}\n")));
        rows.into_iter().find(|row| row.file == "ownership.csv").expect("it is read").id
    };
    assert_eq!(id("A,C,10,2024-01-01"), id("A,C,20,2024-01-01T01:00:00+01:00"));
    assert_ne!(id("A,C,10,2024-01-01"), id("A,B,10,2024-01-01"));
    assert_ne!(id("A,C,10,2024-01-01"), id("A,C,10,2024-01-02"));
}

#[test]
fn a_card_spec_without_a_date_comes_with_the_parties() {
    let text = "model,precision,sparsity,p_per_card\nH200,bf16,dense,0.9\n";
    let rows = rows(&with(full(), "card_specs.csv", text));
    let files: Vec<_> = rows.iter().map(|row| row.file).take(6).collect();
    assert_eq!(files[3..], ["parties.csv", "card_specs.csv", "programmes.csv"]);
}

#[test]
fn rows_may_refer_to_what_earlier_imports_have_left() {
    let mut bundle = lp_loop();
    let payments = bundle.remove("payments.csv").expect("it has payments");
    let later = BTreeMap::from([("payments.csv".to_owned(), payments)]);
    let yen: Currency = "JPY".parse().expect("a currency");
    let known = ["in-1", "in-2", "in-3", "in-4", "in-5"];
    let currencies = known.map(|id| ((Thing::Invoice, id.to_owned()), yen)).into();
    let ledger = Ledger { currencies, ..Ledger::default() };
    let rows = read_knowing(&later, &ledger).expect("the ledger knows the invoices");
    for row in &rows {
        let ContextCommand::Purchase(purchase::Command::RecordPayment(payment)) = &row.command
        else {
            panic!("{row:?}");
        };
        assert_eq!(payment.amount.currency(), yen);
        assert_eq!(row.by.as_str(), "importer");
    }
    expect![[r#"
        payments.csv line 2, column invoice: no invoice `in-1` is in invoices.csv or in the ledger, so the currency is not known: add it to invoices.csv
        payments.csv line 3, column invoice: no invoice `in-2` is in invoices.csv or in the ledger, so the currency is not known: add it to invoices.csv
        payments.csv line 4, column invoice: no invoice `in-3` is in invoices.csv or in the ledger, so the currency is not known: add it to invoices.csv
        payments.csv line 5, column invoice: no invoice `in-5` is in invoices.csv or in the ledger, so the currency is not known: add it to invoices.csv
        payments.csv line 6, column invoice: no invoice `in-4` is in invoices.csv or in the ledger, so the currency is not known: add it to invoices.csv
    "#]].assert_eq(&problems(&later));
}

#[test]
fn parties_of_earlier_imports_need_not_be_given_again() {
    let later = without(full(), "parties.csv");
    let parties = ["A", "B", "C", "G"].map(|id| id.parse().expect("an id")).into();
    let rows = read_knowing(&later, &Ledger { parties, ..Ledger::default() });
    let all = super::rows(&full()).len();
    assert_eq!(rows.expect("the ledger knows the parties").len(), all - 4);
}

#[test]
fn the_longest_rows_fit_into_a_message() {
    let (name, id, number) = ("𝄞".repeat(256), "x".repeat(64), "999999999999999.999999999");
    let (money, ratio, days) = ("999999999999999999.99", "0.123456789", u32::MAX);
    let programme = format!(
        "id,issuer,name,currency,budget,opens,closes,ratio,cap_voucher,cap_holder_year,validity_days,affiliation,\
         affiliation_percent,funding_link_months,metering_required,rounding_digits,rounding_mode\n\
         {id},{id},{name},CNY,{money},2024-01-01,2024-12-31,{ratio},{money},{money},{days},refuse_funding_link,\
         99.123456789,{days},true,{days},truncate\n"
    );
    let contract = format!(
        "id,buyer,seller,currency,price_per_unit,unit,quantity,declared_p,precision,sparsity,model,cards,signed_at,\
         from,to,backing_contract\n\
         {id},{id},{id},CNY,{number},card_hour,{number},{number},bf16,sparse,{id},{days},2024-01-01,2024-01-01,\
         2024-01-02,{id}\n"
    );
    let transfer = format!(
        "id,from,to,amount,currency,at,purpose\n{id},{id},{id},{money},CNY,2024-01-01,{name}\n"
    );
    let parties = format!("id,name,kind\n{id},{name},government\n");
    let files = [
        ("parties", parties),
        ("programmes", programme),
        ("contracts", contract),
        ("transfers", transfer),
    ];
    let bundle = files.map(|(stem, text)| (format!("{stem}.csv"), text)).into();
    for row in rows(&bundle) {
        let overhead =
            128 + 64 + r#"{"id":"","by":"","after":18446744073709551615,"command":},"#.len();
        let bytes = overhead + serde_json::to_vec(&row.command).expect("JSON").len();
        assert!(bytes * MOST_ROWS < 1024 * 1024 - 1024, "{}: {bytes}", row.file);
    }
}

/// A bundle with its columns and rows in another order; rows of one file and one date stay in theirs.
fn shuffled(bundle: &Bundle, rows: &[Row], mut next: impl FnMut() -> u32) -> Bundle {
    let mut permutation = |length: usize| {
        let mut order: Vec<_> = (0..length).map(|place| (next(), place)).collect();
        order.sort_unstable();
        order.into_iter().map(|(_, place)| place).collect::<Vec<_>>()
    };
    let mut shuffled = Bundle::new();
    for (name, text) in bundle {
        let records: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
        let at = |line: usize| {
            let row = rows.iter().find(|row| row.file == name && row.line == line + 1);
            row.expect("every line is a row").at
        };
        let columns = permutation(records[0].len());
        let mut lines: Vec<_> =
            permutation(records.len() - 1).into_iter().map(|line| line + 1).collect();
        // Programmes and parties are not ordered by a date.
        if name == "programmes.csv" || name == "parties.csv" {
            lines.sort_unstable();
        }
        let mut in_place = lines.clone();
        for place in 0..lines.len() {
            let date = at(lines[place]);
            let nth = lines[..place].iter().filter(|line| at(**line) == date).count();
            let same = (1..records.len()).filter(|line| at(*line) == date);
            in_place[place] = same.into_iter().nth(nth).expect("as many as before");
        }
        let write = |line: usize| {
            columns.iter().map(|column| records[line][*column]).collect::<Vec<_>>().join(",")
        };
        let text: Vec<_> = std::iter::once(0).chain(in_place).map(write).collect();
        shuffled.insert(name.clone(), text.join("\n"));
    }
    shuffled
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_order_of_columns_and_of_rows_with_unlike_dates_makes_no_difference(
        numbers in prop::collection::vec(any::<u32>(), 400),
    ) {
        let bundle = lp_loop();
        let expected = rows(&bundle);
        let mut numbers = numbers.into_iter().cycle();
        let shuffled = shuffled(&bundle, &expected, || numbers.next().expect("it goes round"));
        prop_assert_ne!(&shuffled, &bundle);
        let commands = |rows: Vec<Row>| rows.into_iter().map(|row| (row.id, row.by, row.command)).collect::<Vec<_>>();
        prop_assert_eq!(commands(rows(&shuffled)), commands(expected));
    }
}
