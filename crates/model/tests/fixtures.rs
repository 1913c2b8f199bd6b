//! Commits of every age stay readable: those in `fixtures/commits` were written once and are never changed.
//!
//! Invariant: every event of every context stands in a fixture, so a new one, or a new form of one, needs its own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use loopledger_model::{Context, Event, allocation, facts, fund, purchase, registry, voucher};
use schemars::{JsonSchema, schema_for};
use serde_json::Value;

fn fixtures(context: Context) -> Vec<PathBuf> {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/commits").join(context.name());
    let files = std::fs::read_dir(&folder).expect("every context has fixtures");
    let mut paths: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    paths.sort();
    paths
}

/// The events as they stand in the file.
fn written(body: &[u8]) -> Vec<Value> {
    let body: Value = serde_json::from_slice(body).expect("a fixture is JSON");
    let entries = body["entries"].as_array().expect("a body has entries");
    let events = entries.iter().flat_map(|entry| entry["events"].as_array().expect("events"));
    events.cloned().collect()
}

fn tag(event: &Value) -> String {
    let event = event.as_object().expect("an event is an object");
    assert_eq!(event.len(), 1, "an event has one tag: {event:?}");
    event.keys().next().expect("a tag").clone()
}

fn as_json(event: &Event) -> Value {
    match event {
        Event::Registry(event) => serde_json::to_value(event),
        Event::Voucher(event) => serde_json::to_value(event),
        Event::Fund(event) => serde_json::to_value(event),
        Event::Purchase(event) => serde_json::to_value(event),
        Event::Allocation(event) => serde_json::to_value(event),
    }
    .expect("an event is JSON")
}

fn tags<E: JsonSchema>() -> BTreeSet<String> {
    let schema = schema_for!(E).to_value();
    let variants = schema["oneOf"].as_array().expect("an event is one of several").clone();
    let tag = |variant: &Value| variant["required"][0].as_str().map(str::to_owned);
    variants.iter().map(|variant| tag(variant).expect("a variant has a tag")).collect()
}

fn tags_of(context: Context) -> BTreeSet<String> {
    match context {
        Context::Registry => tags::<registry::Event>(),
        Context::Voucher => tags::<voucher::Event>(),
        Context::Fund => tags::<fund::Event>(),
        Context::Purchase => tags::<purchase::Event>(),
        Context::Allocation => tags::<allocation::Event>(),
    }
}

#[test]
fn every_old_commit_can_still_be_read() {
    for path in Context::ALL.into_iter().flat_map(fixtures) {
        let context = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        let context: Context = context.and_then(|name| name.parse().ok()).expect("a context");
        let body = std::fs::read(&path).expect("a fixture can be read");
        let read = facts(context, 1, Timestamp::UNIX_EPOCH, &body);
        let read = read.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let written = written(&body);
        assert_eq!(read.len(), written.len(), "{}: one fact for one event", path.display());
        for (fact, written) in read.iter().zip(&written) {
            let now = as_json(&fact.event);
            if tag(&now) == tag(written) {
                assert_eq!(&now, written, "{}: nothing is lost or added", path.display());
            }
        }
    }
}

#[test]
fn every_event_stands_in_a_fixture() {
    for context in Context::ALL {
        let mut missing = tags_of(context);
        for path in fixtures(context) {
            let body = std::fs::read(&path).expect("a fixture can be read");
            written(&body).iter().for_each(|event| {
                missing.remove(&tag(event));
            });
        }
        assert!(missing.is_empty(), "add a fixture of {context} with {missing:?}");
    }
}
