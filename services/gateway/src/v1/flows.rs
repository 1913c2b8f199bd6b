//! `GET /v1/flows`: money that moved, as `loopledger flows --json` prints it.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Extension, Json, Router};
use loopledger_views::{FlowKind, FlowQuery, Flows, MoneyFlow, Views};
use serde::Deserialize;

use crate::auth::{Caller, Role};
use crate::problem::Problem;
use crate::seen::{optional, optional_date, seen};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    party: Option<String>,
    kind: Option<String>,
    from: Option<String>,
    to: Option<String>,
    as_of: Option<String>,
    as_known: Option<String>,
}

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/flows", get(flows))
}

async fn flows(
    State(views): State<Arc<Views>>,
    Extension(caller): Extension<Caller>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<Flows>, Problem> {
    let Query(asked) = parameters?;
    let query = FlowQuery {
        party: optional("party", asked.party.as_deref())?,
        kind: optional("kind", asked.kind.as_deref())?,
        from: optional_date("from", asked.from.as_deref())?,
        to: optional_date("to", asked.to.as_deref())?,
    };
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    let mut flows = views.flows(&query, seen).await?;
    if caller.role == Role::FundManager {
        flows.flows.retain(|flow| !is_of_another_investor(flow, &caller));
    }
    Ok(Json(flows))
}

/// Who else has put money into a fund, and what it got back, is not its manager's to pass on.
fn is_of_another_investor(flow: &MoneyFlow, caller: &Caller) -> bool {
    let by_investor = matches!(flow.kind, FlowKind::Contribution | FlowKind::Distribution);
    by_investor && !(caller.is(&flow.from) && caller.is(&flow.to))
}
