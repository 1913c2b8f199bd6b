//! What the README shows of the HTTP API is what the API answers.

pub mod calls;

use crate::http::Http;
use crate::program::{Ledger, Up, scenario};
use calls::{Call, calls};

#[test]
fn the_calls_of_the_readme_are_answered_as_it_says() {
    let ledger = Ledger::new();
    let up = Up::start(&ledger);
    ledger.import(&scenario("lp-loop")).succeeded();
    let http = Http::of(&ledger);
    for Call { method, path, headers, body, answer } in calls() {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let reply = http.send(method, &path, &headers, body.as_bytes());
        assert_eq!(reply.json(), answer, "{method} {path}: {}", reply.body);
    }
    assert_eq!(up.interrupt(), Some(0));
}
