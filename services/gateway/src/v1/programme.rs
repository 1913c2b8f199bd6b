//! `GET /v1/programme`: one programme, as `loopledger programme --json` prints it.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use loopledger_model::ProgrammeId;
use loopledger_views::{ProgrammeAnswer, Views};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answered::Answered;
use crate::openapi::Resource;
use crate::problem::Problem;
use crate::seen::{read, required, seen};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Only of this programme.
    #[schemars(required, with = "Option<ProgrammeId>")]
    programme: Option<String>,
    /// Only what had taken effect by this date.
    as_of: Option<String>,
    /// Only what had been recorded by this date.
    as_known: Option<String>,
}

pub const RESOURCE: Resource =
    Resource::of::<Parameters, ProgrammeAnswer>("/programme", "A programme with its budgets");

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/programme", get(programme))
}

async fn programme(
    State(views): State<Arc<Views>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Answered<ProgrammeAnswer>, Problem> {
    let Query(asked) = parameters?;
    let id: ProgrammeId = read("programme", required("programme", asked.programme.as_deref())?)?;
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    let known = views.programme(&id, seen).await?;
    let unknown = || Problem::not_known(format!("no programme {id} was known then"));
    known.map(Answered).ok_or_else(unknown)
}
