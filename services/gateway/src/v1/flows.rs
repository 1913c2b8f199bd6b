//! `GET /v1/flows`: money that moved, as `loopledger flows --json` prints it.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use loopledger_views::{FlowQuery, Flows, Views};
use serde::Deserialize;

use crate::problem::Problem;
use crate::seen::{optional, optional_date, seen};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    party: Option<String>,
    kind: Option<String>,
    from: Option<String>,
    to: Option<String>,
    as_of: Option<String>,
    as_known: Option<String>,
}

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/flows", get(flows))
}

async fn flows(
    State(views): State<Arc<Views>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<Flows>, Problem> {
    let Query(asked) = parameters?;
    let query = FlowQuery {
        party: optional("party", asked.party.as_deref())?,
        kind: optional("kind", asked.kind.as_deref())?,
        from: optional_date("from", asked.from.as_deref())?,
        to: optional_date("to", asked.to.as_deref())?,
    };
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    Ok(Json(views.flows(&query, seen).await?))
}
