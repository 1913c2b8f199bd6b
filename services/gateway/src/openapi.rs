//! The API's document, OpenAPI 3.1, made of the routes' own tables and the types that they read and write.
//!
//! Invariant: schemas/http/openapi.json is what this makes (a test), so no route goes without its description.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use loopledger_exports::lists::{Form, Listed, Shape};
use loopledger_model::{Context, allocation, fund, purchase, registry, voucher};

use crate::commands::{
    Accepted, DryRun, ENDPOINTS, Endpoint, ImportProgress, ImportReport, Line, TAR, Told,
};
use crate::forms::{Files, JSON};
use crate::paging::List;
use crate::problem::PROBLEMS;
use crate::v1::RESOURCES;

type Described = fn(&mut SchemaGenerator) -> Schema;

/// Something that can be read.
#[derive(Clone, Copy)]
pub struct Resource {
    /// Below `/v1`.
    pub path: &'static str,
    summary: &'static str,
    /// An object, a member for each parameter; nothing where it takes none, not even dates.
    parameters: Option<Described>,
    answer: Described,
    media_type: &'static str,
    /// Where the answer is a list that is had page by page too.
    pub list: Option<List>,
    /// Where the answer is a list that is had in other forms too.
    pub shape: Option<Shape>,
    /// Where the answer is a file that is had in several forms; the first is its media type.
    pub files: Files,
}

impl Resource {
    pub const fn of<P: JsonSchema, A: JsonSchema + Listed>(
        path: &'static str,
        summary: &'static str,
    ) -> Self {
        let parameters: Option<Described> = Some(P::json_schema);
        Self { parameters, ..Self::plain::<A>(path, summary) }.rows::<A>()
    }

    /// A file of another format.
    pub const fn file<P: JsonSchema>(
        path: &'static str,
        summary: &'static str,
        media_type: &'static str,
    ) -> Self {
        let parameters: Option<Described> = Some(P::json_schema);
        Self {
            parameters,
            media_type,
            answer: of_its_format,
            ..Self::plain::<String>(path, summary)
        }
    }

    /// A file in one of these forms, the first of them unless another is asked for.
    pub const fn files<P: JsonSchema>(
        path: &'static str,
        summary: &'static str,
        files: Files,
    ) -> Self {
        Self { files, ..Self::file::<P>(path, summary, files[0].1) }
    }

    /// One that is the same whatever is asked.
    pub const fn plain<A: JsonSchema>(path: &'static str, summary: &'static str) -> Self {
        Self {
            path,
            summary,
            parameters: None,
            answer: SchemaGenerator::subschema_for::<A>,
            media_type: "application/json",
            list: None,
            shape: None,
            files: &[],
        }
    }

    /// The same as a list in other forms.
    pub const fn rows<A: Listed>(self) -> Self {
        Self { shape: Some(Shape::of::<A>()), ..self }
    }

    /// The member that is a list, and what tells its rows apart.
    pub const fn listing(self, member: &'static str, key: &'static [&'static str]) -> Self {
        Self { list: Some(List { member, key }), ..self }
    }
}

/// A file is described by its format's own standard.
fn of_its_format(_: &mut SchemaGenerator) -> Schema {
    Schema::default()
}

/// The document, as it is published and served.
pub fn document() -> String {
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into());
    let mut generator = settings.into_generator();
    let mut paths = Map::new();
    for resource in RESOURCES {
        let operation = reading(&resource, &mut generator);
        add(&mut paths, resource.path, "get", operation);
    }
    for endpoint in ENDPOINTS {
        let operation = commanding(endpoint, &mut generator);
        add(&mut paths, endpoint.path, "post", operation);
    }
    add(&mut paths, "/commands", "post", many(&mut generator));
    add(&mut paths, "/bundles", "post", bundles(&mut generator));
    let schemas = generator.take_definitions(true);
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "loopledger",
            "version": "1",
            "summary": "A ledger of compute vouchers and fund flows",
            "description": DESCRIPTION,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }, {}],
        "paths": paths,
        "components": {
            "schemas": with(schemas, [("Problem", problem())]),
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" } },
            "headers": { "Ledger-Position": position_header() },
            "responses": { "Problem": {
                "description": "What went wrong (RFC 9457).",
                "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
            } },
        },
    });
    format!("{}\n", serde_json::to_string_pretty(&document).expect("a document is JSON"))
}

