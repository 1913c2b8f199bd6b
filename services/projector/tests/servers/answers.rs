//! Whole answers, as they are handed out in JSON.

use loopledger_journal::MemoryJournal;
use loopledger_model::Context;
use loopledger_projector::Limits;
use loopledger_testkit::{at, id, period};
use loopledger_views::{
    As, Claim, ClaimPart, ClaimQuery, FlowKind, FlowPart, FlowQuery, Level, LoopPart, LoopQuery,
    MoneyFlow, VoucherPart, VoucherState,
};
use serde_json::{Value, json};

use crate::history::{append, append_at, contribution, investment, lp_loop, market, payment};
use crate::stage::Stage;

const NOW: As = As { of: None, known: None };

/// The fields of an answer that are named.
fn only(answer: &Value, fields: &[&str]) -> Value {
    fields.iter().map(|field| ((*field).to_owned(), answer[*field].clone())).collect()
}

fn amounts(found: &Value) -> Value {
    only(
        found,
        &[
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
        ],
    )
}

#[tokio::test]
async fn the_lp_loop_has_the_loops_that_were_worked_out_by_hand() {
    let stage = Stage::set().await;
    stage.project(&lp_loop().await, "live", Limits::LIVE).await.unwrap();
    let views = stage.views("live");
    let answer = views.loops(&LoopQuery::default(), NOW).await.unwrap();
    let answer = serde_json::to_value(answer).unwrap();
    assert_eq!(answer["position"], 11);
    assert_eq!(answer["cut_searches"], json!([]));
    let loops = answer["loops"].as_array().unwrap();
    assert_eq!(
        amounts(&loops[0]),
        json!({
            "parties": ["provider-a", "fund-b", "company-c"], "kind": "fund", "currency": "CNY",
            "capital_out": "70000000.00", "returned_lower": "0.00", "returned_fifo": "5032440.00",
            "returned_pro_rata": "3522708.00", "returned_upper": "5032440.00",
            "ratio_pro_rata": "0.050324", "voucher_amount": "1078380.00",
            "first_capital_at": "2024-09-01T00:00:00Z", "closed_at": "2025-03-20T00:00:00Z",
            "last_return_at": "2025-04-20T00:00:00Z", "lag_days": 200,
        })
    );
    assert_eq!(
        amounts(&loops[1]),
        json!({
            "parties": ["provider-x", "company-d"], "kind": "direct", "currency": "CNY",
            "capital_out": "10000000.00", "returned_lower": "0.00", "returned_fifo": "0.00",
            "returned_pro_rata": "332500.00", "returned_upper": "997500.00",
            "ratio_pro_rata": "0.033250", "voucher_amount": "427500.00",
            "first_capital_at": "2025-02-10T00:00:00Z", "closed_at": "2025-04-22T00:00:00Z",
            "last_return_at": "2025-04-22T00:00:00Z", "lag_days": 71,
        })
    );
    assert_eq!(loops[2]["parties"], json!(["provider-a", "fund-b", "company-c", "reseller-r"]));
    assert_eq!(loops[2]["kind"], "resale");
    assert_eq!(loops[2]["returned_upper"], "640000.00");
    assert_eq!(loops.len(), 3);
    assert_eq!(
        loops[1]["legs"],
        json!([
            {"from": "provider-x", "to": "company-d", "kind": "investment", "amount": "10000000.00",
                "at": "2025-02-10T00:00:00Z", "event": "3.6"},
            {"from": "company-d", "to": "provider-x", "kind": "compute_payment",
                "amount": "997500.00",
                "at": "2025-04-22T00:00:00Z", "event": "8.0"},
        ])
    );
    let (party, currency) = (Some(id("provider-x")), Some(id("CNY")));
    let of_x = LoopQuery { party, currency, ..LoopQuery::default() };
    assert_eq!(views.loops(&of_x, NOW).await.unwrap().loops.len(), 1);
    let in_won = LoopQuery { currency: Some(id("KRW")), ..LoopQuery::default() };
    assert_eq!(views.loops(&in_won, NOW).await.unwrap().loops, []);
}

