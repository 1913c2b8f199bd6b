//! `GET /v1/fund`: a fund: capital, multiples, rates of return, partners, as `loopledger fund --json` prints it.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use loopledger_model::PartyId;
use loopledger_views::{FundReport, Views};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answered::Answered;
use crate::openapi::Resource;
use crate::problem::Problem;
use crate::seen::{read, required, seen};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// The fund.
    #[schemars(required, with = "Option<PartyId>")]
    fund: Option<String>,
    /// Only what had taken effect by this date.
    as_of: Option<String>,
    /// Only what had been recorded by this date.
    as_known: Option<String>,
}

pub const RESOURCE: Resource = Resource::of::<Parameters, FundReport>(
    "/fund",
    "A fund: capital, multiples, rates of return, partners",
);

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/fund", get(fund))
}

async fn fund(
    State(views): State<Arc<Views>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Answered<FundReport>, Problem> {
    let Query(asked) = parameters?;
    let fund: PartyId = read("fund", required("fund", asked.fund.as_deref())?)?;
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    let known = views.fund(&fund, seen).await?;
    let unknown = || Problem::not_known(format!("no fund {fund} was known then"));
    known.map(Answered).ok_or_else(unknown)
}
