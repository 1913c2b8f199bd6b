//! Answer: money that moved.

use jiff::Timestamp;
use loopledger_model::{Currency, FactId, PartyId, Position};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_postgres::GenericClient;
use tokio_postgres::types::ToSql;

use crate::as_of::As;
use crate::columns::micros;
use crate::error::Error;
use crate::figures;
use crate::flow_kind::FlowKind;
use crate::rows;
use crate::table::{limit, select, select_in_order};
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
    pub part: Option<FlowPart>,
}

/// So many of the flows in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowPart {
    pub most: usize,
    /// The first one; nothing is found where that is no flow.
    pub from: Option<FactId>,
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
    AND ($6::TIMESTAMPTZ IS NULL OR at < $6)
    AND ($7::TIMESTAMPTZ IS NULL OR (at, position, fact_index) >= ($7, $8::BIGINT, $9::INT))";

/// An index has this order, so a part is read from where it begins.
pub(crate) const ORDER: &str = "at, position, fact_index LIMIT $10";

/// Which flows, by the parameters of the query.
pub(crate) fn wanted() -> String {
    format!("{}{CONDITION}", As::CONDITION)
}

impl Views {
    pub async fn flows(&self, query: &FlowQuery, seen: As) -> Result<Flows, Error> {
        let mut connection = self.connection().await?;
        let (transaction, position) = self.snapshot(&mut connection).await?;
        let seen = seen.in_rows();
        let FlowQuery { party, kind, from, to, part } = query;
        let first = match part.as_ref().and_then(|part| part.from) {
            Some(first) => match stamp(&transaction, first).await? {
                None => return Ok(Flows { position, flows: Vec::new() }),
                known => known,
            },
            None => None,
        };
        let most = limit(part.as_ref().map(|part| part.most));
        let [from, to] = [from, to].map(|at| at.map(micros));
        let (party, kind) = (party.as_ref().map(PartyId::as_str), kind.map(FlowKind::name));
        let [at, position_of, index] = [
            &first.as_ref().map(|stamp| stamp.at) as &(dyn ToSql + Sync),
            &first.as_ref().map(|stamp| signed(stamp.position)),
            &first.as_ref().map(|stamp| stamp.fact_index),
        ];
        let flows: Vec<rows::Flow> = select_in_order(
            &transaction,
            &wanted(),
            ORDER,
            &[&seen.of, &seen.known, &party, &kind, &from, &to, at, position_of, index, &most],
        )
        .await?;
        Ok(Flows { position, flows: flows.into_iter().map(MoneyFlow::of).collect() })
    }
}

/// Where the flow of a fact stands in the order.
async fn stamp(client: &impl GenericClient, fact: FactId) -> Result<Option<rows::Stamp>, Error> {
    let (position, index) = (signed(fact.position), i32::try_from(fact.index).unwrap_or(-1));
    let found: Vec<rows::Flow> =
        select(client, "position = $1 AND fact_index = $2", &[&position, &index]).await?;
    Ok(found.first().map(|flow| flow.stamp))
}

/// One that PostgreSQL cannot name is no row's.
fn signed(position: Position) -> i64 {
    i64::try_from(position).unwrap_or(-1)
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
