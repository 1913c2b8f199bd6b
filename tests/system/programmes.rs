//! Programmes end to end: a city's file beside a bundle, imported into real servers, to the amount that is paid.
//!
//! The amounts are those that the cities' files state; each of the six settlement modes is run by one of them or by a
//! programme written here.

pub mod bundle;
mod cities;
mod dry_run;
mod modes;
pub mod reviewed;

use serde_json::{Value, json};

use crate::program::{Ledger, Up};
use cities::{METERS, ONE_WAIVER, TWO_WAIVERS, airr, chengdu, henan, shenzhen, strict};
use modes::{beijing, credits, hangzhou, korea, letter, nanning};
use reviewed::{SUSPENDED, shanghai};

#[track_caller]
fn assert_figures(ledger: &Ledger, programme: &str, figures: &[(&str, &str)]) {
    let answer = ledger.query(&["vouchers", "--programme", programme]);
    for (field, amount) in figures {
        assert_eq!(answer["programmes"][0][*field], json!(amount), "{field} of {programme}");
    }
}

#[track_caller]
fn assert_says(told: &str, words: &[&str]) {
    for word in words {
        assert!(told.contains(word), "{word} in {told}");
    }
}

#[test]
fn each_of_the_six_modes_pays_its_exact_amount_and_importing_it_again_changes_nothing() {
    let ledger = Ledger::new();
    let _up = Up::start(&ledger);
    let bundles = [hangzhou(), beijing(), nanning("nn-fp-1"), korea(), credits(), letter()];
    for bundle in &bundles {
        bundle.imported(&ledger);
    }
    let figures = || {
        assert_figures(
            &ledger,
            "hangzhou-2025",
            &[("redeemed", "8000000.00"), ("paid", "8000000.00")],
        );
        assert_figures(
            &ledger,
            "beijing-2023",
            &[("redeemed", "2000000.00"), ("paid", "2000000.00")],
        );
        assert_figures(
            &ledger,
            "nanning-2025",
            &[("redeemed", "25102.00"), ("paid", "25102.00"), ("remaining", "49974898.00")],
        );
        assert_figures(&ledger, "korea-2026", &[("redeemed", "95000000"), ("paid", "0")]);
        let credits =
            [("issued", "80.00"), ("redeemed", "30.00"), ("revoked", "40.00"), ("paid", "30.00")];
        assert_figures(&ledger, "credits", &credits);
        assert_figures(&ledger, "letter", &[("redeemed", "60.00"), ("paid", "60.00")]);
        let refunds = ledger.query(&["flows", "--party", "office", "--kind", "refund"]);
        assert_eq!(refunds["flows"][0]["amount"], "15.00");
    };
    figures();
    let before = ledger.query(&["vouchers"]);
    for bundle in &bundles {
        bundle.imported(&ledger);
    }
    figures();
    assert_eq!(ledger.query(&["vouchers"])["position"], before["position"]);
}

#[test]
fn a_funding_link_is_refused_with_its_path_until_enough_waive_it_and_metering_is_required() {
    let ledger = Ledger::new();
    let _up = Up::start(&ledger);
    let told = strict("").refused(&ledger);
    let path = "provider-a -> firm-d 500.00 CNY at 2024-06-01T00:00:00Z, \
        firm-d -> firm-c 400.00 CNY at 2024-09-01T00:00:00Z";
    assert_says(&told, &["locks.csv line 2", "related", path]);
    let told = strict(ONE_WAIVER).refused(&ledger);
    assert_says(&told, &["locks.csv line 2", "related"]);
    let told = strict(&TWO_WAIVERS.replace("w-2,office", "w-2,firm-d")).refused(&ledger);
    assert_says(&told, &["waivers.csv line 3", "party_to_it", "firm-d"]);
    let told = strict(TWO_WAIVERS).refused(&ledger);
    assert_says(&told, &["claims.csv line 2", "not_metered", "st-k1"]);
    strict(&format!("{TWO_WAIVERS}{METERS}")).imported(&ledger);
    assert_figures(&ledger, "strict", &[("redeemed", "30.00"), ("paid", "30.00")]);
}

#[test]
fn a_reviewer_who_is_concerned_or_reviewed_already_and_a_number_that_is_used_are_refused() {
    let ledger = Ledger::new();
    let _up = Up::start(&ledger);
    let own = beijing().with("claim_reviews.csv", "verify,o-1,beijing-beit", "verify,c-9,firm-c");
    assert_says(&own.refused(&ledger), &["claim_reviews.csv line 3", "own_case"]);
    beijing().imported(&ledger);
    assert_says(
        &nanning("bj-fp-1").refused(&ledger),
        &["claims.csv line 2", "number_used", "bj-fp-1", "bj-i1"],
    );
    let twice = nanning("nn-fp-1").with("claim_reviews.csv", "verify,o-2", "verify,o-1");
    assert_says(&twice.refused(&ledger), &["claim_reviews.csv line 4", "same_person"]);
    nanning("nn-fp-1").imported(&ledger);
    assert_figures(&ledger, "nanning-2025", &[("paid", "25102.00")]);
}