#[tokio::test]
async fn the_lp_loop_has_the_flows_that_were_put_in() {
    let stage = Stage::set().await;
    stage.project(&lp_loop().await, "live", Limits::LIVE).await.unwrap();
    let views = stage.views("live");

    let query = FlowQuery {
        party: Some(id("provider-x")),
        from: Some(at("2025-04-22")),
        to: Some(at("2025-06-01")),
        ..FlowQuery::default()
    };
    assert_eq!(
        serde_json::to_value(views.flows(&query, NOW).await.unwrap()).unwrap(),
        json!({
            "position": 11,
            "flows": [
                {"id": "pm-3", "from": "company-d", "to": "provider-x", "kind": "compute_payment",
                    "amount": "997500.00", "currency": "CNY", "at": "2025-04-22T00:00:00Z",
                    "event": "8.0"},
                {"id": "st-3", "from": "city", "to": "provider-x", "kind": "voucher_payment",
                    "amount": "427500.00", "currency": "CNY", "at": "2025-05-15T00:00:00Z",
                    "event": "11.4"},
            ],
        })
    );
    let refunds = FlowQuery { kind: Some(FlowKind::Refund), ..FlowQuery::default() };
    let refunds = views.flows(&refunds, NOW).await.unwrap().flows;
    assert_eq!(refunds.iter().map(|flow| flow.id.as_str()).collect::<Vec<_>>(), ["k-2"]);
}

/// Ids are unique in the context that gives them, and each of these is a refund.
#[tokio::test]
async fn refunds_of_one_id_are_as_many_flows_as_there_are_facts_of_them() {
    let stage = Stage::set().await;
    let journal = lp_loop().await;
    let refund = json!({"refund_recorded": {"refund": {"id": "k-2", "contract": "k-1",
        "of": "invoices", "amount": {"amount": "700", "currency": "CNY"},
        "at": "2025-06-02T00:00:00Z"}, "buyer": "company-c", "seller": "provider-a"}});
    append(&journal, Context::Purchase, &[refund]).await;
    let recovery = json!({"clawback_recovered": {"id": "k-2", "clawback": "cb-1",
        "redemption": "rd-3", "programme": "cv-2025", "issuer": "city", "payee": "provider-x",
        "contract": "k-2", "invoice": "in-rd-3", "amount": {"amount": "900", "currency": "CNY"},
        "at": "2025-06-03T00:00:00Z"}});
    let position = append(&journal, Context::Voucher, &[recovery]).await;
    let reached = stage.project(&journal, "live", Limits::LIVE).await.unwrap();
    assert_eq!(reached, position);

    let refunds = FlowQuery { kind: Some(FlowKind::Refund), ..FlowQuery::default() };
    let refunds = stage.views("live").flows(&refunds, NOW).await.unwrap().flows;
    let told = |flow: &MoneyFlow| format!("{} {} {}", flow.id, flow.from, flow.amount);
    assert_eq!(
        refunds.iter().map(told).collect::<Vec<_>>(),
        ["k-2 provider-x 500.00", "k-2 provider-a 700.00", "k-2 provider-x 900.00"]
    );
}

