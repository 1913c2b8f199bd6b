//! The API against its own description: schemathesis makes requests of it, well formed and not.

use std::process::Command;

use crate::http::Http;
use crate::program::{Ledger, Up, scenario, tool};

/// Of each answer: never a failure of ours, and always as the document says.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
response_schema_conformance,response_headers_conformance,unsupported_method";

#[test]
fn thousands_of_requests_of_the_document_get_answers_of_the_document() {
    let ledger = Ledger::new();
    let up = Up::start(&ledger);
    ledger.import(&scenario("lp-loop")).succeeded();
    let address = format!("http://{}", Http::of(&ledger).address());
    // It can write neither lines of JSON nor a tar; those are tried with the other commands and with bundles.
    let output = Command::new(tool("schemathesis/bin/schemathesis"))
        .args(["run", &format!("{address}/v1/openapi.json"), "--url", &address])
        .args(["--checks", CHECKS, "--phases", "coverage,fuzzing", "--max-examples", "20"])
        .args(["--exclude-path", "/v1/commands", "--exclude-path", "/v1/bundles"])
        .args(["--warnings", "off", "--no-color"])
        .args(["--generation-deterministic", "--request-timeout", "70"])
        .current_dir(ledger.data())
        .output()
        .expect("schemathesis runs");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}");
    assert!(told.contains("No issues found"), "{told}");
    assert_eq!(up.interrupt(), Some(0));
}
