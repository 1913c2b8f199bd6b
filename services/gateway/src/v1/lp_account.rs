//! `GET /v1/lp-account`: a partner's capital account with a fund, as `loopledger lp-account --json` prints it.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use loopledger_model::PartyId;
use loopledger_views::{LpAccount, Views};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answered::Answered;
use crate::openapi::Resource;
use crate::problem::Problem;
use crate::seen::{period, read, required, seen};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// The fund.
    #[schemars(required, with = "Option<PartyId>")]
    fund: Option<String>,
    /// The partner.
    #[schemars(required, with = "Option<PartyId>")]
    lp: Option<String>,
    /// The start of a period, a date or an instant; needs `to`.
    from: Option<String>,
    /// Its end, not included.
    to: Option<String>,
    /// Only what had taken effect by this date.
    as_of: Option<String>,
    /// Only what had been recorded by this date.
    as_known: Option<String>,
}

pub const RESOURCE: Resource =
    Resource::of::<Parameters, LpAccount>("/lp-account", "A partner's capital account with a fund");

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/lp-account", get(lp_account))
}

async fn lp_account(
    State(views): State<Arc<Views>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Answered<LpAccount>, Problem> {
    let Query(asked) = parameters?;
    let fund: PartyId = read("fund", required("fund", asked.fund.as_deref())?)?;
    let lp: PartyId = read("lp", required("lp", asked.lp.as_deref())?)?;
    let period = match (asked.from.as_deref(), asked.to.as_deref()) {
        (None, None) => None,
        (from, to) => Some(period(from, to)?),
    };
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    let known = views.lp_account((&fund, &lp), period, seen).await?;
    let unknown = || Problem::not_known(format!("{lp} had no commitment to a fund {fund} then"));
    known.map(Answered).ok_or_else(unknown)
}
