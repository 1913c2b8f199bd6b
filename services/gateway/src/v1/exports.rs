//! `GET /v1/exports/..`: the ledger as a file of another format, byte for byte as `loopledger export` writes it.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use loopledger_exports::{Export, Exported};
use loopledger_views::Views;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answered::File;
use crate::openapi::Resource;
use crate::problem::Problem;
use crate::seen::seen;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Only what had taken effect by this date.
    as_of: Option<String>,
    /// Only what had been recorded by this date.
    as_known: Option<String>,
}

pub const BEANCOUNT: Resource = Resource::file::<Parameters>(
    "/exports/beancount",
    "Every payment in the books of both parties, for beancount",
    Export::Beancount.media_type(),
);
pub const FOCUS: Resource = Resource::file::<Parameters>(
    "/exports/focus",
    "What buyers are charged for compute, as FOCUS 1.2",
    Export::Focus.media_type(),
);
pub const OCEL: Resource = Resource::file::<Parameters>(
    "/exports/ocel",
    "All events and what they are about, as OCEL 2.0",
    Export::Ocel.media_type(),
);

pub fn router() -> Router<Arc<Views>> {
    Router::new()
        .route("/exports/beancount", get(|views, asked| export(Export::Beancount, views, asked)))
        .route("/exports/focus", get(|views, asked| export(Export::Focus, views, asked)))
        .route("/exports/ocel", get(|views, asked| export(Export::Ocel, views, asked)))
}

async fn export(
    format: Export,
    State(views): State<Arc<Views>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<File, Problem> {
    let Query(asked) = parameters?;
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    let Exported { text, position } = format.of(&views, seen).await?;
    Ok(File { bytes: text.into(), media_type: format.media_type(), position })
}
