//! A day of each role over HTTP, with its own token: what it does, what it sees, and what is not its to do.
//!
//! One voucher of Beijing's programme from application to payment: 20 % of a contract of 12 m is 2.4 m, capped at 2 m.

use serde_json::{Value, json};

use crate::http::{Caller, Http};
use crate::program::{Ledger, Up, scenario};
use crate::programmes::bundle::{Bundle, SHA};

fn cny(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "CNY" })
}

fn at(day: &str) -> String {
    format!("{day}T00:00:00Z")
}

fn person(id: &str, of: &str) -> Value {
    json!({ "id": id, "of": of })
}

fn document(kind: &str, number: Option<&str>) -> Value {
    let mut document = json!({ "kind": kind, "sha256": SHA, "size": 10 });
    if let Some(number) = number {
        document["number"] = json!(number);
    }
    document
}

/// Everybody, with a token.
struct People<'a> {
    operator: Caller<'a>,
    office: Caller<'a>,
    reviewer: Caller<'a>,
    approver: Caller<'a>,
    provider: Caller<'a>,
    company: Caller<'a>,
    manager: Caller<'a>,
    regulator: Caller<'a>,
}

impl<'a> People<'a> {
    fn of(http: &'a Http, ledger: &Ledger) -> Self {
        let caller = |arguments: &str| {
            let arguments: Vec<&str> = arguments.split(' ').collect();
            Caller::new(http, ledger, &arguments)
        };
        let reviewer = |subject: &str| {
            caller(&format!(
                "--role reviewer --party beijing-beit --programme beijing-2023 --subject {subject}"
            ))
        };
        Self {
            operator: caller("--role operator"),
            office: caller("--role programme_office --programme beijing-2023 --subject clerk-3"),
            reviewer: reviewer("o-1"),
            approver: reviewer("o-2"),
            provider: caller("--role provider --party provider-a --subject a-1"),
            company: caller("--role company --party firm-c --subject c-1"),
            manager: caller("--role fund_manager --fund fund-b --fund fund-n --subject gp-1"),
            regulator: caller("--role regulator --subject auditor-7"),
        }
    }
}

#[test]
fn each_role_has_its_day() {
    let ledger = Ledger::new();
    let up = Up::start_with(&ledger, &[("LEDGER_AUTH", "true")]);
    ledger.import(&scenario("lp-loop")).succeeded();
    let bundle = "admissions\nprogramme,provider,from\nbeijing-2023,provider-a,2024-01-01";
    let known = "provider-a,Provider A,provider\n";
    Bundle::of_city("beijing", bundle).with("parties.csv", known, "").imported(&ledger);
    let http = Http::of(&ledger);
    let people = People::of(&http, &ledger);

    an_operator_registers(&people);
    a_company_applies(&people);
    a_reviewer_decides_the_application(&people);
    an_office_issues(&people);
    a_provider_sells_and_a_company_claims(&people);
    a_reviewer_decides_the_claim(&people);
    an_office_pays(&people);
    a_provider_runs_its_pool(&people);
    a_fund_manager_invests_and_reads_its_loops(&people);
    a_regulator_follows_the_money(&people, &ledger);
    assert_eq!(up.interrupt(), Some(0));
}

fn an_operator_registers(people: &People<'_>) {
    let party = json!({ "id": "fund-n", "name": "Fund N", "kind": "fund", "at": at("2024-01-01") });
    people.operator.gives("/v1/parties", "o-1", &party);
    assert_eq!(people.provider.give("/v1/parties", "o-1", &party).status, 403);
    let ready = people.operator.gets("/readyz");
    assert_eq!(ready["status"], "ready");
}

