//! Commands over HTTP: one endpoint each, answered by the context's service.
//!
//! Invariants: a key that was answered gets that answer again, whoever restarts; the gateway decides
//! nothing but who may ask. A command is never told as done before its fact is on disk.

mod allowed;
mod answer;
mod bulk;
mod bundles;
mod endpoints;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Extension, Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use axum::routing::post;
use loopledger_model::{CommandId, ContextCommand, Partition, Partitions, Position, Text};
use loopledger_service::protocol::{Answer, Asked, Request};
use loopledger_service::trace::TraceContext;
use loopledger_service::{AskFailure, Asker, protocol};
use loopledger_views::Views;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::auth::Caller;
use crate::problem::Problem;
use crate::seen::optional;
use crate::traced::span_of;
pub use answer::{Accepted, DryRun};
pub use bulk::{Line, Told};
pub use bundles::{ImportProgress, ImportReport, TAR};
pub use endpoints::{ENDPOINTS, Endpoint, at};

/// The longest body of one command, and the longest line of many.
pub const LONGEST_BODY: usize = 1 << 20;
const KEY: &str = "idempotency-key";

/// Whoever answers commands.
pub trait Services: Clone + Send + Sync + 'static {
    fn partitions(&self) -> Partitions;

    fn ask<C: Serialize + Sync>(
        &self,
        partition: Partition,
        request: &Request<C>,
        trace: TraceContext,
    ) -> impl Future<Output = Result<protocol::Response, AskFailure>> + Send;
}

/// The services that listen on NATS.
#[derive(Debug, Clone)]
pub struct OnNats {
    pub asker: Asker,
    pub partitions: Partitions,
}

impl Services for OnNats {
    fn partitions(&self) -> Partitions {
        self.partitions
    }

    async fn ask<C: Serialize + Sync>(
        &self,
        partition: Partition,
        request: &Request<C>,
        trace: TraceContext,
    ) -> Result<protocol::Response, AskFailure> {
        self.asker.ask(partition, request, trace).await
    }
}

/// What the endpoints stand on.
pub(crate) struct Commands<S> {
    services: S,
    views: Arc<Views>,
    /// Keys whose commands are being decided.
    begun: Mutex<BTreeSet<CommandId>>,
    /// The last position that was answered here: a command may rest on what its caller has been told.
    told: AtomicU64,
}

pub fn router<S: Services>(services: S, views: Arc<Views>) -> Router {
    let (begun, told) = (Mutex::default(), AtomicU64::new(0));
    let commands = Arc::new(Commands { services, views, begun, told });
    let mut router = Router::new();
    for endpoint in ENDPOINTS {
        let give = move |state, caller, path, query, headers, body| {
            give(endpoint, state, caller, path, query, headers, body)
        };
        router = router.route(endpoint.path, post(give));
    }
    let many = bulk::router().merge(bundles::router());
    router.layer(DefaultBodyLimit::max(LONGEST_BODY)).merge(many).with_state(commands)
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    after: Option<String>,
    dry_run: Option<String>,
}

async fn give<S: Services>(
    endpoint: &'static Endpoint,
    State(commands): State<Arc<Commands<S>>>,
    Extension(caller): Extension<Caller>,
    path: Option<Path<BTreeMap<String, String>>>,
    query: Result<Query<Parameters>, QueryRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let Query(asked) = query?;
    let after = optional("after", asked.after.as_deref())?;
    let dry_run = optional("dry_run", asked.dry_run.as_deref())?.unwrap_or_default();
    let id = command_id(&caller, &key(&headers)?)?;
    let fields = fields(&headers, &body?)?;
    let in_path = path.map(|Path(parts)| parts).unwrap_or_default();
    let command = with_path(endpoint, fields, in_path)?;
    commands.check(endpoint, &caller, &command).await?;
    let command = commands.read(endpoint, &command)?;
    let begun = commands.begin(&id)?;
    let partition = commands.place(&command)?;
    let resting_on = after.unwrap_or_else(|| commands.told());
    let asked = Asked { id, by: by(&caller)?, after: resting_on, command };
    let request = Request { commands: vec![asked], stop_at_refusal: false, dry_run };
    let mut answers = commands.ask(partition, &request, span_of(&headers).child()).await?;
    let answer = answers.pop().expect("one answer for each command");
    if let (Some(_), Answer::NotCaughtUp { after, reached }) = (after, &answer) {
        let detail = format!("the service knows the ledger up to {reached}, not up to {after}");
        return Err(Problem::named("not-reached", detail));
    }
    drop(begun);
    answer::respond(answer)
}

