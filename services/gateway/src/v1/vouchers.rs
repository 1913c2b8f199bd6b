//! `GET /v1/vouchers`: programmes and vouchers, as `loopledger vouchers --json` prints them.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use loopledger_model::ProgrammeId;
use loopledger_views::{Views, Vouchers};
use serde::Deserialize;

use crate::problem::Problem;
use crate::seen::{optional, seen};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    programme: Option<String>,
    as_of: Option<String>,
    as_known: Option<String>,
}

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/vouchers", get(vouchers))
}

async fn vouchers(
    State(views): State<Arc<Views>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<Vouchers>, Problem> {
    let Query(asked) = parameters?;
    let programme: Option<ProgrammeId> = optional("programme", asked.programme.as_deref())?;
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    Ok(Json(views.vouchers(programme.as_ref(), seen).await?))
}