fn a_company_applies(people: &People<'_>) {
    let path = "/v1/programmes/beijing-2023/applications";
    let application = |applicant: &str| {
        json!({
            "id": "bj-a1", "applicant": applicant, "amount": cny("2000000.00"),
            "by": person("c-1", "firm-c"), "at": at("2025-01-03"),
        })
    };
    let foreign = people.company.give(path, "a-0", &application("firm-d"));
    assert_eq!(foreign.status, 404, "it applies for itself: {}", foreign.body);
    people.company.gives(path, "a-1", &application("firm-c"));
}

#[expect(clippy::needless_pass_by_value, reason = "literals are handed over whole")]
fn review(subject: Value, step: Value, by: Value, day: &str) -> Value {
    json!({ "subject": subject, "step": step, "by": by, "at": at(day) })
}

fn a_reviewer_decides_the_application(people: &People<'_>) {
    let of = || json!({ "application": "bj-a1" });
    let office = |id: &str| person(id, "beijing-beit");
    let check = review(of(), json!({ "check": {} }), office("o-1"), "2025-01-04");
    let forged = people.approver.give("/v1/reviews", "r-1", &check);
    assert_eq!(forged.status, 404, "nobody signs for another: {}", forged.body);
    people.reviewer.gives("/v1/reviews", "r-1", &check);
    let verify = |by| review(of(), json!({ "verify": {} }), by, "2025-01-06");
    let early = people.reviewer.give("/v1/reviews", "r-2", &verify(office("o-1")));
    assert_eq!(early.status, 422, "the contract is missing: {}", early.body);
    let own = people.company.give("/v1/reviews", "r-3", &verify(person("c-1", "firm-c")));
    assert_eq!(own.status, 404, "nobody verifies its own: {}", own.body);
    let supply = json!({ "supply": { "evidence": [document("contract", None)] } });
    let supply = review(of(), supply, person("c-1", "firm-c"), "2025-01-05");
    people.company.gives("/v1/reviews", "r-4", &supply);
    people.reviewer.gives("/v1/reviews", "r-5", &verify(office("o-1")));
    let approve = review(of(), json!({ "approve": {} }), office("o-2"), "2025-01-07");
    people.approver.gives("/v1/reviews", "r-6", &approve);
}

fn an_office_issues(people: &People<'_>) {
    let voucher = json!({
        "id": "bj-v1", "programme": "beijing-2023", "holder": "firm-c", "application": "bj-a1",
        "amount": cny("2000000.00"), "at": at("2025-01-08"),
    });
    let mut foreign = voucher.clone();
    foreign["programme"] = json!("cv-2025");
    assert_eq!(people.office.give("/v1/vouchers", "i-0", &foreign).status, 404);
    assert_eq!(people.reviewer.give("/v1/vouchers", "i-0", &voucher).status, 403);
    let made = people.office.gives("/v1/vouchers", "i-1", &voucher);
    let seen = people.office.gets(&format!("/v1/vouchers?after={}", made["position"]));
    assert_eq!(seen["vouchers"][0]["free"], "2000000.00");
    assert_eq!(people.office.get("/v1/vouchers?programme=cv-2025").status, 404);
}

