//! A claim from its submission to what is claimed back of it, and its programme's books.

use loopledger_model::{Context, facts};
use serde_json::json;

use super::*;
use crate::programmes;

const COMMIT: &[u8] = include_bytes!("../../../model/fixtures/commits/voucher/v2.json");

fn events() -> Vec<Event> {
    let facts = facts(Context::Voucher, 1, Timestamp::UNIX_EPOCH, COMMIT).expect("readable");
    let event = |fact: loopledger_model::Fact| {
        if let loopledger_model::Event::Voucher(event) = fact.event { Some(event) } else { None }
    };
    facts.into_iter().filter_map(event).collect()
}

#[test]
fn a_claim_tells_what_cut_it_what_was_paid_and_what_came_back() {
    let claims = told(events().iter());
    let claim = claims.iter().find(|claim| claim.claim.as_str() == "rd-9").expect("the claim");
    let said = serde_json::to_value(claim).expect("JSON");
    let named = ["stage", "asked", "payable", "cut", "approved", "paid", "open", "recovered"];
    let named: Vec<_> = named.iter().map(|name| said[*name].clone()).collect();
    assert_eq!(
        json!(named),
        json!(["paid", "45.00", "45.00", "0.00", "45.00", "45.00", "0.00", "40.00"])
    );
    assert_eq!(said["payee"], "company-c");
    assert_eq!(said["cuts"][0]["rule"], "ratio");
    assert_eq!(said["cuts"][0]["cut"], "105");
    assert_eq!(said["reasons"], json!([]), "the appeal reopened it");
    assert_eq!(said["payments"][0]["status"], "failed");
    assert_eq!(said["payments"][0]["failure"], "account closed");
    assert_eq!(said["payments"][1]["reference"], "treasury-9");
    let clawback = &said["clawbacks"][0];
    let amounts = ["principal", "interest", "recovered", "written_off"];
    let amounts: Vec<_> = amounts.iter().map(|name| clawback[*name].clone()).collect();
    assert_eq!(json!(amounts), json!(["45.00", "0.45", "40.00", "5.45"]));
}

#[test]
fn a_programme_with_two_sources_tells_what_each_bears() {
    let events = events();
    let events: Vec<&Event> = events.iter().collect();
    let said = programmes::told(1, &events).expect("the programme");
    let said = serde_json::to_value(said).expect("JSON");
    assert_eq!(said["stage"], "published");
    assert_eq!(said["versions"][0]["version"], 2);
    assert_eq!(said["periods"][0]["authorised"], "500.00");
    for (place, source) in ["city", "province"].iter().enumerate() {
        let told = &said["sources"][place];
        assert_eq!(told["source"], *source);
        let figures = ["authorised", "redeemed", "paid", "clawed_back"];
        let figures: Vec<_> = figures.iter().map(|name| told[*name].clone()).collect();
        assert_eq!(json!(figures), json!(["500.00", "22.50", "22.50", "20.00"]));
    }
    assert_eq!(said["applications"], json!({ "approved": { "count": 1, "amount": "90.00" } }));
}