const DESCRIPTION: &str = "Amounts are strings with the currency's decimals, times RFC 3339. Every answer \
names in `Ledger-Position` the journal position that it rests on; `after` waits until answers rest on a \
position. A command is given with an `Idempotency-Key`: the same key and command again are answered as \
they were the first time, whatever has happened in between.";

fn add(paths: &mut Map<String, Value>, path: &str, method: &str, operation: Value) {
    let item = paths.entry(format!("/v1{path}")).or_insert_with(|| json!({}));
    item[method] = operation;
}

fn with<const N: usize>(
    mut members: Map<String, Value>,
    more: [(&str, Value); N],
) -> Map<String, Value> {
    members.extend(more.map(|(name, value)| (name.to_owned(), value)));
    members
}

fn position_header() -> Value {
    json!({
        "description": "The journal position that the answer rests on.",
        "schema": { "type": "integer", "minimum": 0 },
    })
}

#[expect(clippy::needless_pass_by_value, reason = "a literal is handed over whole")]
fn parameter(name: &str, place: &str, required: bool, about: &str, schema: Value) -> Value {
    json!({ "name": name, "in": place, "required": required, "description": about, "schema": schema })
}

fn in_path(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names
        .map(|name| match name {
            "position" => {
                let about = "A position, as in 27, or a fact, as in 27.1.";
                let schema =
                    json!({ "type": "string", "pattern": r"^[0-9]{1,19}(\.[0-9]{1,9})?$" });
                parameter(name, "path", true, about, schema)
            }
            _ => {
                let about = format!("The id of the {}.", if name == "id" { "thing" } else { name });
                let schema = json!({ "type": "string", "pattern": "^[A-Za-z0-9._:-]{1,64}$" });
                parameter(name, "path", true, &about, schema)
            }
        })
        .collect()
}

fn reading(resource: &Resource, generator: &mut SchemaGenerator) -> Value {
    let mut parameters = in_path(resource.path);
    if let Some(described) = resource.parameters {
        let object = described(generator).to_value();
        let is_required = |name: &str| {
            let required = object["required"].as_array();
            required.is_some_and(|names| names.iter().any(|required| required == name))
        };
        for (name, schema) in object["properties"].as_object().into_iter().flatten() {
            let mut schema = schema.clone();
            let about = schema.as_object_mut().and_then(|schema| schema.remove("description"));
            let about = about.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
            let required = is_required(name);
            parameters.push(parameter(name, "query", required, &about, present(schema)));
        }
        parameters.extend(waiting());
        if resource.list.is_some() {
            parameters.extend(paging());
        }
    }
    let positions =
        json!({ "Ledger-Position": { "$ref": "#/components/headers/Ledger-Position" } });
    if resource.shape.is_some() {
        parameters.push(form());
    }
    if !resource.files.is_empty() {
        let names: Vec<&str> = resource.files.iter().map(|(name, _)| *name).collect();
        let about = "The file in this form, or as `Accept` says.";
        let schema = json!({ "type": "string", "enum": names });
        parameters.push(parameter("format", "query", false, about, schema));
    }
    let headers = if resource.path == "/findings/rules" { json!({}) } else { positions };
    json!({
        "summary": resource.summary,
        "operationId": operation_id("get", resource.path),
        "tags": ["queries"],
        "parameters": parameters,
        "responses": {
            "200": {
                "description": "The answer.",
                "headers": headers,
                "content": content(resource, generator),
            },
            "304": { "description": "The answer is what `If-None-Match` says." },
            "4XX": { "$ref": "#/components/responses/Problem" },
            "5XX": { "$ref": "#/components/responses/Problem" },
        },
    })
}

