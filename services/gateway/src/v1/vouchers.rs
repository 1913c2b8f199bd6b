//! `GET /v1/vouchers`: programmes and vouchers, as `loopledger vouchers --json` prints them.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Extension, Router};
use loopledger_model::ProgrammeId;
use loopledger_views::{Views, VoucherPart, Vouchers};
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
    /// Only what had taken effect by this date.
    as_of: Option<String>,
    /// Only what had been recorded by this date.
    as_known: Option<String>,
}

pub const RESOURCE: Resource =
    Resource::of::<Parameters, Vouchers>("/vouchers", "Programmes' budgets and each voucher")
        .listing("vouchers", &["voucher"]);

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/vouchers", get(vouchers))
}

async fn vouchers(
    State(views): State<Arc<Views>>,
    page: Option<Extension<Page>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Answered<Vouchers>, Problem> {
    let Query(asked) = parameters?;
    let programme: Option<ProgrammeId> = optional("programme", asked.programme.as_deref())?;
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    let Some(Extension(page)) = page else {
        return Ok(Answered(views.vouchers(programme.as_ref(), seen).await?));
    };
    let (from, most) = page.around_one("a voucher")?;
    let part = VoucherPart { most, from };
    Ok(Answered(views.some_vouchers(programme.as_ref(), &part, seen).await?))
}
