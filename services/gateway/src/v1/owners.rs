//! `GET /v1/owners`: who stands behind a party, as `loopledger owners --json` prints it.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use loopledger_model::{PartyId, Percent};
use loopledger_service::clock;
use loopledger_views::{OwnerQuery, Owners, Views};
use serde::Deserialize;

use crate::problem::Problem;
use crate::seen::{required, seen};

/// The share in percent from which on an owner is listed.
const THRESHOLD: &str = "25";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    party: Option<String>,
    threshold: Option<String>,
    as_of: Option<String>,
    as_known: Option<String>,
}

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/owners", get(owners))
}

async fn owners(
    State(views): State<Arc<Views>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<Owners>, Problem> {
    let Query(asked) = parameters?;
    let party = required("party", asked.party.as_deref())?;
    let party = party.parse::<PartyId>().map_err(|error| Problem::bad_parameter(&error))?;
    let threshold = asked.threshold.as_deref().unwrap_or(THRESHOLD).parse::<Percent>();
    let threshold = threshold.map_err(|error| Problem::bad_parameter(&error))?;
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    let query = OwnerQuery { party, at: seen.of.unwrap_or_else(clock::now), threshold };
    Ok(Json(views.owners(&query, seen).await?))
}
