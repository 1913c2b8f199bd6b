//! What the ledger relies on in its broker, checked before the first commit.
//!
//! Invariant: the stream is created from the very table that its read-back is compared with.
//! Invariant: a mismatch stops the start; nothing here changes an existing stream.

use std::time::Duration;

use async_nats::StatusCode;
use async_nats::jetstream::context::{RequestError, RequestErrorKind};
use async_nats::jetstream::{self, ErrorCode, response::Response};
use futures::StreamExt;
use loopledger_model::{Context, OtherCount, Partitions, StatedPartitions};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::nats::Nats;

/// The stream that is the ledger, until a restored one, `LEDGER_R1` and so on, takes its place.
pub(crate) const STREAM: &str = "LEDGER";
const RESTORED: &str = "LEDGER_R";
pub(crate) const SUBJECTS: &str = "ledger.>";
/// The stream's metadata that records how many partitions each context has. A stream without it has
/// one of each.
const PARTITIONS: &str = "loopledger.partitions";
const OLDEST_SERVER: (i64, i64, i64) = (2, 10, 0);
/// How long the start waits for a stream to get its leader, and for a server's word on fsync.
const PATIENCE: Duration = Duration::from_secs(10);
const BETWEEN_TRIES: Duration = Duration::from_millis(50);
/// Servers of a cluster answer one after the other; this long a silence ends the list.
const LAST_SERVER_AFTER: Duration = Duration::from_millis(500);

/// Why the system refuses to start on this broker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContractError {
    #[error(
        "nats-server {found} is older than 2.10: it ignores options that the ledger relies on; \
         install a newer one"
    )]
    ServerTooOld { found: String },
    #[error(
        "stream {stream} has {field} = {found} where the ledger needs {expected}; \
         set it with `nats stream edit {stream}`, or, where the server does not allow that, \
         back the stream up and restore it into one that the ledger has created"
    )]
    StreamMismatch { stream: String, field: &'static str, expected: String, found: String },
    #[error(
        "stream {stream} is recorded with {recorded} partitions of {context}, and {stated} are \
         asked for: start with {context}={recorded}, or without a number; facts do not move \
         between partitions, so another number needs a new ledger"
    )]
    OtherPartitions { stream: String, context: Context, recorded: u32, stated: u32 },
    #[error(
        "stream {stream} has {PARTITIONS} = `{found}` in its metadata, which states no partitions: \
         put back what the ledger wrote, as in voucher=4,purchase=2"
    )]
    UnreadablePartitions { stream: String, found: String },
    #[error("the server does not let the ledger create stream {stream}: {cause}")]
    NotCreated { stream: String, cause: String },
    #[error("stream {stream} is to be the ledger and is not yet: run `loopledger repair` again")]
    RepairUnfinished { stream: String },
    #[error(
        "nats-server {server} acknowledges before the data is on disk (sync_interval {found}); \
         write `sync_interval: always` into its jetstream block"
    )]
    NotDurable { server: String, found: String },
    #[error(
        "no server told its fsync mode within {PATIENCE:?}; \
         connect as a user of the system account"
    )]
    FsyncUnknown,
    #[error(
        "JetStream does not answer ({cause}); enable it in the server and in this user's account"
    )]
    Unavailable { cause: String },
}

/// Refuses servers that acknowledge before the data is on disk.
///
/// Only users of the system account may ask for this: an ordinary user gets no answer, and neither
/// the stream's nor the account's information tells it. So `system` is a connection of its own;
/// who writes the server's configuration, as the local stack does, need not ask.
pub async fn check_fsync(system: &Nats) -> Result<(), ContractError> {
    let inbox = system.client.new_inbox();
    let unavailable =
        |error: &dyn std::error::Error| ContractError::Unavailable { cause: error.to_string() };
    let mut answers =
        system.client.subscribe(inbox.clone()).await.map_err(|error| unavailable(&error))?;
    system
        .client
        .publish_with_reply("$SYS.REQ.SERVER.PING.VARZ", inbox, "".into())
        .await
        .map_err(|error| unavailable(&error))?;
    let mut known = false;
    loop {
        let wait = if known { LAST_SERVER_AFTER } else { PATIENCE };
        let Ok(Some(answer)) = timeout(wait, answers.next()).await else { break };
        if answer.status == Some(StatusCode::NO_RESPONDERS) {
            break;
        }
        let answer: Value = serde_json::from_slice(&answer.payload).unwrap_or_default();
        let config = &answer["data"]["jetstream"]["config"];
        if config.is_null() {
            continue;
        }
        known = true;
        if config["sync_always"] != json!(true) {
            let server = answer["server"]["name"].as_str().unwrap_or("of unknown name").to_owned();
            let found = in_seconds(&config["sync_interval"]);
            return Err(ContractError::NotDurable { server, found });
        }
    }
    if known { Ok(()) } else { Err(ContractError::FsyncUnknown) }
}