fn a_provider_sells_and_a_company_claims(people: &People<'_>) {
    let term = json!({ "from": at("2025-02-01"), "to": at("2026-02-01") });
    let contract = |seller: &str| {
        json!({
            "id": "bj-k1", "buyer": "firm-c", "seller": seller, "currency": "CNY",
            "price_per_unit": "1", "unit": "card_hour", "quantity": "12000000",
            "at": at("2025-01-08"), "term": term,
        })
    };
    assert_eq!(people.provider.give("/v1/contracts", "s-0", &contract("provider-x")).status, 404);
    people.provider.gives("/v1/contracts", "s-1", &contract("provider-a"));
    let lock = json!({
        "id": "bj-l1", "contract": "bj-k1", "amount": cny("2000000.00"), "at": at("2025-01-09"),
    });
    assert_eq!(people.company.give("/v1/vouchers/v-d1/locks", "l-0", &lock).status, 404);
    people.company.gives("/v1/vouchers/bj-v1/locks", "l-1", &lock);
    let invoice = json!({
        "id": "bj-i1", "service": { "from": at("2025-02-01"), "to": at("2025-03-01") },
        "quantity": "12000000", "amount": cny("12000000.00"), "at": at("2025-03-01"),
    });
    assert_eq!(people.provider.give("/v1/contracts/k-2/invoices", "n-0", &invoice).status, 404);
    people.provider.gives("/v1/contracts/bj-k1/invoices", "n-1", &invoice);
    let claim = json!({
        "id": "bj-c1", "programme": "beijing-2023", "voucher": "bj-v1", "invoice": "bj-i1",
        "by": person("c-1", "firm-c"), "at": at("2025-03-02"),
        "evidence": [document("provider_invoice", Some("bj-fp-1")), document("delivery_certificate", None)],
    });
    let dry = people.company.give("/v1/claims?dry_run=true", "c-1", &claim);
    assert_eq!(dry.status, 200, "{}", dry.body);
    let payable = &dry.json()["events"][0]["claim_submitted"];
    assert_eq!(payable["amount"]["amount"], "2000000.00", "{payable}");
    people.company.gives("/v1/claims", "c-1", &claim);
}

fn a_reviewer_decides_the_claim(people: &People<'_>) {
    let of = || json!({ "claim": "bj-c1" });
    let office = |id: &str| person(id, "beijing-beit");
    let step = |step: &str, by, day| review(of(), json!({ step: {} }), by, day);
    people.reviewer.gives("/v1/reviews", "q-1", &step("check", office("o-1"), "2025-03-03"));
    people.reviewer.gives("/v1/reviews", "q-2", &step("verify", office("o-1"), "2025-03-04"));
    let made =
        people.approver.gives("/v1/reviews", "q-3", &step("approve", office("o-2"), "2025-03-05"));
    let queue = people.reviewer.gets(&format!("/v1/claims?after={}", made["position"]));
    assert_eq!(queue["claims"][0]["stage"], "approved", "{queue}");
}

fn an_office_pays(people: &People<'_>) {
    let order = |id: &str, day| json!({ "id": id, "amount": cny("2000000.00"), "by": person("o-3", "beijing-beit"), "at": at(day) });
    let path = "/v1/redemptions/bj-c1/payment-orders";
    people.office.gives(path, "p-1", &order("bj-p1", "2025-03-06"));
    let failure = json!({ "reason": "the account is closed", "at": at("2025-03-07") });
    people.office.gives("/v1/payment-orders/bj-p1/failure", "p-2", &failure);
    people.office.gives(path, "p-3", &order("bj-p2", "2025-03-08"));
    let settled = json!({ "id": "bj-p2", "amount": cny("2000000.00"), "at": at("2025-03-09") });
    assert_eq!(people.office.give("/v1/redemptions/rd-2/settlements", "p-4", &settled).status, 404);
    let made = people.office.gives("/v1/redemptions/bj-c1/settlements", "p-5", &settled);
    let programme = people.office.gets(&format!("/v1/programme?after={}", made["position"]));
    assert_eq!(programme["totals"]["paid"], "2000000.00");
}

fn a_provider_runs_its_pool(people: &People<'_>) {
    let change = json!({ "lit": 700, "at": at("2025-05-01") });
    assert_eq!(people.provider.give("/v1/pools/pool-x1/changes", "w-0", &change).status, 404);
    people.provider.gives("/v1/pools/pool-a1/changes", "w-1", &change);
    let usage = json!({
        "id": "us-9", "window": { "from": at("2025-04-01"), "to": at("2025-04-02") },
        "card_hours": "4800", "source": "slurm",
    });
    assert_eq!(people.provider.give("/v1/allocations/al-2/usage", "w-2", &usage).status, 404);
    let made = people.provider.gives("/v1/allocations/al-3/usage", "w-3", &usage);
    let period = format!("pool=pool-a1&from=2025-04-01&to=2025-04-02&after={}", made["position"]);
    let seen = people.provider.gets(&format!("/v1/utilization?{period}"));
    assert_eq!(seen["pools"][0]["busy_card_hours"], "4800");
    let claims = people.provider.gets("/v1/claims");
    let own = claims["claims"].as_array().expect("claims");
    assert!(own.iter().all(|claim| claim["provider"] == "provider-a"), "{claims}");
    let statement = people.provider.gets("/v1/statement?from=2025-03-01&to=2025-04-01");
    assert_eq!(statement["provider"], "provider-a");
    let flows = people.company.gets("/v1/flows?kind=voucher_payment");
    assert_eq!(flows["flows"][0]["amount"], "2000000.00", "{flows}");
}

