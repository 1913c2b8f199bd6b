//! A fund's multiples, rates of return and capital accounts, worked out by hand.
//!
//! Two partners promise 1,000 and 500 and pay in 600 and 300 on 1 February 2023; 365 days later they get 66
//! and 33 back. 99 of 900 is a DPI of 0.11, and a year in which 900 becomes 99 bears -89 %. With the NAV of 855 at
//! the end of 2024 TVPI is 954 of 900, and the rate solves 900 = 99 / (1 + r) + 855 / (1 + r)^(699/365).

use serde_json::{Value, json};

use crate::http::Http;
use crate::program::{Ledger, Up, folder_of};

const FILES: [(&str, &str); 7] = [
    (
        "parties.csv",
        "id,name,kind\ngp,GP,company\nlp-a,A,provider\nlp-b,B,government\nf,F,fund\nco,Co,company\n",
    ),
    ("funds.csv", "id,manager,currency,formed_at\nf,gp,CNY,2023-01-01\n"),
    (
        "commitments.csv",
        "id,fund,lp,amount,at,priority_supplier\nk-a,f,lp-a,1000,2023-01-02,true\nk-b,f,lp-b,500,2023-01-02,\n",
    ),
    (
        "contributions.csv",
        "id,fund,lp,amount,at\nc-a,f,lp-a,600,2023-02-01\nc-b,f,lp-b,300,2023-02-01\n",
    ),
    (
        "investments.csv",
        "id,investor,company,amount,currency,stake_percent,at\ni-1,f,co,800,CNY,20,2023-03-01\n",
    ),
    (
        "distributions.csv",
        "id,fund,lp,amount,at\nd-a,f,lp-a,66,2024-02-01\nd-b,f,lp-b,33,2024-02-01\n",
    ),
    (
        "navs.csv",
        "id,fund,as_of,amount,at,restates\nn-1,f,2024-12-31,900,2025-01-20,\nn-2,f,2024-12-31,855,2025-02-20,n-1\n",
    ),
];

fn figures(of: &Value, names: &[&str]) -> Value {
    names.iter().map(|name| of[*name].clone()).collect()
}

#[test]
fn a_fund_and_its_partners_come_to_what_was_worked_out() {
    let ledger = Ledger::new();
    let up = Up::start(&ledger);
    ledger.import(folder_of(FILES).path()).succeeded();
    let fund = ledger.query(&["fund", "f"]);
    let sums = ["committed", "contributed", "unfunded", "invested", "distributed", "cash"];
    assert_eq!(
        figures(&fund, &sums),
        json!(["1500.00", "900.00", "600.00", "800.00", "99.00", "1.00"])
    );
    assert_eq!(
        figures(&fund, &["dpi", "rvpi", "tvpi"]),
        json!(["0.110000", "0.950000", "1.060000"])
    );
    let one = |rate: &str| json!({ "status": "one", "rate": rate, "rates": [] });
    assert_eq!(fund["irr"], one("-0.890000"));
    assert_eq!(fund["irr_with_nav"], one("0.032555"));
    assert_eq!(figures(&fund["nav"], &["nav", "amount"]), json!(["n-2", "855.00"]));
    assert_eq!(figures(&fund["restated"][0], &["nav", "amount"]), json!(["n-1", "900.00"]));
    let partner = &fund["partners"][0];
    assert_eq!(
        figures(partner, &["lp", "unfunded", "dpi", "priority_supplier"]),
        json!(["lp-a", "400.00", "0.110000", true])
    );
    // Before the restatement, before any NAV, and before anything was paid in.
    let then = |day: &str| ledger.query(&["fund", "f", "--as-of", day]);
    assert_eq!(then("2025-02-01")["tvpi"], "1.110000");
    let early = then("2024-12-31");
    assert_eq!(
        figures(&early, &["nav", "rvpi", "tvpi", "irr_with_nav"]),
        json!([null, null, null, null])
    );
    let none = then("2023-01-31");
    assert_eq!(figures(&none, &["dpi", "contributed"]), json!([null, "0.00"]));
    assert_eq!(none["irr"], json!({ "status": "none", "rate": null, "rates": [] }));
    assert_eq!(ledger.run(&["fund", "gp"]).code, Some(1));

    a_partner_has_its_account(&ledger);
    let http = Http::of(&ledger);
    assert_eq!(http.get("/v1/fund?fund=f").json(), fund);
    assert_eq!(http.get("/v1/fund?fund=gp").status, 404);
    assert_eq!(http.get("/v1/lp-account?fund=f&lp=co").status, 404);
    assert_eq!(http.get("/v1/lp-account?fund=f&lp=lp-a&to=2024-01-01").status, 400);
    assert_eq!(up.interrupt(), Some(0));
}

fn a_partner_has_its_account(ledger: &Ledger) {
    let asked =
        ["lp-account", "--fund", "f", "--lp", "lp-a", "--from", "2024-01-01", "--to", "2025-01-01"];
    let account = ledger.query(&asked);
    let columns = ["opening", "commitments", "contributions", "distributions", "closing"];
    assert_eq!(
        figures(&account["period"], &columns),
        json!(["600.00", "0.00", "0.00", "66.00", "534.00"])
    );
    assert_eq!(
        figures(&account["since_inception"], &columns),
        json!(["0.00", "1000.00", "600.00", "66.00", "534.00"])
    );
    let entries = account["entries"].as_array().expect("entries");
    let told: Vec<Value> =
        entries.iter().map(|entry| figures(entry, &["kind", "unfunded", "balance"])).collect();
    assert_eq!(
        told,
        [
            json!(["commitment", "1000.00", "0.00"]),
            json!(["contribution", "400.00", "600.00"]),
            json!(["distribution", "400.00", "534.00"]),
        ]
    );
}
