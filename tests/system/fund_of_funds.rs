//! A fund of funds and a chain of resale: the figures of tests/scenarios/fund-of-funds/README.md.

use serde_json::{Value, json};

use crate::program::{Ledger, Up, scenario};

#[test]
fn money_comes_back_through_two_funds_and_two_resellers() {
    let ledger = Ledger::new();
    let up = Up::start(&ledger);
    ledger.import(&scenario("fund-of-funds")).succeeded();
    let answer = ledger.query(&["loops"]);
    assert_eq!(answer["loops"].as_array().map(Vec::len), Some(1), "{answer}");
    let found = &answer["loops"][0];
    assert_eq!(
        found["parties"],
        json!(["provider-p", "fund-1", "fund-2", "company-c", "reseller-2", "reseller-1"])
    );
    assert_eq!(found["kind"], "resale");
    let amounts = [
        "capital_out",
        "returned_lower",
        "returned_fifo",
        "returned_pro_rata",
        "returned_upper",
        "ratio_pro_rata",
    ];
    assert_eq!(
        amounts.map(|name| found[name].clone()),
        ["1000000.00", "80000.00", "100000.00", "97560.98", "100000.00", "0.097561"]
            .map(|text| json!(text))
    );
    the_layers_of_resale_have_their_margins(&ledger);
    let fund = ledger.query(&["fund", "fund-1"]);
    assert_eq!(
        ["invested", "cash", "unfunded"].map(|name| fund[name].clone()),
        ["800000.00", "200000.00", "0.00"].map(|text| json!(text))
    );
    assert_eq!(fund["investments"][0]["into"], "fund-2");
    assert_eq!(up.interrupt(), Some(0));
}

fn the_layers_of_resale_have_their_margins(ledger: &Ledger) {
    let answer = ledger.query(&["contracts"]);
    let contracts = answer["contracts"].as_array().expect("contracts");
    let layers: Vec<Value> = contracts
        .iter()
        .map(|told| json!([told["contract"], told["capacity_owner"], told["resale"]]))
        .collect();
    let resale = |backing: &[&str], price: &str, margin: &str| {
        json!({
            "backing": backing, "backing_price": price, "margin_per_unit": "500", "margin": margin,
            "unbacked_from": null,
        })
    };
    assert_eq!(
        layers,
        [
            json!(["k-0", "provider-p", null]),
            json!(["k-1", "provider-p", resale(&["k-0"], "5000", "0.100000")]),
            json!(["k-2", "provider-p", resale(&["k-1", "k-0"], "5500", "0.090909")]),
        ]
    );
}
