//! Answer: closed loops. As they stand they are read from their table; as of an earlier time they
//! are found anew.

use std::cmp::Ordering;

use jiff::Timestamp;
use loopledger_model::{Currency, FactId, PartyId, Position};
use serde::{Deserialize, Serialize};
use tokio_postgres::types::Json;
use tokio_postgres::{Row, Transaction};

use crate::as_of::As;
use crate::error::Error;
use crate::flow_graph::FlowGraph;
use crate::rows::{self, CutSearch};
use crate::table::select;
use crate::views::Views;

/// The most loops in one statement.
const CHUNK: usize = 200;

/// Which loops are asked for; all where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoopQuery {
    /// On the loop, wherever.
    pub party: Option<PartyId>,
    pub currency: Option<Currency>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loops {
    pub position: Position,
    /// The largest `returned_upper` first.
    pub loops: Vec<LoopFound>,
    /// Flows whose search for loops ran out of steps: loops through them may be missing.
    pub cut_searches: Vec<FactId>,
}

/// A loop with its facts. Amounts are in the currency's major unit, rounded half up to its
/// decimals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoopFound {
    /// The one that put capital in comes first.
    pub parties: Vec<String>,
    pub kind: String,
    pub currency: Currency,
    pub capital_out: String,
    pub returned_lower: String,
    pub returned_fifo: String,
    pub returned_pro_rata: String,
    pub returned_upper: String,
    pub ratio_pro_rata: String,
    pub voucher_amount: String,
    pub first_capital_at: Timestamp,
    pub closed_at: Timestamp,
    pub last_return_at: Timestamp,
    pub lag_days: i64,
    /// Every flow between consecutive parties, in time order.
    pub legs: Vec<Leg>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    pub from: String,
    pub to: String,
    pub kind: String,
    pub amount: String,
    pub at: Timestamp,
    pub event: FactId,
}

/// A loop as its answer: numbers as text, since their decimals mean something.
const SELECT: &str = "
    SELECT to_jsonb(loops) || jsonb_build_object(
        'capital_out', capital_out::TEXT,
        'returned_lower', returned_lower::TEXT,
        'returned_fifo', returned_fifo::TEXT,
        'returned_pro_rata', returned_pro_rata::TEXT,
        'returned_upper', returned_upper::TEXT,
        'ratio_pro_rata', ratio_pro_rata::TEXT,
        'voucher_amount', voucher_amount::TEXT)
    FROM loops
    WHERE ($1::TEXT IS NULL OR parties @> ARRAY[$1]) AND ($2::TEXT IS NULL OR currency = $2)
    ORDER BY returned_upper DESC, parties COLLATE \"C\", currency COLLATE \"C\"";

const UPSERT: &str = "
    INSERT INTO loops
    SELECT * FROM jsonb_to_recordset($1) AS found (
        parties TEXT[], kind TEXT, currency TEXT, capital_out NUMERIC, returned_lower NUMERIC,
        returned_fifo NUMERIC, returned_pro_rata NUMERIC, returned_upper NUMERIC,
        ratio_pro_rata NUMERIC, voucher_amount NUMERIC, first_capital_at TIMESTAMPTZ,
        closed_at TIMESTAMPTZ, last_return_at TIMESTAMPTZ, lag_days BIGINT, legs JSONB)
    ON CONFLICT (currency, parties) DO UPDATE SET
        kind = excluded.kind, capital_out = excluded.capital_out,
        returned_lower = excluded.returned_lower, returned_fifo = excluded.returned_fifo,
        returned_pro_rata = excluded.returned_pro_rata, returned_upper = excluded.returned_upper,
        ratio_pro_rata = excluded.ratio_pro_rata, voucher_amount = excluded.voucher_amount,
        first_capital_at = excluded.first_capital_at, closed_at = excluded.closed_at,
        last_return_at = excluded.last_return_at, lag_days = excluded.lag_days,
        legs = excluded.legs";

/// Puts loops in the place of what is known of them; each is named once.
pub(crate) async fn upsert(
    transaction: &Transaction<'_>,
    loops: &[LoopFound],
) -> Result<(), tokio_postgres::Error> {
    for found in loops.chunks(CHUNK) {
        transaction.execute(UPSERT, &[&Json(found)]).await?;
    }
    Ok(())
}

impl Views {
    pub async fn loops(&self, query: &LoopQuery, seen: As) -> Result<Loops, Error> {
        if seen.is_now() { self.loops_now(query).await } else { self.loops_then(query, seen).await }
    }

    async fn loops_now(&self, query: &LoopQuery) -> Result<Loops, Error> {
        let mut connection = self.connection().await?;
        let (transaction, position) = self.snapshot(&mut connection).await?;
        let party = query.party.as_ref().map(PartyId::as_str);
        let currency = query.currency.map(|currency| currency.to_string());
        let rows = transaction.query(SELECT, &[&party, &currency]).await?;
        let loops = rows.iter().map(LoopFound::read).collect::<Result<_, _>>()?;
        let cut: Vec<CutSearch> = select(&transaction, "TRUE", &[]).await?;
        let cut_searches = cut.iter().map(|search| search.stamp.fact()).collect();
        Ok(Loops { position, loops, cut_searches })
    }

    /// What the flows that the times let through come to, found anew.
    async fn loops_then(&self, query: &LoopQuery, seen: As) -> Result<Loops, Error> {
        let mut connection = self.connection().await?;
        let (transaction, position) = self.snapshot(&mut connection).await?;
        let seen = seen.in_rows();
        let flows: Vec<rows::Flow> =
            select(&transaction, As::CONDITION, &[&seen.of, &seen.known]).await?;
        drop(transaction);
        drop(connection);
        let query = query.clone();
        let search = move || -> Result<Loops, Error> {
            let graph = FlowGraph::of(&flows)?;
            let mut loops: Vec<_> = graph.all().filter(|found| query.wants(found)).collect();
            loops.sort_by(LoopFound::in_order);
            Ok(Loops { position, loops, cut_searches: graph.cut_searches() })
        };
        let found = tokio::task::spawn_blocking(search).await;
        found.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()))
    }
}

impl LoopQuery {
    fn wants(&self, found: &LoopFound) -> bool {
        let on_it = |party: &PartyId| found.parties.iter().any(|id| id == party.as_str());
        self.party.as_ref().is_none_or(on_it)
            && self.currency.is_none_or(|currency| found.currency == currency)
    }
}

impl LoopFound {
    fn read(row: &Row) -> Result<Self, Error> {
        let misread = |error: tokio_postgres::Error| Error::Misread {
            table: "loops",
            column: "parties",
            found: error.to_string(),
        };
        let Json(found) = row.try_get(0).map_err(misread)?;
        Ok(found)
    }

    /// The largest upper bound first, then by parties.
    fn in_order(&self, other: &Self) -> Ordering {
        magnitude(&other.returned_upper)
            .cmp(&magnitude(&self.returned_upper))
            .then_with(|| self.parties.cmp(&other.parties))
            .then_with(|| self.currency.cmp(&other.currency))
    }
}

/// Orders decimals that are written without sign and leading zeros.
fn magnitude(decimal: &str) -> (usize, &str, &str) {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    (whole.len(), whole, fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_ordered_by_size_and_not_by_spelling() {
        for pair in ["0", "0.05", "0.5", "1", "9.99", "10", "10.25", "100.5", "100.51"].windows(2) {
            assert!(magnitude(pair[0]) < magnitude(pair[1]), "{pair:?}");
        }
        assert_eq!(magnitude("100"), magnitude("100.00"));
    }
}
