//! Commands and queries over HTTP, on a real ledger.

use serde_json::{Value, json};

use crate::http::{Http, Reply};
use crate::program::{Ledger, Up, scenario};

fn party(id: &str) -> Value {
    json!({ "id": id, "at": "2025-01-01T00:00:00Z", "name": "A party", "kind": "company" })
}

fn voucher(id: &str, amount: &str) -> Value {
    json!({
        "id": id, "programme": "cv-2025", "holder": "company-d", "at": "2025-05-01T00:00:00Z",
        "amount": { "amount": amount, "currency": "CNY" },
    })
}

/// The journal's last position.
fn position(http: &Http) -> u64 {
    let ready = http.get("/readyz").json();
    ["position", "lag"].map(|name| ready[name].as_u64().expect("a number")).iter().sum()
}

#[test]
fn a_command_is_given_once_whatever_is_sent() {
    let ledger = Ledger::new();
    let up = Up::start(&ledger);
    ledger.import(&scenario("lp-loop")).succeeded();
    let http = Http::of(&ledger);

    a_key_is_answered_once(&http);
    what_is_refused_says_why(&http);
    what_cannot_be_read_is_said(&http);
    a_dry_run_records_nothing(&http);
    many_commands_are_answered_line_by_line(&http);
    an_answer_says_what_it_rests_on(&http);
    a_list_is_had_page_by_page(&http);
    a_fact_is_shown_as_it_was_recorded(&http, &ledger);
    assert_eq!(up.interrupt(), Some(0));
}

fn a_key_is_answered_once(http: &Http) {
    let first = http.give("/v1/vouchers", "k-1", &voucher("v-1", "1000.00"));
    assert_eq!(first.status, 201, "{}", first.body);
    assert_eq!(first.json()["position"].to_string(), first.header("ledger-position"));
    let again = http.give("/v1/vouchers", "\"k-1\"", &voucher("v-1", "1000.00"));
    let repeated = json!({ "position": first.json()["position"], "events": 1, "repeated": true });
    assert_eq!((again.status, again.json()), (201, repeated));
    let other = http.give("/v1/vouchers", "k-1", &voucher("v-1", "1000.01"));
    assert_eq!((other.status, other.problem().as_str()), (422, "key-reused"));
    // Another key for what is there already has nothing to do.
    let same = http.give("/v1/vouchers", "k-2", &voucher("v-1", "1000.00"));
    assert_eq!((same.status, &same.json()["events"]), (200, &json!(0)));
}

fn what_is_refused_says_why(http: &Http) {
    let reply = http.give("/v1/vouchers", "k-3", &voucher("v-2", "999999999.00"));
    assert_eq!(reply.status, 422, "{}", reply.body);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    assert!(reply.json()["type"].as_str().is_some_and(|kind| kind.contains(":refusal:")));
    assert_eq!(reply.json()["code"], json!(reply.problem()));
    let again = http.give("/v1/vouchers", "k-3", &voucher("v-2", "999999999.00"));
    assert_eq!(again.json(), reply.json(), "a refused key stays refused");
    let exists = http.give("/v1/vouchers", "k-4", &voucher("v-1", "2.00"));
    assert_eq!((exists.status, exists.problem().as_str()), (409, "voucher_exists"));
    let lock = json!({
        "id": "lk-x", "contract": "k-1", "at": "2025-05-01T00:00:00Z",
        "amount": { "amount": "1.00", "currency": "CNY" },
    });
    let unknown = http.give("/v1/vouchers/v-none/locks", "k-5", &lock);
    assert_eq!((unknown.status, unknown.problem().as_str()), (404, "unknown_voucher"));
    assert_eq!(unknown.json()["voucher"], "v-none");
}

