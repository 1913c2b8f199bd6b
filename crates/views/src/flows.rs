//! Answer: money that moved.

use jiff::Timestamp;
use loopledger_model::{Currency, FactId, PartyId, Position};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::as_of::As;
use crate::columns::micros;
use crate::error::Error;
use crate::figures;
use crate::flow_kind::FlowKind;
use crate::rows;
use crate::table::select;
use crate::views::Views;

/// Which flows are asked for; all where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlowQuery {
    /// From or to.
    pub party: Option<PartyId>,
    pub kind: Option<FlowKind>,
    /// Included.
    pub from: Option<Timestamp>,
    /// Not included.
    pub to: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Flows {
    pub position: Position,
    /// By effective time, then in the order in which they were recorded.
    pub flows: Vec<MoneyFlow>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MoneyFlow {
    pub id: String,
    pub from: PartyId,
    pub to: PartyId,
    pub kind: FlowKind,
    pub amount: String,
    pub currency: Currency,
    pub at: Timestamp,
    pub event: FactId,
}

const CONDITION: &str = "
    AND ($3::TEXT IS NULL OR from_party = $3 OR to_party = $3)
    AND ($4::TEXT IS NULL OR kind = $4)
    AND ($5::TIMESTAMPTZ IS NULL OR at >= $5)
    AND ($6::TIMESTAMPTZ IS NULL OR at < $6)";

impl Views {
    pub async fn flows(&self, query: &FlowQuery, seen: As) -> Result<Flows, Error> {
        let mut connection = self.connection().await?;
        let (transaction, position) = self.snapshot(&mut connection).await?;
        let seen = seen.in_rows();
        let FlowQuery { party, kind, from, to } = query;
        let [from, to] = [from, to].map(|at| at.map(micros));
        let (party, kind) = (party.as_ref().map(PartyId::as_str), kind.map(FlowKind::name));
        let mut flows: Vec<rows::Flow> = select(
            &transaction,
            &format!("{}{CONDITION}", As::CONDITION),
            &[&seen.of, &seen.known, &party, &kind, &from, &to],
        )
        .await?;
        flows.sort_by_key(|flow| flow.stamp.at);
        Ok(Flows { position, flows: flows.into_iter().map(MoneyFlow::of).collect() })
    }
}

impl MoneyFlow {
    fn of(row: rows::Flow) -> Self {
        Self {
            id: row.id,
            from: row.from_party,
            to: row.to_party,
            kind: row.kind,
            amount: figures::amount(row.amount, row.currency),
            currency: row.currency,
            at: row.stamp.at,
            event: row.stamp.fact(),
        }
    }
}
