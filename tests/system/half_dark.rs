//! An oversold, half-dark centre: the figures of tests/scenarios/half-dark/README.md.

use serde_json::{Value, json};

use crate::program::{Ledger, Up, scenario};

fn figures(of: &Value, names: &[&str]) -> Value {
    names.iter().map(|name| of[*name].clone()).collect()
}

#[test]
fn what_is_sold_installed_lit_given_and_used_are_five_different_things() {
    let ledger = Ledger::new();
    let up = Up::start(&ledger);
    ledger.import(&scenario("half-dark")).succeeded();
    let march = ["utilization", "--pool", "pz", "--from", "2025-03-01", "--to", "2025-04-01"];
    let answer = ledger.query(&march);
    let pool = &answer["pools"][0];
    let hours =
        ["installed_card_hours", "lit_card_hours", "allocated_card_hours", "busy_card_hours"];
    assert_eq!(figures(pool, &hours), json!(["744000", "371520", "372000", "100000"]));
    let rates = ["lighting_rate", "allocation_rate", "busy_rate", "coverage"];
    assert_eq!(figures(pool, &rates), json!(["0.499355", "1.001292", "0.269165", "0.645161"]));
    assert_eq!(
        figures(pool, &["sold_p", "physical_p", "oversold", "worst_at"]),
        json!(["650", "500", true, "2025-03-11T00:00:00Z"])
    );
    let found = |rule: &str| {
        let answer = ledger.query(&["findings", "--rule", rule]);
        let findings = answer["findings"].as_array().expect("findings").iter();
        let told = |finding: &Value| {
            let of = ["numerator", "denominator"].map(|name| finding["figures"][name].clone());
            json!([finding["at"], of])
        };
        findings.map(told).collect::<Vec<Value>>()
    };
    assert_eq!(found("oversold_pool"), [json!(["2025-03-11T00:00:00Z", ["650", "500"]])]);
    assert_eq!(
        found("sold_but_dark"),
        [
            json!(["2025-03-16T00:00:00Z", ["650", "240"]]),
            json!(["2025-03-16T00:00:00Z", ["500", "480"]]),
        ]
    );
    // A dark card cannot be given away.
    let more = "id,pool,contract,cards,from,to\naz-2,pz,kz-2,1,2025-03-16,2025-04-01\n";
    let bundle = crate::program::folder_of([("allocations.csv", more)]);
    let refused = ledger.import(bundle.path());
    assert_eq!(refused.code, Some(3), "{}", refused.text());
    assert!(refused.text().contains("above_lit"), "{}", refused.text());
    assert_eq!(up.interrupt(), Some(0));
}
