//! `GET /v1/prices`: contracts against reference prices, as `loopledger prices --json` prints them.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use loopledger_views::{PriceTests, Views};

use super::contracts::Parameters;
use crate::answered::Answered;
use crate::openapi::Resource;
use crate::problem::Problem;

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
    let (query, seen) = parameters?.read()?;
    Ok(Answered(views.price_tests(&query, seen).await?))
}
