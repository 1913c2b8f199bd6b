//! Who may ask what of the HTTP API, on a real ledger: each role sees its own, and a regulator's questions stay on record.

use serde_json::{Value, json};

use crate::http::Http;
use crate::program::{Ledger, Up, scenario};

struct Asker(Http);

impl Asker {
    fn ask(&self, token: Option<&str>, path: &str) -> (u16, Value) {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<_> =
            bearer.iter().map(|value| ("Authorization", value.as_str())).collect();
        let reply = self.0.send("GET", path, &headers, &[]);
        (reply.status, reply.json())
    }
}

fn token(ledger: &Ledger, arguments: &[&str]) -> String {
    ledger.run(&[&["token"], arguments].concat()).succeeded().stdout.trim().to_owned()
}

/// Who paid whom, flow by flow.
fn parties(answer: &Value) -> Vec<[&str; 2]> {
    let flows = answer["flows"].as_array().expect("flows");
    flows
        .iter()
        .map(|flow| ["from", "to"].map(|side| flow[side].as_str().expect("a party")))
        .collect()
}

#[test]
fn each_role_sees_its_own_and_a_regulators_questions_stay_on_record() {
    let ledger = Ledger::new();
    let no_key = ledger.run(&["token", "--role", "operator"]);
    assert_eq!(no_key.code, Some(2), "{}", no_key.text());
    let open_to_all = ledger.run(&["up", "--http", "0.0.0.0:0"]);
    assert_eq!(open_to_all.code, Some(2), "{}", open_to_all.text());

    let up = Up::start_with(&ledger, &[("LEDGER_AUTH", "true")]);
    ledger.import(&scenario("lp-loop")).succeeded();
    let api = Asker(Http::of(&ledger));
    assert_eq!(api.ask(None, "/v1/loops").0, 401);
    assert_eq!(api.ask(None, "/readyz").0, 200);

    let operator = token(&ledger, &["--role", "operator"]);
    let (status, all) = api.ask(Some(&operator), "/v1/flows");
    assert_eq!((status, &all), (200, &ledger.query(&["flows"])));

    a_provider(&ledger, &api);
    a_company(&ledger, &api);
    a_fund_manager(&ledger, &api);
    a_programme_office(&ledger, &api);
    a_regulator(&ledger, &api);
    assert_eq!(up.interrupt(), Some(0));
}

fn a_provider(ledger: &Ledger, api: &Asker) {
    let provider = token(ledger, &["--role", "provider", "--party", "provider-a"]);
    let ask = |path: &str| api.ask(Some(&provider), path);
    let (status, own) = ask("/v1/flows");
    assert_eq!(status, 200, "{own}");
    assert!(!parties(&own).is_empty());
    assert!(parties(&own).iter().all(|sides| sides.contains(&"provider-a")), "{own}");
    assert_eq!(ask("/v1/claims").1, ledger.query(&["claims", "--provider", "provider-a"]));
    let period = "from=2025-03-01&to=2025-04-01";
    for (path, expected) in [
        (format!("/v1/statement?{period}"), 200),
        (format!("/v1/statement?{period}&provider=provider-x"), 404),
        (format!("/v1/utilization?{period}&pool=pool-a1"), 200),
        (format!("/v1/utilization?{period}&pool=pool-x1"), 404),
        (format!("/v1/utilization?{period}"), 400),
        ("/v1/flows?party=provider-x".to_owned(), 404),
        ("/v1/claims?provider=provider-x".to_owned(), 404),
        ("/v1/implied?contract=k-1".to_owned(), 200),
        ("/v1/loops".to_owned(), 403),
        ("/v1/findings".to_owned(), 403),
    ] {
        let (status, body) = ask(&path);
        assert_eq!(status, expected, "{path}: {body}");
    }
}

fn a_company(ledger: &Ledger, api: &Asker) {
    let company = token(ledger, &["--role", "company", "--party", "company-d"]);
    let (status, own) = api.ask(Some(&company), "/v1/flows");
    assert_eq!(status, 200, "{own}");
    assert!(parties(&own).iter().all(|sides| sides.contains(&"company-d")), "{own}");
    assert_eq!(api.ask(Some(&company), "/v1/flows?party=company-c").0, 404);
    assert_eq!(api.ask(Some(&company), "/v1/implied?contract=k-1").0, 404, "it is company-c's");
    assert_eq!(api.ask(Some(&company), "/v1/claims").0, 403);
}

fn a_fund_manager(ledger: &Ledger, api: &Asker) {
    let manager = token(ledger, &["--role", "fund_manager", "--fund", "fund-b"]);
    let (status, own) = api.ask(Some(&manager), "/v1/flows");
    assert_eq!(status, 200, "{own}");
    assert!(parties(&own).contains(&["fund-b", "company-c"]), "{own}");
    assert!(!own.to_string().contains("provider-a"), "an investor is not named: {own}");
    assert_eq!(api.ask(Some(&manager), "/v1/flows?party=company-c").0, 404);
    let loops = api.ask(Some(&manager), "/v1/loops");
    assert_eq!(loops, (200, ledger.query(&["loops", "--party", "fund-b"])));
    assert_eq!(api.ask(Some(&manager), "/v1/loops?party=provider-x").0, 404);
    assert_eq!(api.ask(Some(&manager), "/v1/parties").0, 403);
}

fn a_programme_office(ledger: &Ledger, api: &Asker) {
    for role in ["programme_office", "reviewer"] {
        let office = token(ledger, &["--role", role, "--programme", "cv-2025"]);
        let (status, own) = api.ask(Some(&office), "/v1/vouchers");
        assert_eq!((status, own), (200, ledger.query(&["vouchers", "--programme", "cv-2025"])));
        assert_eq!(api.ask(Some(&office), "/v1/vouchers?programme=cv-1999").0, 404);
        assert_eq!(api.ask(Some(&office), "/v1/flows").0, 403);
    }
}

fn a_regulator(ledger: &Ledger, api: &Asker) {
    assert_eq!(ledger.query(&["accesses"]), json!({ "accesses": [] }));
    let list = ledger.run(&["accesses", "--format", "csv"]).succeeded().stdout;
    assert_eq!(list, "number,at,subject,role,method,path,query\n");
    let regulator = token(ledger, &["--role", "regulator", "--subject", "auditor-7"]);
    let (status, loops) = api.ask(Some(&regulator), "/v1/loops?currency=CNY");
    assert_eq!((status, &loops), (200, &ledger.query(&["loops", "--currency", "CNY"])));
    assert_eq!(api.ask(Some(&regulator), "/v1/owners").0, 400);
    let asked = |ledger: &Ledger| -> Vec<[String; 4]> {
        let recorded = ledger.query(&["accesses"]);
        let recorded = recorded["accesses"].as_array().expect("a list").clone();
        let field = |access: &Value, name: &str| access[name].as_str().unwrap_or("?").to_owned();
        let names = ["subject", "role", "path", "query"];
        recorded.iter().map(|access| names.map(|name| field(access, name))).collect()
    };
    let expected = [
        ["auditor-7", "regulator", "/v1/loops", "currency=CNY"].map(str::to_owned),
        ["auditor-7", "regulator", "/v1/owners", ""].map(str::to_owned),
    ];
    assert_eq!(asked(ledger), expected);
    ledger.run(&["rebuild"]).succeeded();
    assert_eq!(asked(ledger), expected, "a rebuild leaves the record alone");
}