fn what_cannot_be_read_is_said(http: &Http) {
    let before = position(http);
    let body = voucher("v-3", "1.00").to_string();
    let key = ("Idempotency-Key", "k-9");
    let json = ("Content-Type", "application/json");
    let post = |headers: &[(&str, &str)], body: &str| {
        http.send("POST", "/v1/vouchers", headers, body.as_bytes())
    };
    let large = format!("{{\"id\":\"{}\"}}", "x".repeat(2 << 20));
    let wrong: [(Reply, u16, &str); 13] = [
        (post(&[json], &body), 400, "no-idempotency-key"),
        (post(&[key, key, json], &body), 400, "no-idempotency-key"),
        (post(&[("Idempotency-Key", "a b"), json], &body), 400, "bad-parameter"),
        (post(&[key], &body), 415, "no-json"),
        (post(&[key, json], "{"), 400, "bad-body"),
        (post(&[key, json], "[]"), 400, "bad-body"),
        (post(&[key, json], "{\"id\":\"v-3\"}"), 400, "bad-body"),
        (post(&[key, json], &body.replace("1.00", "1.001")), 400, "bad-body"),
        (post(&[key, json], &large), 413, "body-too-large"),
        (http.give("/v1/vouchers?after=x", "k-9", &voucher("v-3", "1.00")), 400, "bad-parameter"),
        (
            http.give("/v1/vouchers?surprise=1", "k-9", &voucher("v-3", "1.00")),
            400,
            "bad-parameter",
        ),
        (http.give("/v1/no-such-thing", "k-9", &json!({})), 404, "no-such-resource"),
        (http.send("DELETE", "/v1/vouchers", &[], &[]), 405, "no-such-method"),
    ];
    for (reply, status, problem) in wrong {
        assert_eq!((reply.status, reply.problem().as_str()), (status, problem), "{}", reply.body);
    }
    let twice = json!({
        "id": "lk-y", "voucher": "v-1", "contract": "k-2", "at": "2025-05-01T00:00:00Z",
        "amount": { "amount": "1.00", "currency": "CNY" },
    });
    let reply = http.give("/v1/vouchers/v-1/locks", "k-9", &twice);
    assert_eq!(reply.status, 400, "{}", reply.body);
    assert!(reply.body.contains("leave it out"), "{}", reply.body);
    assert_eq!(position(http), before, "none of it was recorded");
}

fn a_dry_run_records_nothing(http: &Http) {
    let before = position(http);
    let reply = http.give("/v1/vouchers?dry_run=true", "k-10", &voucher("v-4", "5.00"));
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.json()["events"][0]["voucher_issued"]["id"], "v-4");
    let refused = http.give("/v1/vouchers?dry_run=true", "k-10", &voucher("v-1", "5.00"));
    assert_eq!((refused.status, refused.problem().as_str()), (409, "voucher_exists"));
    assert_eq!(position(http), before);
    // The key is free still.
    assert_eq!(http.give("/v1/vouchers", "k-10", &voucher("v-4", "5.00")).status, 201);
}

fn many_commands_are_answered_line_by_line(http: &Http) {
    let fund =
        json!({ "id": "f-n", "manager": "p-n", "currency": "CNY", "at": "2025-01-02T00:00:00Z" });
    let line = |key: &str, context: &str, command: Value| {
        json!({ "key": key, "context": context, "command": command }).to_string()
    };
    let lines = [
        line("n-1", "registry", json!({ "register_party": party("p-n") })),
        line("n-2", "fund", json!({ "form_fund": fund })),
        "no JSON".to_owned(),
        String::new(),
        line("n-4", "registry", json!({ "register_party": party("f-n") })),
        line("n-5", "fund", json!({ "form_fund": fund })),
        line("n-6", "fund", json!({ "no_such_command": {} })),
        line("n-7", "fund", json!({ "form_fund": {}, "invest": {} })),
    ];
    let headers = [("Content-Type", "application/x-ndjson")];
    let reply = http.send("POST", "/v1/commands", &headers, lines.join("\n").as_bytes());
    assert_eq!(reply.status, 200, "{}", reply.body);
    let told: Vec<Value> =
        reply.body.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let outcome = |told: &Value| {
        let accepted = told["accepted"]["events"].as_u64().map(|events| format!("{events} made"));
        let problem = told["problem"]["type"].as_str().and_then(|kind| kind.rsplit(':').next());
        let outcome = accepted.or(problem.map(str::to_owned)).expect("one of both");
        (told["line"].as_u64().expect("a line"), outcome)
    };
    let expected = [
        (1, "1 made"),
        (2, "unknown_party"),
        (3, "bad-body"),
        (5, "1 made"),
        (6, "1 made"),
        (7, "bad-body"),
        (8, "bad-body"),
    ];
    let outcomes: Vec<_> = told.iter().map(outcome).collect();
    assert_eq!(outcomes, expected.map(|(line, outcome)| (line, outcome.to_owned())));
    let wrong = http.send("POST", "/v1/commands", &[], b"{}");
    assert_eq!((wrong.status, wrong.problem().as_str()), (415, "no-json"));
    // A thousand at once, and each of them once however often they are sent.
    let lines: Vec<String> = (0..1_000)
        .map(|n| {
            line(
                &format!("m-{n}"),
                "registry",
                json!({ "register_party": party(&format!("m-{n}")) }),
            )
        })
        .collect();
    for repeated in [false, true] {
        let reply = http.send("POST", "/v1/commands", &headers, lines.join("\n").as_bytes());
        let told =
            reply.body.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let done = told.filter(|told| told["accepted"]["repeated"] == json!(repeated)).count();
        assert_eq!(done, 1_000);
    }
}

