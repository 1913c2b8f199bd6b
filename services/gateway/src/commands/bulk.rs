//! `POST /v1/commands`: many commands, one a line, answered line by line while they are read.
//!
//! Invariant: lines are decided in their order; no more of them are held than one request to a
//! service has.

use std::sync::Arc;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::{DefaultBodyLimit, Extension, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Router, http::HeaderValue};
use futures::{StreamExt, stream};
use loopledger_model::{CommandId, Context, ContextCommand, Partition};
use loopledger_service::protocol::{Asked, Request};
use loopledger_service::trace::TraceContext;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::answer::{self, Accepted};
use super::{Commands, ENDPOINTS, LONGEST_BODY, Services, by, command_id, media_type};
use crate::auth::Caller;
use crate::problem::Problem;
use crate::traced::span_of;

const NDJSON: &str = "application/x-ndjson";
/// How many commands go to a service at a time.
const TOGETHER: usize = 100;

/// A line: a command of a context, as its endpoint's body with all fields.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The Idempotency-Key of this command.
    pub key: String,
    pub context: Context,
    /// One member, called like the command.
    pub command: Map<String, Value>,
}

/// What became of a line: `accepted`, or the `problem` that its endpoint would answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Told {
    /// From 1.
    pub line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Accepted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Value>,
}

pub fn router<S: Services>() -> Router<Arc<Commands<S>>> {
    Router::new().route("/commands", post(give::<S>)).layer(DefaultBodyLimit::disable())
}

async fn give<S: Services>(
    State(commands): State<Arc<Commands<S>>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    if !media_type(&headers).trim().eq_ignore_ascii_case(NDJSON) {
        let detail = format!("send a JSON document a line, with `Content-Type: {NDJSON}`");
        return Err(Problem::named("no-json", detail));
    }
    let giver = Giver { commands, caller, trace: span_of(&headers) };
    let lines = Lines { source: body.into_data_stream(), rest: Vec::new(), read: 0, ended: false };
    let answers = stream::unfold((giver, lines), |(giver, mut lines)| async move {
        let batch = lines.next_batch().await?;
        let told = giver.give(batch).await;
        let mut text = Vec::new();
        for line in told {
            serde_json::to_writer(&mut text, &line).expect("an answer is JSON");
            text.push(b'\n');
        }
        Some((Ok::<Bytes, std::convert::Infallible>(text.into()), (giver, lines)))
    });
    let mut response = Body::from_stream(answers).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(NDJSON));
    Ok(response)
}

/// The body, line by line.
struct Lines {
    source: BodyDataStream,
    rest: Vec<u8>,
    read: u64,
    ended: bool,
}

type Numbered = (u64, Result<Vec<u8>, Problem>);

impl Lines {
    /// The lines that are there, at most `TOGETHER`; at least one, unless there is no more.
    async fn next_batch(&mut self) -> Option<Vec<Numbered>> {
        let mut batch = Vec::new();
        loop {
            while batch.len() < TOGETHER
                && let Some(end) = self.rest.iter().position(|byte| *byte == b'\n')
            {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                self.push(&mut batch, line);
            }
            if !batch.is_empty() || self.ended {
                return (!batch.is_empty()).then_some(batch);
            }
            if self.rest.len() > LONGEST_BODY {
                self.ended = true;
                self.read += 1;
                let detail = format!("line {} is longer than {LONGEST_BODY} bytes", self.read);
                return Some(vec![(self.read, Err(Problem::named("body-too-large", detail)))]);
            }
            match self.source.next().await {
                Some(Ok(bytes)) => self.rest.extend_from_slice(&bytes),
                Some(Err(error)) => {
                    self.ended = true;
                    self.read += 1;
                    let problem = Problem::named("bad-body", error.to_string());
                    return Some(vec![(self.read, Err(problem))]);
                }
                None => {
                    self.ended = true;
                    let line = std::mem::take(&mut self.rest);
                    self.push(&mut batch, line);
                }
            }
        }
    }

    /// Blank lines count and are no commands.
    fn push(&mut self, batch: &mut Vec<Numbered>, line: Vec<u8>) {
        if line.is_empty() {
            return;
        }
        self.read += 1;
        if !line.trim_ascii().is_empty() {
            batch.push((self.read, Ok(line)));
        }
    }
}

