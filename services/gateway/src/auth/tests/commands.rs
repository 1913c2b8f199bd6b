//! Every command's endpoint with every role, over the real router.

use super::*;
use crate::commands::ENDPOINTS;

/// Of an office, a reviewer, a provider, a fund manager and a company: the commands that each may give.
const GIVEN: [(Role, &[&str]); 5] = [
    (
        Role::ProgrammeOffice,
        &[
            "define_programme",
            "draft_programme",
            "change_programme",
            "admit_provider",
            "change_admission",
            "approve_waiver",
            "issue_voucher",
            "end_voucher",
            "order_payment",
            "fail_payment",
            "settle_redemption",
            "open_clawback",
            "assess_clawback",
            "record_recovery",
            "write_off_clawback",
        ],
    ),
    (Role::Reviewer, &["review"]),
    (
        Role::Provider,
        &[
            "apply_for_admission",
            "lock_voucher",
            "redeem_voucher",
            "submit_claim",
            "review",
            "sign_contract",
            "announce_contract",
            "issue_invoice",
            "record_payment",
            "record_advance",
            "apply_advance",
            "record_refund",
            "grant_credit",
            "terminate_contract",
            "register_pool",
            "change_pool",
            "allocate",
            "end_allocation",
            "meter_usage",
            "permit_oversell",
            "reserve",
            "confirm_reservation",
            "end_reservation",
            "record_stage",
            "place_card",
            "change_card",
            "count_cards",
            "record_provenance",
            "read_electricity",
        ],
    ),
    (
        Role::FundManager,
        &[
            "form_fund",
            "commit",
            "contribute",
            "invest",
            "distribute",
            "strike_nav",
            "recognise_reinvestment",
            "change_commitment",
            "transfer_commitment",
            "set_terms",
            "call_capital",
            "declare_default",
            "cure_default",
            "return_excess",
            "recall_distribution",
            "exit_investment",
            "value_investment",
            "accrue_fee",
            "pay_fee",
            "reduce_fee",
            "pay_expense",
            "pay_carry",
            "draw_line",
            "repay_line",
            "dissolve_fund",
        ],
    ),
    (
        Role::Company,
        &[
            "apply",
            "review",
            "lock_voucher",
            "submit_claim",
            "announce_contract",
            "accept_delivery",
            "place_order",
            "dispute_invoice",
            "resolve_dispute",
        ],
    ),
];

fn url(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "another" } else { part });
    format!("/v1{}", parts.collect::<Vec<_>>().join("/"))
}

async fn give(api: &axum::Router, path: &str, token: &str, body: &str) -> StatusCode {
    let request = Request::builder()
        .method(Method::POST)
        .uri(url(path))
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .header("idempotency-key", "k-1")
        .header("content-type", "application/json")
        .body(Body::from(body.to_owned()))
        .expect("a request");
    api.clone().oneshot(request).await.expect("an answer").status()
}

#[tokio::test]
async fn every_role_gives_its_own_commands_and_no_others() {
    let api = table::api(Access::Tokens(Arc::new(verifier())));
    for endpoint in ENDPOINTS {
        for (role, given) in GIVEN {
            let status = give(&api, endpoint.path, &table::token(role.name()), "{}").await.as_u16();
            let said = format!("{} {}", endpoint.tag, role.name());
            // What names nothing of the caller's own is not known; the ledger cannot be asked here.
            let expected: &[u16] = if given.contains(&endpoint.tag) { &[404, 503] } else { &[403] };
            assert!(expected.contains(&status), "{said}: {status}");
        }
        // The operator passes, to be told that the command lacks its fields.
        let status = give(&api, endpoint.path, &table::token("operator"), "{}").await.as_u16();
        assert_eq!(status, 400, "{}", endpoint.tag);
        // What cannot be put on record is not answered.
        let status = give(&api, endpoint.path, &table::token("regulator"), "{}").await.as_u16();
        assert_eq!(status, 503, "{}", endpoint.tag);
        assert_eq!(
            rules::grant(&Method::POST, &format!("/v1{}", endpoint.path), Role::Regulator),
            Grant::Nothing
        );
    }
    let tags: BTreeSet<&str> = ENDPOINTS.iter().map(|endpoint| endpoint.tag).collect();
    assert!(GIVEN.iter().flat_map(|(_, given)| *given).all(|tag| tags.contains(tag)));
}

/// Another tenant's ids are answered like ids that are not there.
#[tokio::test]
async fn a_command_about_others_is_not_known_and_one_about_ones_own_goes_on() {
    let api = table::api(Access::Tokens(Arc::new(verifier())));
    let pool = |operator: &str| {
        format!(
            r#"{{"id":"p","operator":"{operator}","site":"s","model":"m-1","cards":1,"lit":1,"at":"2025-01-01T00:00:00Z"}}"#
        )
    };
    let provider = table::token("provider");
    assert_eq!(give(&api, "/pools", &provider, &pool("another")).await, 404);
    // Nobody serves it here.
    assert_eq!(give(&api, "/pools", &provider, &pool("own")).await, 503);
    let commitment = r#"{"id":"k","lp":"l","amount":{"amount":"1.00","currency":"CNY"},"at":"2025-01-01T00:00:00Z"}"#;
    let manager = table::token("fund_manager");
    assert_eq!(give(&api, "/funds/{fund}/commitments", &manager, commitment).await, 404);
    let office = table::token("programme_office");
    let voucher = |programme: &str| {
        format!(
            r#"{{"id":"v","programme":"{programme}","holder":"h","amount":{{"amount":"1.00","currency":"CNY"}},"at":"2025-01-01T00:00:00Z"}}"#
        )
    };
    assert_eq!(give(&api, "/vouchers", &office, &voucher("another")).await, 404);
    assert_eq!(give(&api, "/vouchers", &office, &voucher("own")).await, 503);
    let person = |id: &str, of: &str| {
        format!(
            r#"{{"id":"c","programme":"own","voucher":"v","invoice":"i","by":{{"id":"{id}","of":"{of}"}},"at":"2025-01-01T00:00:00Z"}}"#
        )
    };
    assert_eq!(give(&api, "/claims", &provider, &person("someone", "another")).await, 404);
    assert_eq!(give(&api, "/claims", &provider, &person("another", "own")).await, 404);
    assert_eq!(give(&api, "/claims", &provider, &person("someone", "own")).await, 503);
}
