//! What is wrong with a bundle is told with file, line, column and reason, and nothing is sent; what the ledger
//! refuses is told with file, line and code.

use serde_json::json;

use crate::program::{Bundle, Ledger, Up, scenario};

/// What is wrong, with the words that the message has to have.
fn unreadable_bundles() -> Vec<(&'static str, Bundle, Vec<&'static str>)> {
    let bundle = Bundle::lp_loop;
    vec![
        (
            "an unknown column",
            bundle().replace("funds.csv", "formed_at", "formed"),
            vec!["funds.csv", "line 1", "formed"],
        ),
        (
            "a bad date",
            bundle().replace("commitments.csv", "350000000,2024-06-15", "350000000,2024-06-31"),
            vec!["commitments.csv", "line 2", "at", "2024-06-31"],
        ),
        (
            "a wrong USCC digit",
            bundle().replace("parties.csv", "M000100Y43", "M000100Y44"),
            vec!["parties.csv", "line 3", "uscc", "91350100M000100Y44"],
        ),
        (
            "a grouped amount",
            bundle().replace("payments.csv", "640000,", "\"1,000\","),
            vec!["payments.csv", "line 5", "amount", "1,000"],
        ),
        (
            "an amount that is no number",
            bundle().replace("payments.csv", "640000,", "NaN,"),
            vec!["payments.csv", "line 5", "amount", "NaN"],
        ),
        (
            "a missing party",
            bundle().replace("parties.csv", "lp-state,State Guidance Fund,fund,CN,,\n", ""),
            vec!["commitments.csv", "line 3", "lp", "lp-state"],
        ),
        (
            "a duplicate id with other content",
            bundle().append("payments.csv", "pm-1,in-1,999,2025-03-20,bank-0001"),
            vec!["payments.csv", "line 7", "line 2", "pm-1"],
        ),
    ]
}

#[test]
fn what_cannot_be_read_stops_the_import_before_anything_is_sent() {
    let ledger = Ledger::new();
    let up = Up::start(&ledger);
    for (wrong, bundle, words) in unreadable_bundles() {
        let answer = ledger.import(bundle.path());
        assert_eq!(answer.code, Some(2), "{wrong}: {}", answer.text());
        for word in words {
            let said = &answer.stderr;
            assert!(said.contains(word), "{wrong}: `{word}` is not in: {said}");
        }
    }
    assert_eq!(ledger.query(&["flows"]), json!({ "position": 0, "flows": [] }));
    assert_eq!(up.interrupt(), Some(0));
}

#[test]
fn a_duplicate_row_with_the_same_content_counts_once() {
    let ledger = Ledger::new();
    let bundle = Bundle::lp_loop().append("payments.csv", "pm-1,in-1,2516220,2025-03-20,bank-0001");
    ledger.import(bundle.path()).succeeded();
    assert_eq!(ledger.query(&["loops"])["loops"][0]["returned_upper"], "5032440.00");
}

#[test]
fn a_party_that_an_earlier_bundle_brought_may_be_referred_to() {
    let ledger = Ledger::new();
    ledger.import(&scenario("lp-loop")).succeeded();
    let later = tempfile::TempDir::new().expect("a temporary folder");
    let payments = "id,invoice,amount,at\npm-6,in-5,0,2025-05-01\n";
    std::fs::write(later.path().join("payments.csv"), payments).expect("our own folder");
    let answer = ledger.import(later.path());
    assert_eq!(answer.code, Some(3), "{}", answer.text());
    assert!(answer.text().contains("not_positive"), "{}", answer.text());
}

#[test]
fn a_refused_row_is_told_with_its_line_and_code_and_stops_what_follows() {
    let ledger = Ledger::new();
    let bundle = Bundle::lp_loop().replace("redemptions.csv", "in-1,1078380", "in-1,1078381");
    let answer = ledger.import(bundle.path());
    assert_eq!(answer.code, Some(3), "{}", answer.text());
    for word in ["redemptions.csv", "line 2", "above_invoice_share"] {
        assert!(answer.text().contains(word), "`{word}` is not in: {}", answer.text());
    }
    let flows = ledger.query(&["flows"]);
    let last = flows["flows"].as_array().and_then(|flows| flows.last()).expect("flows");
    assert_eq!(last["id"], "pm-1", "what is dated after the refused row was not sent");
}

#[test]
fn an_import_goes_on_after_refusals_when_told_to() {
    let ledger = Ledger::new();
    let bundle = Bundle::lp_loop().replace("redemptions.csv", "in-1,1078380", "in-1,1078381");
    let path = bundle.path().to_str().expect("a readable path");
    let answer = ledger.run(&["import", path, "--on-refusal", "continue"]);
    assert_eq!(answer.code, Some(3), "{}", answer.text());
    for word in ["redemptions.csv", "settlements.csv", "unknown_redemption"] {
        assert!(answer.text().contains(word), "`{word}` is not in: {}", answer.text());
    }
    assert_eq!(ledger.query(&["loops"])["loops"][0]["returned_upper"], "5032440.00");
    ledger.import(&scenario("lp-loop"));
}

#[test]
fn the_same_id_with_other_content_in_a_later_bundle_is_refused() {
    let ledger = Ledger::new();
    ledger.import(&scenario("lp-loop")).succeeded();
    let before = ledger.everything();
    let bundle = Bundle::lp_loop().replace("payments.csv", "pm-5,in-5,640000", "pm-5,in-5,630000");
    let answer = ledger.import(bundle.path());
    assert_eq!(answer.code, Some(3), "{}", answer.text());
    assert!(answer.text().contains("payments.csv line 5"), "{}", answer.text());
    let after = ledger.everything();
    assert_eq!(after["flows"]["flows"], before["flows"]["flows"]);
}

#[test]
fn bad_usage_ends_with_status_two() {
    let ledger = Ledger::new();
    assert_eq!(ledger.run(&["loops", "--party", "not an id"]).code, Some(2));
    assert_eq!(ledger.run(&["import", "/nonexistent"]).code, Some(2));
    assert_eq!(ledger.run(&["utilization", "--from", "2025-01-01"]).code, Some(2));
}