fn a_fund_manager_invests_and_reads_its_loops(people: &People<'_>) {
    let fund = |id: &str| json!({ "id": id, "manager": "provider-a", "currency": "CNY", "at": at("2024-02-01") });
    assert_eq!(people.manager.give("/v1/funds", "f-0", &fund("fund-z")).status, 404);
    people.manager.gives("/v1/funds", "f-1", &fund("fund-n"));
    let commitment = json!({ "id": "cm-n", "lp": "provider-a", "amount": cny("500.00"), "at": at("2024-02-02") });
    people.manager.gives("/v1/funds/fund-n/commitments", "f-2", &commitment);
    let paid_in = json!({ "id": "cb-n", "lp": "provider-a", "amount": cny("300.00"), "at": at("2024-02-03") });
    people.manager.gives("/v1/funds/fund-n/contributions", "f-3", &paid_in);
    let investment = |investor: &str| {
        json!({
            "id": "iv-n", "investor": investor, "company": "firm-c", "amount": cny("250.00"),
            "at": at("2024-02-04"),
        })
    };
    assert_eq!(
        people.manager.give("/v1/investments", "f-4", &investment("provider-x")).status,
        404
    );
    let made = people.manager.gives("/v1/investments", "f-5", &investment("fund-n"));
    let path = format!("/v1/loops?party=fund-b&after={}", made["position"]);
    let loops = people.manager.gets(&path);
    let through = |found: &Value| {
        found["parties"].as_array().is_some_and(|parties| parties.contains(&json!("fund-b")))
    };
    assert!(
        loops["loops"]
            .as_array()
            .is_some_and(|loops| loops.len() == 2 && loops.iter().all(through))
    );
    assert_eq!(people.manager.get("/v1/loops?party=provider-x").status, 404);
}

fn a_regulator_follows_the_money(people: &People<'_>, ledger: &Ledger) {
    let regulator = &people.regulator;
    let loops = regulator.gets("/v1/loops");
    assert!(loops["loops"].as_array().is_some_and(|loops| loops.len() >= 3), "{loops}");
    let flows = regulator.gets("/v1/flows?party=firm-c&kind=voucher_payment");
    let event = flows["flows"][0]["event"].as_str().expect("a fact");
    let fact = regulator.gets(&format!("/v1/facts/{event}"));
    assert_eq!(
        fact["commands"][0]["facts"][0]["event"]["redemption_settled"]["redemption"],
        "bj-c1"
    );
    assert_eq!(fact["commands"][0]["by"], json!("clerk-3"), "{fact}");
    let party = json!({ "id": "x", "name": "X", "kind": "other", "at": at("2024-01-01") });
    assert_eq!(regulator.give("/v1/parties", "g-1", &party).status, 403);
    let accesses = ledger.query(&["accesses"]);
    let asked = accesses["accesses"].as_array().expect("a list");
    assert!(asked.iter().all(|access| access["subject"] == "auditor-7"));
    let paths: Vec<&str> = asked.iter().filter_map(|access| access["path"].as_str()).collect();
    assert_eq!(paths, ["/v1/loops", "/v1/flows", &format!("/v1/facts/{event}"), "/v1/parties"]);
}
