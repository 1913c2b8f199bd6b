//! `GET /v1/programme`: one programme, as `loopledger programme --json` prints it.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use loopledger_model::ProgrammeId;
use loopledger_views::{ProgrammeAnswer, Views};
use serde::Deserialize;

use crate::problem::Problem;
use crate::seen::{read, required, seen};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    programme: Option<String>,
    as_of: Option<String>,
    as_known: Option<String>,
}

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/programme", get(programme))
}

async fn programme(
    State(views): State<Arc<Views>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<ProgrammeAnswer>, Problem> {
    let Query(asked) = parameters?;
    let id: ProgrammeId = read("programme", required("programme", asked.programme.as_deref())?)?;
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    let known = views.programme(&id, seen).await?;
    let unknown = || Problem::not_known(format!("no programme {id} was known then"));
    known.map(Json).ok_or_else(unknown)
}