#[tokio::test]
async fn the_lp_loop_has_the_vouchers_that_were_worked_out_by_hand() {
    let stage = Stage::set().await;
    stage.project(&lp_loop().await, "live", Limits::LIVE).await.unwrap();
    let views = stage.views("live");
    let answer = views.vouchers(Some(&id("cv-2025")), NOW).await.unwrap();
    let answer = serde_json::to_value(answer).unwrap();
    let totals = [
        "programme",
        "budget",
        "issued",
        "locked",
        "redeemed",
        "paid",
        "expired",
        "revoked",
        "remaining",
    ];
    assert_eq!(
        only(&answer["programmes"][0], &totals),
        json!({
            "programme": "cv-2025", "budget": "50000000.00", "issued": "3200000.00",
            "locked": "0.00",
            "redeemed": "2427500.00", "paid": "1505880.00", "expired": "0.00", "revoked": "0.00",
            "remaining": "46800000.00",
        })
    );
    let state = [
        "voucher",
        "programme",
        "holder",
        "face",
        "locked",
        "redeemed",
        "free",
        "status",
        "expires_at",
    ];
    let states = answer["vouchers"].as_array().unwrap();
    assert_eq!(
        states.iter().map(|voucher| only(voucher, &state)).collect::<Vec<_>>(),
        [
            json!({"voucher": "v-c1", "programme": "cv-2025", "holder": "company-c",
                "face": "2000000.00",
            "locked": "0.00", "redeemed": "2000000.00", "free": "0.00", "status": "exhausted",
            "expires_at": "2026-01-20T00:00:00Z"}),
            json!({"voucher": "v-d1", "programme": "cv-2025", "holder": "company-d",
                "face": "1200000.00",
            "locked": "0.00", "redeemed": "427500.00", "free": "772500.00",
            "status": "partially_redeemed", "expires_at": "2026-02-20T00:00:00Z"}),
        ]
    );
    assert_eq!(views.vouchers(Some(&id("other")), NOW).await.unwrap().programmes, []);
}

#[tokio::test]
async fn the_lp_loop_has_the_card_hours_that_were_worked_out_by_hand() {
    let stage = Stage::set().await;
    stage.project(&lp_loop().await, "live", Limits::LIVE).await.unwrap();
    let views = stage.views("live");
    let february = period("2025-02-01", "2025-03-01");
    let answer = views.utilization(Some(&id("pool-a1")), february, NOW).await.unwrap();
    let answer = serde_json::to_value(answer).unwrap();
    let figures = [
        "pool",
        "operator",
        "model",
        "installed_card_hours",
        "lit_card_hours",
        "allocated_card_hours",
        "busy_card_hours",
        "lighting_rate",
        "allocation_rate",
        "busy_rate",
        "coverage",
        "sold_p",
        "physical_p",
        "oversold",
    ];
    assert_eq!(
        only(&answer["pools"][0], &figures),
        json!({
            "pool": "pool-a1", "operator": "provider-a", "model": "H200",
            "installed_card_hours": "1376256", "lit_card_hours": "604800",
            "allocated_card_hours": "407232", "busy_card_hours": "240000",
            "lighting_rate": "0.439453", "allocation_rate": "0.673333", "busy_rate": "0.396825",
            "coverage": "1.000000", "sold_p": "600", "physical_p": "2025.472", "oversold": false,
        })
    );
}

#[tokio::test]
async fn loops_found_live_are_those_found_anew() {
    let stage = Stage::set().await;
    for (schema, journal) in [("lp_loop", lp_loop().await), ("market", market(60).await)] {
        stage.project(&journal, schema, Limits { commits: 5, ..Limits::LIVE }).await.unwrap();
        let views = stage.views(schema);
        let of_p1 = LoopQuery { party: Some(id("p1")), ..LoopQuery::default() };
        for query in [LoopQuery::default(), of_p1] {
            let live = views.loops(&query, NOW).await.unwrap();
            let for_ever = Some(at("9000-01-01"));
            for seen in [As { of: for_ever, known: None }, As { of: None, known: for_ever }] {
                assert_eq!(views.loops(&query, seen).await.unwrap(), live);
            }
        }
        assert!(!views.loops(&LoopQuery::default(), NOW).await.unwrap().loops.is_empty());
    }
}

#[tokio::test]
async fn loops_without_their_flows_have_the_figures_of_those_with_them() {
    let stage = Stage::set().await;
    stage.project(&market(60).await, "market", Limits::LIVE).await.unwrap();
    let views = stage.views("market");
    let for_ever = As { of: Some(at("9000-01-01")), known: None };
    for (seen, level) in [(NOW, Level::Party), (for_ever, Level::Party), (NOW, Level::Group)] {
        let with = LoopQuery { level, ..LoopQuery::default() };
        let without = LoopQuery { without_flows: true, ..with.clone() };
        let mut all = views.loops(&with, seen).await.unwrap();
        assert!(
            all.loops.iter().all(|found| !found.legs.is_empty() && !found.positions.is_empty())
        );
        for found in &mut all.loops {
            (found.legs, found.voucher_events, found.positions) = Default::default();
        }
        assert_eq!(views.loops(&without, seen).await.unwrap(), all, "{seen:?} {level:?}");
    }
}

