//! `GET /v1/claims`: claims and what became of them, as `loopledger claims --json` prints them.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use loopledger_views::{CLAIM_STAGES, ClaimQuery, Claims, Views};
use serde::Deserialize;

use crate::problem::Problem;
use crate::seen::{optional, seen};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    programme: Option<String>,
    provider: Option<String>,
    stage: Option<String>,
    as_of: Option<String>,
    as_known: Option<String>,
}

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/claims", get(claims))
}

async fn claims(
    State(views): State<Arc<Views>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<Claims>, Problem> {
    let Query(asked) = parameters?;
    if let Some(stage) = asked.stage.as_deref().filter(|stage| !CLAIM_STAGES.contains(stage)) {
        let known = CLAIM_STAGES.join(", ");
        let detail = format!("stage: `{stage}` is no stage of a claim: the stages are {known}");
        return Err(Problem::bad_parameter(&detail));
    }
    let query = ClaimQuery {
        programme: optional("programme", asked.programme.as_deref())?,
        provider: optional("provider", asked.provider.as_deref())?,
        stage: asked.stage,
    };
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    Ok(Json(views.claims(&query, seen).await?))
}
