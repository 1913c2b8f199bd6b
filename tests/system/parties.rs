//! Party reports, owners and loops between groups on the lp-loop bundle: every figure here was
//! worked out by hand.
//!
//! provider-a's two loops end in company-c (5,032,440 paid) and in reseller-r (1,120,000 paid, of
//! which 640,000 came from company-c). First in, first out, all 5,672,440 are its own money: the
//! 70 m left on 2024-09-01; 2,516,220 came back after 200 days, as much after 231, 640,000 after
//! 239. Of 500 m committed to fund-b, 350 m are provider-a's, after the 1 % that was filed.

use serde_json::{Value, json};

use crate::program::{Bundle, Ledger, scenario};

fn only(answer: &Value, fields: &[&str]) -> Value {
    fields.iter().map(|field| ((*field).to_owned(), answer[*field].clone())).collect()
}

fn figures_of_provider_a() -> Value {
    json!({
        "party": "provider-a", "currency": "CNY", "capital_out": "70000000.00",
        "returned": {"lower": "0.00", "fifo": "5672440.00", "pro_rata": "3970708.00",
            "upper": "5672440.00"},
        "compute_revenue": "6152440.00", "voucher_revenue": "1078380.00",
        "voucher_exposure": {"numerator": "1078380.00", "denominator": "1078380.00",
            "ratio": "1.000000"},
        "dwell_days": "218.151416",
        "loops": [["provider-a", "fund-b", "company-c"],
            ["provider-a", "fund-b", "company-c", "reseller-r"]],
        "open_loops": [],
    })
}

#[test]
fn the_providers_of_lp_loop_get_back_what_was_worked_out_by_hand() {
    let ledger = Ledger::new();
    ledger.import(&scenario("lp-loop")).succeeded();
    let answer = ledger.query(&["party", "provider-a"]);
    let reports = answer["parties"].as_array().expect("a list");
    let [a] = reports.as_slice() else { panic!("one currency: {answer}") };
    let figures = [
        "party",
        "currency",
        "capital_out",
        "returned",
        "compute_revenue",
        "voucher_revenue",
        "voucher_exposure",
        "dwell_days",
        "loops",
        "open_loops",
    ];
    assert_eq!(only(a, &figures), figures_of_provider_a());
    assert_eq!(
        json!([a["returned_of_capital"]["pro_rata"], a["returned_of_revenue"]["pro_rata"]]),
        json!([
            {"numerator": "3970708.00", "denominator": "70000000.00", "ratio": "0.056724"},
            {"numerator": "3970708.00", "denominator": "6152440.00", "ratio": "0.645388"},
        ])
    );
    let customer = ["company", "paid", "share_of_spend", "voucher_paid", "returned_of_paid"];
    assert_eq!(
        only(&a["customers"][0], &customer),
        json!({
            "company": "company-c", "paid": "5032440.00", "voucher_paid": "1078380.00",
            "share_of_spend": {"numerator": "5032440.00", "denominator": "5672440.00",
                "ratio": "0.887174"},
            "returned_of_paid": {"numerator": "3522708.00", "denominator": "5032440.00",
                "ratio": "0.700000"},
        })
    );
    let promise = ["contract", "value", "invoiced", "unpaid_invoices", "unpaid", "would_close"];
    let promises: Vec<Value> = a["promises"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|signed| only(signed, &promise))
        .collect();
    assert_eq!(
        json!(promises),
        json!([
            {"contract": "k-1", "value": "21567600.00", "invoiced": "7189200.00",
                "unpaid_invoices": "1078380.00", "unpaid": "15456780.00", "would_close": true},
            {"contract": "k-3", "value": "6720000.00", "invoiced": "1120000.00",
                "unpaid_invoices": "0.00", "unpaid": "5600000.00", "would_close": false},
        ])
    );
    let x = &ledger.query(&["party", "provider-x"])["parties"][0];
    assert_eq!(
        only(x, &["returned", "dwell_days", "voucher_revenue"]),
        json!({
            "returned": {"lower": "0.00", "fifo": "0.00", "pro_rata": "332500.00",
                "upper": "997500.00"},
            "dwell_days": null, "voucher_revenue": "427500.00",
        })
    );
}