impl<S: Services> Commands<S> {
    /// The context's command of these fields.
    fn read(&self, endpoint: &Endpoint, fields: &Value) -> Result<ContextCommand, Problem> {
        let json = serde_json::to_string(&BTreeMap::from([(endpoint.tag, fields)]))
            .expect("a value is JSON");
        ContextCommand::read(endpoint.context, &json).map_err(|error| {
            // Where it is in this text would not tell the caller where it is in theirs.
            let text = error.to_string();
            let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
            Problem::named("bad-body", what.to_owned())
        })
    }

    /// The partition that decides it.
    fn place(&self, command: &ContextCommand) -> Result<Partition, Problem> {
        let placed = command.place(&self.services.partitions());
        placed.map_err(|apart| Problem::named("ids-apart", apart.to_string()))
    }

    /// The last position that was answered here.
    fn told(&self) -> Position {
        self.told.load(Ordering::Relaxed)
    }

    fn tell(&self, position: Position) {
        self.told.fetch_max(position, Ordering::Relaxed);
    }

    /// One answer for each command.
    async fn ask(
        &self,
        partition: Partition,
        request: &Request<ContextCommand>,
        trace: TraceContext,
    ) -> Result<Vec<Answer>, Problem> {
        let response = self.services.ask(partition, request, trace).await;
        let answers = response.map_err(answer::failed)?.answers;
        if answers.len() != request.commands.len() {
            return Err(answer::unread("the answers are not as many as the commands"));
        }
        self.tell(answers.iter().filter_map(answer::position).max().unwrap_or_default());
        Ok(answers)
    }

    /// Nobody else may send a command of this key until what is returned is dropped.
    fn begin(&self, id: &CommandId) -> Result<Begun<'_>, Problem> {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        if begun.insert(id.clone()) {
            return Ok(Begun { of: &self.begun, id: id.clone() });
        }
        let detail = "wait for its answer, or send it again a little later to be told it";
        Err(Problem::named("in-progress", detail))
    }
}

struct Begun<'a> {
    of: &'a Mutex<BTreeSet<CommandId>>,
    id: CommandId,
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        self.of.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// The key that the request states: a string as structured headers write it, or bare.
fn key(headers: &HeaderMap) -> Result<String, Problem> {
    let mut given = headers.get_all(KEY).iter();
    let (Some(header), None) = (given.next(), given.next()) else {
        let detail =
            "send one header `Idempotency-Key`, the same whenever you send the command again";
        return Err(Problem::named("no-idempotency-key", detail));
    };
    let text = header.to_str().unwrap_or_default().trim();
    let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    Ok(bare.to_owned())
}

/// Callers choose keys without knowing of each other, so a command's id begins with the caller.
fn command_id(caller: &Caller, key: &str) -> Result<CommandId, Problem> {
    let subject = match caller.subject.parse::<CommandId>() {
        Ok(_) if caller.subject.len() <= 48 => caller.subject.clone(),
        Ok(_) | Err(_) => {
            let hash = Sha256::digest(&caller.subject);
            loopledger_model::hex::Hex(&hash[..16]).to_string()
        }
    };
    let id = key.parse::<CommandId>().and_then(|key| format!("{subject}:{key}").parse());
    id.map_err(|_| {
        let detail = "an Idempotency-Key has 1 to 79 of A-Z a-z 0-9 . _ : and -";
        Problem::named("bad-parameter", detail)
    })
}

fn by(caller: &Caller) -> Result<Text, Problem> {
    let no_text = |_| Problem::forbidden("your token's `sub` cannot be put on record".to_owned());
    caller.subject.parse().map_err(no_text)
}

fn media_type(headers: &HeaderMap) -> &str {
    let stated = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    stated.unwrap_or_default()
}

fn fields(headers: &HeaderMap, body: &[u8]) -> Result<Map<String, Value>, Problem> {
    let essence = media_type(headers).split(';').next().unwrap_or_default();
    if !essence.trim().eq_ignore_ascii_case("application/json") {
        let detail = "send JSON, with the header `Content-Type: application/json`";
        return Err(Problem::named("no-json", detail));
    }
    serde_json::from_slice(body).map_err(|error| Problem::named("bad-body", error.to_string()))
}

/// The command's fields, those of the path among them.
fn with_path(
    endpoint: &Endpoint,
    mut fields: Map<String, Value>,
    in_path: BTreeMap<String, String>,
) -> Result<Value, Problem> {
    for (name, value) in in_path {
        if fields.insert(name.clone(), value.into()).is_some() {
            let detail = format!("the path names `{name}`: leave it out of the body");
            return Err(Problem::named("bad-body", detail));
        }
    }
    debug_assert!(endpoint.in_path().all(|name| fields.contains_key(name)));
    Ok(Value::Object(fields))
}

#[cfg(test)]
mod tests;
