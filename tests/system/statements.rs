//! What the programme, its claims and a provider's statement say of the lp-loop bundle, worked out by hand.
//!
//! Of 3.2 m issued, 1,078,380 + 921,620 + 427,500 = 2,427,500 is redeemed; 1,078,380 + 427,500 = 1,505,880 is paid;
//! lk-1 and lk-2 are used up, so nothing is locked.

use serde_json::{Value, json};

use crate::program::{Ledger, scenario};

fn figures(of: &Value) -> Value {
    let names = ["authorised", "issued", "locked", "redeemed", "paid", "remaining"];
    names.iter().map(|name| of[*name].clone()).collect()
}

#[test]
fn a_programme_and_a_statement_come_to_what_the_bundle_says() {
    let ledger = Ledger::new();
    ledger.import(&scenario("lp-loop")).succeeded();
    let programme = ledger.query(&["programme", "cv-2025"]);
    assert_eq!(programme["stage"], "open");
    assert_eq!(
        figures(&programme["totals"]),
        json!(["50000000.00", "3200000.00", "0.00", "2427500.00", "1505880.00", "46800000.00"])
    );
    assert_eq!(
        figures(&programme["sources"][0]),
        json!(["50000000.00", "3200000.00", null, "2427500.00", "1505880.00", "46800000.00"])
    );
    assert_eq!(
        programme["claims"],
        json!({ "approved": { "count": 1, "amount": "921620.00" },
            "paid": { "count": 2, "amount": "1505880.00" } })
    );
    let earlier = ledger.query(&["programme", "cv-2025", "--as-of", "2025-03-01"]);
    assert_eq!(
        figures(&earlier["totals"]),
        json!(["50000000.00", "3200000.00", "2427500.00", "0.00", "0.00", "46800000.00"])
    );
    let unknown = ledger.run(&["programme", "cv-2025", "--as-known", "2025-12-31"]);
    assert_eq!(unknown.code, Some(1), "nothing was recorded before this test ran");
    let april = ["--from", "2025-03-01", "--to", "2025-04-01"];
    let statement =
        ledger.query(&[&["statement", "--provider", "provider-a"], &april[..]].concat());
    let claim = &statement["claims"][0];
    assert_eq!(statement["claims"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        json!([claim["claim"], claim["asked"], claim["cut"], claim["paid"], claim["open"]]),
        json!(["rd-1", "1078380.00", "0.00", "1078380.00", "0.00"])
    );
    assert_eq!(claim["payments"][0]["reference"], "treasury-0001");
    let open = ledger.query(&["claims", "--provider", "provider-a", "--stage", "approved"]);
    assert_eq!(open["claims"].as_array().map(Vec::len), Some(1));
    assert_eq!(open["claims"][0]["open"], "921620.00");
}
