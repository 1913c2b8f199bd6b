//! Calls, defaults, recalls and commitments that change hands, from a bundle to the answers, worked out by hand.
//!
//! A and B promise 1,000 and 500. A call of 300.01 is borne 200.01 and 100.00 (exactly 200.006.. and 100.003..). A pays
//! in time, B after it was declared in default. 30 go back to A as excess; 60 are distributed as recallable, of which
//! 20 are recalled. A hands half of its commitment to C: of 190.01 paid in 95.00 go with it, of 60 distributed 30.

use serde_json::{Value, json};

use crate::http::Http;
use crate::program::{Ledger, Up, folder_of};

const FILES: [(&str, &str); 12] = [
    (
        "parties.csv",
        "id,name,kind\ngp,GP,company\na,A,provider\nb,B,government\nc,C,other\nf,F,fund\nco,Co,company\n",
    ),
    ("funds.csv", "id,manager,currency,formed_at\nf,gp,CNY,2024-01-01\n"),
    ("commitments.csv", "id,fund,lp,amount,at\nk-a,f,a,900,2024-01-02\nk-b,f,b,500,2024-01-02\n"),
    (
        "fund_terms.csv",
        "fund,version,at,investment_ends,exit_ends,carry_percent\nf,1,2024-01-01,2027-01-01,2030-01-01,20\n",
    ),
    ("commitment_changes.csv", "id,fund,lp,change,amount,at\ncc-1,f,a,increase,100,2024-01-03\n"),
    ("calls.csv", "id,fund,investment,fee,at,due\nca-1,f,200.01,100,2024-02-01,2024-02-20\n"),
    (
        "contributions.csv",
        "id,fund,lp,amount,at,call\nct-a,f,a,200.01,2024-02-10,ca-1\nct-b,f,b,100,2024-03-01,ca-1\n",
    ),
    ("defaults.csv", "fund,call,lp,at\nf,ca-1,b,2024-02-21\n"),
    ("default_cures.csv", "fund,call,lp,at\nf,ca-1,b,2024-03-01\n"),
    ("distributions.csv", "id,fund,lp,amount,at,kind\nd-a,f,a,60,2024-05-01,recallable\n"),
    ("recalls.csv", "id,fund,lp,distribution,amount,at\nr-a,f,a,d-a,20,2024-06-01\n"),
    ("excess_returns.csv", "id,fund,call,lp,amount,at\nx-a,f,ca-1,a,30,2024-04-01\n"),
];

fn figures(of: &Value, names: &[&str]) -> Value {
    names.iter().map(|name| of[*name].clone()).collect()
}

#[test]
fn calls_and_commitments_that_change_hands_come_to_what_was_worked_out() {
    let ledger = Ledger::new();
    let up = Up::start(&ledger);
    ledger.import(folder_of(FILES).path()).succeeded();
    let fund = ledger.query(&["fund", "f"]);
    let sums = ["committed", "contributed", "unfunded", "distributed", "cash"];
    assert_eq!(figures(&fund, &sums), json!(["1500.00", "290.01", "1269.99", "60.00", "230.01"]));
    let call = &fund["calls"][0];
    assert_eq!(figures(call, &["call", "amount"]), json!(["ca-1", "300.01"]));
    let names = ["lp", "amount", "paid", "paid_late", "unpaid", "excess_returned", "cured_at"];
    assert_eq!(
        [figures(&call["shares"][0], &names), figures(&call["shares"][1], &names)],
        [
            json!(["a", "200.01", "200.01", "0.00", "0.00", "30.00", null]),
            json!(["b", "100.00", "100.00", "100.00", "0.00", "0.00", "2024-03-01T00:00:00Z"]),
        ]
    );
    assert_eq!(fund["terms"]["waterfall"]["carry_percent"], "20");
    let then = ledger.query(&["fund", "f", "--as-of", "2024-02-25"]);
    let share = &then["calls"][0]["shares"][1];
    assert_eq!(
        figures(share, &["unpaid", "defaulted_at", "cured_at"]),
        json!(["100.00", "2024-02-21T00:00:00Z", null])
    );

    let handed = "id,fund,from,to,amount,at\nt-1,f,a,c,500,2024-07-01\n";
    let handed = folder_of([("commitment_transfers.csv", handed)]);
    ledger.import(handed.path()).succeeded();
    a_statement_says_what_was_for_what(&ledger);
    let fund = ledger.query(&["fund", "f"]);
    assert_eq!(figures(&fund, &sums), json!(["1500.00", "290.01", "1269.99", "60.00", "230.01"]));
    let names = ["lp", "committed", "contributed", "unfunded", "distributed"];
    assert_eq!(
        figures(&fund["partners"][2], &names),
        json!(["c", "500.00", "95.00", "435.00", "30.00"])
    );
    assert_eq!(fund["partners"][2]["irr"]["status"], "undetermined");
    assert_eq!(Http::of(&ledger).get("/v1/fund?fund=f").json(), fund);
    assert_eq!(up.interrupt(), Some(0));
}

fn a_statement_says_what_was_for_what(ledger: &Ledger) {
    let account = ledger.query(&["lp-account", "--fund", "f", "--lp", "a"]);
    let all = &account["since_inception"];
    let names = ["commitments", "contributions", "excess_returned", "distributions", "transferred"];
    assert_eq!(figures(all, &names), json!(["500.00", "220.01", "30.00", "60.00", "-65.00"]));
    assert_eq!(figures(all, &["unfunded", "closing"]), json!(["434.99", "65.01"]));
    // 200.01 of 200.01 to 100: two thirds are 133.34, a third is 66.67.
    assert_eq!(
        all["contributions_by_purpose"],
        json!({ "investment": "133.34", "fee": "66.67", "recall": "20.00" })
    );
    assert_eq!(all["distributions_by_kind"], json!({ "recallable": "60.00" }));
    let kinds: Vec<&Value> =
        account["entries"].as_array().expect("entries").iter().map(|it| &it["kind"]).collect();
    assert_eq!(
        kinds,
        [
            "commitment",
            "commitment_increase",
            "contribution",
            "excess_return",
            "distribution",
            "recall",
            "transfer_out"
        ]
    );
}
