//! Findings from stored rows: as they stand, as of an earlier day and as known at one.

use loopledger_journal::MemoryJournal;
use loopledger_model::Context;
use loopledger_projector::Limits;
use loopledger_testkit::at;
use loopledger_views::{As, Finding, FindingQuery, Rule, Views};
use serde_json::{Value, json};

use crate::history::{append_at, days, lock, lp_loop, payment};
use crate::stage::Stage;

const NOW: As = As { of: None, known: None };

/// A contract on paper that ends without execution after a voucher was locked to it, and evidence
/// that stands in two places; recorded two months after the rest, at positions 12 to 14.
async fn later(journal: &MemoryJournal) {
    let recorded = at("2026-03-01");
    let contract = json!({"contract_signed": {"id": "k-9", "buyer": "company-d",
        "seller": "provider-a", "currency": "CNY", "price_per_unit": "13000", "unit": "p_month",
        "quantity": "9000", "declared_p": "100",
        "basis": {"precision": "bf16", "sparsity": "dense"}, "at": "2025-06-01T00:00:00Z",
        "term": days("2025-07-01", "2026-01-01")}});
    let ended = json!({"contract_terminated": {"contract": "k-9", "buyer": "company-d",
        "seller": "provider-a", "at": "2025-06-20T00:00:00Z", "reason": "never_executed"}});
    let referred = |id: &str, date: &str| {
        let mut paid = payment(id, "k-8", "company-e", "provider-y", "100", date);
        paid["payment_recorded"]["reference"] = json!("bank-7");
        paid
    };
    let purchases =
        [contract, ended, referred("pm-8", "2025-05-01"), referred("pm-9", "2025-05-03")];
    append_at(journal, Context::Purchase, recorded, &purchases).await;
    let locked = lock("lk-9", "v-d1", "provider-a", "k-9", "100000", "2025-06-05");
    append_at(journal, Context::Voucher, recorded, &[locked]).await;
    let used = |id: &str, allocation: &str, contract: &str| {
        json!({"usage_metered": {"id": id, "allocation": allocation, "pool": "pool-a1",
            "contract": contract, "window": days("2025-05-01", "2025-05-02"),
            "card_hours": "321.5", "source": "job 77"}})
    };
    let usages = [used("us-8", "al-1", "k-1"), used("us-9", "al-3", "k-3")];
    append_at(journal, Context::Allocation, recorded, &usages).await;
}

async fn ask(views: &Views, rule: Option<Rule>, seen: As) -> Vec<Finding> {
    let query = FindingQuery { rule, party: None };
    views.findings(&query, seen).await.unwrap().findings
}

/// Rule, subject, day.
fn told(findings: &[Finding]) -> Vec<[String; 3]> {
    let row = |found: &Finding| {
        let day = found.at.to_string().chars().take(10).collect();
        [found.rule.to_string(), found.subject.clone(), day]
    };
    findings.iter().map(row).collect()
}

fn rows(rows: &[[&str; 3]]) -> Vec<[String; 3]> {
    rows.iter().map(|row| row.map(ToOwned::to_owned)).collect()
}

const AT_FIRST: &[[&str; 3]] = &[
    ["price_outside_reference", "k-1", "2025-01-10"],
    ["price_outside_reference", "k-3", "2025-02-20"],
    ["price_outside_reference", "k-4", "2025-02-25"],
    ["sold_but_dark", "pool-a1", "2025-04-01"],
    ["sold_but_dark", "pool-a1", "2025-04-01"],
    ["sole_supplier_share", "company-c", "2025-04-20"],
    ["sole_supplier_share", "company-d", "2025-04-22"],
    ["voucher_inside_loop", "provider-a > fund-b > company-c > provider-a", "2025-04-15"],
    ["voucher_inside_loop", "provider-x > company-d > provider-x", "2025-05-15"],
];

#[tokio::test]
async fn findings_are_those_of_what_was_recorded_and_had_taken_effect() {
    let stage = Stage::set().await;
    let journal = lp_loop().await;
    later(&journal).await;
    stage.project(&journal, "live", Limits::LIVE).await.unwrap();
    let views = stage.views("live");

    let known = As { of: None, known: Some(at("2026-02-01")) };
    assert_eq!(told(&ask(&views, None, known).await), rows(AT_FIRST));
    let mut all = vec![
        ["contract_without_model_and_delivery", "k-9", "2025-06-20"],
        [
            "evidence_used_twice",
            "job 77 2025-05-01T00:00:00Z 2025-05-02T00:00:00Z 321.5",
            "2025-05-02",
        ],
        ["evidence_used_twice", "bank-7", "2025-05-03"],
        ["never_executed_after_voucher", "k-9", "2025-06-20"],
    ];
    all.extend(AT_FIRST);
    let now = ask(&views, None, NOW).await;
    assert_eq!(told(&now), rows(&all));
    let for_ever = As { of: Some(at("9000-01-01")), known: Some(at("9000-01-01")) };
    assert_eq!(ask(&views, None, for_ever).await, now);
    for rule in Rule::ALL {
        let of_rule: Vec<_> = now.iter().filter(|found| found.rule == rule).cloned().collect();
        assert_eq!(ask(&views, Some(rule), NOW).await, of_rule, "{rule}");
    }

    let march = As { of: Some(at("2025-03-31")), known: None };
    assert_eq!(
        told(&ask(&views, None, march).await),
        rows(&[
            AT_FIRST[0],
            AT_FIRST[1],
            AT_FIRST[2],
            ["sole_supplier_share", "company-c", "2025-03-20"],
        ])
    );
    let nothing = As { of: None, known: Some(at("2025-12-31")) };
    assert_eq!(ask(&views, None, nothing).await, []);
}

