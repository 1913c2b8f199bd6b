//! The lp-loop bundle, all the way through: every figure here was worked out by hand.
//!
//! provider-a puts 70 m of the 100 m into fund-b; fund-b puts 40 m into company-c and 20 m into company-d, provider-x
//! 10 m into company-d. company-c then pays provider-a 2 x 2,516,220 and reseller-r 640,000; reseller-r pays provider-a
//! 1,120,000; company-d pays provider-x 997,500.
//!
//! - lower: of company-c's 40 m, 30 m can be the state fund's, and 5,672,440 left it: none need be provider-a's.
//! - first in, first out: provider-a paid into fund-b first, so the first 70 m out, among them company-c's 40 m, are its.
//! - pro rata: 70 % of fund-b's cash is provider-a's, so 70 % of what company-c pays is: 3,522,708 and 448,000. company-d
//!   holds 20 m of fund-b's and 10 m of provider-x's, so a third of 997,500 is provider-x's.
//! - upper: all that was paid, since it is less than what came in; of the 1.12 m from reseller-r only the 640,000.

use serde_json::{Value, json};

use crate::program::{Ledger, scenario};

fn amounts(found: &Value) -> Value {
    let fields = [
        "parties",
        "kind",
        "currency",
        "capital_out",
        "returned_lower",
        "returned_fifo",
        "returned_pro_rata",
        "returned_upper",
        "ratio_pro_rata",
        "voucher_amount",
        "first_capital_at",
        "closed_at",
        "last_return_at",
        "lag_days",
    ];
    fields.iter().map(|field| ((*field).to_owned(), found[*field].clone())).collect()
}

#[test]
fn lp_loop_closes_its_three_loops_with_the_amounts_worked_out_by_hand() {
    let ledger = Ledger::new();
    ledger.import(&scenario("lp-loop")).succeeded();
    let answer = ledger.query(&["loops"]);
    let loops: Vec<Value> =
        answer["loops"].as_array().expect("a list").iter().map(amounts).collect();
    assert_eq!(
        json!(loops),
        json!([
            {
                "parties": ["provider-a", "fund-b", "company-c"], "kind": "fund",
                "currency": "CNY", "capital_out": "70000000.00",
                "returned_lower": "0.00", "returned_fifo": "5032440.00",
                "returned_pro_rata": "3522708.00", "returned_upper": "5032440.00",
                "ratio_pro_rata": "0.050324", "voucher_amount": "1078380.00",
                "first_capital_at": "2024-09-01T00:00:00Z", "closed_at": "2025-03-20T00:00:00Z",
                "last_return_at": "2025-04-20T00:00:00Z", "lag_days": 200
            },
            {
                "parties": ["provider-x", "company-d"], "kind": "direct",
                "currency": "CNY", "capital_out": "10000000.00",
                "returned_lower": "0.00", "returned_fifo": "0.00",
                "returned_pro_rata": "332500.00", "returned_upper": "997500.00",
                "ratio_pro_rata": "0.033250", "voucher_amount": "427500.00",
                "first_capital_at": "2025-02-10T00:00:00Z", "closed_at": "2025-04-22T00:00:00Z",
                "last_return_at": "2025-04-22T00:00:00Z", "lag_days": 71
            },
            {
                "parties": ["provider-a", "fund-b", "company-c", "reseller-r"], "kind": "resale",
                "currency": "CNY", "capital_out": "70000000.00",
                "returned_lower": "0.00", "returned_fifo": "640000.00",
                "returned_pro_rata": "448000.00", "returned_upper": "640000.00",
                "ratio_pro_rata": "0.006400", "voucher_amount": "0.00",
                "first_capital_at": "2024-09-01T00:00:00Z", "closed_at": "2025-04-28T00:00:00Z",
                "last_return_at": "2025-04-28T00:00:00Z", "lag_days": 239
            }
        ])
    );
    let legs = answer["loops"][2]["legs"].as_array().expect("a list");
    let leg = |leg: &Value| format!("{} {} {}", leg["from"], leg["to"], leg["amount"]);
    assert_eq!(
        legs.iter().map(leg).collect::<Vec<_>>(),
        [
            r#""provider-a" "fund-b" "70000000.00""#,
            r#""fund-b" "company-c" "40000000.00""#,
            r#""company-c" "reseller-r" "640000.00""#,
            r#""reseller-r" "provider-a" "1120000.00""#,
        ]
    );
}

