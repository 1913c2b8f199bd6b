//! One command is followed by its trace through HTTP, NATS, the journal, the projector and PostgreSQL, as a collector is
//! told of it; and no command waits for a collector.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::http::Http;
use crate::program::{Ledger, Up, scenario, wait_until};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Takes what it is told over HTTP.
struct Collector {
    address: String,
    told: Arc<Mutex<Vec<Value>>>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("it is bound"));
        let told = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&told);
        // It ends with the tests.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let request = stream.map(take);
                if let Ok(Some(document)) = request {
                    into.lock().unwrap_or_else(PoisonError::into_inner).push(document);
                }
            }
        });
        Self { address, told }
    }

    /// The spans of the trace that are told by now.
    fn spans(&self) -> Vec<Value> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let lists = told.iter().map(|document| &document["resourceSpans"][0]["scopeSpans"][0]);
        let spans = lists.flat_map(|list| list["spans"].as_array().expect("spans"));
        spans.filter(|span| span["traceId"] == TRACE).cloned().collect()
    }
}

/// The body of a request, which is answered.
fn take(mut stream: TcpStream) -> Option<Value> {
    let (mut read, mut buffer) = (Vec::new(), [0; 16_384]);
    loop {
        let end = read.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        if let Some(end) = end {
            let head = str::from_utf8(&read[..end]).ok()?.to_ascii_lowercase();
            let (_, rest) = head.split_once("content-length: ")?;
            let length: usize = rest.lines().next()?.trim().parse().ok()?;
            let body = &read[end + 4..];
            if body.len() >= length {
                assert!(head.starts_with("post /v1/traces "), "{head}");
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").ok()?;
                return serde_json::from_slice(&body[..length]).ok();
            }
        }
        match stream.read(&mut buffer).ok()? {
            0 => return None,
            count => read.extend_from_slice(&buffer[..count]),
        }
    }
}

fn voucher(id: &str) -> Value {
    let amount = json!({ "amount": "1.00", "currency": "CNY" });
    json!({ "id": id, "programme": "cv-2025", "holder": "reseller-r", "amount": amount,
            "at": "2025-04-29T00:00:00Z" })
}

#[track_caller]
fn only<'a>(spans: &'a [Value], name: &str) -> &'a Value {
    let mut called = spans.iter().filter(|span| span["name"] == name);
    let found = called.next().unwrap_or_else(|| panic!("no span {name} in {spans:#?}"));
    assert!(called.next().is_none(), "several spans {name} in {spans:#?}");
    found
}

fn attribute(span: &Value, key: &str) -> Value {
    let attributes = span["attributes"].as_array().expect("attributes");
    let found = attributes.iter().find(|attribute| attribute["key"] == key);
    found.map_or(Value::Null, |attribute| attribute["value"].clone())
}

#[test]
fn a_command_over_http_is_one_trace_as_far_as_the_views() {
    let collector = Collector::start();
    let ledger = Ledger::new();
    let exports = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address.as_str()),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
    ];
    let up = Up::start_with(&ledger, &exports);
    ledger.import(&scenario("lp-loop")).succeeded();
    let traceparent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let headers = [
        ("traceparent", traceparent.as_str()),
        ("Idempotency-Key", "issue-1"),
        ("Content-Type", "application/json"),
    ];
    let body = voucher("v-t1").to_string();
    let http = Http::of(&ledger);
    // What was imported is in the views, so that the projector has nothing to do but the command's commit.
    wait_until("the views have it", || http.get("/readyz").json()["lag"] == 0);
    let reply = http.send("POST", "/v1/vouchers", &headers, body.as_bytes());
    assert_eq!(reply.status, 201, "{}", reply.body);
    let position = reply.json()["position"].to_string();
    let is_stored = |span: &Value| span["name"] == "project";
    wait_until("the projector's span is told", || collector.spans().iter().any(is_stored));

    let spans = collector.spans();
    let chain = ["POST /v1/vouchers", "ask voucher.0", "serve voucher.0", "append voucher.0"];
    let kinds = [2, 3, 2, 4, 5];
    let mut parent = json!("00f067aa0ba902b7");
    for (name, kind) in chain.into_iter().chain(["project"]).zip(kinds) {
        let span = only(&spans, name);
        assert_eq!((&span["parentSpanId"], &span["kind"]), (&parent, &json!(kind)), "{name}");
        assert_eq!(span["status"], json!({}), "{name}");
        parent = span["spanId"].clone();
    }
    let served = &only(&spans, "serve voucher.0")["spanId"];
    assert_eq!(&only(&spans, "decide voucher")["parentSpanId"], served);
    let request = only(&spans, "POST /v1/vouchers");
    assert_eq!(
        attribute(request, "http.response.status_code"),
        json!({ "intValue": "201" }),
        "{request}"
    );
    let at = json!({ "intValue": position });
    for name in ["append voucher.0", "project"] {
        assert_eq!(attribute(only(&spans, name), "loopledger.position"), at, "{name}");
    }
    let stored = only(&spans, "UPDATE progress");
    assert_eq!(stored["parentSpanId"], parent);
    let copied = only(&spans, "COPY vouchers");
    assert_eq!(copied["parentSpanId"], stored["spanId"]);
    assert_eq!(attribute(copied, "db.system.name"), json!({ "stringValue": "postgresql" }));

    let fact = http.get(&format!("/v1/facts/{position}")).json();
    let appended = only(&spans, "append voucher.0")["spanId"].as_str().expect("an id");
    assert_eq!(fact["traceparent"], format!("00-{TRACE}-{appended}-01"));
    a_question_has_its_questions_to_the_database_below_it(&collector, &http);
    assert_eq!(up.interrupt(), Some(0));
}

