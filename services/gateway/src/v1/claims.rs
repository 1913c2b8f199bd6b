//! `GET /v1/claims`: claims and what became of them, as `loopledger claims --json` prints them.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Extension, Router};
use loopledger_model::{PartyId, ProgrammeId};
use loopledger_views::{CLAIM_STAGES, ClaimPart, ClaimQuery, Claims, Views};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answered::Answered;
use crate::openapi::Resource;
use crate::paging::Page;
use crate::problem::Problem;
use crate::seen::{optional, seen};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Only of this programme.
    #[schemars(with = "Option<ProgrammeId>")]
    programme: Option<String>,
    /// Only of this provider.
    #[schemars(with = "Option<PartyId>")]
    provider: Option<String>,
    /// Only claims at this stage.
    stage: Option<String>,
    /// Only what had taken effect by this date.
    as_of: Option<String>,
    /// Only what had been recorded by this date.
    as_known: Option<String>,
}

pub const RESOURCE: Resource =
    Resource::of::<Parameters, Claims>("/claims", "Claims with their cuts and payments")
        .listing("claims", &["claim"]);

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/claims", get(claims))
}

async fn claims(
    State(views): State<Arc<Views>>,
    page: Option<Extension<Page>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Answered<Claims>, Problem> {
    let Query(asked) = parameters?;
    if let Some(stage) = asked.stage.as_deref().filter(|stage| !CLAIM_STAGES.contains(stage)) {
        let known = CLAIM_STAGES.join(", ");
        let detail = format!("stage: `{stage}` is no stage of a claim: the stages are {known}");
        return Err(Problem::bad_parameter(&detail));
    }
    let query = ClaimQuery {
        programme: optional("programme", asked.programme.as_deref())?,
        provider: optional("provider", asked.provider.as_deref())?,
        stage: asked.stage,
        part: page.as_deref().map(part).transpose()?,
    };
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    Ok(Answered(views.claims(&query, seen).await?))
}

fn part(page: &Page) -> Result<ClaimPart, Problem> {
    let (from, most) = page.around_one("a claim")?;
    Ok(ClaimPart { most, from })
}
