//! `GET /v1/reports/loops`: a party's loop report as one HTML file or as a PDF, as `loopledger report` writes it.
//!
//! Invariant: both forms say the same, to each caller what it may see.

use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Extension, Router};
use loopledger_exports::loop_report::LoopReport;
use loopledger_exports::typst::{self, NoTypst};
use loopledger_model::PartyId;
use loopledger_views::{Reader, Views, reading_as};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::flows::keep_own;
use crate::answered::File;
use crate::auth::Caller;
use crate::forms::{Files, WantedFile};
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

const PDF: &str = "pdf";
const FORMS: Files = &[("html", HTML), (PDF, "application/pdf")];

pub const LOOPS: Resource = Resource::files::<Parameters>(
    "/reports/loops",
    "A party's loops, payments and the hashes of their facts",
    FORMS,
);

/// How many PDFs are made at a time: each is a process of its own.
const AT_A_TIME: usize = 2;
static MAKING: Semaphore = Semaphore::const_new(AT_A_TIME);

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/reports/loops", get(loops))
}

async fn loops(
    State(views): State<Arc<Views>>,
    Extension(caller): Extension<Caller>,
    Extension(wanted): Extension<WantedFile>,
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
    let bytes = match wanted.name {
        PDF => pdf(typst::find(), &report.typst(&commits)?).await?,
        _ => report.page(&commits)?.into(),
    };
    Ok(File { bytes, media_type: wanted.media_type, position: report.loops.position })
}

async fn pdf(typst: Result<PathBuf, NoTypst>, source: &str) -> Result<Vec<u8>, Problem> {
    let typst = typst.map_err(|missing| {
        let detail = format!("{missing}; ask for `format=html` meanwhile");
        Problem::named("no-pdf", detail)
    })?;
    let _turn = MAKING.acquire().await.expect("it is never closed");
    Ok(typst::pdf(&typst, source).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_typst_the_problem_says_what_to_do() {
        let problem = pdf(Err(NoTypst), "").await.expect_err("nothing makes it").to_value();
        assert_eq!(problem["type"], "urn:loopledger:problem:no-pdf");
        assert_eq!(problem["status"], 406);
        let detail = problem["detail"].as_str().expect("a text");
        assert!(detail.contains("install it") && detail.contains("format=html"), "{detail}");
    }
}
