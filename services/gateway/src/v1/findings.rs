//! `GET /v1/findings`: what the rules find, as `loopledger findings --json` prints it, and
//! `GET /v1/findings/rules`: the rules in force.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use loopledger_views::{FindingQuery, Findings, RuleBook, Views};
use serde::Deserialize;

use crate::problem::Problem;
use crate::seen::{optional, seen};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    rule: Option<String>,
    party: Option<String>,
    as_of: Option<String>,
    as_known: Option<String>,
}

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/findings", get(findings)).route("/findings/rules", get(rules))
}

async fn findings(
    State(views): State<Arc<Views>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<Findings>, Problem> {
    let Query(asked) = parameters?;
    let query = FindingQuery {
        rule: optional("rule", asked.rule.as_deref())?,
        party: optional("party", asked.party.as_deref())?,
    };
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    Ok(Json(views.findings(&query, seen).await?))
}

async fn rules() -> Json<RuleBook> {
    Json(RuleBook::in_force())
}
