//! A service's answer as HTTP tells it.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use loopledger_model::Position;
use loopledger_service::AskFailure;
use loopledger_service::protocol::{Answer, Outcome};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::answered::at_position;
use crate::problem::Problem;

/// The command is done: `events` counts what it made, none where its effect was there already.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Accepted {
    pub position: Position,
    pub events: u32,
    /// The key had been answered before; this is that answer again.
    pub repeated: bool,
}

/// What the command would come to: the events that it would make. Nothing was recorded.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DryRun {
    /// The last commit that it was held against.
    pub position: Position,
    /// How far the other contexts' facts were known.
    pub facts_at: Position,
    pub events: Vec<Value>,
}

/// What is recorded with a position.
pub(super) const fn position(answer: &Answer) -> Option<Position> {
    match answer {
        Answer::Accepted { position, .. } | Answer::Refused { position, .. } => Some(*position),
        Answer::IdReused { .. }
        | Answer::Skipped
        | Answer::NotCaughtUp { .. }
        | Answer::WrongPartition { .. }
        | Answer::TooLarge { .. }
        | Answer::DryRun { .. } => None,
    }
}

pub(super) fn accepted(answer: Answer) -> Result<Accepted, Problem> {
    if let Answer::Accepted { position, events, repeated } = answer {
        return Ok(Accepted { position, events, repeated });
    }
    Err(problem(answer))
}

pub(super) fn respond(answer: Answer) -> Result<Response, Problem> {
    if let Answer::DryRun { position, facts_at, outcome: Outcome::Events(events) } = answer {
        let told = DryRun { position, facts_at, events };
        return Ok(at_position(position, Json(told).into_response()));
    }
    let recorded = position(&answer);
    let answered = match accepted(answer) {
        Ok(accepted) => {
            let made = accepted.events > 0;
            let status = if made { StatusCode::CREATED } else { StatusCode::OK };
            (status, Json(accepted)).into_response()
        }
        Err(problem) => problem.into_response(),
    };
    Ok(match recorded {
        Some(position) => at_position(position, answered),
        None => answered,
    })
}

fn problem(answer: Answer) -> Problem {
    match answer {
        Answer::Refused { position, refusal, .. } => Problem::refused(refusal, Some(position)),
        Answer::DryRun { outcome: Outcome::Refused(refusal), .. } => {
            Problem::refused(refusal, None)
        }
        Answer::IdReused { .. } => {
            let detail = "this Idempotency-Key was used for another command: choose a new one";
            Problem::named("key-reused", detail)
        }
        Answer::NotCaughtUp { after, reached } => {
            let detail = format!(
                "the service knows the ledger up to {reached}, not up to {after}: try again"
            );
            Problem::named("busy", detail)
        }
        Answer::WrongPartition { message, .. } => Problem::named("ids-apart", message),
        Answer::TooLarge { bytes, limit } => {
            let detail = format!("what it would record has {bytes} bytes; {limit} fit");
            Problem::named("body-too-large", detail)
        }
        Answer::Accepted { .. } | Answer::Skipped | Answer::DryRun { .. } => {
            unread("the answer is of another kind than the request")
        }
    }
}

pub(super) fn failed(failure: AskFailure) -> Problem {
    match failure {
        AskFailure::Busy(reason) => Problem::named("busy", reason),
        AskFailure::Rejected(reason) => Problem::named("bad-body", reason),
        AskFailure::Unanswered(error) => {
            let detail = format!("{error}; send it again with the same Idempotency-Key");
            Problem::named("unanswered", detail)
        }
        AskFailure::Unreadable(error) => unread(&error.to_string()),
    }
}

/// The service does not speak as it should.
pub(super) fn unread(reason: &str) -> Problem {
    tracing::error!(reason, "a service's answer cannot be read");
    Problem::named("internal", "the failure is logged; report it with the time of your request")
}
