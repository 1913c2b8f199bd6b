//! What a collector is told, held against OTLP's JSON form, and what becomes of spans that none takes.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use tracing::field::Empty;
use tracing_subscriber::Layer as _;
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;
use crate::spans;
use crate::trace::TraceContext;
use crate::traced;

fn collector(address: &str, queue: usize) -> Collector {
    let address = address.parse().expect("an address");
    let delay = Duration::from_millis(10);
    Collector { address, service: "test".to_owned(), queue, together: 64, delay }
}

/// Does the work with its spans told to the collector.
fn telling<T>(collector: Collector, work: impl FnOnce() -> T) -> T {
    let (spans, exporting) = collector.start().expect("a thread");
    let layer = spans.with_filter(tracing_subscriber::filter::filter_fn(spans::is_told));
    let done = tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
    drop(exporting);
    done
}

/// The body of one request, which is answered with 200.
fn body_of(mut stream: TcpStream) -> Json {
    let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut buffer).expect("a request");
        read.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&read).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>())
        });
        if body.len() == length.expect("a length").expect("a number") {
            assert!(head.starts_with("POST /v1/traces HTTP/1.1"), "{head}");
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").expect("a reader");
            return serde_json::from_str(body).expect("JSON");
        }
    }
}

#[test]
fn a_collector_is_told_of_spans_in_the_json_form_of_otlp() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}/v1/traces", listener.local_addr().expect("bound"));
    let told = std::thread::spawn(move || body_of(listener.accept().expect("a caller").0));
    let asker: TraceContext =
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().expect("well formed");
    let child = asker.child();
    telling(collector(&address, 8), || {
        let links = "00-00000000000000000000000000000001-0000000000000002-01 nonsense";
        let span = traced!(child, "server", "do", a.b = 7, c = "d", late = Empty, links = links);
        span.record("late", true);
        span.record("error", "it broke");
        span.in_scope(|| {
            drop(tracing::trace_span!(target: "loopledger::span", "inner", otel.kind = "client"));
        });
        tracing::trace_span!("of somebody else").in_scope(|| tracing::error!("no span"));
    });
    let told = told.join().expect("told");
    let resource = &told["resourceSpans"][0]["resource"]["attributes"][0];
    assert_eq!(*resource, json!({ "key": "service.name", "value": { "stringValue": "test" } }));
    let spans = told["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().expect("spans");
    let [inner, outer] = &spans[..] else { panic!("{told}") };
    assert_eq!(outer["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(outer["spanId"], short_hex(child.ids().1));
    assert_eq!(outer["parentSpanId"], "00f067aa0ba902b7");
    assert_eq!((&outer["name"], &outer["kind"]), (&json!("do"), &json!(2)));
    assert_eq!(outer["status"], json!({ "code": 2, "message": "it broke" }));
    let attributes = json!([
        { "key": "a.b", "value": { "intValue": "7" } },
        { "key": "c", "value": { "stringValue": "d" } },
        { "key": "late", "value": { "boolValue": true } },
    ]);
    assert_eq!(outer["attributes"], attributes);
    let link = json!({ "traceId": format!("{:032x}", 1), "spanId": format!("{:016x}", 2) });
    assert_eq!(outer["links"], json!([link]));
    let nanos = |at: &Json| at.as_str().expect("text").parse::<u64>().expect("a number");
    assert!(nanos(&outer["endTimeUnixNano"]) >= nanos(&outer["startTimeUnixNano"]));
    let of_outer = (&outer["traceId"], &outer["spanId"]);
    assert_eq!((&inner["traceId"], &inner["parentSpanId"]), of_outer);
    assert_eq!((&inner["name"], &inner["kind"]), (&json!("inner"), &json!(3)));
}

#[test]
fn spans_that_nobody_takes_are_dropped_and_counted_and_nobody_waits() {
    // It accepts and never answers.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}/v1/traces", listener.local_addr().expect("bound"));
    let dropped = metrics::figure("loopledger_spans_dropped_total", &[]);
    let before = dropped.get();
    telling(collector(&address, 4), || {
        for _ in 0..1_000 {
            drop(traced!(TraceContext::start(), "internal", "x"));
        }
    });
    assert!(dropped.get() - before > 900, "{}", dropped.get());
    drop(listener);
}

#[test]
fn what_is_not_sampled_is_not_told() {
    let unsampled: TraceContext =
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00".parse().expect("well formed");
    assert!(traced!(unsampled.child(), "internal", "x").is_none());
}