/// By media type.
fn content(resource: &Resource, generator: &mut SchemaGenerator) -> Value {
    let schema = (resource.answer)(generator).to_value();
    let mut content = json!({ (resource.media_type): { "schema": schema } });
    for (_, media_type) in resource.files.iter().skip(1) {
        content[*media_type] = json!({ "schema": {} });
    }
    for form in Form::ALL.iter().filter(|_| resource.shape.is_some()) {
        content[form.media_type()] = json!({ "schema": { "type": "string" } });
    }
    content
}

fn form() -> Value {
    let about = "The list in this form, or as `Accept` says; every column is text there.";
    let names: Vec<&str> = std::iter::once(JSON).chain(Form::ALL.map(Form::name)).collect();
    parameter("format", "query", false, about, json!({ "type": "string", "enum": names }))
}

/// A parameter is absent rather than null.
fn present(mut schema: Value) -> Value {
    if let Some(kinds) = schema["type"].as_array() {
        let kinds: Vec<_> = kinds.iter().filter(|kind| *kind != "null").cloned().collect();
        if let [only] = &kinds[..] {
            schema["type"] = only.clone();
        }
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let choices: Vec<_> =
            choices.iter().filter(|choice| choice["type"] != "null").cloned().collect();
        if let [only] = &choices[..] {
            return only.clone();
        }
    }
    schema
}

fn waiting() -> [Value; 2] {
    let after = "Wait until the answer rests on this position or a later one.";
    let wait = "At most so many seconds; 10 unless stated.";
    [
        parameter("after", "query", false, after, json!({ "type": "integer", "minimum": 0 })),
        parameter(
            "wait",
            "query",
            false,
            wait,
            json!({ "type": "integer", "minimum": 0, "maximum": 60 }),
        ),
    ]
}

fn paging() -> [Value; 2] {
    let limit = "At most so many rows; `Link` then leads to the next page.";
    let cursor = "After which row the page begins, as the link to it says.";
    let count = json!({ "type": "integer", "minimum": 1, "maximum": 10_000 });
    [
        parameter("limit", "query", false, limit, count),
        parameter("cursor", "query", false, cursor, json!({ "type": "string" })),
    ]
}

fn operation_id(method: &str, path: &str) -> String {
    let parts =
        path.split('/').map(|part| part.trim_matches(['{', '}'])).filter(|part| !part.is_empty());
    std::iter::once(method).chain(parts).collect::<Vec<_>>().join("-")
}

fn key_parameter() -> Value {
    let about = "What makes it the same command when it is sent again.";
    let schema = json!({ "type": "string", "pattern": "^[A-Za-z0-9._:-]{1,79}$" });
    parameter("Idempotency-Key", "header", true, about, schema)
}

fn commanding(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let after = "Decide only once the service knows the other contexts' facts up to this position.";
    let dry_run = "Record nothing; answer what it would come to.";
    let mut parameters = in_path(endpoint.path);
    parameters.extend([
        key_parameter(),
        parameter("after", "query", false, after, json!({ "type": "integer", "minimum": 0 })),
        parameter(
            "dry_run",
            "query",
            false,
            dry_run,
            json!({ "type": "boolean", "default": false }),
        ),
    ]);
    let accepted = generator.subschema_for::<Accepted>().to_value();
    let dry = generator.subschema_for::<DryRun>().to_value();
    let headers = json!({ "Ledger-Position": { "$ref": "#/components/headers/Ledger-Position" } });
    let json_of = |schema: &Value| json!({ "application/json": { "schema": schema } });
    json!({
        "summary": endpoint.summary,
        "operationId": endpoint.tag,
        "tags": [endpoint.context.name()],
        "parameters": parameters,
        "requestBody": { "required": true, "content": json_of(&body(endpoint, generator)) },
        "responses": {
            "201": { "description": "It is recorded.", "headers": headers, "content": json_of(&accepted) },
            "200": {
                "description": "Its effect was there already, or it was a dry run.",
                "headers": headers,
                "content": json_of(&json!({ "anyOf": [accepted, dry] })),
            },
            "4XX": { "$ref": "#/components/responses/Problem" },
            "5XX": { "$ref": "#/components/responses/Problem" },
        },
    })
}

