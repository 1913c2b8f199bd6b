//! Which rows each fact comes to.

use bytes::Bytes;
use loopledger_journal::{CommitHash, CommitId};
use loopledger_model::{Context, Partition};
use loopledger_testkit::at;
use loopledger_views::rows::{Flow, MoveKind};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::*;

fn committed(context: Context, events: &[Value]) -> Commit {
    let entry = json!({ "command": "c", "digest": "00000000000000000000000000000000", "by": "test", "events": events });
    let body = json!({ "facts_at": 0, "entries": [entry] });
    Commit {
        position: 7,
        partition: Partition::first(context),
        id: CommitId::new(),
        recorded_at: "2025-06-01T00:00:00.123456789Z".parse().expect("an instant"),
        by: "test".to_owned(),
        traceparent: None,
        previous: CommitHash::NONE,
        body: Bytes::from(body.to_string()),
    }
}

fn rows_of(context: Context, events: &[Value]) -> Rows {
    let facts = facts_of(&committed(context, events)).expect("readable events");
    let mut rows = Rows::default();
    add(facts, &mut rows);
    rows
}

fn cny(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "CNY" })
}

const AT: &str = "2025-03-01T00:00:00Z";

/// Who paid whom how much, as what and under which name.
fn told(flow: &Flow) -> Value {
    let money = format!("{} {}", flow.amount, flow.currency);
    json!([flow.id, flow.kind, flow.from_party, flow.to_party, money])
}

#[test]
fn every_movement_of_money_is_one_flow() {
    let capital = rows_of(
        Context::Fund,
        &[
            json!({"contribution_received": {"id": "ct", "fund": "f", "lp": "a",
                "amount": cny("7"), "at": AT}}),
            json!({"investment_funded": {"id": "iv", "investor": "f", "company": "c",
                "amount": cny("4"),
                "stake_percent": "12", "at": AT}}),
            json!({"distribution_paid": {"id": "ds", "fund": "f", "lp": "a", "amount": cny("1"),
                "at": AT}}),
            json!({"transfer_recorded": {"id": "tr", "from": "c", "to": "f", "amount": cny("2"),
                "at": AT,
                "purpose": "loan"}}),
            json!({"distribution_recalled": {"id": "ct", "fund": "f", "lp": "a",
                "distribution": "ds", "amount": cny("1"), "at": AT}}),
            json!({"excess_returned": {"id": "tr", "fund": "f", "call": "ca", "lp": "a",
                "amount": cny("3"), "at": AT}}),
        ],
    );
    assert_eq!(
        capital.flows.iter().map(told).collect::<Vec<_>>(),
        [
            json!(["ct", "contribution", "a", "f", "7.00 CNY"]),
            json!(["iv", "investment", "f", "c", "4.00 CNY"]),
            json!(["ds", "distribution", "f", "a", "1.00 CNY"]),
            json!(["tr", "transfer", "c", "f", "2.00 CNY"]),
            json!(["ct", "contribution", "a", "f", "1.00 CNY"]),
            json!(["tr", "transfer", "f", "a", "3.00 CNY"]),
        ]
    );
    let notes: Vec<_> = capital.flows[4..].iter().filter_map(|flow| flow.note.as_ref()).collect();
    assert_eq!(
        notes.iter().map(|note| note.as_str()).collect::<Vec<_>>(),
        ["recall of ds", "excess of ca"]
    );
    // Beside its flow, what is of a fund's account is kept whole.
    assert_eq!((capital.fund_facts.len(), capital.count()), (5, 11));
    let bought = rows_of(
        Context::Purchase,
        &[
            json!({"payment_recorded": {"id": "pm", "invoice": "in", "contract": "k", "buyer": "c",
                "seller": "a",
                "amount": cny("3"), "at": AT, "reference": "bank-1"}}),
            json!({"contract_terminated": {"contract": "k", "buyer": "c", "seller": "a", "at": AT,
                "reason": "breach", "refund": cny("1")}}),
        ],
    );
    assert_eq!(
        bought.flows.iter().map(told).collect::<Vec<_>>(),
        [
            json!(["pm", "compute_payment", "c", "a", "3.00 CNY"]),
            json!(["k", "refund", "a", "c", "1.00 CNY"]),
        ]
    );
    let subsidised = rows_of(Context::Voucher, &[settlement()]);
    let [flow] = subsidised.flows.as_slice() else { panic!("one flow") };
    assert_eq!(told(flow), json!(["st", "voucher_payment", "city", "a", "20.00 CNY"]));
    assert_eq!(json!([flow.buyer, flow.contract, flow.invoice]), json!(["c", "k", "in"]));
}

