//! `GET /v1/statement`: a provider's claims of a period, as `loopledger statement --json` prints them.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use loopledger_model::PartyId;
use loopledger_views::{Statement, Views};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answered::Answered;
use crate::openapi::Resource;
use crate::problem::Problem;
use crate::seen::{period, read, required, seen};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Only of this provider.
    #[schemars(required, with = "Option<PartyId>")]
    provider: Option<String>,
    /// The start, a date or an instant; included.
    #[schemars(required)]
    from: Option<String>,
    /// The end, a date or an instant; not included.
    #[schemars(required)]
    to: Option<String>,
    /// Only what had taken effect by this date.
    as_of: Option<String>,
    /// Only what had been recorded by this date.
    as_known: Option<String>,
}

pub const RESOURCE: Resource =
    Resource::of::<Parameters, Statement>("/statement", "A provider's claims over a period");

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/statement", get(statement))
}

async fn statement(
    State(views): State<Arc<Views>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Answered<Statement>, Problem> {
    let Query(asked) = parameters?;
    let provider: PartyId = read("provider", required("provider", asked.provider.as_deref())?)?;
    let period = period(asked.from.as_deref(), asked.to.as_deref())?;
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    Ok(Answered(views.statement(&provider, period, seen).await?))
}