struct Giver<S> {
    commands: Arc<Commands<S>>,
    caller: Caller,
    trace: TraceContext,
}

struct Readable {
    key: String,
    partition: Partition,
    asked: Asked<ContextCommand>,
}

impl<S: Services> Giver<S> {
    /// Neighbours of one partition go in one request.
    async fn give(&self, batch: Vec<Numbered>) -> Vec<Told> {
        let mut told = Vec::with_capacity(batch.len());
        let mut together: Vec<(u64, Readable)> = Vec::new();
        for (line, text) in batch {
            let readable = match text {
                Ok(text) => self.read(&text).await,
                Err(problem) => Err((None, problem)),
            };
            match readable {
                Ok(readable) => {
                    let elsewhere =
                        |(_, first): &(u64, Readable)| first.partition != readable.partition;
                    if together.first().is_some_and(elsewhere) {
                        told.extend(self.ask(std::mem::take(&mut together)).await);
                    }
                    together.push((line, readable));
                }
                Err((key, problem)) => {
                    told.extend(self.ask(std::mem::take(&mut together)).await);
                    let problem = Some(problem.to_value());
                    told.push(Told { line, key, accepted: None, problem });
                }
            }
        }
        told.extend(self.ask(together).await);
        told
    }

    async fn read(&self, text: &[u8]) -> Result<Readable, (Option<String>, Problem)> {
        let bad = |error: serde_json::Error| Problem::named("bad-body", error.to_string());
        let Line { key, context, command } =
            serde_json::from_slice(text).map_err(|error| (None, bad(error)))?;
        let id = command_id(&self.caller, &key).map_err(|problem| (Some(key.clone()), problem))?;
        match self.readable(id, context, command).await {
            Ok((partition, asked)) => Ok(Readable { key, partition, asked }),
            Err(problem) => Err((Some(key), problem)),
        }
    }

    async fn readable(
        &self,
        id: CommandId,
        context: Context,
        command: Map<String, Value>,
    ) -> Result<(Partition, Asked<ContextCommand>), Problem> {
        let mut members = command.iter();
        let (Some((tag, fields)), None) = (members.next(), members.next()) else {
            let detail = "`command` has one member, which is called like the command";
            return Err(Problem::named("bad-body", detail));
        };
        let known = ENDPOINTS.iter().find(|known| known.context == context && known.tag == tag);
        let Some(endpoint) = known else {
            return Err(Problem::named("bad-body", format!("{context} has no command `{tag}`")));
        };
        self.commands.check(endpoint, &self.caller, fields).await?;
        let command = self.commands.read(endpoint, fields)?;
        let partition = self.commands.place(&command)?;
        // What it may rest on is known once the lines before it are decided.
        Ok((partition, Asked { id, by: by(&self.caller)?, after: 0, command }))
    }

    async fn ask(&self, together: Vec<(u64, Readable)>) -> Vec<Told> {
        let Some(partition) = together.first().map(|(_, first)| first.partition) else {
            return Vec::new();
        };
        // A line may rest on what the lines before it have made in other contexts.
        let after = self.commands.told();
        let (places, commands): (Vec<_>, Vec<_>) = together
            .into_iter()
            .map(|(line, Readable { key, asked, .. })| ((line, key), Asked { after, ..asked }))
            .unzip();
        let request = Request { commands, stop_at_refusal: false, dry_run: false };
        let answers = self.commands.ask(partition, &request, self.trace.child()).await;
        let answers: Vec<_> = match answers {
            Ok(answers) => answers.into_iter().map(answer::accepted).collect(),
            Err(problem) => {
                let problem = problem.to_value();
                let tell = |(line, key)| {
                    let (key, problem) = (Some(key), Some(problem.clone()));
                    Told { line, key, accepted: None, problem }
                };
                return places.into_iter().map(tell).collect();
            }
        };
        let tell = |((line, key), answer): ((u64, String), Result<Accepted, Problem>)| {
            let (accepted, problem) = match answer {
                Ok(accepted) => (Some(accepted), None),
                Err(problem) => (None, Some(problem.to_value())),
            };
            Told { line, key: Some(key), accepted, problem }
        };
        places.into_iter().zip(answers).map(tell).collect()
    }
}
