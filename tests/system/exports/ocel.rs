//! The event log against what OCEL 2.0 asks of its JSON form.
//!
//! Source: the OCEL 2.0 specification, section on the JSON format: required members, types of
//! attributes, and that types, attributes and objects which are used are declared.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::program::Ledger;

/// By type, the attributes and their types.
type Types = BTreeMap<String, BTreeMap<String, String>>;

pub fn events_are_a_log_that_keeps_its_own_rules(ledger: &Ledger) {
    let told = ledger.run(&["export", "ocel"]).succeeded();
    let log: Value = serde_json::from_str(&told.stdout).expect("JSON");
    let members: Vec<&String> = log.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["eventTypes", "events", "objectTypes", "objects"]);
    let (event_types, object_types) = (types(&log["eventTypes"]), types(&log["objectTypes"]));

    let mut objects = BTreeMap::new();
    for object in list(&log["objects"]) {
        let (id, of) = (text(&object["id"]), text(&object["type"]));
        assert!(objects.insert(id, of).is_none(), "{id} is there twice");
        for attribute in list(&object["attributes"]) {
            check_attribute(attribute, &object_types[of]);
            instant(&attribute["time"]);
        }
        assert!(list(&object["relationships"]).is_empty());
    }
    let mut events = BTreeSet::new();
    for event in list(&log["events"]) {
        let (id, of) = (text(&event["id"]), text(&event["type"]));
        assert!(events.insert(id), "{id} is there twice");
        instant(&event["time"]);
        for attribute in list(&event["attributes"]) {
            check_attribute(attribute, &event_types[of]);
        }
        for related in list(&event["relationships"]) {
            let (object, role) = (text(&related["objectId"]), text(&related["qualifier"]));
            assert!(objects.contains_key(object) && !role.is_empty(), "{related}");
        }
    }
    for of in objects.values() {
        assert!(object_types.contains_key(*of), "{of}");
    }
    the_log_says_what_the_ledger_does(ledger, &log, &objects);
}

fn the_log_says_what_the_ledger_does(ledger: &Ledger, log: &Value, objects: &BTreeMap<&str, &str>) {
    for (id, of) in
        [("party/fund-b", "party"), ("voucher/v-c1", "voucher"), ("pool/pool-a1", "pool")]
    {
        assert_eq!(objects.get(id), Some(&of));
    }
    let flows = ledger.query(&["flows"]);
    let events: BTreeMap<&str, &Value> =
        list(&log["events"]).iter().map(|event| (text(&event["id"]), event)).collect();
    for flow in list(&flows["flows"]) {
        let event = events[text(&flow["event"])];
        let related = list(&event["relationships"]);
        for side in ["from", "to"] {
            let party = format!("party/{}", text(&flow[side]));
            assert!(related.iter().any(|object| object["objectId"] == *party), "{event}");
        }
        assert_eq!(event["time"], flow["at"]);
    }
    let fund = list(&log["objects"]).iter().find(|object| object["id"] == "party/fund-b");
    let attributes = list(&fund.expect("the fund")["attributes"]);
    assert!(attributes.iter().any(|a| a["name"] == "name" && a["value"] == "Industry Fund B"));
    let earlier = ledger.run(&["export", "ocel", "--as-known", "2025-01-01"]).succeeded();
    let earlier: Value = serde_json::from_str(&earlier.stdout).expect("JSON");
    assert!(list(&earlier["events"]).is_empty() && list(&earlier["objects"]).is_empty());
}

fn types(declared: &Value) -> Types {
    let attributes = |of: &Value| {
        list(of)
            .iter()
            .map(|attribute| {
                let (name, of) = (text(&attribute["name"]), text(&attribute["type"]));
                assert!(["string", "time", "integer", "float", "boolean"].contains(&of), "{of}");
                (name.to_owned(), of.to_owned())
            })
            .collect()
    };
    let all = list(declared);
    let types: Types = all
        .iter()
        .map(|of| (text(&of["name"]).to_owned(), attributes(&of["attributes"])))
        .collect();
    assert_eq!(types.len(), all.len(), "a type is declared once");
    types
}

fn check_attribute(attribute: &Value, declared: &BTreeMap<String, String>) {
    let (name, value) = (text(&attribute["name"]), &attribute["value"]);
    match declared.get(name).map(String::as_str) {
        Some("string") => assert!(value.is_string(), "{attribute}"),
        Some("time") => instant(value),
        Some("integer") => assert!(value.is_i64() || value.is_u64(), "{attribute}"),
        Some("boolean") => assert!(value.is_boolean(), "{attribute}"),
        other => panic!("{attribute} is declared as {other:?}"),
    }
}

#[track_caller]
fn list(value: &Value) -> &Vec<Value> {
    value.as_array().expect("a list")
}

#[track_caller]
fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

#[track_caller]
fn instant(value: &Value) {
    let text = text(value);
    let bytes = text.as_bytes();
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (bytes.len() - 1, b'Z')];
    assert!(marks.iter().all(|(place, mark)| bytes.get(*place) == Some(mark)), "{text}");
}
