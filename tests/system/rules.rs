//! Rules of the code that no compiler sees.

use std::path::{Path, PathBuf};

use crate::program::project;

/// Every Rust file of the project.
fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> =
        ["crates", "services", "tests"].map(|folder| project().join(folder)).into();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the project can be read") {
            let path = entry.expect("the project can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("source is UTF-8");
                found.push((path.strip_prefix(project()).expect("inside").to_owned(), text));
            }
        }
    }
    assert!(found.len() > 50, "the sources were found");
    found
}

#[track_caller]
fn none(rule: &str, offenders: impl IntoIterator<Item = PathBuf>) {
    let offenders: Vec<_> = offenders.into_iter().collect();
    assert!(offenders.is_empty(), "{rule}: {offenders:?}");
}

fn naming(word: &str, allowed: &[&str]) -> Vec<PathBuf> {
    let may = |path: &Path| allowed.iter().any(|allowed| path.starts_with(allowed));
    let names = |text: &str| text.lines().any(|line| line.contains(word));
    let here = Path::new("tests/system/rules.rs");
    let offends = |(path, text): &(PathBuf, String)| !may(path) && path != here && names(text);
    sources().into_iter().filter(offends).map(|(path, _)| path).collect()
}

#[test]
fn only_the_journal_names_the_nats_client() {
    none("names async_nats", naming("async_nats", &["crates/journal"]));
}

#[test]
fn only_the_views_name_the_postgres_client() {
    none("names tokio_postgres", naming("tokio_postgres", &["crates/views"]));
}

#[test]
fn every_file_says_what_it_is() {
    let silent = sources().into_iter().filter(|(_, text)| !text.starts_with("//! "));
    none("does not start with `//! `", silent.map(|(path, _)| path));
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let long = sources().into_iter().filter(|(_, text)| text.lines().count() > 600);
    none("has more than 600 lines", long.map(|(path, _)| path));
}

#[test]
fn no_module_hides_in_a_mod_rs() {
    let hidden = sources().into_iter().filter(|(path, _)| path.ends_with("mod.rs"));
    none("is a mod.rs", hidden.map(|(path, _)| path));
}

#[test]
fn no_test_is_switched_off() {
    none("ignores a test", naming("#[ignore", &[]));
}

#[test]
fn deciders_and_pure_crates_do_no_io() {
    let pure = ["crates/model/src", "crates/loops/src"];
    let contexts = ["registry", "voucher", "fund", "purchase", "allocation"];
    let folders: Vec<PathBuf> = pure
        .iter()
        .map(PathBuf::from)
        .chain(contexts.iter().map(|name| Path::new("services").join(name).join("src")))
        .collect();
    let words = ["std::fs", "std::net", "tokio::", "std::env", "std::process"];
    let does_io = |(path, text): &(PathBuf, String)| {
        folders.iter().any(|folder| path.starts_with(folder))
            && !path.ends_with("main.rs")
            && words.iter().any(|word| text.contains(word))
    };
    none("does I/O", sources().into_iter().filter(does_io).map(|(path, _)| path));
}
