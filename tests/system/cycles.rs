//! `loopledger cycles`: the bare search on a file, without a ledger.

use serde_json::{Value, json};

use crate::program::{Ledger, project};

const BITCOIN_OTC: &str = "tests/data/bitcoin_otc.csv";

#[test]
fn bitcoin_otc_has_the_cycles_that_are_known() {
    let ledger = Ledger::new();
    let found = ledger.query(&["cycles", BITCOIN_OTC, "--window", "7d", "--max-hops", "6"]);
    let by_hops = json!({ "2": 12_071, "3": 689, "4": 650, "5": 571, "6": 573 });
    assert_eq!(found, json!({ "edges": 35_592, "cycles": 14_554, "by_hops": by_hops }));
    let found = ledger.query(&["cycles", BITCOIN_OTC, "--window", "604800"]);
    assert_eq!(found["cycles"], 16_993);
    assert!(!ledger.data().exists(), "it needs no data folder");
}

#[test]
fn every_cycle_is_listed_with_its_lines() {
    let ledger = Ledger::new();
    let text = "note,time,dst,src\nx,1.5,b,a\nx,2,a,a\nx,1.5,a,b\nx,9,b,a\nx,1e1,c,b\nx,10.5,a,c\n";
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), text).expect("our own file");
    let path = file.path().to_str().expect("a readable path");
    let found = ledger.query(&["cycles", path, "--list"]);
    let listed = found["list"].as_array().expect("a list");
    assert_eq!(listed.len(), 4);
    let lines = [[2, 4].as_slice(), &[4, 5], &[2, 6, 7], &[5, 6, 7]];
    for cycle in lines {
        assert!(listed.contains(&json!(cycle)), "{cycle:?} is not in {listed:?}");
    }
    assert_eq!(found["by_hops"], json!({ "2": 2, "3": 2 }));
    let told = ledger.run(&["cycles", path, "--list", "--window", "1.5s"]).succeeded().stdout;
    assert!(told.contains("a → b → c → a   lines 5 6 7"), "{told}");
    assert!(told.contains("6 edges, 2 cycles"), "{told}");
    assert_eq!(ledger.query(&["cycles", path, "--max-hops", "2"])["cycles"], Value::from(2));
}

#[test]
fn a_file_that_cannot_be_read_is_told_with_its_line_and_column() {
    let ledger = Ledger::new();
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let path = file.path().to_str().expect("a readable path");
    for (text, said) in [
        ("src,dst,time\na,b,noon\n", "line 2, column time: `noon` is no time"),
        ("src,dst\na,b\n", "line 1, column time: is missing"),
        ("src,dst,time\na,b\n", "line 2: has 2 cells where the header has 3"),
    ] {
        std::fs::write(file.path(), text).expect("our own file");
        let answer = ledger.run(&["cycles", path]);
        assert_eq!(answer.code, Some(2), "{}", answer.text());
        assert!(answer.stderr.contains(path) && answer.stderr.contains(said), "{}", answer.stderr);
    }
    let none = project().join("no.csv");
    let none = none.to_str().expect("a readable path");
    assert_eq!(ledger.run(&["cycles", none]).code, Some(2));
    assert_eq!(ledger.run(&["cycles", BITCOIN_OTC, "--window", "soon"]).code, Some(2));
    assert_eq!(ledger.run(&["cycles", BITCOIN_OTC, "--max-hops", "1"]).code, Some(2));
}