#[test]
fn a_citys_file_is_all_that_a_further_city_needs() {
    let ledger = Ledger::new();
    let _up = Up::start(&ledger);
    for bundle in [henan(), shenzhen(), chengdu(), airr()] {
        bundle.imported(&ledger);
    }
    assert_figures(&ledger, "henan-2025", &[("redeemed", "1000000.00"), ("paid", "1000000.00")]);
    assert_figures(&ledger, "shenzhen-2025", &[("paid", "10000000.00")]);
    assert_figures(&ledger, "chengdu-2023", &[("paid", "370370.36")]);
    assert_figures(&ledger, "airr-gateway", &[("redeemed", "20000.00"), ("paid", "0.00")]);
}

#[test]
fn a_year_of_reviews_payments_and_clawbacks_is_told_by_programme_claims_and_statement() {
    let ledger = Ledger::new();
    let _up = Up::start(&ledger);
    shanghai().imported(&ledger);
    let programme = ledger.query(&["programme", "shanghai-2025"]);
    let totals = &programme["totals"];
    assert_eq!(
        json!([totals["redeemed"], totals["paid"], totals["clawed_back"]]),
        json!(["230000.00", "230000.00", "50320.00"])
    );
    assert_eq!(
        treasury_paid(&ledger, "shanghai-eic"),
        23_000_000 - 5_032_000,
        "what the treasury's account lost is what was paid less what was recovered"
    );
    let versions = &programme["versions"];
    assert_eq!(
        json!([versions[0]["rules"]["ratio"], versions[1]["rules"]["ratio"]]),
        json!(["0.3", "0.2"])
    );
    for source in programme["sources"].as_array().expect("a list of sources") {
        assert_eq!(
            (&source["redeemed"], &source["paid"]),
            (&json!("115000.00"), &json!("115000.00"))
        );
    }
    let claims = ledger.query(&["claims", "--programme", "shanghai-2025"])["claims"].clone();
    let told = |claim: &Value| {
        json!([claim["version"], claim["stage"], claim["payable"], claim["paid"], claim["open"]])
    };
    assert_eq!(told(&claims[0]), json!([1, "paid", "150000.00", "150000.00", "0.00"]));
    assert_eq!(told(&claims[1]), json!([2, "paid", "80000.00", "80000.00", "0.00"]));
    let [failed, paid] = [&claims[1]["payments"][0], &claims[1]["payments"][1]];
    assert_eq!(
        json!([failed["status"], paid["status"], paid["reference"]]),
        json!(["failed", "paid", "treasury-2"])
    );
    let clawback = &claims[1]["clawbacks"][0];
    // 40 days of 0.01 % on 80,000.
    assert_eq!(
        json!([clawback["principal"], clawback["interest"], clawback["recovered"]]),
        json!(["80000.00", "320.00", "50320.00"])
    );
    let statement = ledger.query(&[
        "statement",
        "--provider",
        "provider-a",
        "--from",
        "2025-09-01",
        "--to",
        "2025-12-01",
    ]);
    assert_eq!(statement["totals"][0]["approved"], "230000.00");
    assert_eq!(statement["claims"].as_array().map(Vec::len), Some(2));
    let earlier =
        ledger.query(&["claims", "--programme", "shanghai-2025", "--as-of", "2025-11-07"]);
    assert_eq!(earlier["claims"][1]["stage"], "rejected");
    let mut suspended = shanghai();
    for (file, row) in SUSPENDED {
        suspended.files.get_mut(file).expect("it is there").push_str(row);
    }
    assert_says(&suspended.refused(&ledger), &["claims.csv line 4", "not_admitted", "provider-a"]);
}

/// What left a party's account less what came in, in cents.
fn treasury_paid(ledger: &Ledger, party: &str) -> i64 {
    let flows = ledger.query(&["flows", "--party", party])["flows"].clone();
    let cents = |flow: &Value| {
        let amount = flow["amount"].as_str().expect("an amount").replace('.', "");
        let cents: i64 = amount.parse().expect("digits");
        if flow["from"] == party { cents } else { -cents }
    };
    flows.as_array().expect("a list of flows").iter().map(cents).sum()
}

#[test]
fn a_row_that_contradicts_its_programmes_file_is_named_and_nothing_is_imported() {
    let ledger = Ledger::new();
    let _up = Up::start(&ledger);
    let wrong = henan().with("programmes.csv", ",0.2,", ",0.3,");
    let answer = ledger.import(wrong.written().path());
    assert_eq!(answer.code, Some(2), "{}", answer.text());
    assert_says(&answer.text(), &["programmes.csv line 2, column ratio", "henan.json"]);
    assert_eq!(ledger.query(&["vouchers"])["programmes"], json!([]));
}
