//! The published document is that of the code, and leaves nothing out.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;

#[test]
fn the_published_document_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/http/openapi.json");
    let document = document();
    if std::env::var_os("WRITE_SCHEMAS").is_some() {
        std::fs::write(&path, &document).expect("the schema folder can be written");
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(published == document, "{} is out of date: run `make schemas`", path.display());
}

#[test]
fn every_command_of_the_model_has_an_endpoint_and_no_two_have_the_same() {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut paths = BTreeSet::new();
    for endpoint in ENDPOINTS {
        assert!(paths.insert(endpoint.path), "{} is there twice", endpoint.path);
    }
    for context in Context::ALL {
        let commands = commands_of(context, &mut generator);
        let variants = commands["oneOf"].as_array().expect("alternatives");
        let tags: Vec<&str> = variants
            .iter()
            .map(|variant| variant["required"][0].as_str().expect("a command has one name"))
            .collect();
        let known = |tag: &str| {
            ENDPOINTS.iter().filter(|of| of.context == context && of.tag == tag).count()
        };
        for tag in &tags {
            assert_eq!(known(tag), 1, "{context}'s {tag} needs one line in commands/endpoints.rs");
        }
        let of_context = ENDPOINTS.iter().filter(|endpoint| endpoint.context == context);
        assert_eq!(of_context.count(), tags.len(), "{context} has endpoints of no command");
    }
}

/// References lead somewhere, and paths name what they need.
#[test]
fn the_document_is_whole() {
    fn check(value: &Value, document: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                    let pointer = reference.strip_prefix('#').expect("a reference in the document");
                    assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
                }
                members.values().for_each(|member| check(member, document));
            }
            Value::Array(items) => items.iter().for_each(|item| check(item, document)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let document: Value = serde_json::from_str(&document()).expect("JSON");
    check(&document, &document);
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for operation in item.as_object().expect("methods").values() {
            assert!(ids.insert(operation["operationId"].to_string()), "{path}");
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let named = parameters.filter(|parameter| parameter["in"] == "path").count();
            assert_eq!(named, path.matches('{').count(), "{path}");
        }
    }
}