/// The command's fields less those of the path.
fn body(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let reference = fields(endpoint, generator);
    if endpoint.in_path().next().is_none() {
        return reference;
    }
    let name = reference["$ref"].as_str().and_then(|text| text.rsplit('/').next());
    let name = name.expect("a command's fields are a type of its own");
    let mut schema = generator.definitions()[name].clone();
    for field in endpoint.in_path() {
        let properties = schema["properties"].as_object_mut().expect("fields have names");
        properties.remove(field).expect("the path names fields of the command");
        if let Some(required) = schema["required"].as_array_mut() {
            required.retain(|name| name != field);
        }
    }
    schema
}

/// What the context's command of this name holds.
pub(crate) fn fields(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let commands = commands_of(endpoint.context, generator);
    let variants = commands["oneOf"].as_array().expect("commands are alternatives");
    let found = variants.iter().find_map(|variant| variant["properties"].get(endpoint.tag));
    found.expect("an endpoint is of a command of the model").clone()
}

pub(crate) fn commands_of(context: Context, generator: &mut SchemaGenerator) -> Value {
    match context {
        Context::Registry => registry::Command::json_schema(generator),
        Context::Voucher => voucher::Command::json_schema(generator),
        Context::Fund => fund::Command::json_schema(generator),
        Context::Purchase => purchase::Command::json_schema(generator),
        Context::Allocation => allocation::Command::json_schema(generator),
    }
    .to_value()
}

fn many(generator: &mut SchemaGenerator) -> Value {
    let line = generator.subschema_for::<Line>().to_value();
    let told = generator.subschema_for::<Told>().to_value();
    json!({
        "summary": "Give many commands, one a line, each answered by a line",
        "operationId": "give-many",
        "tags": ["commands"],
        "requestBody": { "required": true, "content": { "application/x-ndjson": { "schema": { "type": "string" }, "x-line": line } } },
        "responses": {
            "200": {
                "description": "A line for each command, in their order, while they are decided.",
                "content": { "application/x-ndjson": { "schema": { "type": "string" }, "x-line": told } },
            },
            "4XX": { "$ref": "#/components/responses/Problem" },
            "5XX": { "$ref": "#/components/responses/Problem" },
        },
    })
}

fn bundles(generator: &mut SchemaGenerator) -> Value {
    let after = "Read it only once the views rest on this position or a later one.";
    let on_refusal = "What becomes of the rows behind a refused one.";
    let choice = json!({ "type": "string", "enum": ["stop", "continue"], "default": "stop" });
    let progress = generator.subschema_for::<ImportProgress>().to_value();
    let report = generator.subschema_for::<ImportReport>().to_value();
    json!({
        "summary": "Import a bundle of CSV files, whose rows are answered as they are decided",
        "operationId": "import-bundle",
        "tags": ["commands"],
        "parameters": [
            parameter("after", "query", false, after, json!({ "type": "integer", "minimum": 0 })),
            parameter("on_refusal", "query", false, on_refusal, choice),
        ],
        "requestBody": { "required": true, "content": { (TAR): {
            "schema": { "type": "string", "format": "binary" },
        } } },
        "responses": {
            "200": {
                "description": "Events `progress`, and at the end `report`, or `failed` with a problem.",
                "content": { "text/event-stream": {
                    "schema": { "type": "string" },
                    "x-events": { "progress": progress, "report": report, "failed": { "$ref": "#/components/schemas/Problem" } },
                } },
            },
            "4XX": { "$ref": "#/components/responses/Problem" },
            "5XX": { "$ref": "#/components/responses/Problem" },
        },
    })
}

fn problem() -> Value {
    let names = PROBLEMS.map(|(name, status, title)| format!("`{name}` ({status}): {title}"));
    let about = format!(
        "`type` is `urn:loopledger:refusal:` and the code of a rule that says no, whose fields are further \
         members, or `urn:loopledger:problem:` and one of: {}.",
        names.join("; ")
    );
    json!({
        "description": about,
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": { "type": "string", "pattern": "^urn:loopledger:(problem|refusal):[a-z_-]+$" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string" },
            "code": { "type": "string" },
            "position": { "type": "integer" },
        },
    })
}

#[cfg(test)]
mod tests;
