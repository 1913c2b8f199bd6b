//! `GET /v1/reports/loops`: a party's loop report as one HTML file, as `loopledger report` writes it.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Extension, Router};
use loopledger_exports::loop_report::LoopReport;
use loopledger_model::PartyId;
use loopledger_views::{Reader, Views, reading_as};
use schemars::JsonSchema;
use serde::Deserialize;

use super::flows::keep_own;
use crate::answered::File;
use crate::auth::Caller;
use crate::openapi::Resource;
use crate::problem::Problem;
use crate::seen::{read, required, seen};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// The party: a fund, a provider, a company.
    #[schemars(required, with = "Option<PartyId>")]
    party: Option<String>,
    /// Only what had taken effect by this date.
    as_of: Option<String>,
    /// Only what had been recorded by this date; the newest fact's time unless stated.
    as_known: Option<String>,
}

const HTML: &str = "text/html; charset=utf-8";

pub const LOOPS: Resource = Resource::file::<Parameters>(
    "/reports/loops",
    "A party's loops, payments and the hashes of their facts",
    HTML,
);

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/reports/loops", get(loops))
}

async fn loops(
    State(views): State<Arc<Views>>,
    Extension(caller): Extension<Caller>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<File, Problem> {
    let Query(asked) = parameters?;
    let party: PartyId = read("party", required("party", asked.party.as_deref())?)?;
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    let report = LoopReport::of(&views, &party, seen).await?;
    let unknown = || Problem::not_known(format!("no party {party} was known then"));
    let mut report = report.ok_or_else(unknown)?;
    keep_own(&mut report.flows, &caller);
    // Of a commit its hash is told, whoever else has facts in it.
    let commits = reading_as(Reader::Everything, report.commits(&views)).await?;
    let text = report.page(&commits)?;
    Ok(File { text, media_type: HTML, position: report.loops.position })
}
