//! Findings, implied cards and days of pools, from the worked example.

use serde_json::{Value, json};

use crate::program::{Bundle, Ledger, scenario};

fn told(answer: &Value) -> Vec<[String; 2]> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let findings = answer["findings"].as_array().expect("a list");
    findings.iter().map(|found| [text(&found["rule"]), text(&found["subject"])]).collect()
}

#[test]
fn the_worked_example_has_the_findings_that_were_worked_out_by_hand() {
    let ledger = Ledger::new();
    ledger.import(&scenario("lp-loop")).succeeded();
    let answer = ledger.query(&["findings"]);
    let expected = [
        ["contract_without_model_and_delivery", "k-5"],
        ["price_outside_reference", "k-1"],
        ["price_outside_reference", "k-3"],
        ["price_outside_reference", "k-4"],
        ["price_outside_reference", "k-5"],
        ["sole_supplier_share", "company-c"],
        ["sole_supplier_share", "company-d"],
        ["voucher_inside_loop", "provider-a > fund-b > company-c > provider-a"],
        ["voucher_inside_loop", "provider-x > company-d > provider-x"],
    ];
    assert_eq!(told(&answer), expected.map(|row| row.map(str::to_owned)));

    let vouchers = &answer["findings"][7];
    assert_eq!(vouchers["amount"], "1078380.00");
    assert_eq!(vouchers["at"], "2025-04-15T00:00:00Z");
    let found = &ledger.query(&["loops"])["loops"][0];
    let legs = found["legs"].as_array().expect("a list").iter().map(|leg| &leg["event"]);
    let paid = found["voucher_events"].as_array().expect("a list");
    for fact in legs.chain(paid) {
        assert!(vouchers["facts"].as_array().expect("a list").contains(fact), "{fact}");
    }

    let of_x =
        ledger.query(&["findings", "--party", "provider-x", "--rule", "voucher_inside_loop"]);
    assert_eq!(of_x["findings"], json!([answer["findings"][8]]));
    let before = ledger.query(&["findings", "--as-of", "2025-04-14"]);
    assert!(!told(&before).iter().any(|[rule, _]| rule == "voucher_inside_loop"));
    let unknown = ledger.query(&["findings", "--as-known", "2025-12-31"]);
    assert_eq!(unknown["findings"], json!([]), "nothing was recorded before this test ran");

    let text = ledger.run(&["findings"]).succeeded().stdout;
    assert!(text.contains("9 findings by rule set 3, position "), "{text}");
    assert!(!text.to_lowercase().contains("guilt") && !text.contains("fraud"), "{text}");
}

#[test]
fn the_rules_are_printed_without_a_ledger() {
    let ledger = Ledger::new();
    let book = ledger.query(&["findings", "--rules"]);
    assert_eq!((&book["rule_set"], book["rules"].as_array().map(Vec::len)), (&json!(3), Some(12)));
    assert_eq!(book["rules"][3]["rule"], "loop_ratio_above_threshold");
    assert_eq!(book["rules"][3]["parameters"], json!({"ratio_above": "0.10"}));
    assert!(!ledger.data().exists(), "no ledger was set up");
    assert_eq!(ledger.run(&["findings", "--rule", "guilt"]).code, Some(2));
}

#[test]
fn declared_p_is_told_in_cards_and_days_of_a_pool_add_up() {
    let ledger = Ledger::new();
    let bundle = Bundle::lp_loop().append(
        "card_specs.csv",
        "H100,bf16,sparse,1.979,700,2024-01-01,vendor data sheet\n\
         H100,bf16,dense,0.989,700,2024-01-01,vendor data sheet",
    );
    ledger.import(bundle.path()).succeeded();
    let implied = ledger.query(&["implied", "--contract", "k-5"]);
    let contract = &implied["contracts"][0];
    assert_eq!(contract["declared_p"], "1500");
    let row = |row: &Value| ["model", "cards", "servers"].map(|field| row[field].clone());
    let rows: Vec<_> = contract["implied"].as_array().expect("a list").iter().map(row).collect();
    assert_eq!(rows, [["H100", "1516.683519", "189.58544"], ["H200", "1516.683519", "189.58544"]]);
    let sparse = &contract["other_reading"]["implied"][0];
    assert_eq!((&sparse["server_p"], &sparse["whole_servers"]), (&json!("15"), &json!("100")));
    let all = ledger.query(&["implied"]);
    assert_eq!(all["contracts"].as_array().map(Vec::len), Some(4));

    let april = ["utilization", "--pool", "pool-a1", "--from", "2025-03-30", "--to", "2025-04-02"];
    let pool = &ledger.query(&[&april[..], &["--by", "day"]].concat())["pools"][0];
    let days = pool["days"].as_array().expect("a list");
    let lit: Vec<_> =
        days.iter().map(|day| [day["day"].clone(), day["lit_card_hours"].clone()]).collect();
    assert_eq!(lit, [["2025-03-30", "21600"], ["2025-03-31", "21600"], ["2025-04-01", "26400"]]);
    assert_eq!(pool["lit_card_hours"], "69600");
    let long = ["utilization", "--from", "2000-01-01", "--to", "2025-04-02", "--by", "day"];
    assert_eq!(ledger.run(&long).code, Some(2));
}
