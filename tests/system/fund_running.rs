//! What a fund holds, borrows and pays, from a bundle to the answers, worked out by hand.
//!
//! A promises 700,000, B 300,000. The fund draws 100,000 on a line and puts them into Co on the same day; a year later A and
//! B pay in 120,000, the line is repaid with 5,000 of interest. 2 % of 1,000,000 for 365 days are a fee of 20,000, of which
//! 8,000 are paid, 2,000 waived and 1,000 offset. 40,000 of the cost are sold for 90,000; the rest is written down to 30,000.

use serde_json::{Value, json};

use crate::http::Http;
use crate::program::{Ledger, Up, folder_of};

const FILES: [(&str, &str); 16] = [
    (
        "parties.csv",
        "id,name,kind\ngp,GP,company\na,A,provider\nb,B,government\nbank,Bank,other\nf,F,fund\nco,Co,company\n",
    ),
    ("funds.csv", "id,manager,currency,formed_at\nf,gp,CNY,2024-01-01\n"),
    (
        "commitments.csv",
        "id,fund,lp,amount,at\nk-a,f,a,700000,2024-01-01\nk-b,f,b,300000,2024-01-01\n",
    ),
    (
        "fund_terms.csv",
        "fund,version,at,investment_ends,exit_ends,investment_fee_percent,investment_fee_basis,recycling_percent\n\
         f,1,2024-01-01,2027-01-01,2030-01-01,2,commitments,1\n",
    ),
    ("line_draws.csv", "id,fund,lender,amount,at\nld-1,f,bank,100000,2024-01-02\n"),
    (
        "investments.csv",
        "id,investor,company,amount,currency,stake_percent,at,follows\n\
         iv-1,f,co,90000,CNY,30,2024-01-02,\niv-2,f,co,10000,CNY,,2024-01-02,iv-1\n",
    ),
    (
        "contributions.csv",
        "id,fund,lp,amount,at\nct-a,f,a,84000,2025-01-01\nct-b,f,b,36000,2025-01-01\n",
    ),
    (
        "line_payments.csv",
        "id,fund,lender,part,amount,at\nlp-1,f,bank,principal,100000,2025-01-01\n\
         lp-2,f,bank,interest,5000,2025-01-01\n",
    ),
    ("fees.csv", "id,fund,from,to,at\nfe-1,f,2025-01-01,2026-01-01,2025-01-01\n"),
    ("fee_payments.csv", "id,fund,fee,payee,amount,at\nfp-1,f,fe-1,gp,8000,2025-01-02\n"),
    (
        "fee_reductions.csv",
        "id,fund,fee,reduction,amount,at,note\nfr-1,f,fe-1,waived,2000,2025-01-03,\n\
         fr-2,f,fe-1,offset,1000,2025-01-03,board fee of co\n",
    ),
    (
        "expenses.csv",
        "id,fund,payee,amount,at,purpose,related_party\ne-1,f,bank,300,2025-02-01,audit,\n\
         e-2,f,gp,700,2025-02-01,travel,true\n",
    ),
    (
        "exits.csv",
        "id,investment,payer,cost,proceeds,currency,stake_percent,at\n\
         x-1,iv-1,co,40000,90000,CNY,10,2025-03-01\n",
    ),
    (
        "valuations.csv",
        "id,investment,as_of,amount,currency,at,restates\n\
         va-1,iv-1,2025-06-30,45000,CNY,2025-07-01,\nva-2,iv-1,2025-06-30,30000,CNY,2025-07-02,va-1\n",
    ),
    ("distributions.csv", "id,fund,lp,amount,at\nd-a,f,a,60000,2025-04-01\n"),
    (
        "navs.csv",
        "id,fund,as_of,amount,at\nn-1,f,2024-12-31,10000,2025-01-01\nn-2,f,2025-06-30,90000,2025-07-01\n",
    ),
];

fn figures(of: &Value, names: &[&str]) -> Value {
    names.iter().map(|name| of[*name].clone()).collect()
}

#[test]
fn what_a_fund_holds_borrows_and_pays_comes_to_what_was_worked_out() {
    let ledger = Ledger::new();
    let up = Up::start(&ledger);
    ledger.import(folder_of(FILES).path()).succeeded();
    ledger.import(folder_of(FILES).path()).succeeded();
    let fund = ledger.query(&["fund", "f"]);
    // 120,000 and 90,000 came in; 100,000 went into Co, 5,000, 8,000 and 1,000 for costs, 60,000 back. The line was no capital.
    let sums = ["contributed", "distributed", "invested", "cash", "dpi", "dissolved_at"];
    assert_eq!(
        figures(&fund, &sums),
        json!(["120000.00", "60000.00", "100000.00", "36000.00", "0.500000", null])
    );
    let held = ["investment", "cost_left", "stake_left_percent", "proceeds", "follows"];
    assert_eq!(
        [figures(&fund["investments"][0], &held), figures(&fund["investments"][1], &held)],
        [
            json!(["iv-1", "50000.00", "20", "90000.00", null]),
            json!(["iv-2", "10000.00", null, "0.00", "iv-1"]),
        ]
    );
    let value = &fund["investments"][0]["value"];
    assert_eq!(figures(value, &["valuation", "amount"]), json!(["va-2", "30000.00"]));
    let fee = ["phase", "basis", "base", "amount", "paid", "waived", "offset", "due"];
    assert_eq!(
        figures(&fund["fees"][0], &fee),
        json!([
            "investment",
            "commitments",
            "1000000.00",
            "20000.00",
            "8000.00",
            "2000.00",
            "1000.00",
            "9000.00"
        ])
    );
    the_line_changes_the_rate_of_return_and_no_capital(&ledger, &fund);
    every_nav_is_explained(&fund);
    money_moved_once(&ledger);
    a_statement_has_the_partners_part_of_the_costs(&ledger);
    assert_eq!(Http::of(&ledger).get("/v1/fund?fund=f").json(), fund);
    what_breaks_a_rule_changes_nothing(&ledger);
    assert_eq!(up.interrupt(), Some(0));
}

