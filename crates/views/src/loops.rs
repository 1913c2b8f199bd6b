//! Answer: closed loops. As they stand they are read from their table; as of an earlier time, and
//! between groups, they are found anew.

use std::cmp::Ordering;
use std::str::FromStr;

use jiff::Timestamp;
use loopledger_model::{Currency, FactId, NotAName, PartyId, Position};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_postgres::Transaction;

use crate::as_of::As;
use crate::error::Error;
use crate::flow_graph::FlowGraph;
use crate::groups::loops_of_groups;
use crate::reader::see_everything;
use crate::register::Register;
use crate::rows::{self, CutSearch};
use crate::stored_loops;
use crate::table::select;
use crate::views::Views;

/// Which loops are asked for; all where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoopQuery {
    /// On the loop, wherever; at group level in one of its groups too.
    pub party: Option<PartyId>,
    pub currency: Option<Currency>,
    /// Whether parties are looked at, or the groups that they belong to.
    pub level: Level,
    pub part: Option<LoopPart>,
    /// Figures only, where nobody looks at legs, voucher payments and positions: they are most of an answer.
    pub without_flows: bool,
}

/// So many of the loops in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoopPart {
    pub most: usize,
    /// The parties and the currency of the first one; nothing is found where that is no loop that is asked for.
    pub from: Option<(Vec<String>, Currency)>,
}

/// What stands at the corners of a loop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Level {
    #[default]
    Party,
    /// Economic groups: each party is its ultimate controller's on the day of each flow.
    Group,
}

impl FromStr for Level {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        match text {
            "party" => Ok(Self::Party),
            "group" => Ok(Self::Group),
            _ => Err(NotAName {
                text: text.chars().take(40).collect(),
                what: "level of loops",
                names: "party group",
            }),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Loops {
    pub position: Position,
    /// The largest `returned_upper` first.
    pub loops: Vec<LoopFound>,
    /// Flows whose search for loops ran out of steps: loops through them may be missing.
    pub cut_searches: Vec<FactId>,
}

/// A loop with its facts. Amounts are in the currency's major unit, rounded half up to its
/// decimals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// Days between capital out and return, weighted by amount, of the money that first in, first
    /// out brings back; absent where that is none.
    pub dwell_days: Option<String>,
    /// Every flow between consecutive parties, in time order.
    pub legs: Vec<Leg>,
    /// The payments that `voucher_amount` is the sum of.
    pub voucher_events: Vec<FactId>,
    /// The positions of the legs and of the voucher payments; at group level also of the stakes by
    /// which their parties belonged to the groups.
    pub positions: Vec<Position>,
    /// At group level, who of each group is on the legs; else empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupOnLoop>,
}

/// The parties of one group that a loop's legs run through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupOnLoop {
    pub group: String,
    pub parties: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Leg {
    pub from: String,
    pub to: String,
    pub kind: String,
    pub amount: String,
    pub at: Timestamp,
    pub event: FactId,
    /// At group level, the payer's group on that day; `from` is the payer itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_group: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_group: Option<String>,
}

impl Views {
    pub async fn loops(&self, query: &LoopQuery, seen: As) -> Result<Loops, Error> {
        let mut connection = self.connection().await?;
        let (transaction, position) = self.snapshot(&mut connection).await?;
        let source = Source::load(&transaction, query, seen).await?;
        drop(transaction);
        drop(connection);
        let query = query.clone();
        let search = move || {
            let (loops, cut_searches) = source.find(&query)?;
            Ok(Loops { position, loops, cut_searches })
        };
        let found = tokio::task::spawn_blocking(search).await;
        found.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()))
    }
}

/// Loops in order, and the flows whose search ran out of steps.
pub(crate) type Found = (Vec<LoopFound>, Vec<FactId>);

/// What loops are read from.
pub(crate) enum Source {
    /// As they stand.
    Known(Found),
    /// The flows that the times let through.
    Flows(Vec<rows::Flow>),
    /// The same, and who controls whom.
    Groups(Vec<rows::Flow>, Register),
}

impl Source {
    pub(crate) async fn load(
        transaction: &Transaction<'_>,
        query: &LoopQuery,
        seen: As,
    ) -> Result<Self, Error> {
        if seen.is_now() && query.level == Level::Party {
            let loops = stored_loops::known(transaction, query).await?;
            let cut: Vec<CutSearch> = select(transaction, "TRUE", &[]).await?;
            let cut = cut.iter().map(|search| search.stamp.fact()).collect();
            return Ok(Self::Known((loops, cut)));
        }
        // What came back depends on everything that was paid.
        see_everything(transaction).await?;
        let times = seen.in_rows();
        let flows = select(transaction, As::CONDITION, &[&times.of, &times.known]).await?;
        Ok(match query.level {
            Level::Party => Self::Flows(flows),
            Level::Group => Self::Groups(flows, Register::load(transaction, seen).await?),
        })
    }

    /// Takes its time where the loops have to be found anew.
    pub(crate) fn find(self, query: &LoopQuery) -> Result<Found, Error> {
        let (mut loops, cut_searches) = match self {
            Self::Known(found) => return Ok(found),
            Self::Flows(flows) => {
                let graph = FlowGraph::of(&flows)?;
                (graph.all().filter(|found| query.wants(found)).collect(), graph.cut_searches())
            }
            Self::Groups(flows, register) => {
                let (mut loops, cut_searches) = loops_of_groups(&flows, &register)?;
                loops.retain(|found| query.wants(found));
                (loops, cut_searches)
            }
        };
        loops.sort_by(LoopFound::in_order);
        if let Some(part) = &query.part {
            part.keep(&mut loops);
        }
        if query.without_flows {
            let figures = |found: LoopFound| found.with_flows(Vec::new(), Vec::new());
            loops = loops.into_iter().map(figures).collect();
        }
        Ok((loops, cut_searches))
    }
}

impl LoopQuery {
    fn wants(&self, found: &LoopFound) -> bool {
        let members = found.groups.iter().flat_map(|group| &group.parties);
        let corners: Vec<&String> = found.parties.iter().chain(members).collect();
        let on_it = |party: &PartyId| corners.iter().any(|id| *id == party.as_str());
        self.party.as_ref().is_none_or(on_it)
            && self.currency.is_none_or(|currency| found.currency == currency)
    }
}

impl LoopPart {
    /// Of loops in their order.
    fn keep(&self, loops: &mut Vec<LoopFound>) {
        if let Some((parties, currency)) = &self.from {
            let first =
                |found: &LoopFound| found.parties == *parties && found.currency == *currency;
            let before = loops.iter().position(first).unwrap_or(loops.len());
            loops.drain(..before);
        }
        loops.truncate(self.most);
    }
}

impl LoopFound {
    /// The same with its flows: its legs in the order of time, its voucher payments in that of
    /// their facts.
    pub(crate) fn with_flows(self, legs: Vec<Leg>, voucher_events: Vec<FactId>) -> Self {
        let facts = legs.iter().map(|leg| leg.event).chain(voucher_events.iter().copied());
        let mut positions: Vec<Position> = facts.map(|fact| fact.position).collect();
        positions.sort_unstable();
        positions.dedup();
        Self { legs, voucher_events, positions, ..self }
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
