//! Answer: the parties that are registered, with what they are called and how others know them.

use jiff::Timestamp;
use loopledger_model::registry::PartyKind;
use loopledger_model::{Country, FactId, Lei, PartyId, Position, Text, Uscc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::as_of::As;
use crate::error::Error;
use crate::rows;
use crate::table::select;
use crate::views::Views;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegisteredQuery {
    pub kind: Option<PartyKind>,
    pub country: Option<Country>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Registered {
    pub position: Position,
    /// In the order in which they were registered.
    pub parties: Vec<RegisteredParty>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RegisteredParty {
    pub party: PartyId,
    pub name: Text,
    pub kind: PartyKind,
    pub country: Option<Country>,
    pub uscc: Option<Uscc>,
    pub lei: Option<Lei>,
    pub at: Timestamp,
    pub event: FactId,
}

impl Views {
    pub async fn registered(&self, query: &RegisteredQuery, seen: As) -> Result<Registered, Error> {
        let mut connection = self.connection().await?;
        let (transaction, position) = self.snapshot(&mut connection).await?;
        let seen = seen.in_rows();
        let condition = format!(
            "{} AND ($3::TEXT IS NULL OR kind = $3) AND ($4::TEXT IS NULL OR country = $4)",
            As::CONDITION
        );
        let kind = query.kind.map(|kind| kind.to_string());
        let country = query.country.map(|country| country.to_string());
        let rows: Vec<rows::Party> =
            select(&transaction, &condition, &[&seen.of, &seen.known, &kind, &country]).await?;
        let parties = rows.into_iter().map(RegisteredParty::of).collect();
        Ok(Registered { position, parties })
    }
}

impl RegisteredParty {
    fn of(row: rows::Party) -> Self {
        Self {
            event: row.stamp.fact(),
            at: row.stamp.at,
            party: row.id,
            name: row.name,
            kind: row.kind,
            country: row.country,
            uscc: row.uscc,
            lei: row.lei,
        }
    }
}
