//! A bundle that a test writes, ruled by a programme's file.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Ledger, folder_of, project};

/// Who acts in every bundle here, beside the issuers.
const PARTIES: &str = "id,name,kind
provider-a,Provider A,provider
firm-c,Firm C,company
firm-d,Firm D,company
";

/// A bundle as it is being written.
pub struct Bundle {
    pub files: BTreeMap<String, String>,
}

impl Bundle {
    /// Parts apart by blank lines: a file's name without `.csv`, then its lines.
    pub fn of(text: &str) -> Self {
        let files = text.trim().split("\n\n").map(|part| {
            let (name, lines) = part.trim().split_once('\n').expect("a name, then lines");
            (format!("{name}.csv"), format!("{lines}\n"))
        });
        let mut files: BTreeMap<_, _> = files.collect();
        files.insert("parties.csv".to_owned(), PARTIES.to_owned());
        Self { files }
    }

    /// Adds a programme: its file, the row that names it, its issuer and its sources as parties.
    pub fn ruled_by(mut self, file: &str, text: &str) -> Self {
        let read: Value = serde_json::from_str(text).expect("a programme is JSON");
        let programme = read.get("programme").unwrap_or(&read);
        let at = |path: &str| {
            let found = programme.pointer(path).and_then(Value::as_str);
            found.unwrap_or_else(|| panic!("{path} of {file}"))
        };
        let row = format!(
            "{},{},\"{}\",{},{},{},{},{},{},{file}",
            at("/id"),
            at("/issuer"),
            at("/name"),
            at("/currency"),
            at("/budget/amount"),
            at("/at"),
            at("/closes"),
            at("/rules/ratio"),
            at("/rules/affiliation"),
        );
        let header =
            "id,issuer,name,currency,budget,opens,closes,ratio,affiliation,file".to_owned();
        let rows = self.files.entry("programmes.csv".to_owned()).or_insert(header + "\n");
        writeln!(rows, "{row}").expect("text takes text");
        let sources = programme["funding"].as_array().into_iter().flatten();
        let mut bodies: Vec<_> = sources.filter_map(|source| source["party"].as_str()).collect();
        bodies.push(at("/issuer"));
        bodies.sort_unstable();
        bodies.dedup();
        let parties = self.files.get_mut("parties.csv").expect("it was put in");
        for body in bodies {
            writeln!(parties, "{body},{body},government").expect("text takes text");
        }
        self.files.insert(file.to_owned(), text.to_owned());
        self
    }

    /// A city's own file of tests/programmes.
    pub fn of_city(city: &str, text: &str) -> Self {
        let path = project().join("tests/programmes").join(format!("{city}.json"));
        let programme = std::fs::read_to_string(path).expect("the city has a file");
        Self::of(text).ruled_by(&format!("{city}.json"), &programme)
    }

    pub fn written(&self) -> TempDir {
        folder_of(&self.files)
    }

    #[track_caller]
    pub fn imported(&self, ledger: &Ledger) {
        ledger.import(self.written().path()).succeeded();
    }

    /// What the import says where it is refused.
    #[track_caller]
    pub fn refused(&self, ledger: &Ledger) -> String {
        let answer = ledger.import(self.written().path());
        assert_eq!(answer.code, Some(3), "{}", answer.text());
        answer.text()
    }

    /// Replaces text that has to be there once.
    #[track_caller]
    pub fn with(mut self, file: &str, old: &str, new: &str) -> Self {
        let text = self.files.get_mut(file).expect("the file is in it");
        assert_eq!(text.matches(old).count(), 1, "{old} in {file}");
        *text = text.replace(old, new);
        self
    }
}

pub const SHA: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

pub fn evidence(claim: &str, pieces: &[(&str, &str)]) -> String {
    let mut text = String::from("evidence\nclaim,kind,sha256,size,number\n");
    for (kind, number) in pieces {
        writeln!(text, "{claim},{kind},{SHA},1024,{number}").expect("text takes text");
    }
    text
}
