//! `GET /v1/parties`: what sellers of compute get back of their capital, or one party where it is
//! named, as `loopledger parties --json` and `loopledger party --json` print it.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use loopledger_model::{Currency, PartyId};
use loopledger_views::{Parties, PartyQuery, Views};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answered::Answered;
use crate::openapi::Resource;
use crate::problem::Problem;
use crate::seen::{optional, seen};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Only what this party takes part in.
    #[schemars(with = "Option<PartyId>")]
    party: Option<String>,
    /// Only in this currency (ISO 4217).
    #[schemars(with = "Option<Currency>")]
    currency: Option<String>,
    /// Only what had taken effect by this date.
    as_of: Option<String>,
    /// Only what had been recorded by this date.
    as_known: Option<String>,
}

pub const RESOURCE: Resource = Resource::of::<Parameters, Parties>(
    "/parties",
    "What sellers of compute get back of their capital",
)
.listing("parties", &["party", "currency"]);

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/parties", get(parties))
}

async fn parties(
    State(views): State<Arc<Views>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Answered<Parties>, Problem> {
    let Query(asked) = parameters?;
    let query = PartyQuery {
        party: optional("party", asked.party.as_deref())?,
        currency: optional("currency", asked.currency.as_deref())?,
    };
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    Ok(Answered(views.parties(&query, seen).await?))
}