#[tokio::test]
async fn findings_have_the_figures_and_facts_that_were_worked_out_by_hand() {
    let stage = Stage::set().await;
    let journal = lp_loop().await;
    later(&journal).await;
    stage.project(&journal, "live", Limits::LIVE).await.unwrap();
    let views = stage.views("live");
    let of = async |rule| serde_json::to_value(ask(&views, Some(rule), NOW).await).unwrap();
    let only = |found: &Value, fields: &[&str]| -> Value {
        fields.iter().map(|field| ((*field).to_owned(), found[*field].clone())).collect()
    };
    let fields = ["amount", "parties", "figures", "facts"];

    let dark = of(Rule::SoldButDark).await;
    assert_eq!(
        only(&dark[0], &["figures", "facts", "parties"]),
        json!({"parties": ["provider-a", "company-c", "reseller-r"],
            "figures": {"numerator": "800", "denominator": "791.2", "ratio": "1.011122",
                "threshold": "1", "basis": "bf16 dense", "contracts": "2"},
            "facts": ["1.9", "4.0", "4.2", "5.2", "5.3", "5.6"]})
    );
    assert_eq!(dark[1]["facts"], json!(["5.7"]));

    let vouchers = of(Rule::VoucherInsideLoop).await;
    assert_eq!(
        only(&vouchers[0], &fields),
        json!({"amount": "1078380.00", "parties": ["provider-a", "fund-b", "company-c"],
            "figures": {"numerator": "1078380.00", "denominator": "1078380.00",
                "ratio": "1.000000", "threshold": "0"},
            "facts": ["3.2", "3.4", "6.0", "7.0", "11.3"]})
    );

    let suppliers = of(Rule::SoleSupplierShare).await;
    assert_eq!(
        only(&suppliers[0], &fields),
        json!({"amount": "5032440.00", "parties": ["provider-a", "fund-b", "company-c"],
            "figures": {"numerator": "5032440.00", "denominator": "5672440.00",
                "ratio": "0.887174", "threshold": "0.50", "funding_steps": "2"},
            "facts": ["3.2", "3.4", "6.0", "7.0", "9.0"]})
    );

    let never = of(Rule::NeverExecutedAfterVoucher).await;
    assert_eq!(
        only(&never[0], &fields),
        json!({"amount": "100000.00", "parties": ["company-d", "provider-a"],
            "figures": {"numerator": "100000.00", "denominator": "100000.00",
                "released": "0.00", "threshold": "0"},
            "facts": ["12.0", "12.1", "13.0"]})
    );
    let twice = of(Rule::EvidenceUsedTwice).await;
    assert_eq!(twice[0]["facts"], json!(["14.0", "14.1"]));
    assert_eq!(twice[1]["facts"], json!(["12.2", "12.3"]));
    assert_eq!(twice[1]["amount"], "200.00");
    let paper = of(Rule::ContractWithoutModelAndDelivery).await;
    assert_eq!(
        (&paper[0]["amount"], &paper[0]["facts"]),
        (&json!("117000000.00"), &json!(["12.0", "12.1"]))
    );
}

#[tokio::test]
async fn implied_cards_are_told_of_contracts_that_hide_their_model() {
    let stage = Stage::set().await;
    stage.project(&lp_loop().await, "live", Limits::LIVE).await.unwrap();
    let views = stage.views("live");
    let all = views.implied(None, NOW).await.unwrap();
    let named: Vec<_> = all.contracts.iter().map(|row| row.contract.as_str()).collect();
    assert_eq!((all.position, named), (11, vec!["k-1", "k-3", "k-4"]));
    let k_1 = serde_json::to_value(&all.contracts[0]).unwrap();
    assert_eq!(
        k_1["implied"],
        json!([{"model": "H200", "p_per_card": "0.989", "spec": "1.9",
            "from": "2024-01-01T00:00:00Z", "source": null, "in_force": true,
            "cards": "606.673407", "servers": "75.834176", "whole_cards": false,
            "server_p": "7", "whole_servers": null}])
    );
    let k_2 = views.implied(Some(&loopledger_testkit::id("k-2")), NOW).await.unwrap();
    assert_eq!(k_2.contracts[0].reason.as_deref(), Some("the contract declares no P"));
    let before = As { of: None, known: Some(at("2025-12-31")) };
    assert_eq!(views.implied(None, before).await.unwrap().contracts, []);
}