#[test]
fn what_a_fund_sells_pays_and_borrows_is_one_flow_and_no_capital() {
    let run = rows_of(
        Context::Fund,
        &[
            json!({"investment_exited": {"exit": {"id": "x", "investment": "iv", "payer": "c",
                "cost": cny("4"), "proceeds": cny("5"), "at": AT}, "investor": "f",
                "company": "c"}}),
            json!({"investment_exited": {"exit": {"id": "x-2", "investment": "iv", "payer": "c",
                "cost": cny("4"), "proceeds": cny("0"), "at": AT}, "investor": "f",
                "company": "c"}}),
            json!({"fee_paid": {"id": "fp", "fund": "f", "fee": "fe", "payee": "gp",
                "amount": cny("6"), "at": AT}}),
            json!({"expense_paid": {"id": "e", "fund": "f", "payee": "gp", "amount": cny("7"),
                "at": AT, "purpose": "audit", "related_party": true}}),
            json!({"carry_paid": {"id": "ca", "fund": "f", "payee": "gp", "amount": cny("8"),
                "at": AT}}),
            json!({"line_drawn": {"id": "ld", "fund": "f", "lender": "bank", "amount": cny("9"),
                "at": AT}}),
            json!({"line_repaid": {"id": "lr", "fund": "f", "lender": "bank", "part": "interest",
                "amount": cny("1"), "at": AT}}),
        ],
    );
    let noted = |flow: &Flow| flow.note.as_ref().map(|note| note.as_str().to_owned());
    assert_eq!(
        run.flows.iter().map(|flow| json!([told(flow), noted(flow)])).collect::<Vec<_>>(),
        [
            json!([["x", "transfer", "c", "f", "5.00 CNY"], "exit of iv"]),
            json!([["fp", "transfer", "f", "gp", "6.00 CNY"], "fee fe"]),
            json!([["e", "transfer", "f", "gp", "7.00 CNY"], "audit"]),
            json!([["ca", "transfer", "f", "gp", "8.00 CNY"], "carry of f"]),
            json!([["ld", "transfer", "bank", "f", "9.00 CNY"], "draw of f"]),
            json!([["lr", "transfer", "f", "bank", "1.00 CNY"], "interest of a line"]),
        ]
    );
    // What is lost has no flow.
    assert_eq!((run.fund_facts.len(), run.count()), (7, 13));
}

fn settlement() -> Value {
    json!({"redemption_settled": {"id": "st", "redemption": "rd", "voucher": "v", "programme": "pr",
        "issuer": "city", "holder": "c", "provider": "a", "contract": "k", "invoice": "in",
        "amount": cny("20"), "at": AT}})
}

#[test]
fn a_contract_that_ends_without_a_refund_moves_no_money() {
    let ended = rows_of(
        Context::Purchase,
        &[json!({"contract_terminated": {"contract": "k", "buyer": "c", "seller": "a", "at": AT,
            "reason": "never_executed"}})],
    );
    assert_eq!((ended.terminations.len(), ended.count()), (1, 1));
}

