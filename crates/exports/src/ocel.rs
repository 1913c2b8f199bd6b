//! All events and what they are about, as an object-centric event log (OCEL 2.0, JSON).
//!
//! Invariants: what is an object is read from the events' own schemas, so an id is never taken for
//! text; every object that an event names is in the log, and so is every type and attribute.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, ensure};
use loopledger_model::{Context, Event, Fact, allocation, fund, purchase, registry, voucher};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The log as far as it was read.
#[derive(Default)]
pub struct EventLog {
    schemas: BTreeMap<Context, Value>,
    events: Vec<Value>,
    /// By type: its attributes with theirs.
    event_types: BTreeMap<String, BTreeMap<String, &'static str>>,
    object_types: BTreeMap<String, BTreeSet<String>>,
    /// By type and id: what the event said that made it.
    objects: BTreeMap<(String, String), Vec<Value>>,
}

impl EventLog {
    pub fn take(&mut self, fact: &Fact) -> anyhow::Result<()> {
        let (context, event) = written(&fact.event)?;
        let schema = self.schemas.entry(context).or_insert_with(|| schema_of(context));
        let Some((kind, content)) = event.as_object().and_then(|event| event.iter().next()) else {
            anyhow::bail!("fact {} has no kind", fact.id);
        };
        let mut told = Told::default();
        let root = Schema { root: schema, at: schema };
        root.member(kind, &event).walk(content, "", &mut told);
        ensure!(told.unknown.is_empty(), "no schema is known for {:?} of {kind}", told.unknown);
        told.attributes.push(("recorded_at".to_owned(), "time", json!(fact.recorded_at)));
        self.add(fact, kind, told);
        Ok(())
    }

    fn add(&mut self, fact: &Fact, kind: &str, told: Told) {
        let time = fact.event.at();
        let types = self.event_types.entry(kind.to_owned()).or_default();
        types.extend(told.attributes.iter().map(|(name, of, _)| (name.clone(), *of)));
        for (role, object, id) in &told.objects {
            let known = self.objects.entry((object.clone(), id.clone())).or_default();
            let attributes = self.object_types.entry(object.clone()).or_default();
            if role != "id" || !known.is_empty() {
                continue;
            }
            for (name, _, value) in &told.attributes {
                attributes.insert(name.clone());
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                known.push(json!({ "name": name, "value": value, "time": time }));
            }
        }
        let objects = told.objects.iter();
        let relationships: Vec<Value> = objects
            .map(|(role, object, id)| json!({ "objectId": name(object, id), "qualifier": role }))
            .collect();
        let attributes: Vec<Value> = told
            .attributes
            .into_iter()
            .map(|(name, _, value)| json!({ "name": name, "value": value }))
            .collect();
        self.events.push(json!({
            "id": fact.id, "type": kind, "time": time,
            "attributes": attributes, "relationships": relationships,
        }));
    }

    pub fn document(self) -> anyhow::Result<String> {
        let event_types = self.event_types.into_iter().map(|(name, attributes)| {
            let attributes = attributes.into_iter();
            let attributes: Vec<Value> =
                attributes.map(|(name, of)| json!({ "name": name, "type": of })).collect();
            json!({ "name": name, "attributes": attributes })
        });
        let object_types = self.object_types.into_iter().map(|(name, attributes)| {
            let attributes = attributes.into_iter();
            let attributes: Vec<Value> =
                attributes.map(|name| json!({ "name": name, "type": "string" })).collect();
            json!({ "name": name, "attributes": attributes })
        });
        let objects = self.objects.into_iter().map(|((of, id), attributes)| {
            json!({ "id": name(&of, &id), "type": of, "attributes": attributes, "relationships": [] })
        });
        let document = json!({
            "eventTypes": event_types.collect::<Vec<_>>(),
            "objectTypes": object_types.collect::<Vec<_>>(),
            "events": self.events,
            "objects": objects.collect::<Vec<_>>(),
        });
        Ok(serde_json::to_string(&document)? + "\n")
    }
}

