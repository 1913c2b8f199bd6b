//! `GET /v1/findings`: what the rules find, as `loopledger findings --json` prints it, and
//! `GET /v1/findings/rules`: the rules in force.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use loopledger_model::PartyId;
use loopledger_views::{FindingQuery, Findings, Rule, RuleBook, Views};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answered::Answered;
use crate::openapi::Resource;
use crate::problem::Problem;
use crate::seen::{optional, seen};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Only findings of this rule.
    #[schemars(with = "Option<Rule>")]
    rule: Option<String>,
    /// Only what this party takes part in.
    #[schemars(with = "Option<PartyId>")]
    party: Option<String>,
    /// Only what had taken effect by this date.
    as_of: Option<String>,
    /// Only what had been recorded by this date.
    as_known: Option<String>,
}

pub const RESOURCE: Resource =
    Resource::of::<Parameters, Findings>("/findings", "What the rules raise, with its facts")
        .listing("findings", &["rule", "subject", "at", "facts"]);

pub const RULES: Resource =
    Resource::plain::<RuleBook>("/findings/rules", "The rules in force, with their thresholds")
        .rows::<RuleBook>();

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/findings", get(findings)).route("/findings/rules", get(rules))
}

async fn findings(
    State(views): State<Arc<Views>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Answered<Findings>, Problem> {
    let Query(asked) = parameters?;
    let query = FindingQuery {
        rule: optional("rule", asked.rule.as_deref())?,
        party: optional("party", asked.party.as_deref())?,
    };
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    Ok(Answered(views.findings(&query, seen).await?))
}

async fn rules() -> Json<RuleBook> {
    Json(RuleBook::in_force())
}
