//! A journal that was damaged on disk: noticed at the start, told by `verify`, healed by `repair`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Ledger, scenario};

fn store(ledger: &Ledger) -> PathBuf {
    ledger.data().join("nats/store")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("our own folder");
    for entry in fs::read_dir(from).expect("it is there") {
        let entry = entry.expect("it can be read");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("our own folder");
        }
    }
}

fn replace(folder: &Path, by: &Path) {
    fs::remove_dir_all(folder).expect("it is there");
    copy(by, folder);
}

/// The files that hold the stream's messages.
fn blocks(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("it is there") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            found.extend(blocks(&path));
        } else if path.extension().is_some_and(|extension| extension == "blk") {
            found.push(path);
        }
    }
    found
}

/// Changes one byte of the `number`th message that has the text in it.
fn flip(ledger: &Ledger, text: &str, number: usize) {
    let length = |path: &PathBuf| fs::metadata(path).expect("our own file").len();
    let file = blocks(&store(ledger)).into_iter().max_by_key(length);
    let file = file.expect("the journal has a file");
    let mut bytes = fs::read(&file).expect("it can be read");
    let places = bytes.windows(text.len()).enumerate();
    let found = places.filter(|(_, window)| *window == text.as_bytes());
    let (at, _) = found.into_iter().nth(number).expect("the text is there so often");
    bytes[at + 1] ^= 1;
    fs::write(&file, bytes).expect("our own file");
}

/// What `verify` finds wrong.
#[track_caller]
fn findings(ledger: &Ledger) -> Value {
    let answer = ledger.run(&["verify", "--json"]);
    let found: Value = serde_json::from_str(&answer.stdout).expect(&answer.stderr);
    assert_eq!(answer.code, Some(i32::from(found["ok"] != true)), "{found}");
    found
}

/// An imported lp-loop and what it says.
fn imported() -> (Ledger, Value) {
    let ledger = Ledger::new();
    ledger.import(&scenario("lp-loop")).succeeded();
    let everything = ledger.everything();
    (ledger, everything)
}

#[track_caller]
fn assert_healed(ledger: &Ledger, everything: &Value, heads: &Value) {
    let healed = findings(ledger);
    assert_eq!((&healed["ok"], &healed["partitions"]), (&Value::Bool(true), heads));
    assert_eq!(&ledger.everything(), everything);
    let again = ledger.import(&scenario("lp-loop")).succeeded();
    assert!(again.stdout.contains(" 0 accepted, 58 unchanged"), "{}", again.stdout);
    assert_eq!(&ledger.everything(), everything);
}

#[test]
fn a_journal_that_is_older_than_its_archive_is_noticed_told_and_healed() {
    let ledger = Ledger::new();
    ledger.query(&["loops"]);
    let old = TempDir::new().expect("a temporary folder");
    copy(&store(&ledger), old.path());
    ledger.import(&scenario("lp-loop")).succeeded();
    let everything = ledger.everything();
    let whole = findings(&ledger);
    assert_eq!(whole["ok"], true, "{whole}");
    assert_eq!(whole["position"], everything["loops"]["position"]);
    let nothing = ledger.run(&["repair"]).succeeded();
    assert!(nothing.stdout.contains("nothing to repair"), "{}", nothing.stdout);

    replace(&store(&ledger), old.path());
    let stopped = ledger.run(&["loops"]);
    assert_eq!(stopped.code, Some(1));
    for part in ["first at position 1", "loopledger verify", "loopledger repair"] {
        assert!(stopped.stderr.contains(part), "{}", stopped.stderr);
    }
    let found = findings(&ledger);
    assert_eq!((&found["position"], &found["problems"][0]["position"]), (&0.into(), &1.into()));

    let repaired = ledger.run(&["repair"]).succeeded();
    assert!(repaired.stdout.contains("LEDGER_R1 is the journal now"), "{}", repaired.stdout);
    assert_healed(&ledger, &everything, &whole["partitions"]);

    // Once more: the next generation, out of the restored one.
    replace(&store(&ledger), old.path());
    ledger.run(&["repair"]).succeeded();
    assert_healed(&ledger, &everything, &whole["partitions"]);
}

#[test]
fn one_changed_byte_is_noticed_wherever_it_is_and_healed() {
    let (ledger, everything) = imported();
    let whole = findings(&ledger);
    let sound = TempDir::new().expect("a temporary folder");
    copy(&store(&ledger), sound.path());
    let commits = usize::try_from(whole["commits"].as_u64().expect("a number")).expect("few");
    for number in [0, commits / 2, commits - 1] {
        flip(&ledger, "\"facts_at\"", number);
        let found = findings(&ledger);
        let first = found["problems"][0]["position"].as_u64().expect("a problem");
        assert!(first <= number as u64 + 1, "{found}");
        if number == commits - 1 {
            // The ends of the partitions are compared at every start.
            let stopped = ledger.run(&["loops"]);
            assert_eq!(stopped.code, Some(1), "{}", stopped.text());
            assert!(stopped.stderr.contains("loopledger repair"), "{}", stopped.stderr);
        }
        ledger.run(&["repair"]).succeeded();
        assert_healed(&ledger, &everything, &whole["partitions"]);
        replace(&store(&ledger), sound.path());
    }
}