/// Ids of unlike types may be spelled alike.
fn name(of: &str, id: &str) -> String {
    format!("{of}/{id}")
}

fn written(event: &Event) -> anyhow::Result<(Context, Value)> {
    let (context, value) = match event {
        Event::Registry(event) => (Context::Registry, serde_json::to_value(event)),
        Event::Voucher(event) => (Context::Voucher, serde_json::to_value(event)),
        Event::Fund(event) => (Context::Fund, serde_json::to_value(event)),
        Event::Purchase(event) => (Context::Purchase, serde_json::to_value(event)),
        Event::Allocation(event) => (Context::Allocation, serde_json::to_value(event)),
    };
    Ok((context, value.context("an event has no JSON")?))
}

fn schema_of(context: Context) -> Value {
    fn of<E: JsonSchema>() -> Value {
        SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<E>().to_value()
    }
    match context {
        Context::Registry => of::<registry::Event>(),
        Context::Voucher => of::<voucher::Event>(),
        Context::Fund => of::<fund::Event>(),
        Context::Purchase => of::<purchase::Event>(),
        Context::Allocation => of::<allocation::Event>(),
    }
}

/// What one event says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    attributes: Vec<(String, &'static str, Value)>,
    /// Role, type and id.
    objects: Vec<(String, String, String)>,
    /// Texts that the schema does not tell of: they might be ids.
    unknown: Vec<String>,
}

/// A place in a schema.
#[derive(Clone, Copy)]
struct Schema<'a> {
    root: &'a Value,
    at: &'a Value,
}

impl<'a> Schema<'a> {
    fn to(self, at: &'a Value) -> Self {
        Self { at, ..self }
    }

    /// The schema of a member of a value that this is the schema of.
    fn member(self, name: &str, of: &Value) -> Self {
        let fits = |schema: &&Value| {
            let properties = schema.get("properties").and_then(Value::as_object);
            let members = of.as_object().map(Map::keys).into_iter().flatten();
            properties.is_some_and(|known| members.clone().all(|name| known.contains_key(name)))
        };
        let variants = ["oneOf", "anyOf"].into_iter().filter_map(|name| self.at[name].as_array());
        let all = variants.flatten().map(|schema| self.to(schema).resolved().at);
        match all.chain([self.at]).find(fits) {
            Some(chosen) => self.to(&chosen["properties"][name]).present(),
            None => self.to(&self.at["additionalProperties"]),
        }
    }

    /// The schema of a value that may be absent, when it is there.
    fn present(self) -> Self {
        let Some(choices) = self.at["anyOf"].as_array() else { return self };
        let null = json!("null");
        let there = choices.iter().find(|choice| choice["type"] != null);
        there.map_or(self, |schema| self.to(schema))
    }

    fn resolved(self) -> Self {
        let Some(name) = self.definition() else { return self };
        self.to(&self.root["$defs"][name]).resolved()
    }

