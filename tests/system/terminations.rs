//! 61 contracts, three of them never executed: the figures of tests/scenarios/terminations/README.md.

use serde_json::{Value, json};

use crate::program::{Ledger, Up, scenario};

#[test]
fn what_was_signed_and_never_executed_is_told_apart_from_what_was_done() {
    let ledger = Ledger::new();
    let up = Up::start(&ledger);
    ledger.import(&scenario("terminations")).succeeded();
    let answer = ledger.query(&["contracts"]);
    assert_eq!(
        answer["totals"],
        json!([{
            "currency": "CNY", "contracts": 61, "announced": "4257860138.00", "value": "695180138.00", "effective": "120490000.00", "invoiced": "3455200.00",
            "credited": "0.00", "paid": "1924000.00", "held": "0.00", "vouchers": "0.00", "refunded": "30000.00",
            "ended": {
                "ended_early": { "contracts": 6, "value": "3900000.00", "share": "0.005610" },
                "never_executed": { "contracts": 3, "value": "574690138.00", "share": "0.826678" },
            },
        }])
    );
    let unsigned = &answer["unsigned"];
    assert_eq!(unsigned.as_array().map(Vec::len), Some(1));
    assert_eq!(
        json!([unsigned[0]["contract"], unsigned[0]["amount"], unsigned[0]["source"]]),
        json!(["x-1", "3690000000.00", "exchange notice 2024-061"])
    );
    let going_on = ledger.query(&["contracts", "--contract", "c-10"]);
    assert_eq!(going_on["contracts"][0]["delivered_quantity"], "10");
    assert_eq!(going_on["contracts"][0]["announced"], Value::Null);
    let largest = ledger.query(&["contracts", "--contract", "c-01"]);
    let largest = &largest["contracts"][0];
    assert_eq!(
        json!([
            largest["value"],
            largest["effective_from"],
            largest["invoiced_from"],
            largest["paid_from"],
            largest["metered_from"]
        ]),
        json!(["555360138.00", null, null, null, null])
    );
    assert_eq!(largest["announced"]["at"], "2024-01-10T00:00:00Z");
    assert_eq!(
        json!([largest["delivered_from"], largest["delivered_quantity"]]),
        json!([null, "0"])
    );
    assert_eq!(largest["end"]["reason"], "never_executed");
    let early = ledger.query(&["contracts", "--contract", "c-04"]);
    assert_eq!(early["contracts"][0]["end"]["refunded"], "5000.00");
    // Before anything ended, all of it was promised.
    let before = ledger.query(&["contracts", "--as-of", "2025-05-30"]);
    assert_eq!(before["totals"][0]["ended"], json!({}));
    assert_eq!(before["totals"][0]["value"], "695180138.00");
    let signed = ledger.query(&["contracts", "--as-of", "2024-02-15"]);
    assert_eq!(signed["totals"][0]["effective"], "0.00", "no term has begun");
    let buyer = ledger.query(&["contracts", "--party", "b-01"]);
    let ids: Vec<&Value> = buyer["contracts"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|told| &told["contract"])
        .collect();
    assert_eq!(ids, ["c-01", "c-13", "c-25", "c-37", "c-49", "c-61"]);
    assert_eq!(up.interrupt(), Some(0));
}

/// lp-loop sells 100 of the 200 P on that reseller-r bought at 5,600, at 6,400.
#[test]
fn a_resold_contract_names_what_it_rests_on_and_its_margin() {
    let ledger = Ledger::new();
    let _up = Up::start(&ledger);
    ledger.import(&scenario("lp-loop")).succeeded();
    let answer = ledger.query(&["contracts", "--contract", "k-4"]);
    let told = &answer["contracts"][0];
    assert_eq!(told["capacity_owner"], "provider-a");
    assert_eq!(
        told["resale"],
        json!({
            "backing": ["k-3"], "backing_price": "5600", "margin_per_unit": "800",
            "margin": "0.142857", "unbacked_from": null,
        })
    );
    let backing = ledger.query(&["contracts", "--contract", "k-3"]);
    assert_eq!(backing["contracts"][0]["sold_on"], json!(["k-4"]));
    assert_eq!(backing["contracts"][0]["resale"], Value::Null);
    let first = ledger.query(&["contracts", "--contract", "k-1"]);
    let first = &first["contracts"][0];
    let dates = [
        "signed_at",
        "effective_from",
        "allocated_from",
        "metered_from",
        "invoiced_from",
        "paid_from",
    ];
    let dates = dates.map(|name| first[name].as_str().map_or("", |date| &date[..10]));
    assert_eq!(
        dates,
        ["2025-01-10", "2025-02-01", "2025-02-01", "2025-02-01", "2025-03-05", "2025-03-20"]
    );
    assert_eq!(
        json!([first["metered_card_hours"], first["invoiced"], first["paid"], first["vouchers"]]),
        json!(["491000", "7189200.00", "5032440.00", "1078380.00"])
    );
}
