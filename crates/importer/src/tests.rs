//! What the tests of the importer share: bundles in folders, and a ledger in memory.

mod ledger;
mod reading;
mod sending;
mod wrong;

use std::collections::BTreeMap;
use std::path::Path;
use std::task::{Context, Poll, Waker};

use super::{ImportError, Row, Unreadable, read};
use ledger::Ledger;

/// File names and texts.
type Bundle = BTreeMap<String, String>;

/// The sample bundle.
fn lp_loop() -> Bundle {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios/lp-loop");
    let entries = std::fs::read_dir(dir).expect("the sample is there");
    let file = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.expect("is listed").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).expect("is read"))
    };
    entries.map(file).collect()
}

/// One row in every file, every column given, each with its name above it.
fn full() -> Bundle {
    let files = include_str!("tests/full.txt").split("\n\n").map(|part| {
        let (name, text) = part.split_once('\n').expect("a name and a text");
        (name.to_owned(), text.to_owned())
    });
    files.collect()
}

fn with(mut bundle: Bundle, name: &str, text: &str) -> Bundle {
    bundle.insert(name.to_owned(), text.to_owned());
    bundle
}

fn without(mut bundle: Bundle, name: &str) -> Bundle {
    bundle.remove(name).expect("it was there");
    bundle
}

fn read_knowing(bundle: &Bundle, ledger: &Ledger) -> Result<Vec<Row>, Unreadable> {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, text) in bundle {
        std::fs::write(dir.path().join(name), text).expect("is written");
    }
    read_dir(dir.path(), ledger)
}

fn read_dir(dir: &Path, ledger: &Ledger) -> Result<Vec<Row>, Unreadable> {
    let mut reading = std::pin::pin!(read(dir, ledger));
    match reading.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(rows)) => Ok(rows),
        Poll::Ready(Err(ImportError::Unreadable(unreadable))) => Err(unreadable),
        Poll::Ready(Err(error)) => panic!("a ledger in memory does not fail: {error}"),
        Poll::Pending => panic!("a ledger in memory answers at once"),
    }
}

#[track_caller]
fn rows(bundle: &Bundle) -> Vec<Row> {
    read_knowing(bundle, &Ledger::default()).expect("the bundle is in order")
}

/// What is wrong with it, a line each.
#[track_caller]
fn problems(bundle: &Bundle) -> String {
    let unreadable = read_knowing(bundle, &Ledger::default()).expect_err("something is wrong");
    unreadable.problems.iter().map(|problem| format!("{problem}\n")).collect()
}
