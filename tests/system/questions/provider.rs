//! Ten needs of a provider at redemption.

use serde_json::{Value, json};

use super::{Asked, Question, list, of, row};

const TAR: &str = "application/x-tar";

pub(super) const THE_TEN: [Question; 10] = [
    whether_a_voucher_is_good_for_a_contract_now,
    an_amount_is_locked_before_the_service,
    what_would_be_paid_rule_by_rule,
    which_evidence_is_missing,
    meter_lines_come_back_with_their_errors_and_count_once,
    several_periods_are_claimed_at_once_and_in_part,
    where_a_claim_stands_and_what_is_asked_of_it,
    why_it_was_rejected_and_how_an_appeal_keeps_its_place,
    which_receipt_belongs_to_which_claim,
    what_has_to_be_returned,
];

fn cny(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "CNY" })
}

fn lock(amount: &str, at: &str) -> Value {
    json!({ "id": "lk-q", "contract": "k-3", "amount": cny(amount), "at": format!("{at}T00:00:00Z") })
}

/// 1
fn whether_a_voucher_is_good_for_a_contract_now(asked: &Asked<'_>) {
    let voucher = json!({
        "id": "v-q", "programme": "cv-2025", "holder": "reseller-r", "amount": cny("1000.00"),
        "at": "2025-05-01T00:00:00Z",
    });
    let made = asked.operator.gives("/v1/vouchers", "q-issue", &voucher);
    let path = format!("/v1/vouchers/v-q/locks?dry_run=true&after={}", made["position"]);
    let try_it = |amount, at| asked.provider.give(&path, "q-try", &lock(amount, at));
    assert_eq!(try_it("400.00", "2025-05-02").status, 200);
    let more = try_it("1000.01", "2025-05-02");
    assert_eq!((more.problem().as_str(), &more.json()["free"]), ("above_free", &cny("1000.00")));
    assert_eq!(try_it("400.00", "2026-06-01").problem(), "out_of_date");
    let other = asked.provider.give(
        "/v1/vouchers/v-c1/locks?dry_run=true",
        "q-try",
        &lock("1.00", "2025-05-02"),
    );
    assert_eq!(other.problem(), "not_the_holder", "k-3 is the reseller's: {}", other.body);
}

/// 2
fn an_amount_is_locked_before_the_service(asked: &Asked<'_>) {
    let path = "/v1/vouchers/v-q/locks";
    asked.provider.gives(path, "q-lock", &lock("400.00", "2025-05-02"));
    let again = asked.provider.give(path, "q-lock", &lock("400.00", "2025-05-02"));
    assert_eq!((again.status, again.json()["repeated"].clone()), (201, json!(true)));
}

fn claim() -> Value {
    json!({
        "id": "sh-q", "programme": "shanghai-2025", "voucher": "sh-v1", "invoice": "sh-iq",
        "by": { "id": "c-1", "of": "firm-c" }, "at": "2025-11-10T00:00:00Z",
    })
}

/// 4, before 3: it records nothing.
fn what_would_be_paid_rule_by_rule(asked: &Asked<'_>) {
    let invoice = json!({
        "id": "sh-iq", "service": { "from": "2025-10-01T00:00:00Z", "to": "2025-11-01T00:00:00Z" },
        "quantity": "10000", "amount": cny("10000.00"), "at": "2025-11-02T00:00:00Z",
    });
    asked.provider.gives("/v1/contracts/sh-k1/invoices", "q-invoice", &invoice);
    let paid = json!({ "id": "sh-mq", "amount": cny("10000.00"), "at": "2025-11-03T00:00:00Z" });
    let made = asked.operator.gives("/v1/invoices/sh-iq/payments", "q-pay", &paid);
    let path = format!("/v1/claims?dry_run=true&after={}", made["position"]);
    let reply = asked.operator.give(&path, "q-claim", &claim());
    assert_eq!(reply.status, 200, "{}", reply.body);
    let told = reply.json()["events"][0]["claim_submitted"].clone();
    assert_eq!(told["amount"], cny("3000.00"), "30 % of 10,000: {told}");
    let steps: Vec<Value> =
        list(&told, "trace").iter().map(|step| of(step, &["rule", "before", "after"])).collect();
    assert_eq!(
        steps,
        [
            json!(["base", "10000", "10000"]),
            json!(["ratio", "10000", "3000"]),
            json!(["rounding", "3000", "3000"]),
            json!(["available", "3000", "3000"]),
        ]
    );
}

/// 3
fn which_evidence_is_missing(asked: &Asked<'_>) {
    let made = asked.operator.gives("/v1/claims", "q-claim", &claim());
    let check = json!({
        "subject": { "claim": "sh-q" }, "step": { "check": {} }, "at": "2025-11-11T00:00:00Z",
        "by": { "id": "o-1", "of": "shanghai-eic" },
    });
    let path = format!("/v1/reviews?after={}", made["position"]);
    let made = asked.operator.gives(&path, "q-check", &check);
    let path = format!("/v1/reviews?subject=sh-q&after={}", made["position"]);
    let reviews = asked.provider.gets(&path);
    let step = &list(&reviews, "reviews")[0];
    assert_eq!(step["missing"], json!(["provider_invoice", "payment_proof"]), "{step}");
}