#[test]
fn what_moves_on_a_voucher_adds_up_to_its_face() {
    let of = |extra: Value| {
        let mut event = json!({"voucher": "v", "programme": "pr", "at": AT});
        let fields = extra.as_object().expect("fields").clone();
        event.as_object_mut().expect("fields").extend(fields);
        event
    };
    let rows = rows_of(
        Context::Voucher,
        &[
            json!({"voucher_issued": {"id": "v", "programme": "pr", "holder": "c",
                "amount": cny("100"), "at": AT}}),
            json!({"voucher_locked": of(json!({"id": "lk", "contract": "k", "provider": "a",
                "amount": cny("50")}))}),
            json!({"lock_released": of(json!({"lock": "lk", "amount": cny("5")}))}),
            json!({"voucher_redeemed": of(json!({"id": "rd", "holder": "c", "provider": "a",
                "contract": "k",
                "invoice": "in", "amount": cny("20"), "taken_from": []}))}),
            settlement(),
            json!({"voucher_ended": of(json!({"ending": "revoked", "free": cny("55"),
                "locked": cny("25")}))}),
        ],
    );
    let all = rows.voucher_moves.iter();
    let free: Decimal = all.clone().map(|change| change.free_change).sum();
    let locked: Decimal = all.clone().map(|change| change.locked_change).sum();
    let amounts =
        all.filter(|change| !matches!(change.kind, MoveKind::Locked | MoveKind::Released));
    let amounts: Vec<_> =
        amounts.map(|change| format!("{} {}", change.kind, change.amount)).collect();
    assert_eq!((rows.vouchers[0].face + free, locked), (Decimal::ZERO, Decimal::ZERO));
    assert_eq!(amounts, ["redeemed 20.00", "paid 20.00", "revoked 80.00"]);
}

#[test]
fn a_new_pool_is_a_pool_and_its_first_totals() {
    let rows = rows_of(
        Context::Allocation,
        &[
            json!({"pool_registered": {"id": "p", "operator": "a", "site": "s", "model": "H200",
                "cards": 8,
                "lit": 6, "at": AT}}),
            json!({"pool_changed": {"pool": "p", "at": AT, "cards": 8, "lit": 5}}),
        ],
    );
    let totals: Vec<_> = rows.pool_states.iter().map(|state| (state.cards, state.lit)).collect();
    assert_eq!((rows.pools.len(), totals), (1, vec![(8, 6), (8, 5)]));
}

#[test]
fn a_row_names_its_fact_and_has_both_times_to_the_microsecond() {
    let event = json!({"fund_formed": {"id": "f", "manager": "m", "currency": "CNY",
        "at": "2025-03-01T00:00:00.987654321Z"}});
    let rows = rows_of(Context::Fund, &[event.clone(), event]);
    let stamp = rows.funds[1].stamp;
    assert_eq!(stamp.fact().to_string(), "7.1");
    assert_eq!(stamp.at, at("2025-03-01T00:00:00.987654Z"));
    assert_eq!(stamp.recorded_at, at("2025-06-01T00:00:00.123456Z"));
}

#[test]
fn a_commit_of_another_version_is_not_read() {
    let unknown = committed(Context::Fund, &[json!({"fund_dissolved": {"id": "f"}})]);
    let error = facts_of(&unknown).expect_err("an event that is not known").to_string();
    assert!(error.starts_with("commit 7 of fund cannot be read"), "{error}");
}

#[test]
fn every_voucher_fact_is_kept_whole() {
    for fixture in [
        include_str!("../../../../crates/model/fixtures/commits/voucher/v1.json"),
        include_str!("../../../../crates/model/fixtures/commits/voucher/v2.json"),
    ] {
        let body: Value = serde_json::from_str(fixture).expect("a commit");
        let entries = body["entries"].as_array().expect("entries");
        let events: Vec<Value> = entries
            .iter()
            .flat_map(|entry| entry["events"].as_array().cloned().unwrap_or_default())
            .collect();
        let facts = facts_of(&committed(Context::Voucher, &events)).expect("readable events");
        let rows = rows_of(Context::Voucher, &events);
        let kept = rows.voucher_facts.into_iter().map(|row| Event::Voucher(row.event));
        assert_eq!(
            kept.collect::<Vec<_>>(),
            facts.into_iter().map(|fact| fact.event).collect::<Vec<_>>()
        );
        assert!(!events.is_empty());
    }
}
