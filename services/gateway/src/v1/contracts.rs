//! `GET /v1/contracts`: compute contracts, as `loopledger contracts --json` prints them.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Extension, Router};
use loopledger_model::{ContractId, PartyId};
use loopledger_views::{As, ContractQuery, Contracts, Views};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answered::Answered;
use crate::auth::{Caller, Role};
use crate::openapi::Resource;
use crate::problem::Problem;
use crate::seen::{optional, seen};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameters {
    /// Only this contract.
    #[schemars(with = "Option<ContractId>")]
    contract: Option<String>,
    /// Only contracts that this party buys or sells by.
    #[schemars(with = "Option<PartyId>")]
    party: Option<String>,
    /// Only what had taken effect by this date.
    as_of: Option<String>,
    /// Only what had been recorded by this date.
    as_known: Option<String>,
}

impl Parameters {
    /// Which contracts are asked for, and as of when.
    pub(super) fn read(&self) -> Result<(ContractQuery, As), Problem> {
        let query = ContractQuery {
            contract: optional("contract", self.contract.as_deref())?,
            party: optional("party", self.party.as_deref())?,
        };
        Ok((query, seen(self.as_of.as_deref(), self.as_known.as_deref())?))
    }
}

pub const RESOURCE: Resource =
    Resource::of::<Parameters, Contracts>("/contracts", "Contracts and what came of them")
        .listing("contracts", &["contract"]);

pub fn router() -> Router<Arc<Views>> {
    Router::new().route("/contracts", get(contracts))
}

async fn contracts(
    State(views): State<Arc<Views>>,
    Extension(caller): Extension<Caller>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Answered<Contracts>, Problem> {
    let (query, seen) = parameters?.read()?;
    let mut contracts = views.contracts(&query, seen).await?;
    if !matches!(caller.role, Role::Operator | Role::Regulator) {
        withhold(&mut contracts, &caller);
    }
    Ok(Answered(contracts))
}

/// What a seller bought it for, and to whom a buyer sells it on, is their own.
fn withhold(contracts: &mut Contracts, caller: &Caller) {
    for contract in &mut contracts.contracts {
        if !caller.is(&contract.seller) {
            contract.resale = None;
            contract.capacity_owner = contract.seller.clone();
        }
        if !caller.is(&contract.buyer) {
            contract.sold_on.clear();
        }
    }
}