#[test]
fn importing_again_changes_nothing_and_another_ledger_says_the_same() {
    let (one, two) = (Ledger::new(), Ledger::new());
    one.import(&scenario("lp-loop")).succeeded();
    let first = one.everything();
    one.import(&scenario("lp-loop")).succeeded();
    assert_eq!(one.everything(), first);
    two.import(&scenario("lp-loop")).succeeded();
    assert_eq!(two.everything(), first);
}

#[test]
fn vouchers_flows_and_utilization_are_those_of_the_bundle() {
    let ledger = Ledger::new();
    ledger.import(&scenario("lp-loop")).succeeded();

    let vouchers = ledger.query(&["vouchers"]);
    let programme = &vouchers["programmes"][0];
    for (field, amount) in [
        ("budget", "50000000.00"),
        ("issued", "3200000.00"),
        ("locked", "0.00"),
        ("redeemed", "2427500.00"),
        ("paid", "1505880.00"),
        ("expired", "0.00"),
        ("revoked", "0.00"),
        ("remaining", "46800000.00"),
    ] {
        assert_eq!(programme[field], amount, "{field}");
    }
    let voucher = |index: usize| {
        let row = &vouchers["vouchers"][index];
        ["voucher", "face", "locked", "redeemed", "free", "status"].map(|field| row[field].clone())
    };
    assert_eq!(voucher(0), ["v-c1", "2000000.00", "0.00", "2000000.00", "0.00", "exhausted"]);
    assert_eq!(
        voucher(1),
        ["v-d1", "1200000.00", "0.00", "427500.00", "772500.00", "partially_redeemed"]
    );

    let flows = ledger.query(&["flows", "--party", "provider-a", "--from", "2025-01-01"]);
    let flow = |flow: &Value| ["id", "kind", "amount"].map(|field| flow[field].clone());
    let found: Vec<_> = flows["flows"].as_array().expect("a list").iter().map(flow).collect();
    assert_eq!(
        found,
        [
            ["pm-1", "compute_payment", "2516220.00"],
            ["st-1", "voucher_payment", "1078380.00"],
            ["pm-2", "compute_payment", "2516220.00"],
            ["pm-4", "compute_payment", "1120000.00"],
        ]
    );

    let march = ["utilization", "--pool", "pool-a1", "--from", "2025-03-01", "--to", "2025-04-01"];
    let pool = &ledger.query(&march)["pools"][0];
    for (field, value) in [
        ("installed_card_hours", "1523712"),
        ("lit_card_hours", "669600"),
        ("allocated_card_hours", "601152"),
        ("busy_card_hours", "251000"),
        ("lighting_rate", "0.439453"),
        ("allocation_rate", "0.897778"),
        ("busy_rate", "0.374851"),
        ("coverage", "0.750000"),
        ("sold_p", "800"),
        ("physical_p", "2025.472"),
    ] {
        assert_eq!(pool[field], value, "{field}");
    }
    assert_eq!(pool["oversold"], false);
}

#[test]
fn a_question_as_of_an_earlier_day_sees_only_what_had_happened() {
    let ledger = Ledger::new();
    ledger.import(&scenario("lp-loop")).succeeded();
    let before = ledger.query(&["loops", "--as-of", "2025-03-19"]);
    assert_eq!(before["loops"], json!([]));
    let after = ledger.query(&["loops", "--as-of", "2025-03-20"]);
    assert_eq!(after["loops"][0]["returned_upper"], "2516220.00");
    let unknown = ledger.query(&["flows", "--as-known", "2025-12-31"]);
    assert_eq!(unknown["flows"], json!([]), "nothing was recorded before this test ran");
}

#[test]
fn the_demo_ends_with_the_loop_report_and_says_what_it_means() {
    let ledger = Ledger::new();
    let bundle = scenario("lp-loop");
    let report = ledger.run(&["demo", bundle.to_str().expect("a readable path")]).succeeded();
    for text in ["provider-a → fund-b → company-c → provider-a", "5,032,440.00", "loops found"]
    {
        assert!(report.stdout.contains(text), "{text} in {}", report.stdout);
    }
}
