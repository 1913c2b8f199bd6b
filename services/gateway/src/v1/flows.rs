//! `GET /v1/flows`: money that moved, as `loopledger flows --json` prints it.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Extension, Router};
use loopledger_model::PartyId;
use loopledger_views::{FlowKind, FlowPart, FlowQuery, Flows, MoneyFlow, Views};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answered::Answered;
use crate::auth::{Caller, Role};
use crate::openapi::Resource;
use crate::paging::Page;
use crate::problem::Problem;
use crate::seen::{optional, optional_date, seen};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Only what this party takes part in.
    #[schemars(with = "Option<PartyId>")]
    party: Option<String>,
    /// Only flows of this kind.
    #[schemars(with = "Option<FlowKind>")]
    kind: Option<String>,
    /// The start, a date or an instant; included.
    from: Option<String>,
    /// The end, a date or an instant; not included.
    to: Option<String>,
    /// Only what had taken effect by this date.
    as_of: Option<String>,
    /// Only what had been recorded by this date.
    as_known: Option<String>,
}

pub const RESOURCE: Resource =
    Resource::of::<Parameters, Flows>("/flows", "Money that moved").listing("flows", &["event"]);

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/flows", get(flows))
}

async fn flows(
    State(views): State<Arc<Views>>,
    Extension(caller): Extension<Caller>,
    page: Option<Extension<Page>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Answered<Flows>, Problem> {
    let Query(asked) = parameters?;
    let query = FlowQuery {
        party: optional("party", asked.party.as_deref())?,
        kind: optional("kind", asked.kind.as_deref())?,
        from: optional_date("from", asked.from.as_deref())?,
        to: optional_date("to", asked.to.as_deref())?,
        // What a manager does not see of its list is taken out of all of it.
        part: page.filter(|_| caller.role != Role::FundManager).as_deref().map(part).transpose()?,
    };
    let seen = seen(asked.as_of.as_deref(), asked.as_known.as_deref())?;
    let mut flows = views.flows(&query, seen).await?;
    keep_own(&mut flows, &caller);
    Ok(Answered(flows))
}

fn part(page: &Page) -> Result<FlowPart, Problem> {
    let (from, most) = page.around_one("a flow")?;
    Ok(FlowPart { most, from })
}

/// Leaves what the caller may see of flows that it may ask for.
pub(super) fn keep_own(flows: &mut Flows, caller: &Caller) {
    if caller.role == Role::FundManager {
        flows.flows.retain(|flow| !is_of_another_investor(flow, caller));
    }
}

/// Who else has put money into a fund, and what it got back, is not its manager's to pass on.
fn is_of_another_investor(flow: &MoneyFlow, caller: &Caller) -> bool {
    let by_investor = matches!(flow.kind, FlowKind::Contribution | FlowKind::Distribution);
    by_investor && !(caller.is(&flow.from) && caller.is(&flow.to))
}