    fn definition(self) -> Option<&'a str> {
        self.at["$ref"].as_str()?.strip_prefix("#/$defs/")
    }

    /// The type of object that an id of this schema names.
    fn object(self) -> Option<String> {
        let name = self.definition()?.strip_suffix("Id").filter(|name| *name != "Fact")?;
        Some(name.to_ascii_lowercase())
    }

    fn walk(self, value: &Value, path: &str, told: &mut Told) {
        if let (Some(object), Some(id)) = (self.object(), value.as_str()) {
            return told.objects.push((path.to_owned(), object, id.to_owned()));
        }
        let schema = self.resolved();
        match value {
            Value::Null => {}
            Value::Object(members) => {
                for (name, value) in members {
                    let path =
                        if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    schema.member(name, &Value::Object(members.clone())).walk(value, &path, told);
                }
            }
            Value::Array(items) => {
                let item = schema.to(&schema.at["items"]).present();
                let mut within = Told::default();
                for value in items {
                    item.walk(value, path, &mut within);
                }
                if item.object().is_none() {
                    told.attributes.push((path.to_owned(), "string", json!(value.to_string())));
                }
                told.objects.extend(within.objects);
                told.unknown.extend(within.unknown);
            }
            Value::Bool(_) => told.attributes.push((path.to_owned(), "boolean", value.clone())),
            Value::Number(_) => told.attributes.push((path.to_owned(), "integer", value.clone())),
            Value::String(_) => {
                if schema.at.is_null() {
                    told.unknown.push(path.to_owned());
                }
                let time = schema.at["format"] == "date-time";
                let of = if time { "time" } else { "string" };
                told.attributes.push((path.to_owned(), of, value.clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(event: &Value, context: Context) -> Told {
        let schema = schema_of(context);
        let (kind, content) = event.as_object().and_then(|e| e.iter().next()).expect("an event");
        let mut told = Told::default();
        Schema { root: &schema, at: &schema }.member(kind, event).walk(content, "", &mut told);
        told
    }

    #[test]
    fn ids_are_objects_wherever_they_stand_and_the_rest_is_text() {
        let event = json!({ "voucher_redeemed": {
            "id": "rd-1", "voucher": "v-1", "programme": "cv", "holder": "c", "provider": "a",
            "contract": "k", "invoice": "in", "at": "2025-03-25T00:00:00Z",
            "amount": { "amount": "10.00", "currency": "CNY" }, "payee": "c", "usage": ["us-1"],
            "taken_from": [{ "lock": "lk-1", "amount": { "amount": "10.00", "currency": "CNY" } }],
        } });
        let told = told(&event, Context::Voucher);
        let objects: BTreeSet<(&str, &str, &str)> =
            told.objects.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str())).collect();
        let expected = [
            ("contract", "contract", "k"),
            ("holder", "party", "c"),
            ("id", "redemption", "rd-1"),
            ("invoice", "invoice", "in"),
            ("payee", "party", "c"),
            ("programme", "programme", "cv"),
            ("provider", "party", "a"),
            ("taken_from.lock", "lock", "lk-1"),
            ("usage", "usage", "us-1"),
            ("voucher", "voucher", "v-1"),
        ];
        assert_eq!(objects, BTreeSet::from(expected));
        let attributes: BTreeSet<(&str, &str)> =
            told.attributes.iter().map(|(name, of, _)| (name.as_str(), *of)).collect();
        let expected = [
            ("amount.amount", "string"),
            ("amount.currency", "string"),
            ("at", "time"),
            ("taken_from", "string"),
        ];
        assert_eq!(attributes, BTreeSet::from(expected));
    }

    /// Every event that was ever written: none has a text that its schema does not know.
    #[test]
    fn every_kind_of_event_is_told_with_its_objects() {
        let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/model/fixtures/commits");
        let mut log = EventLog::default();
        for context in Context::ALL {
            let folder = format!("{fixtures}/{context}");
            for file in std::fs::read_dir(folder).expect("fixtures of a context") {
                let body = std::fs::read(file.expect("a fixture").path()).expect("a fixture");
                let at = "2026-01-01T00:00:00Z".parse().expect("an instant");
                let facts = loopledger_model::facts(context, 1, at, &body).expect("a body");
                for fact in facts {
                    log.take(&fact).expect("an event");
                }
            }
        }
        assert!(log.event_types.len() > 30, "{:?}", log.event_types.keys());
        for event in &log.events {
            let related = event["relationships"].as_array().expect("a list");
            let about_no_object =
                ["capability_stated", "card_spec_published", "control_stated", "price_observed"];
            let kind = event["type"].as_str().expect("a type");
            assert_eq!(related.is_empty(), about_no_object.contains(&kind), "{event}");
        }
    }
}
