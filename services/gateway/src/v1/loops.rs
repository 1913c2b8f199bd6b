//! `GET /v1/loops`: closed loops, as `loopledger loops --json` prints them.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use loopledger_views::{LoopQuery, Loops, Views};
use serde::Deserialize;

use crate::problem::Problem;
use crate::seen::{optional, seen};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    party: Option<String>,
    currency: Option<String>,
    level: Option<String>,
    as_of: Option<String>,
    as_known: Option<String>,
}

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/loops", get(loops))
}

async fn loops(
    State(views): State<Arc<Views>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<Loops>, Problem> {
    let Query(asked) = parameters?;
    let query = LoopQuery {
        party: optional("party", asked.party.as_deref())?,
        currency: optional("currency", asked.currency.as_deref())?,
        level: optional("level", asked.level.as_deref())?.unwrap_or_default(),
    };
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    Ok(Json(views.loops(&query, seen).await?))
}