fn a_question_has_its_questions_to_the_database_below_it(collector: &Collector, http: &Http) {
    let traceparent = format!("00-{TRACE}-00f067aa0ba902b8-01");
    let path = "/v1/flows?kind=investment";
    let reply = http.send("GET", path, &[("traceparent", &traceparent)], b"");
    assert_eq!(reply.status, 200, "{}", reply.body);
    let is_there = |span: &Value| span["name"] == "GET /v1/flows";
    wait_until("the request's span is told", || collector.spans().iter().any(is_there));
    let spans = collector.spans();
    let request = only(&spans, "GET /v1/flows");
    assert_eq!(request["parentSpanId"], "00f067aa0ba902b8");
    let asked = only(&spans, "SELECT flows");
    assert_eq!(asked["parentSpanId"], request["spanId"]);
    assert!(attribute(asked, "db.query.text").to_string().contains("FROM flows"), "{asked}");

    // Whoever does not want to be followed is not.
    let unsampled = format!("00-{TRACE}-00f067aa0ba902b9-00");
    let reply = http.send("GET", path, &[("traceparent", &unsampled)], b"");
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(collector.spans().iter().filter(|span| is_there(span)).count(), 1);
}

#[test]
fn a_collector_that_does_not_answer_holds_up_no_command_and_what_it_misses_is_counted() {
    // It takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", silent.local_addr().expect("it is bound"));
    let ledger = Ledger::new();
    let exports = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", address.as_str()),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "8"),
        ("OTEL_BSP_SCHEDULE_DELAY", "10"),
    ];
    let up = Up::start_with(&ledger, &exports);
    ledger.import(&scenario("lp-loop")).succeeded();
    let http = Http::of(&ledger);
    for number in 0..20 {
        let id = format!("v-s{number}");
        let reply = http.give("/v1/vouchers", &id, &voucher(&id));
        assert_eq!(reply.status, 201, "{}", reply.body);
    }
    let figures = http.get("/metrics").body;
    let dropped = figures
        .lines()
        .find_map(|line| line.strip_prefix("loopledger_spans_dropped_total ")?.parse::<u64>().ok());
    assert!(dropped.is_some_and(|count| count > 50), "{figures}");
    assert!(figures.contains("loopledger_spans_told_total 0\n"), "{figures}");
    assert_eq!(up.interrupt(), Some(0));
}

#[test]
fn an_address_of_a_collector_that_cannot_be_read_stops_the_start_and_is_named() {
    let mut ledger = Ledger::new();
    ledger.environment.push(("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317".to_owned()));
    let answer = ledger.run(&["loops"]);
    assert_eq!(answer.code, Some(2), "{}", answer.text());
    assert!(answer.stderr.contains("OTEL_EXPORTER_OTLP_ENDPOINT is `collector:4317`"));
}
