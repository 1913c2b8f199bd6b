//! `GET /v1/loops`: closed loops, as `loopledger loops --json` prints them.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::routing::get;
use loopledger_model::{Currency, PartyId};
use loopledger_views::{LoopPart, LoopQuery, Loops, Views};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::answered::Answered;
use crate::openapi::Resource;
use crate::paging::Page;
use crate::problem::Problem;
use crate::seen::{optional, seen};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Only what this party takes part in.
    #[schemars(with = "Option<PartyId>")]
    party: Option<String>,
    /// Only in this currency (ISO 4217).
    #[schemars(with = "Option<Currency>")]
    currency: Option<String>,
    /// What stands at the corners of a loop: `party` or `group`.
    level: Option<String>,
    /// Only what had taken effect by this date.
    as_of: Option<String>,
    /// Only what had been recorded by this date.
    as_known: Option<String>,
}

pub const RESOURCE: Resource = Resource::of::<Parameters, Loops>("/loops", "Closed loops")
    .listing("loops", &["parties", "currency"]);

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/loops", get(loops))
}

async fn loops(
    State(views): State<Arc<Views>>,
    page: Option<Extension<Page>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Answered<Loops>, Problem> {
    let Query(asked) = parameters?;
    let query = LoopQuery {
        party: optional("party", asked.party.as_deref())?,
        currency: optional("currency", asked.currency.as_deref())?,
        level: optional("level", asked.level.as_deref())?.unwrap_or_default(),
        part: page.as_deref().map(part).transpose()?,
        without_flows: false,
    };
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    Ok(Answered(views.loops(&query, seen).await?))
}

/// No more loops than a page needs, since each comes with all its flows.
fn part(page: &Page) -> Result<LoopPart, Problem> {
    let (after, most) = page.around();
    let from = after.map(|key| serde_json::from_value(Value::Array(key.to_vec()))).transpose();
    let from = from.map_err(|_| Problem::bad_parameter("cursor: it is not of a loop"))?;
    Ok(LoopPart { most, from })
}
