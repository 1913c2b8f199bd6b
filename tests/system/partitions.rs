//! A ledger whose contexts are split: each market is decided in the partitions that its key names, as it would be alone.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::program::{Bundle, Ledger, Up, scenario};

/// Every column of lp-loop that holds an id, or a card model.
const IDS: &str = "id programme provider pool contract fund lp buyer seller backing_contract manager \
    investor company voucher owner owned invoice operator issuer redemption allocation holder model";

/// lp-loop in which every id begins with a key, and the card models too.
fn market(key: &str) -> Bundle {
    let bundle = Bundle::lp_loop();
    for entry in std::fs::read_dir(bundle.path()).expect("our own folder") {
        let path = entry.expect("our own folder").path();
        if path.extension().is_some_and(|extension| extension == "csv") {
            let text = std::fs::read_to_string(&path).expect("a bundle's file");
            std::fs::write(&path, with_key(&text, key)).expect("our own folder");
        }
    }
    bundle
}

/// lp-loop has no cell that is quoted.
fn with_key(text: &str, key: &str) -> String {
    let mut lines = text.lines();
    let header = lines.next().expect("a header");
    let ids: BTreeSet<&str> = IDS.split_whitespace().collect();
    let is_id: Vec<bool> = header.split(',').map(|column| ids.contains(column)).collect();
    let mut written = format!("{header}\n");
    for line in lines.filter(|line| !line.is_empty()) {
        let cells = line.split(',').zip(&is_id).map(|(cell, is_id)| match (is_id, cell) {
            (true, cell) if !cell.is_empty() => format!("{key}:{cell}"),
            _ => cell.to_owned(),
        });
        written.push_str(&cells.collect::<Vec<_>>().join(","));
        written.push('\n');
    }
    written
}

/// The loops of one market, or of a ledger that has no other, without its key and without the facts' positions.
fn loops(answer: &Value, key: &str) -> BTreeSet<String> {
    let prefix = if key.is_empty() { String::new() } else { format!("{key}:") };
    let all = answer["loops"].as_array().expect("a list").iter();
    let own = all.filter(|found| {
        found["parties"][0].as_str().is_some_and(|party| party.starts_with(&prefix))
    });
    let plain = own.map(|found| {
        let mut found = found.clone();
        forget_positions(&mut found);
        let text = found.to_string();
        if prefix.is_empty() { text } else { text.replace(&prefix, "") }
    });
    plain.collect()
}

fn forget_positions(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| {
                !matches!(name.as_str(), "event" | "id" | "positions" | "voucher_events")
            });
            fields.values_mut().for_each(forget_positions);
        }
        Value::Array(values) => values.iter_mut().for_each(forget_positions),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The partitions of a context that have commits.
fn used(ledger: &Ledger, context: &str) -> BTreeSet<String> {
    let found = ledger.query(&["verify"]);
    let partitions = found["partitions"].as_array().expect("a list").iter();
    let names = partitions.map(|end| end["partition"].as_str().expect("a name").to_owned());
    names.filter(|name| name.starts_with(context)).collect()
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

const SPLIT: [&str; 2] = ["--partitions", "voucher=4,purchase=3"];

fn split_ledger(markets: &[&str]) -> Ledger {
    let ledger = Ledger::new();
    for key in markets {
        let bundle = market(key);
        let path = bundle.path().to_str().expect("a readable path").to_owned();
        ledger.run(&[&["import", path.as_str()], &SPLIT[..]].concat()).succeeded();
    }
    ledger
}

#[test]
fn two_markets_in_partitions_of_their_own_close_the_loops_that_one_closes_alone() {
    let alone = Ledger::new();
    alone.import(&scenario("lp-loop")).succeeded();
    let expected = loops(&alone.query(&["loops"]), "");
    assert_eq!(expected.len(), 3);

    let ledger = split_ledger(&["south", "west"]);
    let found = ledger.query(&["loops"]);
    for key in ["south", "west"] {
        assert_eq!(loops(&found, key), expected, "{key}");
    }
    assert_eq!(used(&ledger, "voucher"), names(&["voucher.0", "voucher.3"]));
    assert_eq!(used(&ledger, "purchase"), names(&["purchase.1", "purchase.2"]));
    assert_eq!(used(&ledger, "fund"), names(&["fund.0"]));

    let again = market("west");
    let answer = ledger.import(again.path()).succeeded();
    assert!(answer.stdout.contains("58 unchanged"), "{}", answer.text());
    assert_eq!(loops(&ledger.query(&["loops"]), "west"), expected);
}

#[test]
fn an_invoice_of_another_market_cannot_be_claimed() {
    let ledger = split_ledger(&["south", "west"]);
    let claim = "south:rd-9,south:v-c1,west:in-1,1,2025-04-21";
    let bundle = market("south").append("redemptions.csv", claim);
    let answer = ledger.import(bundle.path());
    assert_eq!(answer.code, Some(3), "{}", answer.text());
    let text = answer.text();
    assert!(text.contains("refused (wrong_partition)"), "{text}");
    for told in ["south:v-c1 lies in", "west:in-1 lies in", "before their first `:`"] {
        assert!(text.contains(told), "{text}");
    }
    let flows = ledger.query(&["flows", "--kind", "voucher_payment"]);
    assert_eq!(
        flows["flows"].as_array().map(Vec::len),
        Some(4),
        "of each market the two that were settled"
    );
}

#[test]
fn a_start_with_another_number_of_partitions_is_refused_and_says_what_to_do() {
    let ledger = split_ledger(&["south"]);
    let refused = ledger.run(&["loops", "--partitions", "voucher=2"]);
    assert_eq!(refused.code, Some(1), "{}", refused.text());
    let told = "recorded with 4 partitions of voucher, and 2 are asked for";
    assert!(refused.stderr.contains(told), "{}", refused.stderr);
    let up = Up::start(&ledger);
    assert_eq!(ledger.query(&["loops"])["loops"].as_array().map(Vec::len), Some(3));
    assert_eq!(up.interrupt(), Some(0));
}

#[test]
fn a_repaired_journal_has_the_partitions_of_the_one_before() {
    let ledger = split_ledger(&["south"]);
    let before = ledger.query(&["loops"])["loops"].clone();
    std::fs::remove_dir_all(ledger.data().join("nats")).expect("our own folder");
    let without = ledger.run(&["repair"]);
    assert_eq!(without.code, Some(1), "{}", without.text());
    assert!(without.stderr.contains("--partitions"), "{}", without.stderr);
    ledger.run(&[&["repair"], &SPLIT[..]].concat()).succeeded();
    assert_eq!(ledger.query(&["loops"])["loops"], before);
    let other = ledger.run(&["loops", "--partitions", "purchase=2"]);
    assert!(other.stderr.contains("recorded with 3 partitions of purchase"), "{}", other.stderr);
    assert_eq!(ledger.query(&["verify"])["ok"], json!(true));
}
