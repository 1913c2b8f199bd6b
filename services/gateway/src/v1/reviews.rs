//! `GET /v1/reviews`: who reviewed what, as `loopledger reviews --json` prints it.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use loopledger_model::{PartyId, ProgrammeId};
use loopledger_views::{ReviewQuery, Reviews, Views};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answered::Answered;
use crate::openapi::Resource;
use crate::problem::Problem;
use crate::seen::{optional, seen};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Only of this programme.
    #[schemars(with = "Option<ProgrammeId>")]
    programme: Option<String>,
    /// Only of this application or claim.
    subject: Option<String>,
    /// Only of what was submitted on behalf of this party.
    #[schemars(with = "Option<PartyId>")]
    applicant: Option<String>,
    /// Only of claims for this provider's service.
    #[schemars(with = "Option<PartyId>")]
    provider: Option<String>,
    /// Only what had taken effect by this date.
    as_of: Option<String>,
    /// Only what had been recorded by this date.
    as_known: Option<String>,
}

pub const RESOURCE: Resource = Resource::of::<Parameters, Reviews>(
    "/reviews",
    "Who took which step in a review, under which version",
)
.listing("reviews", &["event"]);

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/reviews", get(reviews))
}

async fn reviews(
    State(views): State<Arc<Views>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Answered<Reviews>, Problem> {
    let Query(asked) = parameters?;
    let query = ReviewQuery {
        programme: optional("programme", asked.programme.as_deref())?,
        subject: asked.subject,
        applicant: optional("applicant", asked.applicant.as_deref())?,
        provider: optional("provider", asked.provider.as_deref())?,
    };
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    Ok(Answered(views.reviews(&query, seen).await?))
}