#[test]
fn the_list_of_sellers_has_a_line_for_each_and_every_row_its_positions() {
    let ledger = Ledger::new();
    ledger.import(&scenario("lp-loop")).succeeded();
    let answer = ledger.query(&["parties"]);
    let reports = answer["parties"].as_array().expect("a list");
    let names: Vec<&Value> = reports.iter().map(|report| &report["party"]).collect();
    assert_eq!(names, ["provider-a", "provider-x", "reseller-r"]);
    let flows = ledger.query(&["flows"]);
    let facts: Vec<&Value> =
        flows["flows"].as_array().expect("a list").iter().map(|flow| &flow["event"]).collect();
    let position_of = |fact: &Value| -> Value {
        let text = fact.as_str().expect("a fact").split('.').next().expect("a position");
        json!(text.parse::<u64>().expect("a number"))
    };
    let known: Vec<Value> = facts.into_iter().map(position_of).collect();
    for report in reports {
        let positions = report["positions"].as_array().expect("a list");
        assert!(!positions.is_empty() && positions.iter().all(|p| known.contains(p)), "{report}");
        for list in ["customers", "promises"] {
            for row in report[list].as_array().expect("a list") {
                assert_ne!(row["positions"], json!([]), "{row}");
            }
        }
    }
    for found in ledger.query(&["loops"])["loops"].as_array().expect("a list") {
        let legs = found["legs"].as_array().expect("a list");
        let vouchers = found["voucher_events"].as_array().expect("a list");
        let events = legs.iter().map(|leg| &leg["event"]).chain(vouchers);
        let mut positions: Vec<u64> =
            events.map(|event| position_of(event).as_u64().expect("a number")).collect();
        positions.sort_unstable();
        positions.dedup();
        assert_eq!(found["positions"], json!(positions));
        assert_eq!(vouchers.is_empty(), found["voucher_amount"] == "0.00");
    }
    let days = ["215.500000", "239.000000"].map(Value::from);
    let loops = ledger.query(&["loops", "--party", "provider-a"]);
    assert_eq!([0, 1].map(|n: usize| loops["loops"][n]["dwell_days"].clone()), days);
}

#[test]
fn a_customer_that_was_funded_and_has_not_paid_is_an_open_loop_until_it_pays() {
    let ledger = Ledger::new();
    ledger.import(&scenario("lp-loop")).succeeded();
    let before = ["party", "provider-a", "--as-of", "2025-03-19"];
    let report = &ledger.query(&before)["parties"][0];
    let open = &report["open_loops"];
    let way = |step: &Value| json!([step["from"], step["to"], step["amount"]]);
    let path: Vec<Value> = open[0]["path"].as_array().expect("a path").iter().map(way).collect();
    assert_eq!(
        json!([open[0]["company"], open[0]["contracts"], path]),
        json!([
            "company-c",
            ["k-1"],
            [["provider-a", "fund-b", "70000000.00"], ["fund-b", "company-c", "40000000.00"]]
        ])
    );
    // company-d is reached too, and its contract had not ended yet.
    assert_eq!(open[1]["company"], "company-d");
    assert_eq!(report["returned"]["upper"], "0.00");
    assert_eq!(report["returned_of_revenue"]["pro_rata"]["ratio"], Value::Null);
    let after = ["party", "provider-a", "--as-of", "2025-03-28"];
    assert_eq!(ledger.query(&after)["parties"][0]["open_loops"], json!([]));
}

