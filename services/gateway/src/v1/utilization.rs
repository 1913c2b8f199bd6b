//! `GET /v1/utilization`: card pools over a period, as `loopledger utilization --json` prints them.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use loopledger_model::PoolId;
use loopledger_views::{ByDay, Utilization, Views};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answered::Answered;
use crate::openapi::Resource;
use crate::problem::Problem;
use crate::seen::{optional, period, seen};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Only this pool.
    #[schemars(with = "Option<PoolId>")]
    pool: Option<String>,
    /// The start, a date or an instant; included.
    #[schemars(required)]
    from: Option<String>,
    /// The end, a date or an instant; not included.
    #[schemars(required)]
    to: Option<String>,
    /// `day` for each day by itself.
    by: Option<String>,
    /// Only what had taken effect by this date.
    as_of: Option<String>,
    /// Only what had been recorded by this date.
    as_known: Option<String>,
}

pub const RESOURCE: Resource = Resource::of::<Parameters, Utilization>(
    "/utilization",
    "Installed, lit, allocated and busy card-hours",
)
.listing("pools", &["pool"]);

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/utilization", get(utilization))
}

async fn utilization(
    State(views): State<Arc<Views>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Answered<Utilization>, Problem> {
    let Query(asked) = parameters?;
    let pool: Option<PoolId> = optional("pool", asked.pool.as_deref())?;
    let period = period(asked.from.as_deref(), asked.to.as_deref())?;
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    let Some(by) = asked.by.as_deref() else {
        return Ok(Answered(views.utilization(pool.as_ref(), period, seen).await?));
    };
    if by != "day" {
        return Err(Problem::bad_parameter(&format!("by: `{by}` is no part of a period: day is")));
    }
    let days = ByDay::new(period).map_err(|error| Problem::bad_parameter(&error))?;
    Ok(Answered(views.utilization_by_day(pool.as_ref(), days, seen).await?))
}
