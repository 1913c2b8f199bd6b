//! `GET /v1/statement`: a provider's claims of a period, as `loopledger statement --json` prints them.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use loopledger_model::{PartyId, Period};
use loopledger_views::{Statement, Views};
use serde::Deserialize;

use crate::problem::Problem;
use crate::seen::{date, read, required, seen};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    provider: Option<String>,
    from: Option<String>,
    to: Option<String>,
    as_of: Option<String>,
    as_known: Option<String>,
}

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/statement", get(statement))
}

async fn statement(
    State(views): State<Arc<Views>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<Statement>, Problem> {
    let Query(asked) = parameters?;
    let provider: PartyId = read("provider", required("provider", asked.provider.as_deref())?)?;
    let from = date("from", required("from", asked.from.as_deref())?)?;
    let to = date("to", required("to", asked.to.as_deref())?)?;
    let period = Period::new(from, to).map_err(|error| Problem::bad_parameter(&error))?;
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    Ok(Json(views.statement(&provider, period, seen).await?))
}