fn in_seconds(nanos: &Value) -> String {
    nanos.as_u64().map_or_else(|| nanos.to_string(), |n| format!("{:?}", Duration::from_nanos(n)))
}

/// Creates the stream when there is none, and compares it with what the ledger relies on. Answers
/// its name and how many partitions its contexts have.
pub(crate) async fn establish(
    nats: &Nats,
    context: &jetstream::Context,
    replicas: usize,
    stated: StatedPartitions,
) -> Result<(String, Partitions), ContractError> {
    let (major, minor, patch) = OLDEST_SERVER;
    if !nats.client.is_server_compatible(major, minor, patch) {
        return Err(ContractError::ServerTooOld { found: nats.client.server_info().version });
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        let cause = match look_or_create(context, replicas, stated).await {
            Ok(established) => return Ok(established),
            Err(Setback::Final(error)) => return Err(error),
            Err(Setback::Passing(cause)) => cause,
        };
        if Instant::now() >= deadline {
            let cause = format!("{cause}{}", nats.complaint());
            return Err(ContractError::Unavailable { cause });
        }
        sleep(BETWEEN_TRIES).await;
    }
}

async fn look_or_create(
    context: &jetstream::Context,
    replicas: usize,
    stated: StatedPartitions,
) -> Result<(String, Partitions), Setback> {
    let Generations { current, unfinished, .. } =
        Generations::of(context).await.map_err(Setback::Passing)?;
    if let (None, Some(stream)) = (&current, unfinished) {
        return Err(Setback::Final(ContractError::RepairUnfinished { stream }));
    }
    let name = current.unwrap_or_else(|| STREAM.to_owned());
    let terms = terms(&name, replicas);
    if let Some(config) = read_back(context, &name).await.map_err(Setback::Passing)? {
        compare(&name, &terms, &config).map_err(Setback::Final)?;
        let partitions = partitions_in(&name, &config).map_err(Setback::Final)?;
        check_partitions(&name, stated, partitions).map_err(Setback::Final)?;
        return Ok((name, partitions));
    }
    create(context, &name, &terms, stated.over(Partitions::default())).await?;
    Err(Setback::Passing("the stream was created and is not there yet".to_owned()))
}

pub(crate) enum Setback {
    Passing(String),
    Final(ContractError),
}

/// The streams that are, were or are to be the ledger.
#[derive(Debug)]
pub(crate) struct Generations {
    /// The one that commits are sent to.
    pub current: Option<String>,
    /// One that is being restored.
    pub unfinished: Option<String>,
    /// The name of the next one.
    pub next: String,
}

impl Generations {
    pub async fn of(context: &jetstream::Context) -> Result<Self, String> {
        let number = |name: &str| match name.strip_prefix(RESTORED) {
            Some(number) => number.parse::<u32>().ok().filter(|number| *number > 0),
            None => (name == STREAM).then_some(0),
        };
        let names = async |subject: &str| {
            let mut names = names(context, subject).await?;
            names.retain(|name| number(name).is_some());
            Ok::<_, String>(names)
        };
        let newest = names(">").await?.iter().filter_map(|name| number(name)).max();
        Ok(Self {
            current: names(SUBJECTS).await?.pop(),
            unfinished: names("restore.>").await?.pop(),
            next: format!("{RESTORED}{}", newest.unwrap_or_default() + 1),
        })
    }
}

/// The streams that take messages of a subject.
async fn names(context: &jetstream::Context, subject: &str) -> Result<Vec<String>, String> {
    match context.request("STREAM.NAMES", &json!({ "subject": subject })).await {
        Ok(Response::Ok::<Value>(mut answer)) => {
            Ok(serde_json::from_value::<Option<Vec<String>>>(answer["streams"].take())
                .map_err(|error| format!("streams without names: {error}"))?
                .unwrap_or_default())
        }
        Ok(Response::Err { error }) => Err(error.to_string()),
        Err(error) => Err(unanswered(&error)),
    }
}