#[test]
fn owners_of_a_fund_are_its_partners_by_commitment_and_its_manager_by_control() {
    let ledger = Ledger::new();
    ledger.import(&scenario("lp-loop")).succeeded();
    let answer = ledger.query(&["owners", "fund-b"]);
    let fields = ["owner", "share", "way", "economic_share", "cascade_share", "controls"];
    let owners: Vec<Value> = answer["owners"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|owner| only(owner, &fields))
        .collect();
    assert_eq!(
        json!(owners),
        json!([
            {"owner": "gp-b", "share": "1.000000", "way": "cascade", "economic_share": "0.010000",
                "cascade_share": "1.000000", "controls": true},
            {"owner": "provider-a", "share": "0.693000", "way": "economic",
                "economic_share": "0.693000", "cascade_share": "0.000000", "controls": false},
            {"owner": "lp-state", "share": "0.297000", "way": "economic",
                "economic_share": "0.297000", "cascade_share": "0.000000", "controls": false},
        ])
    );
    assert_eq!(answer["controller"], "gp-b");
    assert_eq!(answer["owners"][1]["path"][0]["basis"], "commitment");
    let of_c = ledger.query(&["owners", "company-c", "--threshold", "8"]);
    assert_eq!(of_c["owners"][0]["owner"], "fund-b");
    assert_eq!(
        only(&of_c["owners"][1], &fields),
        json!({"owner": "gp-b", "share": "0.120000", "way": "cascade",
            "economic_share": "0.001200", "cascade_share": "0.120000", "controls": false})
    );
    assert_eq!(of_c["owners"][2]["share"], "0.083160");
    let early = ledger.query(&["owners", "fund-b", "--as-of", "2024-05-31"]);
    assert_eq!((&early["owners"], &early["controller"]), (&json!([]), &Value::Null));
}

#[test]
fn at_group_level_a_fund_that_the_provider_controls_is_the_provider() {
    let ledger = Ledger::new();
    let bundle =
        Bundle::lp_loop().append("ownership.csv", "provider-a,gp-b,50,2024-06-01,2025-04-01");
    ledger.import(bundle.path()).succeeded();
    let answer = ledger.query(&["loops", "--level", "group", "--party", "fund-b"]);
    let loops = answer["loops"].as_array().expect("a list");
    let figures = ["parties", "kind", "capital_out", "returned_lower", "returned_upper"];
    assert_eq!(
        json!(loops.iter().map(|found| only(found, &figures)).collect::<Vec<_>>()),
        json!([
            {"parties": ["provider-a", "company-c"], "kind": "direct",
                "capital_out": "40000000.00", "returned_lower": "5032440.00",
                "returned_upper": "5032440.00"},
            {"parties": ["provider-a", "company-c", "reseller-r"], "kind": "resale",
                "capital_out": "40000000.00", "returned_lower": "640000.00",
                "returned_upper": "640000.00"},
        ])
    );
    let leg = ["from", "from_group", "to", "to_group", "amount"];
    assert_eq!(
        only(&loops[0]["legs"][0], &leg),
        json!({"from": "fund-b", "from_group": "provider-a", "to": "company-c",
            "to_group": "company-c", "amount": "40000000.00"})
    );
    assert_eq!(
        loops[0]["groups"][0],
        json!({"group": "provider-a", "parties": ["fund-b", "provider-a"]})
    );
    // Beside the commits of its flows, that of the filing which made the fund the provider's.
    let flows = ledger.query(&["flows"]).to_string();
    let positions = loops[0]["positions"].as_array().expect("a list");
    let of_no_flow = positions.iter().filter(|at| !flows.contains(&format!("\"{at}.")));
    assert_eq!(of_no_flow.count(), 1, "{}", loops[0]);
    // Between parties nothing is different.
    assert_eq!(ledger.query(&["loops"])["loops"].as_array().map(Vec::len), Some(3));
}

#[test]
fn a_report_is_told_to_people_too() {
    let ledger = Ledger::new();
    ledger.import(&scenario("lp-loop")).succeeded();
    let one = ledger.run(&["party", "provider-a"]).succeeded();
    for text in ["loop found", "5,672,440.00", "k-1 by company-c", "position"] {
        assert!(one.stdout.contains(text), "{text} in {}", one.stdout);
    }
    let all = ledger.run(&["parties"]).succeeded();
    assert!(all.stdout.contains("3 reports, position"), "{}", all.stdout);
    let owners = ledger.run(&["owners", "fund-b"]).succeeded();
    assert!(owners.stdout.contains("fund-b is controlled by gp-b"), "{}", owners.stdout);
    assert_eq!(ledger.run(&["owners", "fund-b", "--threshold", "0"]).code, Some(2));
}
