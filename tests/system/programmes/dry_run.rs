//! A dry run on real servers: it says what the claim then comes to, and leaves no trace itself.

use serde_json::{Value, json};

use super::bundle::SHA;
use super::modes::nanning;
use crate::program::{Ledger, Up};

const CLAIM: [&str; 14] = [
    "claim",
    "--dry-run",
    "--programme",
    "nanning-2025",
    "--voucher",
    "nn-v1",
    "--invoice",
    "nn-i1",
    "--by",
    "c-1",
    "--of",
    "firm-c",
    "--at",
    "2026-01-10",
];

#[test]
fn a_dry_run_says_what_the_claim_then_comes_to_and_records_nothing() {
    let ledger = Ledger::new();
    let _up = Up::start(&ledger);
    let mut unclaimed = nanning("nn-fp-1");
    for later in ["claims", "claim_reviews", "payment_orders", "settlements", "evidence"] {
        unclaimed.files.remove(&format!("{later}.csv")).expect("the bundle has it");
    }
    unclaimed.imported(&ledger);
    let before = ledger.query(&["vouchers"]);

    let evidence = format!("provider_invoice,{SHA},10,nn-fp-1");
    let dry = ledger.query(&[&CLAIM[..], &["--id", "nn-c1", "--evidence", &evidence]].concat());
    assert_eq!(
        json!([dry["answer"], dry["payable"], dry["currency"], dry["payee"], dry["version"]]),
        json!(["payable", "25102.00", "CNY", "firm-c", 1])
    );
    assert_eq!(dry["approved_at_once"], false);
    let rules: Vec<_> = dry["trace"].as_array().into_iter().flatten().collect();
    assert_eq!(rules[0]["rule"], "base");
    assert_eq!(rules[0]["before"], "200000");
    let told = ledger.run(&CLAIM).succeeded().stdout;
    assert!(told.contains("25,102.00 CNY to firm-c") && told.contains("83676"), "{told}");

    let unknown = ledger.query(&[&CLAIM[..], &["--amount", "0"]].concat());
    assert_eq!(unknown["answer"], "refused", "{unknown}");
    assert!(unknown["refusal"]["code"].is_string(), "{unknown}");
    let unreadable = ledger.run(&[&CLAIM[..], &["--card-hours", "many"]].concat());
    assert_eq!(unreadable.code, Some(2));
    assert!(unreadable.stderr.contains("card_hours"), "{}", unreadable.stderr);
    assert_eq!(ledger.query(&["vouchers"]), before, "nothing was recorded, the position included");

    nanning("nn-fp-1").imported(&ledger);
    let claims = ledger.query(&["claims", "--programme", "nanning-2025"]);
    let claim = &claims["claims"][0];
    assert_eq!(claim["payable"], dry["payable"]);
    let cut = |step: &&&Value| step["cut"] != "0";
    let cuts: Vec<_> = rules.iter().filter(cut).collect();
    assert_eq!(json!(cuts), claim["cuts"]);
}