/// 5
fn meter_lines_come_back_with_their_errors_and_count_once(asked: &Asked<'_>) {
    let header = "id,allocation,from,to,card_hours,source\n";
    let good = "us-q1,al-3,2025-05-01,2025-05-02,4800,slurm\n";
    let wrong = "us-q2,al-3,2025-05-02,2025-05-02,x,slurm\n";
    let send = |lines: &str| {
        let folder = crate::program::folder_of([("usage.csv", format!("{header}{lines}"))]);
        asked.provider.send("/v1/bundles", TAR, &crate::bundles::tar(folder.path()))
    };
    let refused = send(&format!("{good}{wrong}"));
    assert_eq!(refused.problem(), "bundle-unreadable", "{}", refused.body);
    let problems = refused.json();
    let places: Vec<Value> = list(&problems, "problems")
        .iter()
        .map(|told| of(told, &["file", "line", "column"]))
        .collect();
    assert!(places.contains(&json!(["usage.csv", 3, "card_hours"])), "{places:?}");
    for [accepted, unchanged] in [[1, 0], [0, 1]] {
        let report = crate::bundles::report(&send(good));
        assert_eq!(of(&report, &["accepted", "unchanged"]), json!([accepted, unchanged]));
    }
    let foreign = "us-q3,al-2,2025-05-01,2025-05-02,10,slurm\n";
    assert_eq!(send(foreign).status, 404, "al-2 is provider-x's");
}

/// 6
fn several_periods_are_claimed_at_once_and_in_part(asked: &Asked<'_>) {
    let claims = asked.provider.gets("/v1/claims?programme=cv-2025");
    let parts: Vec<Value> = list(&claims, "claims")
        .iter()
        .map(|claim| of(claim, &["claim", "voucher", "invoice", "approved"]))
        .collect();
    assert_eq!(
        parts,
        [
            json!(["rd-1", "v-c1", "in-1", "1078380.00"]),
            json!(["rd-2", "v-c1", "in-2", "921620.00"])
        ],
        "one voucher, two months"
    );
}

/// 7
fn where_a_claim_stands_and_what_is_asked_of_it(asked: &Asked<'_>) {
    let claims = asked.provider.gets("/v1/claims");
    let paid = row(&claims, "claims", "claim", "sh-c1");
    assert_eq!(paid["stage"], "paid");
    assert_eq!(paid["payments"][0]["reference"], "treasury-1");
    let reviews = asked.provider.gets("/v1/reviews?subject=sh-c2");
    let rejected = row(&reviews, "reviews", "step", "reject");
    assert_eq!(of(rejected, &["stage", "until"]), json!(["rejected", "2025-12-07T00:00:00Z"]));
    assert_eq!(rejected["note"], "evidence_missing");
    assert_eq!(asked.provider.get("/v1/reviews?provider=provider-x").status, 404);
}

/// 8
fn why_it_was_rejected_and_how_an_appeal_keeps_its_place(asked: &Asked<'_>) {
    let then = asked.provider.gets("/v1/claims?as_of=2025-11-07");
    let rejected = row(&then, "claims", "claim", "sh-c2");
    assert_eq!(rejected["stage"], "rejected");
    assert_eq!(rejected["reasons"], json!([{ "code": "evidence_missing" }]));
    let now = asked.provider.gets("/v1/claims");
    let order = |answer: &Value| -> Vec<String> {
        let told = list(answer, "claims").iter().map(|claim| claim["claim"].to_string());
        told.take_while(|claim| claim != "\"sh-q\"").collect()
    };
    assert_eq!(order(&then), order(&now), "it is where it was");
    let approved = row(&now, "claims", "claim", "sh-c2");
    assert_eq!(of(approved, &["approved", "reasons"]), json!(["80000.00", []]));
    assert!(list(approved, "cuts").iter().all(|cut| cut["rule"].is_string()));
}

/// 9
fn which_receipt_belongs_to_which_claim(asked: &Asked<'_>) {
    let statement = asked.provider.gets("/v1/statement?from=2025-11-01&to=2025-12-01");
    let claim = row(&statement, "claims", "claim", "sh-c2");
    let payments: Vec<Value> = list(claim, "payments")
        .iter()
        .map(|payment| of(payment, &["settlement", "amount", "status", "reference"]))
        .collect();
    assert_eq!(
        payments,
        [
            json!(["sh-p2", "80000.00", "failed", null]),
            json!(["sh-p3", "80000.00", "paid", "treasury-2"]),
        ]
    );
}

/// 10
fn what_has_to_be_returned(asked: &Asked<'_>) {
    let claims = asked.provider.gets("/v1/claims");
    let clawback = &row(&claims, "claims", "claim", "sh-c2")["clawbacks"][0];
    let names = ["clawback", "principal", "interest", "recovered"];
    assert_eq!(of(clawback, &names), json!(["sh-b1", "80000.00", "320.00", "50320.00"]));
    let contracts = asked.provider.gets("/v1/contracts?contract=k-3");
    assert_eq!(contracts["contracts"][0]["end"]["refunded"], "100000.00");
}
