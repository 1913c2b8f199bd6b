//! `GET /v1/implied`: how many cards declared P comes to, as `loopledger implied --json` prints it.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use loopledger_model::ContractId;
use loopledger_views::{Implied, Views};
use serde::Deserialize;

use crate::problem::Problem;
use crate::seen::{optional, seen};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    contract: Option<String>,
    as_of: Option<String>,
    as_known: Option<String>,
}

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/implied", get(implied))
}

async fn implied(
    State(views): State<Arc<Views>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<Implied>, Problem> {
    let Query(asked) = parameters?;
    let contract: Option<ContractId> = optional("contract", asked.contract.as_deref())?;
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    Ok(Json(views.implied(contract.as_ref(), seen).await?))
}
