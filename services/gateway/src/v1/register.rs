//! `GET /v1/register`: registered parties, as `loopledger register --json` prints it.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use loopledger_model::Country;
use loopledger_model::registry::PartyKind;
use loopledger_views::{Registered, RegisteredQuery, Views};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answered::Answered;
use crate::openapi::Resource;
use crate::problem::Problem;
use crate::seen::{optional, seen};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Only of this kind.
    #[schemars(with = "Option<PartyKind>")]
    kind: Option<String>,
    /// Only of this country (ISO 3166-1).
    #[schemars(with = "Option<Country>")]
    country: Option<String>,
    /// Only what had taken effect by this date.
    as_of: Option<String>,
    /// Only what had been recorded by this date.
    as_known: Option<String>,
}

pub const RESOURCE: Resource =
    Resource::of::<Parameters, Registered>("/register", "The parties that are registered")
        .listing("parties", &["party"]);

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/register", get(register))
}

async fn register(
    State(views): State<Arc<Views>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Answered<Registered>, Problem> {
    let Query(asked) = parameters?;
    let query = RegisteredQuery {
        kind: optional("kind", asked.kind.as_deref())?,
        country: optional("country", asked.country.as_deref())?,
    };
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    Ok(Answered(views.registered(&query, seen).await?))
}
