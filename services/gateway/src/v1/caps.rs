//! `GET /v1/caps`: what groups of holders got against the cap of one, as `loopledger caps --json` prints it.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use loopledger_model::ProgrammeId;
use loopledger_views::{Caps, Views};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answered::Answered;
use crate::openapi::Resource;
use crate::problem::Problem;
use crate::seen::{optional, seen};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Only of this programme.
    #[schemars(with = "Option<ProgrammeId>")]
    programme: Option<String>,
    /// Only what had taken effect by this date.
    as_of: Option<String>,
    /// Only what had been recorded by this date.
    as_known: Option<String>,
}

pub const RESOURCE: Resource = Resource::of::<Parameters, Caps>(
    "/caps",
    "What groups got in a year against the cap of one holder",
)
.listing("caps", &["programme", "year", "group"]);

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/caps", get(caps))
}

async fn caps(
    State(views): State<Arc<Views>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Answered<Caps>, Problem> {
    let Query(asked) = parameters?;
    let programme: Option<ProgrammeId> = optional("programme", asked.programme.as_deref())?;
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    Ok(Answered(views.caps(programme.as_ref(), seen).await?))
}