fn an_answer_says_what_it_rests_on(http: &Http) {
    let made = http.give("/v1/vouchers", "k-20", &voucher("v-5", "7.00"));
    let position = made.header("ledger-position").to_owned();
    let read = http.get(&format!("/v1/vouchers?after={position}"));
    assert!(read.body.contains("v-5"), "{}", read.body);
    let rests_on: u64 = read.header("ledger-position").parse().expect("a position");
    assert!(rests_on >= position.parse().expect("a position"));
    for path in ["/v1/flows?wait=0&after=999999", "/v1/facts/1?wait=0&after=999999"] {
        let early = http.get(path);
        assert_eq!(
            (early.status, early.problem().as_str()),
            (409, "not-reached"),
            "{}",
            early.body
        );
    }
    let tag = read.header("etag").to_owned();
    let same = http.send("GET", "/v1/vouchers", &[("If-None-Match", &tag)], &[]);
    assert_eq!((same.status, same.body.as_str()), (304, ""));
    let other = http.send("GET", "/v1/flows", &[("If-None-Match", &tag)], &[]);
    assert_eq!(other.status, 200, "another question has another tag");
    assert_eq!(http.get("/v1/owners?party=company-c").header("etag"), "", "that depends on today");
    let made = http.give("/v1/vouchers", "k-21", &voucher("v-6", "7.00"));
    let path = format!("/v1/vouchers?after={}", made.header("ledger-position"));
    let changed = http.send("GET", &path, &[("If-None-Match", &tag)], &[]);
    assert_eq!(changed.status, 200);
}

/// Following the links gives every row once, in the order of the whole list.
fn a_list_is_had_page_by_page(http: &Http) {
    for (path, list) in [
        ("/v1/flows", "flows"),
        ("/v1/vouchers", "vouchers"),
        ("/v1/claims?programme=cv-2025", "claims"),
        ("/v1/loops", "loops"),
    ] {
        let whole = http.get(path).json()[list].clone();
        let joint = if path.contains('?') { '&' } else { '?' };
        let (mut rows, mut next) = (Vec::new(), format!("{path}{joint}limit=2"));
        while !next.is_empty() {
            let page = http.get(&next);
            assert_eq!(page.status, 200, "{next}: {}", page.body);
            let some = page.json()[list].as_array().expect("a list").clone();
            assert!((1..=2).contains(&some.len()), "{next}");
            rows.extend(some);
            let link = page.header("link");
            next = link
                .strip_prefix('<')
                .and_then(|link| link.split_once('>'))
                .map_or("", |(at, _)| at)
                .to_owned();
        }
        assert_eq!(Value::Array(rows), whole, "{path}");
    }
    for (path, status) in [
        ("/v1/flows?limit=0", 400),
        ("/v1/flows?cursor=WzFd", 400),
        ("/v1/flows?limit=2&cursor=WzFd", 400),
        // The keys ["9999.0"] and ["v-none"].
        ("/v1/flows?limit=2&cursor=WyI5OTk5LjAiXQ", 409),
        ("/v1/vouchers?limit=2&cursor=WyJ2LW5vbmUiXQ", 409),
        ("/v1/claims?limit=2&cursor=WyJ2LW5vbmUiXQ", 409),
        ("/v1/owners?party=company-c&limit=2", 400),
    ] {
        assert_eq!(http.get(path).status, status, "{path}");
    }
}

fn a_fact_is_shown_as_it_was_recorded(http: &Http, ledger: &Ledger) {
    let flows = http.get("/v1/flows").json();
    let event = flows["flows"][0]["event"].as_str().expect("a fact").to_owned();
    let reply = http.get(&format!("/v1/facts/{event}"));
    assert_eq!(reply.status, 200, "{}", reply.body);
    let fact = reply.json();
    let shown = &fact["commands"][0]["facts"];
    assert_eq!(shown.as_array().map(Vec::len), Some(1));
    assert_eq!(shown[0]["fact"], json!(event));
    assert!(
        shown.to_string().contains(flows["flows"][0]["id"].as_str().expect("an id")),
        "{shown}"
    );
    let position = event.split('.').next().expect("a position");
    let whole = http.get(&format!("/v1/facts/{position}")).json();
    assert_eq!(whole["hash"], fact["hash"]);
    assert_eq!(whole["hash"].as_str().map(str::len), Some(64));
    let next = ledger.query(&["verify"]);
    assert_eq!(next["findings"].as_array().map_or(0, Vec::len), 0, "{next}");
    for (path, status) in
        [("/v1/facts/999999", 404), ("/v1/facts/1.999", 404), ("/v1/facts/x", 400)]
    {
        assert_eq!(http.get(path).status, status, "{path}");
    }
}

