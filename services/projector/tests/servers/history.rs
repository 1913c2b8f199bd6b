//! Histories to project: the lp-loop worked example, and a market of any size.

use bytes::Bytes;
use jiff::Timestamp;
use loopledger_journal::{CommitId, Journal, MemoryJournal, NewCommit};
use loopledger_model::{Context, Partition, Position};
use loopledger_testkit::at;
use serde_json::{Value, json};

/// Appends one commit with these events to a context's journal.
pub async fn append(journal: &MemoryJournal, context: Context, events: &[Value]) -> Position {
    append_at(journal, context, at("2026-01-01"), events).await
}

pub async fn append_at(
    journal: &MemoryJournal,
    context: Context,
    recorded_at: Timestamp,
    events: &[Value],
) -> Position {
    let entry = json!({ "command": "c", "digest": "00000000000000000000000000000000", "by": "test", "events": events });
    let body = json!({ "facts_at": 0, "entries": [entry] });
    let partition = Partition::first(context);
    let commit = NewCommit {
        id: CommitId::new(),
        recorded_at,
        by: "test".to_owned(),
        traceparent: None,
        body: Bytes::from(body.to_string()),
    };
    journal.append(partition, journal.head(partition), commit).await.unwrap().position
}

fn cny(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "CNY" })
}

fn day(date: &str) -> String {
    format!("{date}T00:00:00Z")
}

pub fn days(from: &str, to: &str) -> Value {
    json!({ "from": day(from), "to": day(to) })
}

pub fn party(id: &str, kind: &str) -> Value {
    json!({"party_registered": {"id": id, "at": day("2024-01-01"), "name": id, "kind": kind}})
}

pub fn contribution(id: &str, lp: &str, fund: &str, amount: &str, date: &str) -> Value {
    json!({"contribution_received": {"id": id, "fund": fund, "lp": lp, "amount": cny(amount),
        "at": day(date)}})
}

pub fn investment(id: &str, investor: &str, company: &str, amount: &str, date: &str) -> Value {
    json!({"investment_funded": {"id": id, "investor": investor, "company": company,
        "amount": cny(amount),
        "at": day(date)}})
}

pub fn payment(
    id: &str,
    contract: &str,
    buyer: &str,
    seller: &str,
    amount: &str,
    date: &str,
) -> Value {
    json!({"payment_recorded": {"id": id, "invoice": format!("in-{id}"), "contract": contract,
        "buyer": buyer,
        "seller": seller, "amount": cny(amount), "at": day(date)}})
}

pub fn settlement(id: &str, of: [&str; 5], amount: &str, date: &str) -> Value {
    let [redemption, voucher, holder, provider, contract] = of;
    json!({"redemption_settled": {"id": id, "redemption": redemption, "voucher": voucher,
        "programme": "cv-2025", "issuer": "city", "holder": holder, "provider": provider,
        "contract": contract, "invoice": format!("in-{redemption}"), "amount": cny(amount),
        "at": day(date)}})
}

pub fn redemption(id: &str, of: [&str; 4], amount: &str, date: &str) -> Value {
    let [voucher, holder, provider, contract] = of;
    json!({"voucher_redeemed": {"id": id, "voucher": voucher, "programme": "cv-2025",
        "holder": holder,
        "provider": provider, "contract": contract, "invoice": format!("in-{id}"),
        "amount": cny(amount),
        "taken_from": [], "at": day(date)}})
}

pub fn lock(
    id: &str,
    voucher: &str,
    provider: &str,
    contract: &str,
    amount: &str,
    date: &str,
) -> Value {
    json!({"voucher_locked": {"id": id, "voucher": voucher, "programme": "cv-2025",
        "contract": contract,
        "provider": provider, "amount": cny(amount), "at": day(date)}})
}

pub fn contract(
    id: &str,
    buyer: &str,
    seller: &str,
    p: &str,
    signed: &str,
    from: &str,
    to: &str,
) -> Value {
    json!({"id": id, "buyer": buyer, "seller": seller, "currency": "CNY", "price_per_unit": "5991",
        "unit": "p_month", "quantity": "3600", "declared_p": p,
        "basis": {"precision": "bf16", "sparsity": "dense"}, "at": day(signed), "term": days(from,
        to)})
}

