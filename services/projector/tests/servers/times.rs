//! Every answer as of one date and as known at another is that of a store which was told nothing
//! but what had taken effect and was recorded by then.

use std::cell::Cell;

use jiff::Timestamp;
use loopledger_journal::MemoryJournal;
use loopledger_model::Context;
use loopledger_projector::Limits;
use loopledger_testkit::{at, id, period};
use loopledger_views::{As, FlowQuery, Level, LoopQuery, OwnerQuery, PartyQuery, Views};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::history::{
    append_at, contract, contribution, days, investment, lock, payment, redemption, settlement,
};
use crate::stage::Stage;

/// Dates of effect and of recording lie on these days.
const DAYS: u16 = 56;
const PARTIES: u8 = 4;

/// One fact, still without its ids: which sort, who, how much, when in effect, when recorded.
#[derive(Debug, Clone, Copy)]
struct Drawn {
    sort: u8,
    from: u8,
    to: u8,
    amount: u16,
    at: u16,
    recorded: u16,
}

fn drawn(sorts: impl Strategy<Value = u8>) -> impl Strategy<Value = Drawn> {
    let parties = (0..PARTIES, 1..PARTIES);
    (sorts, parties, 1..500_u16, 0..DAYS, 0..DAYS).prop_map(
        |(sort, (from, further), amount, at, recorded)| {
            let to = (from + further) % PARTIES;
            Drawn { sort, from, to, amount, at, recorded }
        },
    )
}

/// What others refer to first, each once; then anything.
fn histories() -> impl Strategy<Value = Vec<Drawn>> {
    let first: Vec<_> = (0..FOUNDATIONS).map(|sort| drawn(Just(sort))).collect();
    let then = prop_oneof![4 => 20..23_u8, 4 => Just(23_u8), 3 => 24..SORTS];
    (first, proptest::collection::vec(drawn(then), 20..50))
        .prop_map(|(first, then)| [first, then].concat())
}

const FOUNDATIONS: u8 = 8;
const SORTS: u8 = 33;

fn date(day: u16) -> String {
    format!("2025-{:02}-{:02}", 1 + day / 28, 1 + day % 28)
}

fn instant(day: u16) -> Timestamp {
    at(&date(day))
}

fn cny(amount: u16) -> Value {
    json!({ "amount": amount.to_string(), "currency": "CNY" })
}

/// The fact with the ids that its place in the history gives it.
#[expect(clippy::too_many_lines, reason = "one arm for each sort of fact")]
fn event(place: usize, drawn: Drawn) -> (Context, Value) {
    let Drawn { sort, from, to, amount, at: effective, .. } = drawn;
    let (date, when) = (date(effective), instant(effective).to_string());
    let (own, from, to) = (format!("x{place}"), format!("p{from}"), format!("p{to}"));
    let (sum, voucher) = (amount.to_string(), format!("v{}", amount % 2));
    let percent = (1 + amount % 70).to_string();
    let later = instant(effective + 20).to_string();
    let of_contract = format!("k{}", amount % 2);
    match sort {
        0 | 1 => {
            let id = format!("k{sort}");
            let until = date_after(effective);
            let signed = contract(&id, &from, &to, "100", &date, &date, &until);
            (Context::Purchase, json!({ "contract_signed": signed }))
        }
        2 => (
            Context::Voucher,
            json!({"programme_defined": {"id": "cv-2025", "issuer": "city", "name": "vouchers",
                "currency": "CNY", "budget": cny(5_000), "at": when, "closes": later,
                "rules": {"ratio": "0.3", "affiliation": "allow", "metering_required": true,
                    "rounding": {"digits": 2, "mode": "truncate"}}}}),
        ),
        3 | 4 => (
            Context::Voucher,
            json!({"voucher_issued": {"id": format!("v{}", sort - 3), "programme": "cv-2025",
                "holder": from, "amount": cny(amount), "at": when}}),
        ),
        5 => (
            Context::Fund,
            json!({"fund_formed": {"id": "p3", "manager": from_other("p3", &from, &to),
                "currency": "CNY", "at": when}}),
        ),
        6 | 7 => (
            Context::Allocation,
            json!({"pool_registered": {"id": format!("pool{}", sort - 6), "operator": from,
                "site": "here", "model": "H200", "cards": 900, "lit": amount, "at": when}}),
        ),
        20 => (Context::Fund, contribution(&own, &from, &to, &sum, &date)),
        21 => (Context::Fund, investment(&own, &from, &to, &sum, &date)),
        22 => {
            let mut bought = investment(&own, &from, &to, &sum, &date);
            bought["investment_funded"]["stake_percent"] = json!(percent);
            (Context::Fund, bought)
        }
        23 => (Context::Purchase, payment(&own, &of_contract, &from, &to, &sum, &date)),
        24 => {
            let of = [own.as_str(), &voucher, &from, &to, &of_contract];
            (Context::Voucher, settlement(&own, of, &sum, &date))
        }
        25 => {
            let of = [voucher.as_str(), &from, &to, &of_contract];
            (Context::Voucher, redemption(&own, of, &sum, &date))
        }
        26 => (Context::Voucher, lock(&own, &voucher, &to, &of_contract, &sum, &date)),
        27 => {
            let mut stake = json!({"owner": from, "owned": to, "percent": percent, "at": when});
            if amount % 3 == 0 {
                stake["to"] = json!(later);
            }
            (Context::Registry, json!({ "stake_recorded": stake }))
        }
        28 => (
            Context::Fund,
            json!({"commitment_made": {"id": own, "fund": "p3", "lp": from_other("p3", &from, &to),
                "amount": cny(amount), "at": when}}),
        ),
        29 => (
            Context::Fund,
            json!({"transfer_recorded": {"id": own, "from": from, "to": to, "amount": cny(amount),
                "at": when, "purpose": "loan"}}),
        ),
        30 => (
            Context::Purchase,
            json!({"invoice_issued": {"id": own, "contract": of_contract, "buyer": from,
                "seller": to, "service": days(&date, &date_after(effective)), "quantity": "1",
                "amount": cny(amount), "at": when}}),
        ),
        31 => (
            Context::Allocation,
            json!({"cards_allocated": {"id": own, "pool": format!("pool{}", amount % 2),
                "contract": of_contract, "cards": amount,
                "period": days(&date, &date_after(effective))}}),
        ),
        _ => (
            Context::Allocation,
            json!({"usage_metered": {"id": own, "allocation": "x", "contract": of_contract,
                "pool": format!("pool{}", amount % 2), "card_hours": sum, "source": "slurm",
                "window": days("2024-12-01", &date)}}),
        ),
    }
}