#[tokio::test]
async fn loops_part_by_part_are_all_loops() {
    let stage = Stage::set().await;
    stage.project(&market(60).await, "market", Limits::LIVE).await.unwrap();
    let views = stage.views("market");
    let of_p1 = LoopQuery { party: Some(id("p1")), ..LoopQuery::default() };
    let for_ever = As { of: Some(at("9000-01-01")), known: None };
    for (query, seen) in
        [(LoopQuery::default(), NOW), (of_p1, NOW), (LoopQuery::default(), for_ever)]
    {
        let all = views.loops(&query, seen).await.unwrap().loops;
        assert!(all.len() > 3, "{query:?}");
        for place in [0, all.len() / 2, all.len() - 1] {
            let first = &all[place];
            let from = Some((first.parties.clone(), first.currency));
            let part = LoopQuery { part: Some(LoopPart { most: 2, from }), ..query.clone() };
            let found = views.loops(&part, seen).await.unwrap().loops;
            assert_eq!(found, all[place..all.len().min(place + 2)]);
        }
        let first = LoopQuery { part: Some(LoopPart { most: 3, from: None }), ..query.clone() };
        assert_eq!(views.loops(&first, seen).await.unwrap().loops, all[..3]);
        let from = Some((vec!["p1".to_owned(), "nobody".to_owned()], all[0].currency));
        let gone = LoopQuery { part: Some(LoopPart { most: 3, from }), ..query };
        assert_eq!(views.loops(&gone, seen).await.unwrap().loops, []);
    }
}

#[tokio::test]
async fn an_answer_as_of_or_as_known_leaves_out_what_came_later() {
    let stage = Stage::set().await;
    let journal = MemoryJournal::new();
    let capital = [
        contribution("ct", "a", "b", "100", "2025-01-01"),
        investment("iv", "b", "c", "80", "2025-02-01"),
    ];
    append_at(&journal, Context::Fund, at("2025-02-02"), &capital).await;
    let first = [payment("pm-1", "k", "c", "a", "30", "2025-03-01")];
    append_at(&journal, Context::Purchase, at("2025-03-02"), &first).await;
    let second = [payment("pm-2", "k", "c", "a", "20", "2025-04-01")];
    append_at(&journal, Context::Purchase, at("2025-06-01"), &second).await;
    stage.project(&journal, "live", Limits::LIVE).await.unwrap();
    let views = stage.views("live");

    let cases = [
        (None, None, 4, Some("50.00")),
        (Some("2025-04-01"), None, 4, Some("50.00")),
        (Some("2025-03-31"), None, 3, Some("30.00")),
        (None, Some("2025-05-31"), 3, Some("30.00")),
        (Some("2025-04-01"), Some("2025-06-01"), 4, Some("50.00")),
        (Some("2025-02-28"), None, 2, None),
        (None, Some("2025-02-01"), 0, None),
    ];
    for (of, known, flows, returned) in cases {
        let seen = As { of: of.map(at), known: known.map(at) };
        let found = views.flows(&FlowQuery::default(), seen).await.unwrap();
        assert_eq!((found.position, found.flows.len()), (3, flows), "{seen:?}");
        let loops = views.loops(&LoopQuery::default(), seen).await.unwrap().loops;
        let upper = loops.first().map(|found| found.returned_upper.as_str());
        assert_eq!(upper, returned, "{seen:?}");
    }
}

