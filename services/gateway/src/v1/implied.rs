//! `GET /v1/implied`: how many cards declared P comes to, as `loopledger implied --json` prints it.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use loopledger_model::ContractId;
use loopledger_views::{Implied, Views};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answered::Answered;
use crate::openapi::Resource;
use crate::problem::Problem;
use crate::seen::{optional, seen};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Only this contract.
    #[schemars(with = "Option<ContractId>")]
    contract: Option<String>,
    /// Only what had taken effect by this date.
    as_of: Option<String>,
    /// Only what had been recorded by this date.
    as_known: Option<String>,
}

pub const RESOURCE: Resource =
    Resource::of::<Parameters, Implied>("/implied", "Cards that contracts in P come to")
        .listing("contracts", &["contract"]);

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/implied", get(implied))
}

async fn implied(
    State(views): State<Arc<Views>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Answered<Implied>, Problem> {
    let Query(asked) = parameters?;
    let contract: Option<ContractId> = optional("contract", asked.contract.as_deref())?;
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    Ok(Answered(views.implied(contract.as_ref(), seen).await?))
}
