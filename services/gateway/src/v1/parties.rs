//! `GET /v1/parties`: what sellers of compute get back of their capital, or one party where it is
//! named, as `loopledger parties --json` and `loopledger party --json` print it.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use loopledger_views::{Parties, PartyQuery, Views};
use serde::Deserialize;

use crate::problem::Problem;
use crate::seen::{optional, seen};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    party: Option<String>,
    currency: Option<String>,
    as_of: Option<String>,
    as_known: Option<String>,
}

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/parties", get(parties))
}

async fn parties(
    State(views): State<Arc<Views>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<Parties>, Problem> {
    let Query(asked) = parameters?;
    let query = PartyQuery {
        party: optional("party", asked.party.as_deref())?,
        currency: optional("currency", asked.currency.as_deref())?,
    };
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    Ok(Json(views.parties(&query, seen).await?))
}