#[test]
fn the_description_is_served_and_what_it_needs_comes_from_here() {
    let ledger = Ledger::new();
    let _up = Up::start_with(&ledger, &[("LEDGER_AUTH", "true")]);
    let http = Http::of(&ledger);
    let document = http.get("/v1/openapi.json");
    let published =
        std::fs::read_to_string(crate::program::project().join("schemas/http/openapi.json"));
    assert_eq!(document.body, published.expect("the document is published"));
    let page = http.get("/docs");
    assert_eq!(page.status, 200);
    for part in page.body.split('"').filter(|part| part.ends_with(".js") || part.ends_with(".css"))
    {
        assert_eq!(http.get(part).status, 200, "{part}");
        assert!(part.starts_with("/docs/"), "{part} comes from elsewhere");
    }
    assert_eq!(http.get("/v1/loops").status, 401);
}

/// A small generator: the same requests in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.roll(from.len())]
    }
}

/// Values that no field takes, or that most do not.
fn odd(dice: &mut Dice) -> Value {
    let long = "x".repeat(300);
    match dice.roll(14) {
        0 => json!(null),
        1 => json!(-1),
        2 => json!(1e300),
        3 => json!(u64::MAX),
        4 => json!(""),
        5 => json!(long),
        6 => json!("a/b"),
        7 => json!("\u{0}\u{202e}\u{1f4a5}"),
        8 => json!([]),
        9 => json!({}),
        10 => json!({ "amount": "1e9", "currency": "CNY" }),
        11 => json!({ "amount": "NaN", "currency": "XXXX" }),
        12 => json!(true),
        _ => json!("9999-99-99T99:99:99Z"),
    }
}

/// Spoils a command of the document's in one way.
fn malformed(dice: &mut Dice, schema: &Value) -> String {
    let names: Vec<&str> = schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect();
    let mut fields = serde_json::Map::new();
    for name in &names {
        fields.insert((*name).to_owned(), odd(dice));
    }
    match dice.roll(5) {
        0 => drop(fields.insert("surprise".to_owned(), odd(dice))),
        1 if !names.is_empty() => drop(fields.remove(dice.pick(&names))),
        _ => {}
    }
    let text = Value::Object(fields).to_string();
    let cut = text.char_indices().map(|(index, _)| index).nth(dice.roll(text.len().max(1)));
    match (dice.roll(4), cut) {
        (0, Some(cut)) => text[..cut].to_owned(),
        (1, Some(cut)) => format!("{}\u{fffd}{}", &text[..cut], &text[cut..]),
        _ => text,
    }
}

#[test]
fn ten_thousand_malformed_requests_change_nothing_and_none_is_our_mistake() {
    let ledger = Ledger::new();
    let up = Up::start(&ledger);
    ledger.import(&scenario("lp-loop")).succeeded();
    let http = Http::of(&ledger);
    let document = http.get("/v1/openapi.json").json();
    let operations: Vec<(&str, &str, &Value)> = document["paths"]
        .as_object()
        .expect("paths")
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().expect("methods").iter();
            methods.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
        })
        .collect();
    let before = position(&http);
    let mut dice = Dice(7);
    let mut seen = std::collections::BTreeMap::new();
    for n in 0..10_000 {
        let (path, method, operation) = operations[dice.roll(operations.len())];
        let id = dice.pick(&["v-c1", "%00", "..", "%2e%2e", "a%20b", "\u{e9}", "k-1", "'--"]);
        let path = path.split('/').map(|part| if part.starts_with('{') { id } else { part });
        let mut path: String = path.collect::<Vec<_>>().join("/");
        let query = [
            "",
            "",
            "?as_of=x",
            "?after=-1",
            "?party=%27%20OR%201",
            "?wait=99",
            "?dry_run=perhaps",
            "?from=%ff",
        ];
        path += dice.pick(&query);
        let key = format!("bad-{n}");
        let key = dice.pick(&[key.as_str(), key.as_str(), key.as_str(), "", "a b", "\u{e9}"]);
        let media = dice.pick(&[
            "application/json",
            "application/json",
            "text/plain",
            "application/x-ndjson",
        ]);
        let mut schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        if let Some(pointer) = schema["$ref"].as_str().and_then(|text| text.strip_prefix('#')) {
            schema = document.pointer(pointer).expect("it leads somewhere");
        }
        let body = if method == "post" { malformed(&mut dice, schema) } else { String::new() };
        let headers = [("Idempotency-Key", key), ("Content-Type", media)];
        let reply = http.send(&method.to_uppercase(), &path, &headers, body.as_bytes());
        *seen.entry(reply.status).or_insert(0) += 1;
        let said = format!("{method} {path} {headers:?} {body}: {} {}", reply.status, reply.body);
        assert!(reply.status < 500 && reply.status != 201, "{said}");
        if reply.status >= 400 {
            assert_eq!(reply.header("content-type"), "application/problem+json", "{said}");
        }
    }
    assert_eq!(position(&http), before, "none of them was recorded: {seen:?}");
    assert_eq!(up.interrupt(), Some(0));
}
