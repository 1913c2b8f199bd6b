//! A guidance fund that counts a loop purchase as reinvested: the figures of tests/scenarios/guidance-fund/README.md.

use serde_json::json;

use crate::program::{Ledger, Up, scenario};

#[test]
fn reinvestment_is_told_with_and_without_what_went_round_a_loop() {
    let ledger = Ledger::new();
    let up = Up::start(&ledger);
    ledger.import(&scenario("guidance-fund")).succeeded();
    let fund = ledger.query(&["fund", "guide"]);
    let told = &fund["reinvestment"];
    let figures = [
        "government_contributed",
        "recognised",
        "ratio",
        "recognised_without_loops",
        "ratio_without_loops",
    ];
    assert_eq!(
        figures.map(|name| told[name].clone()),
        ["6000000.00", "7500000.00", "1.250000", "2500000.00", "0.416667"].map(|text| json!(text))
    );
    let items = told["recognitions"].as_array().expect("recognitions");
    let items: Vec<_> =
        items.iter().map(|item| json!([item["recognition"], item["in_loop"]])).collect();
    assert_eq!(items, [json!(["rg-mover", false]), json!(["rg-maker", true])]);
    let loops = ledger.query(&["loops", "--party", "guide"]);
    let found = &loops["loops"][0];
    assert_eq!(found["parties"], json!(["provider-l", "guide", "maker"]));
    assert_eq!(
        [&found["capital_out"], &found["returned_lower"], &found["returned_upper"]],
        [&json!("4000000.00"), &json!("0.00"), &json!("4000000.00")]
    );
    // As of a day before the purchase was paid it closed nothing.
    let before = ledger.query(&["fund", "guide", "--as-of", "2024-11-01"]);
    assert_eq!(before["reinvestment"]["ratio"], "0.416667");
    assert_eq!(up.interrupt(), Some(0));
}
