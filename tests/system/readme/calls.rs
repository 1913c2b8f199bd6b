//! The calls of the README's console blocks, and the answers that stand under them.

use serde_json::Value;

use crate::program::project;

/// A call of the README and the answer that stands under it.
pub struct Call {
    pub method: &'static str,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub answer: Value,
}

/// The words of a shell line.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for character in line.chars() {
        match character {
            '\'' => quoted = !quoted,
            ' ' | '\n' if !quoted => words.push(std::mem::take(&mut word)),
            _ => word.push(character),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

fn call(command: &str, answer: &str) -> Call {
    let (mut path, mut headers, mut body) = (String::new(), Vec::new(), String::new());
    let mut words = words(command).into_iter().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "-s" => {}
            "-H" => {
                let header = words.next().expect("a header");
                let (name, value) = header.split_once(": ").expect("a name and a value");
                headers.push((name.to_owned(), value.to_owned()));
            }
            "--json" => {
                body = words.next().expect("a body");
                headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
            }
            address => {
                let rest =
                    address.strip_prefix("http://127.0.0.1:8420").expect("the API's address");
                path = rest.to_owned();
            }
        }
    }
    let method = if body.is_empty() { "GET" } else { "POST" };
    let answer = serde_json::from_str(answer).expect("the README shows JSON");
    Call { method, path, headers, body, answer }
}

/// A command, up to the end of the line that its last quotation ends on, and the answer under it.
fn divided(part: &str) -> (&str, &str) {
    let ends = part.match_indices('\n').map(|(index, _)| index);
    let mut whole = ends.filter(|end| part[..*end].matches('\'').count().is_multiple_of(2));
    part.split_at(whole.next().expect("an answer under the command"))
}

/// The calls of all console blocks.
pub fn calls() -> Vec<Call> {
    let readme = std::fs::read_to_string(project().join("README.md")).expect("the README");
    let mut calls = Vec::new();
    for block in readme.split("```console\n").skip(1) {
        let block = block.split("```").next().expect("a block ends");
        for part in block.split("$ ").skip(1) {
            let (command, answer) = divided(part);
            calls.push(call(command, answer));
        }
    }
    assert!(calls.len() >= 3, "the README shows {} calls", calls.len());
    calls
}
