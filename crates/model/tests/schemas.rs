//! The published schemas are those of the code: `make schemas` writes them, this test finds them out of date.

use std::path::{Path, PathBuf};

use loopledger_model::{Context, allocation, fund, purchase, registry, voucher};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

fn schema<E: JsonSchema>(context: Context) -> String {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema: Schema = generator.into_root_schema_for::<E>();
    schema.insert("title".to_owned(), format!("events of {context}").into());
    let id = format!("urn:loopledger:events:{context}");
    schema.insert("$id".to_owned(), id.into());
    let text = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
    format!("{text}\n")
}

fn schema_of(context: Context) -> String {
    match context {
        Context::Registry => schema::<registry::Event>(context),
        Context::Voucher => schema::<voucher::Event>(context),
        Context::Fund => schema::<fund::Event>(context),
        Context::Purchase => schema::<purchase::Event>(context),
        Context::Allocation => schema::<allocation::Event>(context),
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/events")
}

#[test]
fn the_published_event_schemas_are_those_of_the_code() {
    let write = std::env::var_os("WRITE_SCHEMAS").is_some();
    for context in Context::ALL {
        let path = folder().join(format!("{context}.json"));
        let schema = schema_of(context);
        if write {
            std::fs::write(&path, &schema).expect("the schema folder can be written");
        }
        let published = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(published == schema, "{} is out of date: run `make schemas`", path.display());
    }
}

#[test]
fn every_schema_in_the_folder_belongs_to_a_context() {
    for entry in std::fs::read_dir(folder()).expect("the schema folder is there") {
        let path = entry.expect("the folder can be read").path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a readable name");
        assert!(name.parse::<Context>().is_ok(), "{} belongs to no context", path.display());
    }
}
