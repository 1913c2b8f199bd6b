//! What the README shows of the HTTP API is what the API answers.

use serde_json::Value;

use crate::http::Http;
use crate::program::{Ledger, Up, project, scenario};

/// A call of the README and the answer that stands under it.
struct Call {
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
    answer: Value,
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
fn calls(readme: &str) -> Vec<Call> {
    let mut calls = Vec::new();
    for block in readme.split("```console\n").skip(1) {
        let block = block.split("```").next().expect("a block ends");
        for part in block.split("$ ").skip(1) {
            let (command, answer) = divided(part);
            calls.push(call(command, answer));
        }
    }
    calls
}

#[test]
fn the_calls_of_the_readme_are_answered_as_it_says() {
    let ledger = Ledger::new();
    let up = Up::start(&ledger);
    ledger.import(&scenario("lp-loop")).succeeded();
    let http = Http::of(&ledger);
    let readme = std::fs::read_to_string(project().join("README.md")).expect("the README");
    let calls = calls(&readme);
    assert!(calls.len() >= 3, "the README shows {} calls", calls.len());
    for Call { method, path, headers, body, answer } in calls {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let reply = http.send(method, &path, &headers, body.as_bytes());
        assert_eq!(reply.json(), answer, "{method} {path}: {}", reply.body);
    }
    assert_eq!(up.interrupt(), Some(0));
}