fn registry() -> Vec<Value> {
    let parties = [
        ("city", "government"),
        ("provider-a", "provider"),
        ("provider-x", "provider"),
        ("fund-b", "fund"),
        ("lp-state", "fund"),
        ("company-c", "company"),
        ("company-d", "company"),
        ("reseller-r", "provider"),
    ];
    let spec = |model: &str, precision: &str, p: &str| {
        json!({"card_spec_published": {"model": model, "p_per_card": p, "at": day("2024-01-01"),
            "basis": {"precision": precision, "sparsity": "dense"}}})
    };
    let mut events: Vec<Value> = parties.iter().map(|(id, kind)| party(id, kind)).collect();
    events
        .push(json!({"stake_recorded": {"owner": "provider-a", "owned": "fund-b", "percent": "1",
        "at": day("2024-06-01")}}));
    events.extend([spec("H200", "bf16", "0.989"), spec("910B", "fp16", "0.32")]);
    events.push(json!({"price_observed": {"model": "H200", "unit": "card_hour", "price": "18",
        "currency": "CNY", "at": day("2025-01-01"), "source": "reference index"}}));
    events
}

fn programme() -> Vec<Value> {
    let rules = json!({"ratio": "0.3", "affiliation": "allow", "metering_required": true,
        "rounding": {"digits": 2, "mode": "truncate"}, "validity_days": 365});
    let issued = |id: &str, holder: &str, amount: &str, date: &str, expires: &str| {
        json!({"voucher_issued": {"id": id, "programme": "cv-2025", "holder": holder,
            "amount": cny(amount),
            "at": day(date), "expires_at": day(expires)}})
    };
    vec![
        json!({"programme_defined": {"id": "cv-2025", "issuer": "city",
            "name": "City compute vouchers",
            "currency": "CNY", "budget": cny("50000000"), "at": day("2025-01-01"),
            "closes": day("2025-12-31"), "rules": rules}}),
        json!({"provider_admitted": {"programme": "cv-2025", "provider": "provider-a",
            "at": day("2025-01-01")}}),
        issued("v-c1", "company-c", "2000000", "2025-01-20", "2026-01-20"),
        issued("v-d1", "company-d", "1200000", "2025-02-20", "2026-02-20"),
        lock("lk-1", "v-c1", "provider-a", "k-1", "2000000", "2025-01-25"),
        lock("lk-2", "v-d1", "provider-x", "k-2", "427500", "2025-02-25"),
    ]
}

fn pools() -> Vec<Value> {
    let pool = |id: &str, operator: &str, model: &str, cards: u32, lit: u32| {
        json!({"pool_registered": {"id": id, "operator": operator, "site": "Nanning",
            "model": model,
            "cards": cards, "lit": lit, "at": day("2025-01-01")}})
    };
    let given = |id: &str, pool: &str, contract: &str, cards: u32, from: &str, to: &str| {
        json!({"cards_allocated": {"id": id, "pool": pool, "contract": contract, "cards": cards,
            "period": days(from, to)}})
    };
    let used = |id: &str, allocation: &str, contract: &str, from: &str, to: &str, hours: &str| {
        json!({"usage_metered": {"id": id, "allocation": allocation, "pool": "pool-a1",
            "contract": contract,
            "window": days(from, to), "card_hours": hours, "source": "slurm"}})
    };
    vec![
        pool("pool-a1", "provider-a", "H200", 2048, 900),
        pool("pool-x1", "provider-x", "910B", 4096, 1600),
        given("al-1", "pool-a1", "k-1", 606, "2025-02-01", "2025-08-01"),
        given("al-3", "pool-a1", "k-3", 202, "2025-03-01", "2025-09-01"),
        used("us-1", "al-1", "k-1", "2025-02-01", "2025-03-01", "240000"),
        used("us-2", "al-1", "k-1", "2025-03-01", "2025-04-01", "251000"),
        json!({"pool_changed": {"pool": "pool-a1", "at": day("2025-04-01"), "cards": 2048,
            "lit": 800}}),
        json!({"pool_fell_short": {"pool": "pool-a1", "at": day("2025-04-01"), "lit": 800,
            "allocated": 808}}),
    ]
}

fn contracts() -> Vec<Value> {
    let mut resale =
        contract("k-4", "company-c", "reseller-r", "100", "2025-02-25", "2025-03-01", "2025-09-01");
    resale["backing_contract"] = json!("k-3");
    let mut cards =
        contract("k-2", "company-d", "provider-x", "1", "2025-02-15", "2025-03-01", "2025-06-09");
    cards["basis"] = json!({"precision": "fp16", "sparsity": "dense"});
    cards["cards"] = json!(256);
    cards["model"] = json!("910B");
    cards.as_object_mut().unwrap().remove("declared_p");
    let signed = [
        contract("k-1", "company-c", "provider-a", "600", "2025-01-10", "2025-02-01", "2025-08-01"),
        cards,
        contract(
            "k-3",
            "reseller-r",
            "provider-a",
            "200",
            "2025-02-20",
            "2025-03-01",
            "2025-09-01",
        ),
        resale,
    ];
    let mut events: Vec<Value> =
        signed.into_iter().map(|contract| json!({ "contract_signed": contract })).collect();
    events.push(
        json!({"invoice_issued": {"id": "in-pm-1", "contract": "k-1", "buyer": "company-c",
        "seller": "provider-a", "service": days("2025-02-01", "2025-03-01"), "quantity": "600",
        "amount": cny("3594600"), "at": day("2025-03-05")}}),
    );
    events.push(json!({"contract_terminated": {"contract": "k-2", "buyer": "company-d",
        "seller": "provider-x", "at": day("2025-06-01"), "reason": "ended_early",
        "refund": cny("500")}}));
    events
}

