//! Lists, exports and reports over HTTP: the bytes that the command line writes.

use super::LISTS;
use crate::http::{Http, Reply};
use crate::program::Ledger;

/// Where the API has the lists of the command line.
const PATHS: [&str; 15] = [
    "/v1/loops",
    "/v1/loops?level=group",
    "/v1/parties?party=provider-a",
    "/v1/parties",
    "/v1/owners?party=fund-b&threshold=1",
    "/v1/flows",
    "/v1/utilization?from=2025-03-01&to=2025-03-03&by=day",
    "/v1/implied",
    "/v1/prices",
    "/v1/findings",
    "/v1/findings/rules",
    "/v1/vouchers",
    "/v1/caps",
    "/v1/register?kind=provider",
    "/v1/statement?provider=provider-a&from=2025-03-01&to=2025-05-01",
];

const FORMS: [(&str, &str); 3] = [
    ("csv", "text/csv"),
    ("jsonl", "application/x-ndjson"),
    ("parquet", "application/vnd.apache.parquet"),
];

pub(super) fn the_api_gives_the_same_bytes(ledger: &Ledger) {
    let http = Http::of(ledger);
    let accepting = |path: &str, media: &str| http.send("GET", path, &[("Accept", media)], &[]);
    for ((command, _), path) in LISTS.iter().zip(PATHS) {
        for (name, media) in FORMS {
            let told = bytes(ledger, &[command, &["--format", name][..]].concat());
            let joint = if path.contains('?') { '&' } else { '?' };
            let named = http.get(&format!("{path}{joint}format={name}"));
            for reply in [named, accepting(path, media)] {
                assert_eq!(reply.status, 200, "{path}: {}", reply.body);
                assert_eq!(reply.header("content-type"), media, "{path}");
                assert!(reply.bytes == told, "{path} {name}: {}", reply.body);
            }
        }
        let document = accepting(path, "application/json, text/csv;q=0.9");
        assert!(document.json().is_object(), "{path}: {}", document.body);
    }
    a_form_has_its_own_tag_and_its_pages(&http);
    for format in ["beancount", "focus", "ocel"] {
        let reply = http.get(&format!("/v1/exports/{format}"));
        assert_eq!(reply.status, 200, "{format}: {}", reply.body);
        assert!(reply.bytes == bytes(ledger, &["export", format]), "{format}: {}", reply.body);
        assert_ne!(reply.header("ledger-position"), "", "{format}");
    }
    let then = http.get("/v1/exports/beancount?as_of=2024-10-01");
    assert_eq!(then.body.matches(" * \"").count(), 2, "{}", then.body);
    let report = http.get("/v1/reports/loops?party=fund-b");
    assert_eq!(report.header("content-type"), "text/html; charset=utf-8");
    assert!(report.bytes == bytes(ledger, &["report", "--party", "fund-b"]), "{}", report.body);
    let pdf = http.get("/v1/reports/loops?party=fund-b&format=pdf");
    let accepted = accepting("/v1/reports/loops?party=fund-b", "text/html;q=0.5, application/pdf");
    for reply in [pdf, accepted] {
        assert_eq!(reply.status, 200, "{}", reply.body);
        assert_eq!(reply.header("content-type"), "application/pdf");
        assert!(reply.bytes == report_pdf(ledger), "{} bytes", reply.bytes.len());
    }
    for (path, status) in [
        ("/v1/reports/loops?party=fund-b&format=csv", 400),
        ("/v1/reports/loops?party=nobody&format=pdf", 404),
        ("/v1/flows?format=xml", 400),
        ("/v1/facts/1?format=csv", 400),
        ("/v1/exports/beancount?format=csv", 400),
        ("/v1/exports/focus?party=fund-b", 400),
        ("/v1/reports/loops", 400),
        ("/v1/reports/loops?party=nobody", 404),
    ] {
        assert_eq!(http.get(path).status, status, "{path}");
    }
}

fn a_form_has_its_own_tag_and_its_pages(http: &Http) {
    let tag = |reply: &Reply| reply.header("etag").to_owned();
    let document = http.get("/v1/flows");
    let table = http.get("/v1/flows?format=csv");
    assert_ne!(tag(&document), tag(&table));
    assert_eq!(table.header("vary"), "authorization, accept");
    let again = [("If-None-Match", tag(&table)), ("Accept", "text/csv".to_owned())];
    let again: Vec<(&str, &str)> = again.iter().map(|(name, v)| (*name, v.as_str())).collect();
    assert_eq!(http.send("GET", "/v1/flows", &again, &[]).status, 304);
    assert_eq!(http.send("GET", "/v1/flows", &again[..1], &[]).status, 200);
    let page = http.get("/v1/flows?format=csv&limit=2");
    assert_eq!(page.body.lines().count(), 3, "{}", page.body);
    assert!(table.body.starts_with(&page.body), "{}", page.body);
    assert_ne!(page.header("link"), "");
}

/// As the command line makes it.
fn report_pdf(ledger: &Ledger) -> Vec<u8> {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let file = folder.path().join("report.pdf");
    let out = file.to_str().expect("a readable path");
    ledger.run(&["report", "--party", "fund-b", "--out", out]).succeeded();
    std::fs::read(file).expect("it is written")
}

fn bytes(ledger: &Ledger, command: &[&str]) -> Vec<u8> {
    let output = ledger.command(command).output().expect("the program runs");
    assert!(output.status.success(), "{command:?}");
    output.stdout
}
