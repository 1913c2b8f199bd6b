//! `GET /v1/facts/{position}`: a commit as it was recorded, with its hashes: the fact behind any figure.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use loopledger_model::hex::Hex;
use loopledger_model::{Body, FactId, Position};
use loopledger_views::{ArchivedCommit, Rests, Views};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::answered::Answered;
use crate::openapi::Resource;
use crate::problem::Problem;

/// A commit. Its `hash` covers its body and the hash of its partition's commit before, as `loopledger verify` checks.
#[derive(Debug, Serialize, JsonSchema)]
struct Facts {
    position: Position,
    partition: String,
    commit: String,
    recorded_at: String,
    /// The instance of the service that wrote it.
    recorded_by: String,
    traceparent: Option<String>,
    previous_hash: String,
    hash: String,
    /// The position up to which the service knew the other contexts' facts.
    facts_at: Position,
    /// The commands that it answers, each with the facts that it made or with its refusal.
    commands: Vec<Decided>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Decided {
    command: String,
    by: String,
    rests_on: Vec<FactId>,
    facts: Vec<Recorded>,
    refused: Option<Value>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Recorded {
    fact: FactId,
    event: Value,
}

impl Rests for Facts {
    fn position(&self) -> Position {
        self.position
    }
}

pub const RESOURCE: Resource =
    Resource::plain::<Facts>("/facts/{position}", "The recorded commit behind a fact");

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/facts/{position}", get(facts))
}

/// `27` is the commit, `27.1` too with none but its second fact.
async fn facts(
    State(views): State<Arc<Views>>,
    Path(asked): Path<String>,
) -> Result<Answered<Facts>, Problem> {
    let wrong = || Problem::bad_parameter(&format!("`{asked}` is no position: 27 is, and 27.1"));
    let (position, only) = match asked.parse::<FactId>() {
        Ok(fact) => (fact.position, Some(fact)),
        Err(_) => (asked.parse::<Position>().map_err(|_| wrong())?, None),
    };
    let found = match position.checked_add(1) {
        Some(next) => views.archived(position, next).await?.pop(),
        None => None,
    };
    let unknown = || Problem::not_known(format!("there is no fact {asked}"));
    let mut facts = told(&found.ok_or_else(unknown)?)?;
    if let Some(only) = only {
        for decided in &mut facts.commands {
            decided.facts.retain(|recorded| recorded.fact == only);
        }
        facts.commands.retain(|decided| !decided.facts.is_empty());
        if facts.commands.is_empty() {
            return Err(unknown());
        }
    }
    Ok(Answered(facts))
}

/// A body as it was written, in whatever form its events had then.
type AsWritten = Body<Value, Value>;

fn told(commit: &ArchivedCommit) -> Result<Facts, Problem> {
    let damaged = |reason: String| {
        tracing::error!(position = commit.position, reason, "the archive cannot be read");
        let detail = "the archive is damaged there: run `loopledger verify`";
        Problem::named("internal", detail)
    };
    let body = commit.body.unpack().map_err(|error| damaged(error.to_string()))?;
    let body: AsWritten =
        serde_json::from_slice(&body).map_err(|error| damaged(error.to_string()))?;
    let mut index = 0;
    let commands = body.entries.into_iter().map(|entry| Decided {
        command: entry.command.to_string(),
        by: entry.by.to_string(),
        rests_on: entry.rests_on,
        facts: entry
            .events
            .into_iter()
            .map(|event| {
                let fact = FactId { position: commit.position, index };
                index += 1;
                Recorded { fact, event }
            })
            .collect(),
        refused: entry.refused,
    });
    Ok(Facts {
        position: commit.position,
        partition: commit.partition.clone(),
        commit: commit.commit_id.clone(),
        recorded_at: commit.recorded_at.clone(),
        recorded_by: commit.recorded_by.clone(),
        traceparent: commit.traceparent.clone(),
        previous_hash: Hex(&commit.previous_hash).to_string(),
        hash: Hex(&commit.hash).to_string(),
        facts_at: body.facts_at,
        commands: commands.collect(),
    })
}
