//! The published schemas are those of the code: `make schemas` writes them, this test finds them out of date.

use std::path::{Path, PathBuf};

use loopledger_model::{Context, allocation, fund, purchase, registry, voucher};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

/// What is published of every context.
const KINDS: [&str; 3] = ["events", "commands", "refusals"];

fn schema<T: JsonSchema>(kind: &str, context: Context) -> String {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema: Schema = generator.into_root_schema_for::<T>();
    schema.insert("title".to_owned(), format!("{kind} of {context}").into());
    let id = format!("urn:loopledger:{kind}:{context}");
    schema.insert("$id".to_owned(), id.into());
    let text = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
    format!("{text}\n")
}

fn schema_of(kind: &str, context: Context) -> String {
    fn of<E: JsonSchema, C: JsonSchema, R: JsonSchema>(kind: &str, context: Context) -> String {
        match kind {
            "events" => schema::<E>(kind, context),
            "commands" => schema::<C>(kind, context),
            _ => schema::<R>(kind, context),
        }
    }
    match context {
        Context::Registry => {
            of::<registry::Event, registry::Command, registry::Refusal>(kind, context)
        }
        Context::Voucher => of::<voucher::Event, voucher::Command, voucher::Refusal>(kind, context),
        Context::Fund => of::<fund::Event, fund::Command, fund::Refusal>(kind, context),
        Context::Purchase => {
            of::<purchase::Event, purchase::Command, purchase::Refusal>(kind, context)
        }
        Context::Allocation => {
            of::<allocation::Event, allocation::Command, allocation::Refusal>(kind, context)
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas")
}

#[track_caller]
fn published(path: &Path, text: &str) {
    if std::env::var_os("WRITE_SCHEMAS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("our own folder");
        std::fs::write(path, text).expect("the schema folder can be written");
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(found == text, "{} is out of date: run `make schemas`", path.display());
}

#[test]
fn the_published_schemas_are_those_of_the_code() {
    for kind in KINDS {
        for context in Context::ALL {
            let path = folder().join(kind).join(format!("{context}.json"));
            published(&path, &schema_of(kind, context));
        }
    }
}

#[test]
fn every_schema_in_the_folders_belongs_to_a_context() {
    for kind in KINDS {
        for entry in std::fs::read_dir(folder().join(kind)).expect("the schema folder is there") {
            let path = entry.expect("the folder can be read").path();
            let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a readable name");
            assert!(name.parse::<Context>().is_ok(), "{} belongs to no context", path.display());
        }
    }
}

/// What is said over NATS: a channel of facts and one of commands for each context.
#[test]
fn the_published_channels_are_those_of_the_contexts() {
    let mut text = include_str!("asyncapi/head.yaml").to_owned();
    let (mut operations, mut messages) = ("operations:\n".to_owned(), String::new());
    for context in Context::ALL {
        let fill = |part: &str| part.replace("CONTEXT", context.name());
        text += &fill(include_str!("asyncapi/channels.yaml"));
        operations += &fill(include_str!("asyncapi/operations.yaml"));
        messages += &fill(include_str!("asyncapi/messages.yaml"));
    }
    text += &operations;
    text += include_str!("asyncapi/components.yaml");
    text += &messages;
    published(&folder().join("asyncapi.yaml"), &text);
}