/// Provider A's money goes through fund B to company C, which buys from A, directly and through a
/// reseller; provider X invests in its own customer D. Vouchers pay part of both.
pub async fn lp_loop() -> MemoryJournal {
    let journal = MemoryJournal::new();
    let capital = [
        json!({"fund_formed": {"id": "fund-b", "manager": "city", "currency": "CNY",
            "at": day("2024-06-01")}}),
        json!({"commitment_made": {"id": "cm-1", "fund": "fund-b", "lp": "provider-a",
            "amount": cny("350000000"), "at": day("2024-06-15"), "priority_supplier": true}}),
        contribution("ct-1", "provider-a", "fund-b", "70000000", "2024-09-01"),
        contribution("ct-2", "lp-state", "fund-b", "30000000", "2024-09-01"),
        investment("iv-1", "fund-b", "company-c", "40000000", "2024-11-15"),
        investment("iv-2", "fund-b", "company-d", "20000000", "2025-01-20"),
        investment("iv-3", "provider-x", "company-d", "10000000", "2025-02-10"),
    ];
    let payments = [
        payment("pm-1", "k-1", "company-c", "provider-a", "2516220", "2025-03-20"),
        payment("pm-2", "k-1", "company-c", "provider-a", "2516220", "2025-04-20"),
        payment("pm-3", "k-2", "company-d", "provider-x", "997500", "2025-04-22"),
        payment("pm-5", "k-4", "company-c", "reseller-r", "640000", "2025-04-24"),
        payment("pm-4", "k-3", "reseller-r", "provider-a", "1120000", "2025-04-28"),
    ];
    let claims = [
        redemption("rd-1", ["v-c1", "company-c", "provider-a", "k-1"], "1078380", "2025-03-25"),
        redemption("rd-2", ["v-c1", "company-c", "provider-a", "k-1"], "921620", "2025-04-25"),
        redemption("rd-3", ["v-d1", "company-d", "provider-x", "k-2"], "427500", "2025-04-26"),
        settlement(
            "st-1",
            ["rd-1", "v-c1", "company-c", "provider-a", "k-1"],
            "1078380",
            "2025-04-15",
        ),
        settlement(
            "st-3",
            ["rd-3", "v-d1", "company-d", "provider-x", "k-2"],
            "427500",
            "2025-05-15",
        ),
    ];
    append(&journal, Context::Registry, &registry()).await;
    append(&journal, Context::Voucher, &programme()).await;
    append(&journal, Context::Fund, &capital).await;
    append(&journal, Context::Purchase, &contracts()).await;
    append(&journal, Context::Allocation, &pools()).await;
    for event in payments {
        append(&journal, Context::Purchase, &[event]).await;
    }
    append(&journal, Context::Voucher, &claims).await;
    journal
}

/// So many commits of three movements of money each, among few parties, dated in no order: every
/// party invests in the others and buys from them, so there are loops of every length.
pub async fn market(commits: u32) -> MemoryJournal {
    let journal = MemoryJournal::new();
    extend_market(&journal, 0, commits).await;
    journal
}

pub async fn extend_market(journal: &MemoryJournal, from: u32, to: u32) {
    let mut draw = Draw(u64::from(from) + 1);
    for commit in from..to {
        let mut events = Vec::new();
        for place in 0..3 {
            let id = format!("{commit}-{place}");
            let (payer, payee) = (draw.below(5), draw.below(4));
            let payee = if payee >= payer { payee + 1 } else { payee };
            let (payer, payee) = (format!("p{payer}"), format!("p{payee}"));
            let amount = format!("{}.{:02}", 1 + draw.below(5_000), draw.below(100));
            let date = format!("2025-{:02}-{:02}", 1 + draw.below(12), 1 + draw.below(28));
            events.push(if commit % 2 == 0 {
                investment(&id, &payer, &payee, &amount, &date)
            } else {
                payment(&id, "k", &payer, &payee, &amount, &date)
            });
        }
        let context = if commit % 2 == 0 { Context::Fund } else { Context::Purchase };
        append(journal, context, &events).await;
    }
}

/// Numbers that look random and are the same in every run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}
