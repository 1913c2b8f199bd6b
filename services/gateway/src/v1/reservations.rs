//! `GET /v1/reservations`: reservations and what became of them, as `loopledger reservations --json` prints them.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use loopledger_model::PoolId;
use loopledger_views::{Reservations, Views};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answered::Answered;
use crate::openapi::Resource;
use crate::problem::Problem;
use crate::seen::{optional, seen};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Only this pool's.
    #[schemars(with = "Option<PoolId>")]
    pool: Option<String>,
    /// Only what had taken effect by this date.
    as_of: Option<String>,
    /// Only what had been recorded by this date.
    as_known: Option<String>,
}

pub const RESOURCE: Resource = Resource::of::<Parameters, Reservations>(
    "/reservations",
    "Reservations and what became of them",
)
.listing("reservations", &["reservation"]);

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/reservations", get(reservations))
}

async fn reservations(
    State(views): State<Arc<Views>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Answered<Reservations>, Problem> {
    let Query(asked) = parameters?;
    let pool: Option<PoolId> = optional("pool", asked.pool.as_deref())?;
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    Ok(Answered(views.reservations(pool.as_ref(), seen).await?))
}