fn date_after(day: u16) -> String {
    date(day + 20)
}

/// The first of two parties that is not the one.
fn from_other<'a>(the_one: &str, first: &'a str, second: &'a str) -> &'a str {
    if first == the_one { second } else { first }
}

/// A journal of the whole history, or of what is let through; what is not leaves an empty commit,
/// so that positions are the same.
async fn journal(history: &[Drawn], seen: Option<(u16, u16)>) -> MemoryJournal {
    let journal = MemoryJournal::new();
    for (place, drawn) in history.iter().enumerate() {
        let (context, event) = event(place, *drawn);
        let known = seen.is_none_or(|(of, known)| drawn.at <= of && drawn.recorded <= known);
        let events = if known { vec![event] } else { Vec::new() };
        append_at(&journal, context, instant(drawn.recorded), &events).await;
    }
    journal
}

/// Everything that the views answer.
async fn everything(views: &Views, seen: As, at: Timestamp) -> Value {
    let year = period("2024-12-01", "2025-12-31");
    let at_level = |level| LoopQuery { level, ..LoopQuery::default() };
    let mut answers = json!({
        "flows": views.flows(&FlowQuery::default(), seen).await.unwrap(),
        "loops": views.loops(&at_level(Level::Party), seen).await.unwrap(),
        "groups": views.loops(&at_level(Level::Group), seen).await.unwrap(),
        "vouchers": views.vouchers(None, seen).await.unwrap(),
        "utilization": views.utilization(None, year, seen).await.unwrap(),
        "parties": views.parties(&PartyQuery::default(), seen).await.unwrap(),
    });
    for party in (0..PARTIES).map(|number| format!("p{number}")) {
        let (owned, threshold) = (id(&party), id("1"));
        let query = OwnerQuery { party: owned, at, threshold };
        let report = PartyQuery { party: Some(id(&party)), currency: None };
        answers[&party] = json!([
            views.owners(&query, seen).await.unwrap(),
            views.parties(&report, seen).await.unwrap(),
        ]);
    }
    answers
}

/// What one party's report says is what the list of all says of it, and its figures are in order.
fn agrees(answers: &Value) {
    let list = answers["parties"]["parties"].as_array().unwrap();
    for report in list {
        let own = &answers[report["party"].as_str().unwrap()][1]["parties"];
        assert_eq!(own, &json!([report]));
        let amount = |name: &str| {
            let amount = report["returned"][name].as_str().unwrap();
            amount.parse::<rust_decimal::Decimal>().unwrap()
        };
        let [lower, fifo, pro_rata, upper] = ["lower", "fifo", "pro_rata", "upper"].map(amount);
        assert!(lower <= fifo && fifo <= upper, "{report}");
        assert!(lower <= pro_rata && pro_rata <= upper, "{report}");
    }
}

async fn holds(stage: &Stage, case: u32, history: &[Drawn], cuts: &[(u16, u16)]) {
    let name = format!("case_{case}");
    let all = journal(history, None).await;
    stage.project(&all, &name, Limits::LIVE).await.unwrap();
    for (number, &(of, known)) in cuts.iter().enumerate() {
        let fresh = format!("{name}_{number}");
        let told = journal(history, Some((of, known))).await;
        stage.project(&told, &fresh, Limits::LIVE).await.unwrap();
        let seen = As { of: Some(instant(of)), known: Some(instant(known)) };
        let now = As { of: None, known: None };
        let expected = everything(&stage.views(&fresh), now, instant(of)).await;
        let found = everything(&stage.views(&name), seen, instant(of)).await;
        for (question, expected) in expected.as_object().unwrap() {
            assert_eq!(&found[question], expected, "{question} as of {of}, known at {known}");
        }
        agrees(&expected);
    }
}

#[test]
fn an_answer_as_of_and_as_known_is_that_of_a_store_which_was_told_no_more() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stage = runtime.block_on(Stage::set());
    let config =
        Config { cases: 4, max_shrink_iters: 40, failure_persistence: None, ..Config::default() };
    let case = Cell::new(0);
    let days = proptest::collection::vec((34..DAYS, 34..DAYS), 2);
    let outcome = TestRunner::new(config).run(&(histories(), days), |(history, cuts)| {
        case.set(case.get() + 1);
        runtime.block_on(holds(&stage, case.get(), &history, &cuts));
        Ok(())
    });
    outcome.unwrap();
}
