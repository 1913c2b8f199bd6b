//! Advances, credits, disputes, penalties and refunds: the figures of tests/scenarios/settling/README.md.

use serde_json::{Value, json};

use crate::program::{Ledger, Up, scenario};

fn parts(told: &Value, names: &[&str]) -> Value {
    names.iter().map(|name| told[name].clone()).collect()
}

#[test]
fn a_contract_is_settled_to_the_last_cent_and_money_counts_once() {
    let ledger = Ledger::new();
    let up = Up::start(&ledger);
    ledger.import(&scenario("settling")).succeeded();
    let answer = ledger.query(&["contracts"]);
    assert_eq!(
        answer["totals"],
        json!([{
            "currency": "CNY", "contracts": 4, "announced": "0.00", "value": "103155.74",
            "effective": "103155.74",
            "invoiced": "38500.00", "credited": "2000.00", "paid": "46000.00", "held": "0.00",
            "vouchers": "0.00", "refunded": "5500.00",
            "ended": { "ended_early": { "contracts": 1, "value": "90163.93", "share": "0.874056" } },
        }])
    );
    let of = |id: &str, more: &[&str]| {
        let answer = ledger.query(&[&["contracts", "--contract", id], more].concat());
        answer["contracts"][0].clone()
    };
    let lease = of("k-1", &[]);
    let named = ["value", "invoiced", "credited", "disputed", "paid", "minimum_missing"];
    assert_eq!(
        parts(&lease, &named),
        json!(["90163.93", "38000.00", "2000.00", "0.00", "46000.00", "4000"])
    );
    let held = ["prepaid", "prepaid_held", "deposited", "deposit_held", "refunded"];
    let all = json!(["40000.00", "0.00", "5000.00", "0.00", "5500.00"]);
    assert_eq!(parts(&lease, &held), all);
    assert_eq!(
        parts(&lease["end"], &["by", "penalty", "penalty_settled", "refund_due", "refunded"]),
        json!(["buyer", "4500.00", "4500.00", "23000.00", null])
    );
    assert_eq!(lease["terms"]["refund_steps"][0]["percent"], "100", "in the order of dates");
    let midway = of("k-1", &["--as-of", "2025-04-10"]);
    let then = ["prepaid_held", "deposit_held", "disputed", "paid"];
    assert_eq!(parts(&midway, &then), json!(["13000.00", "5000.00", "1000.00", "45000.00"]));
    let framework = of("k-f", &[]);
    let volume = ["kind", "quantity", "ordered_quantity", "value"];
    assert_eq!(parts(&framework, &volume), json!(["framework", null, "50", "500.00"]));
    assert_eq!(
        of("k-2", &[])["resale"],
        json!({
            "backing": ["k-0"], "backing_price": "5.491803", "margin_per_unit": "1.508197",
            "margin": "0.274627", "unbacked_from": null,
        })
    );
    let flows = ledger.query(&["flows", "--from", "2025-02-01"]);
    let flows: Vec<Value> = flows["flows"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|flow| parts(flow, &["id", "kind", "amount"]))
        .collect();
    assert_eq!(
        flows,
        [
            json!(["pm-a", "compute_payment", "40000.00"]),
            json!(["pm-b", "compute_payment", "5000.00"]),
            json!(["pm-1", "compute_payment", "1000.00"]),
            json!(["rf-1", "refund", "5000.00"]),
            json!(["rf-2", "refund", "500.00"]),
        ]
    );
    let loops = ledger.query(&["loops"]);
    let returned = ["returned_lower", "returned_fifo", "returned_pro_rata", "returned_upper"];
    assert_eq!(parts(&loops["loops"][0], &returned), json!(vec!["46000.00"; 4]));
    assert_eq!(up.interrupt(), Some(0));
    ledger.run(&["rebuild"]).succeeded();
}

#[test]
fn a_bundle_is_imported_twice_without_effect() {
    let ledger = Ledger::new();
    let _up = Up::start(&ledger);
    ledger.import(&scenario("settling")).succeeded();
    let position = ledger.query(&["contracts"])["position"].clone();
    ledger.import(&scenario("settling")).succeeded();
    assert_eq!(ledger.query(&["contracts"])["position"], position);
}
