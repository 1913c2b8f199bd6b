//! What is told of contracts: when they took effect, what resale earns, and what stands behind it.

use loopledger_journal::MemoryJournal;
use loopledger_model::Context;
use loopledger_projector::Limits;
use loopledger_testkit::at;
use loopledger_views::{As, ContractQuery, Contracts, PartyQuery};
use serde_json::{Value, json};

use crate::history::{append, contract, payment};
use crate::stage::Stage;

const NOW: As = As { of: None, known: None };
const TERM: (&str, &str) = ("2025-03-01", "2025-09-01");

fn declaring(name: &str, sides: (&str, &str), change: Value) -> Value {
    let (from, to) = TERM;
    let mut signed = contract(name, sides.0, sides.1, "200", "2025-02-20", from, to);
    let Value::Object(change) = change else { panic!("a change has names") };
    signed.as_object_mut().unwrap().extend(change);
    json!({ "contract_signed": signed })
}

fn ended(name: &str, date: &str, reason: &str) -> Value {
    json!({"contract_terminated": {"contract": name, "buyer": "r", "seller": "a",
        "at": format!("{date}T00:00:00Z"), "reason": reason}})
}

async fn told(events: &[Value], seen: As) -> Contracts {
    let stage = Stage::set().await;
    let journal = MemoryJournal::new();
    append(&journal, Context::Purchase, events).await;
    stage.project(&journal, "live", Limits::LIVE).await.unwrap();
    stage.views("live").contracts(&ContractQuery::default(), seen).await.unwrap()
}

fn margins(answer: &Contracts) -> Vec<(String, Option<String>)> {
    let of = answer.contracts.iter().filter_map(|contract| {
        let margin = contract.resale.as_ref()?.margin_per_unit.clone();
        Some((contract.contract.to_string(), margin))
    });
    of.collect()
}

#[tokio::test]
async fn a_margin_is_told_between_units_of_one_convention_only() {
    let resale = |name, change: Value| {
        let mut all = json!({"backing_contract": "k-0", "price_per_unit": "6000"});
        all.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        declaring(name, ("c", "r"), all)
    };
    let hours = |name, sides, model, backing: Option<&str>| {
        let mut change = json!({"unit": "card_hour", "declared_p": null, "price_per_unit": "9",
            "basis": null, "model": model});
        change["backing_contract"] = json!(backing);
        declaring(name, sides, change)
    };
    let answer = told(
        &[
            declaring("k-0", ("r", "a"), json!({"rating": "rated"})),
            resale("k-1", json!({"rating": "rated"})),
            resale("k-2", json!({"rating": "measured"})),
            resale(
                "k-3",
                json!({"rating": "rated", "declared_p": null,
                "basis": {"precision": "fp8", "sparsity": "dense"}}),
            ),
            resale("k-4", json!({"rating": "rated", "declared_p": null, "basis": null})),
            resale("k-5", json!({"unit": "card_hour", "rating": "rated"})),
            hours("k-6", ("r", "a"), Some("H200"), None),
            hours("k-7", ("c", "r"), None, Some("k-6")),
            hours("k-8", ("c", "r"), Some("B200"), Some("k-6")),
        ],
        NOW,
    )
    .await;
    let told = [
        ("k-1", Some("9")),
        ("k-2", None),
        ("k-3", None),
        ("k-4", None),
        ("k-5", None),
        ("k-7", Some("0")),
        ("k-8", None),
    ];
    let told = told.map(|(name, margin)| (name.to_owned(), margin.map(str::to_owned)));
    assert_eq!(margins(&answer), told);
}

#[tokio::test]
async fn a_resale_that_outlives_what_it_rests_on_is_told_from_when_on() {
    let events = [
        declaring("k-0", ("r", "a"), json!({})),
        declaring("k-1", ("b", "r"), json!({"backing_contract": "k-0"})),
        declaring("k-2", ("c", "b"), json!({"backing_contract": "k-1"})),
        ended("k-2", "2025-07-01", "ended_early"),
    ];
    let unbacked = async |end: Value| {
        let answer = told(&[events.as_slice(), &[end]].concat(), NOW).await;
        let resales = answer.contracts.iter().filter_map(|contract| contract.resale.as_ref());
        resales.map(|resale| resale.unbacked_from).collect::<Vec<_>>()
    };
    let from = |date| Some(at(date));
    assert_eq!(
        unbacked(ended("k-0", "2025-06-01", "breach")).await,
        [from("2025-06-01"), from("2025-06-01")]
    );
    assert_eq!(unbacked(ended("k-0", "2025-08-01", "breach")).await, [from("2025-08-01"), None]);
    assert_eq!(unbacked(ended("k-0", "2025-09-01", "breach")).await, [None, None]);
    assert_eq!(unbacked(ended("k-1", "2025-06-01", "breach")).await, [None, from("2025-06-01")]);
    let never = unbacked(ended("k-0", "2025-06-01", "never_executed")).await;
    assert_eq!(never, [from("2025-03-01"), from("2025-03-01")]);
}

