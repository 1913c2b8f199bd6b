//! `GET /v1/pools`: pools with their projects and cards, as `loopledger pools --json` prints them.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Extension, Router};
use loopledger_model::PoolId;
use loopledger_views::{Pools, Views};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answered::Answered;
use crate::auth::{Caller, Role};
use crate::openapi::Resource;
use crate::problem::Problem;
use crate::seen::{optional, seen};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Only this pool.
    #[schemars(with = "Option<PoolId>")]
    pool: Option<String>,
    /// Only what had taken effect by this date.
    as_of: Option<String>,
    /// Only what had been recorded by this date.
    as_known: Option<String>,
}

pub const RESOURCE: Resource =
    Resource::of::<Parameters, Pools>("/pools", "Pools, their projects and their cards")
        .listing("pools", &["pool"]);

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/pools", get(pools))
}

async fn pools(
    State(views): State<Arc<Views>>,
    Extension(caller): Extension<Caller>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Answered<Pools>, Problem> {
    let Query(asked) = parameters?;
    let pool: Option<PoolId> = optional("pool", asked.pool.as_deref())?;
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    let mut pools = views.pools(pool.as_ref(), seen).await?;
    if !matches!(caller.role, Role::Operator | Role::Regulator) {
        withhold(&mut pools);
    }
    Ok(Answered(pools))
}

/// Which other pools have a card is not told to those whom they do not belong to.
fn withhold(pools: &mut Pools) {
    for told in &mut pools.pools {
        for disputed in &mut told.disputed {
            disputed.pools.retain(|pool| *pool == told.pool);
            disputed.events.clear();
        }
    }
}
