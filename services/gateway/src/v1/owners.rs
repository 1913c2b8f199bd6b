//! `GET /v1/owners`: who stands behind a party, as `loopledger owners --json` prints it.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use loopledger_model::{PartyId, Percent};
use loopledger_service::clock;
use loopledger_views::{OwnerQuery, Owners, Views};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answered::Answered;
use crate::openapi::Resource;
use crate::problem::Problem;
use crate::seen::{required, seen};

/// The share in percent from which on an owner is listed.
const THRESHOLD: &str = "25";

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Only what this party takes part in.
    #[schemars(required, with = "Option<PartyId>")]
    party: Option<String>,
    /// The share in percent from which on an owner is listed; 25 unless stated.
    #[schemars(with = "Option<Percent>")]
    threshold: Option<String>,
    /// Only what had taken effect by this date.
    as_of: Option<String>,
    /// Only what had been recorded by this date.
    as_known: Option<String>,
}

pub const RESOURCE: Resource =
    Resource::of::<Parameters, Owners>("/owners", "Who stands behind a party");

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/owners", get(owners))
}

async fn owners(
    State(views): State<Arc<Views>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Answered<Owners>, Problem> {
    let Query(asked) = parameters?;
    let party = required("party", asked.party.as_deref())?;
    let party = party.parse::<PartyId>().map_err(|error| Problem::bad_parameter(&error))?;
    let threshold = asked.threshold.as_deref().unwrap_or(THRESHOLD).parse::<Percent>();
    let threshold = threshold.map_err(|error| Problem::bad_parameter(&error))?;
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    let query = OwnerQuery { party, at: seen.of.unwrap_or_else(clock::now), threshold };
    Ok(Answered(views.owners(&query, seen).await?))
}