#[tokio::test]
async fn a_contract_is_effective_once_its_term_has_begun_unless_it_ended_before() {
    let signed = |name| declaring(name, ("r", "a"), json!({"quantity": "10"}));
    let events = [
        signed("k-0"),
        signed("k-1"),
        signed("k-2"),
        signed("k-3"),
        ended("k-1", "2025-02-28", "ended_early"),
        ended("k-2", "2025-06-01", "never_executed"),
        ended("k-3", "2025-06-01", "ended_early"),
    ];
    for (of, effective, value) in [
        (Some("2025-02-27"), vec![], "0.00"),
        (Some("2025-03-01"), vec!["k-0", "k-2", "k-3"], "179730.00"),
        (None, vec!["k-0", "k-3"], "119820.00"),
    ] {
        let answer = told(&events, As { of: of.map(at), known: None }).await;
        let begun = answer.contracts.iter().filter(|contract| contract.effective_from.is_some());
        let begun: Vec<_> = begun.map(|contract| contract.contract.as_str()).collect();
        assert_eq!((begun, answer.totals[0].effective.as_str()), (effective, value));
        assert_eq!(answer.totals[0].value, "239640.00");
    }
}

fn cny(amount: &str) -> Value {
    json!({"amount": amount, "currency": "CNY"})
}

/// A framework without orders promises nothing, one with 2 P-months 11,982. Of k-0, worth 11,982, 5,991 are invoiced.
#[tokio::test]
async fn what_is_promised_counts_orders_and_credits_and_no_deposit_or_prepayment_that_went_back() {
    let at = "2025-04-01T00:00:00Z";
    let service = json!({"from": "2025-03-01T00:00:00Z", "to": "2025-04-01T00:00:00Z"});
    let advance = |id: &str, kind: &str, amount: &str| {
        json!({"advance_recorded": {"advance": {"id": id, "contract": "k-0", "kind": kind,
            "amount": cny(amount), "at": at}, "buyer": "r", "seller": "a"}})
    };
    let steps = [
        (declaring("k-0", ("r", "a"), json!({"quantity": "2"})), "k-0 11982.00 0.00"),
        (
            declaring("k-f", ("r", "a"), json!({"kind": "framework", "quantity": null})),
            "k-0 11982.00 0.00",
        ),
        (
            json!({"order_placed": {"id": "or-1", "contract": "k-f", "service": service,
                "quantity": "2", "at": at}}),
            "k-0 11982.00 0.00, k-f 11982.00 0.00",
        ),
        (payment("pm-f", "k-f", "r", "a", "11982", "2025-04-02"), "k-0 11982.00 0.00"),
        (
            json!({"invoice_issued": {"id": "in-1", "contract": "k-0", "buyer": "r", "seller": "a",
                "service": service, "quantity": "1", "amount": cny("5991"), "at": at}}),
            "k-0 11982.00 5991.00",
        ),
        (advance("pm-d", "deposit", "1000"), "k-0 11982.00 5991.00"),
        (
            json!({"advance_applied": {"use_of": {"id": "au-1", "contract": "k-0",
                "kind": "deposit", "invoice": "in-1", "amount": cny("600"), "at": at},
                "buyer": "r", "seller": "a"}}),
            "k-0 11382.00 5391.00",
        ),
        (
            json!({"credit_granted": {"credit": {"id": "cr-1", "invoice": "in-1",
                "amount": cny("91"), "reason": "goodwill", "at": at}, "contract": "k-0"}}),
            "k-0 11291.00 5300.00",
        ),
        (advance("pm-p", "prepayment", "5000"), "k-0 6291.00 300.00"),
        (
            json!({"refund_recorded": {"refund": {"id": "rf-1", "contract": "k-0",
                "of": "prepayment", "amount": cny("2000"), "at": at}, "buyer": "r",
                "seller": "a"}}),
            "k-0 8291.00 2300.00",
        ),
    ];
    let stage = Stage::set().await;
    let journal = MemoryJournal::new();
    for (event, promised) in steps {
        append(&journal, Context::Purchase, &[event]).await;
        stage.project(&journal, "live", Limits::LIVE).await.unwrap();
        for party in [Some("a".parse().unwrap()), None] {
            let asked = PartyQuery { party, currency: None };
            let answer = stage.views("live").parties(&asked, NOW).await.unwrap();
            let promises = answer.parties.iter().flat_map(|report| &report.promises);
            let told: Vec<_> = promises
                .map(|it| format!("{} {} {}", it.contract, it.unpaid, it.unpaid_invoices))
                .collect();
            assert_eq!(told.join(", "), promised);
        }
    }
}