#[tokio::test]
async fn utilization_and_vouchers_leave_out_what_came_later_too() {
    let stage = Stage::set().await;
    stage.project(&lp_loop().await, "live", Limits::LIVE).await.unwrap();
    let views = stage.views("live");
    let then = As { of: Some(at("2025-02-24")), known: None };
    let vouchers = views.vouchers(None, then).await.unwrap();
    let totals = &vouchers.programmes[0];
    assert_eq!((totals.locked.as_str(), totals.redeemed.as_str()), ("2000000.00", "0.00"));
    let february = period("2025-02-01", "2025-03-01");
    let pools = views.utilization(None, february, then).await.unwrap().pools;
    let hours: Vec<_> = pools.iter().map(|pool| pool.figures.busy_card_hours.as_str()).collect();
    assert_eq!(hours, ["0", "0"], "the month's usage is metered when the month is over");
    let before = As { of: None, known: Some(at("2025-12-31")) };
    assert_eq!(views.utilization(None, february, before).await.unwrap().pools, []);
    assert_eq!(views.vouchers(None, before).await.unwrap().vouchers, []);
}

/// Parts of two rows, each from the last row of the one before it, until nothing follows.
async fn joined<R: Clone>(
    part: impl AsyncFn(Option<&R>) -> Vec<R>,
    is: impl Fn(&R, &R) -> bool,
) -> Vec<R> {
    let mut rows: Vec<R> = Vec::new();
    loop {
        let found = part(rows.last()).await;
        assert!(found.len() <= 2);
        let again = usize::from(!rows.is_empty());
        assert!(rows.last().is_none_or(|last| is(&found[0], last)));
        if found.len() == again {
            return rows;
        }
        rows.extend_from_slice(&found[again..]);
    }
}

#[tokio::test]
async fn lists_part_by_part_are_the_whole_lists() {
    let stage = Stage::set().await;
    stage.project(&market(60).await, "market", Limits::LIVE).await.unwrap();
    let views = stage.views("market");
    let all = views.flows(&FlowQuery::default(), NOW).await.unwrap().flows;
    let middle = all[all.len() / 2].at;
    for seen in [NOW, As { of: Some(middle), known: None }] {
        for party in [None, Some(id("p1"))] {
            let query = FlowQuery { party, ..FlowQuery::default() };
            let whole = views.flows(&query, seen).await.unwrap().flows;
            assert!(whole.len() > 3 && whole.is_sorted_by_key(|flow| flow.at));
            let part = async |last: Option<&MoneyFlow>| {
                let part = Some(FlowPart { most: 2, from: last.map(|flow| flow.event) });
                let query = FlowQuery { part, ..query.clone() };
                views.flows(&query, seen).await.unwrap().flows
            };
            assert_eq!(joined(part, |a, b| a.event == b.event).await, whole);
        }
        let whole = views.vouchers(None, seen).await.unwrap();
        let part = async |last: Option<&VoucherState>| {
            let part = VoucherPart { most: 2, from: last.map(|state| state.voucher.clone()) };
            let some = views.some_vouchers(None, &part, seen).await.unwrap();
            assert_eq!(some.programmes, whole.programmes);
            some.vouchers
        };
        assert_eq!(joined(part, |a, b| a.voucher == b.voucher).await, whole.vouchers);
        let query = ClaimQuery::default();
        let whole = views.claims(&query, seen).await.unwrap().claims;
        let part = async |last: Option<&Claim>| {
            let part = Some(ClaimPart { most: 2, from: last.map(|claim| claim.claim.clone()) });
            let query = ClaimQuery { part, ..query.clone() };
            views.claims(&query, seen).await.unwrap().claims
        };
        assert_eq!(joined(part, |a, b| a.claim == b.claim).await, whole);
    }
    let from = Some("9999.0".parse().unwrap());
    let gone = FlowQuery { part: Some(FlowPart { most: 2, from }), ..FlowQuery::default() };
    assert_eq!(views.flows(&gone, NOW).await.unwrap().flows, []);
    let gone = VoucherPart { most: 2, from: Some(id("nobody")) };
    assert_eq!(views.some_vouchers(None, &gone, NOW).await.unwrap().vouchers, []);
    let gone = ClaimPart { most: 2, from: Some(id("nobody")) };
    let gone = ClaimQuery { part: Some(gone), ..ClaimQuery::default() };
    assert_eq!(views.claims(&gone, NOW).await.unwrap().claims, []);
}