/// Every field that the ledger relies on, by its name in the server's interface. A field that the
/// server leaves out has its zero value.
pub(crate) fn terms(name: &str, replicas: usize) -> Vec<(&'static str, Value)> {
    vec![
        ("name", json!(name)),
        ("subjects", json!([SUBJECTS])),
        // Nothing is ever thrown away.
        ("retention", json!("limits")),
        ("max_msgs", json!(-1)),
        ("max_bytes", json!(-1)),
        ("max_age", json!(0)),
        ("max_msgs_per_subject", json!(-1)),
        ("max_msg_size", json!(-1)),
        ("discard", json!("new")),
        ("discard_new_per_subject", json!(false)),
        ("deny_delete", json!(true)),
        ("deny_purge", json!(true)),
        ("allow_rollup_hdrs", json!(false)),
        ("allow_msg_ttl", json!(false)),
        ("sealed", json!(false)),
        // What is acknowledged is stored, here and on this many servers.
        ("storage", json!("file")),
        ("num_replicas", json!(replicas)),
        ("no_ack", json!(false)),
        ("persist_mode", json!("")),
        // Commits come from writers only, keep their subject, and are told apart by their ids.
        ("mirror", Value::Null),
        ("sources", Value::Null),
        ("subject_transform", Value::Null),
        ("republish", Value::Null),
        ("duplicate_window", json!(Duration::from_mins(2).as_nanos())),
        ("allow_direct", json!(true)),
        // As many readers as there are services.
        ("max_consumers", json!(-1)),
    ]
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

pub(crate) fn compare(
    name: &str,
    terms: &[(&'static str, Value)],
    config: &Value,
) -> Result<(), ContractError> {
    for (field, expected) in terms {
        let found = &config[*field];
        if found != expected && !(is_zero(found) && is_zero(expected)) {
            let (expected, found) = (expected.to_string(), found.to_string());
            let stream = name.to_owned();
            return Err(ContractError::StreamMismatch { stream, field, expected, found });
        }
    }
    Ok(())
}

/// What the stream's metadata says; the server keeps entries of its own beside it.
pub(crate) fn partitions_in(stream: &str, config: &Value) -> Result<Partitions, ContractError> {
    let entry = &config["metadata"][PARTITIONS];
    if entry.is_null() {
        return Ok(Partitions::default());
    }
    let found = entry.as_str().map_or_else(|| entry.to_string(), str::to_owned);
    let recorded = found.parse::<StatedPartitions>();
    let unreadable =
        |_| ContractError::UnreadablePartitions { stream: stream.to_owned(), found: found.clone() };
    Ok(recorded.map_err(unreadable)?.over(Partitions::default()))
}

fn check_partitions(
    stream: &str,
    stated: StatedPartitions,
    recorded: Partitions,
) -> Result<(), ContractError> {
    match stated.differs_from(recorded) {
        None => Ok(()),
        Some(OtherCount { context, recorded, stated }) => {
            let stream = stream.to_owned();
            Err(ContractError::OtherPartitions { stream, context, recorded, stated })
        }
    }
}

/// The stream's configuration as the server has it; `None` when there is no such stream.
pub(crate) async fn read_back(
    context: &jetstream::Context,
    name: &str,
) -> Result<Option<Value>, String> {
    match context.request(format!("STREAM.INFO.{name}"), &json!({})).await {
        Ok(Response::Ok::<Value>(mut info)) => Ok(Some(info["config"].take())),
        Ok(Response::Err { error }) if error.error_code() == ErrorCode::STREAM_NOT_FOUND => {
            Ok(None)
        }
        Ok(Response::Err { error }) => Err(error.to_string()),
        Err(error) => Err(unanswered(&error)),
    }
}

pub(crate) async fn create(
    context: &jetstream::Context,
    name: &str,
    terms: &[(&'static str, Value)],
    partitions: Partitions,
) -> Result<(), Setback> {
    // Servers refuse fields that are newer than they are, so what is zero anyway is left out.
    let mut config: Map<String, Value> = terms
        .iter()
        .filter(|(_, value)| !is_zero(value))
        .map(|(field, value)| ((*field).to_owned(), value.clone()))
        .collect();
    config.insert("metadata".to_owned(), json!({ PARTITIONS: partitions.to_string() }));
    match context.request(format!("STREAM.CREATE.{name}"), &config).await {
        Ok(Response::Ok::<Value>(_)) => Ok(()),
        // Another process was first; the comparison says whether its stream will do.
        Ok(Response::Err { error }) if error.error_code() == ErrorCode::STREAM_NAME_EXIST => Ok(()),
        Ok(Response::Err { error }) if error.code() == 503 => {
            Err(Setback::Passing(error.to_string()))
        }
        Ok(Response::Err { error }) => {
            let (stream, cause) = (name.to_owned(), error.to_string());
            Err(Setback::Final(ContractError::NotCreated { stream, cause }))
        }
        Err(error) => Err(Setback::Passing(unanswered(&error))),
    }
}

pub(crate) fn unanswered(error: &RequestError) -> String {
    if error.kind() == RequestErrorKind::NoResponders {
        return "nobody serves its interface".to_owned();
    }
    error.to_string()
}