fn the_line_changes_the_rate_of_return_and_no_capital(ledger: &Ledger, fund: &Value) {
    let line = &fund["line"];
    let sums = ["drawn", "repaid", "interest", "owed"];
    assert_eq!(figures(line, &sums), json!(["100000.00", "100000.00", "5000.00", "0.00"]));
    // All is repaid, so as much was paid in; a year earlier, so the rate is another.
    let without = &line["without_line"];
    assert_eq!(figures(without, &["contributed", "dpi"]), json!(["120000.00", "0.500000"]));
    assert_eq!(without["tvpi"], fund["tvpi"]);
    assert_ne!(without["irr_with_nav"]["rate"], fund["irr_with_nav"]["rate"]);
    let then = ledger.query(&["fund", "f", "--as-of", "2024-06-01"]);
    assert_eq!(figures(&then, &["contributed", "dpi", "cash"]), json!(["0.00", null, "0.00"]));
    let without = &then["line"]["without_line"];
    assert_eq!(figures(without, &["contributed", "dpi"]), json!(["100000.00", "0.000000"]));
}

/// F8.
fn every_nav_is_explained(fund: &Value) {
    let names = ["opening", "contributed", "distributed", "profit", "closing"];
    let steps = fund["nav_steps"].as_array().expect("steps");
    let steps: Vec<Value> = steps.iter().map(|step| figures(step, &names)).collect();
    assert_eq!(
        steps,
        [
            json!(["0.00", "0.00", "0.00", "10000.00", "10000.00"]),
            json!(["10000.00", "120000.00", "60000.00", "20000.00", "90000.00"]),
        ]
    );
}

fn money_moved_once(ledger: &Ledger) {
    let flows = ledger.query(&["flows", "--party", "f", "--kind", "transfer"]);
    let flows = flows["flows"].as_array().expect("flows");
    let mut told: Vec<Value> =
        flows.iter().map(|flow| figures(flow, &["id", "from", "to", "amount"])).collect();
    told.sort_by_key(ToString::to_string);
    assert_eq!(
        told,
        [
            json!(["e-1", "f", "bank", "300.00"]),
            json!(["e-2", "f", "gp", "700.00"]),
            json!(["fp-1", "f", "gp", "8000.00"]),
            json!(["ld-1", "bank", "f", "100000.00"]),
            json!(["lp-1", "f", "bank", "100000.00"]),
            json!(["lp-2", "f", "bank", "5000.00"]),
            json!(["x-1", "co", "f", "90000.00"]),
        ]
    );
}

fn a_statement_has_the_partners_part_of_the_costs(ledger: &Ledger) {
    let asked =
        ["lp-account", "--fund", "f", "--lp", "a", "--from", "2025-01-01", "--to", "2025-02-01"];
    let account = ledger.query(&asked);
    let names = [
        "fees_accrued",
        "fees_paid",
        "fees_waived",
        "fees_offset",
        "expenses",
        "expenses_to_related_parties",
        "line_interest",
    ];
    let january = &account["period"];
    assert_eq!(
        figures(&january["costs_of_fund"], &names),
        json!(["20000.00", "8000.00", "2000.00", "1000.00", "0.00", "0.00", "5000.00"])
    );
    assert_eq!(
        figures(&january["costs"], &names),
        json!(["14000.00", "5600.00", "1400.00", "700.00", "0.00", "0.00", "3500.00"])
    );
    // Nothing was paid in by the NAV of 2024; by that of June A had paid in 84,000 of 120,000.
    assert_eq!(january["nav"], json!(null));
    let nav = figures(&account["since_inception"]["nav"], &["nav", "of_fund", "amount"]);
    assert_eq!(nav, json!(["n-2", "90000.00", "63000.00"]));
    assert_eq!(
        figures(&account["since_inception"]["costs"], &names[4..]),
        json!(["700.00", "490.00", "3500.00"])
    );
}

/// The last of what came back may not all be put to work again: 1 % of 1,000,000 is 10,000, and 20,000 of
/// what was paid in are not at work.
fn what_breaks_a_rule_changes_nothing(ledger: &Ledger) {
    let before = ledger.query(&["fund", "f"]);
    let refused = |file: &'static str, text: &'static str, code: &str| {
        let answer = ledger.import(folder_of([(file, text)]).path());
        assert_eq!(answer.code, Some(3), "{}", answer.text());
        assert!(answer.text().contains(code), "{}", answer.text());
    };
    refused(
        "investments.csv",
        "id,investor,company,amount,currency,at\niv-3,f,co,30000.01,CNY,2025-08-01\n",
        "its terms allow 10000.00 CNY",
    );
    refused("dissolutions.csv", "fund,at\nf,2025-12-01\n", "36000.00 CNY left");
    let after = ledger.query(&["fund", "f"]);
    assert_eq!(after["investments"], before["investments"]);
    assert_eq!(
        figures(&after, &["cash", "dissolved_at"]),
        figures(&before, &["cash", "dissolved_at"])
    );
}
