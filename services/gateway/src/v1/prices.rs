//! `GET /v1/prices`: contracts against reference prices, as `loopledger prices --json` prints them.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use loopledger_model::{ContractId, PartyId};
use loopledger_views::{ContractQuery, PriceTests, Views};
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
    /// Only contracts that this party buys or sells by.
    #[schemars(with = "Option<PartyId>")]
    party: Option<String>,
    /// Only what had taken effect by this date.
    as_of: Option<String>,
    /// Only what had been recorded by this date.
    as_known: Option<String>,
}

pub const RESOURCE: Resource =
    Resource::of::<Parameters, PriceTests>("/prices", "Contracts against reference prices")
        .listing("contracts", &["contract"]);

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/prices", get(prices))
}

async fn prices(
    State(views): State<Arc<Views>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Answered<PriceTests>, Problem> {
    let Query(asked) = parameters?;
    let query = ContractQuery {
        contract: optional("contract", asked.contract.as_deref())?,
        party: optional("party", asked.party.as_deref())?,
    };
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    Ok(Answered(views.price_tests(&query, seen).await?))
}
