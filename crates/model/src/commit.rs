//! What a commit's body says: the commands it answers and the events they made, in the order in which they were
//! decided.
//!
//! Invariant: the n-th event of a commit, counted over all its entries, is fact `position.n`.

use jiff::Timestamp;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use crate::context::{Context, FactId, Position};
use crate::id::CommandId;
use crate::text::Text;
use crate::{allocation, fund, purchase, registry, voucher};

/// The media type of a body, and the format's version.
pub const BODY_TYPE: &str = "loopledger.commit.v1";

/// A SHA-256 of a command's canonical JSON, cut to 128 bits, in hex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest(pub String);

/// The body of one commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body<E, R> {
    /// The position up to which the decider knew the other contexts' facts.
    pub facts_at: Position,
    pub entries: Vec<Entry<E, R>>,
}

/// One command and what became of it: events (none where it had been done already), or a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "E: Deserialize<'de>, R: Deserialize<'de>"))]
pub struct Entry<E, R> {
    pub command: CommandId,
    pub digest: Digest,
    /// Who asked.
    pub by: Text,
    /// Other contexts' facts that the decision relied on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rests_on: Vec<FactId>,
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<E>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<R>,
}

/// An event of any context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Registry(registry::Event),
    Voucher(voucher::Event),
    Fund(fund::Event),
    Purchase(purchase::Event),
    Allocation(allocation::Event),
}

impl Event {
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::Registry(event) => event.at(),
            Self::Voucher(event) => event.at(),
            Self::Fund(event) => event.at(),
            Self::Purchase(event) => event.at(),
            Self::Allocation(event) => event.at(),
        }
    }
}

/// A recorded event: when it took effect is in the event, when it was recorded is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    pub id: FactId,
    pub recorded_at: Timestamp,
    pub event: Event,
}

/// A body that this version of the ledger cannot read: a reader stops here, it never skips.
#[derive(Debug, thiserror::Error)]
#[error("commit {position} of {context} cannot be read: {source}")]
pub struct Unreadable {
    pub position: Position,
    pub context: Context,
    pub source: serde_json::Error,
}

/// The facts of a commit's body.
pub fn facts(
    context: Context,
    position: Position,
    recorded_at: Timestamp,
    body: &[u8],
) -> Result<Vec<Fact>, Unreadable> {
    let events = match context {
        Context::Registry => events(body, Event::Registry),
        Context::Voucher => events(body, Event::Voucher),
        Context::Fund => events(body, Event::Fund),
        Context::Purchase => events(body, Event::Purchase),
        Context::Allocation => events(body, Event::Allocation),
    }
    .map_err(|source| Unreadable { position, context, source })?;
    let fact = |(index, event)| Fact { id: FactId { position, index }, recorded_at, event };
    Ok((0..).zip(events).map(fact).collect())
}

fn events<E: DeserializeOwned>(
    body: &[u8],
    wrap: fn(E) -> Event,
) -> Result<Vec<Event>, serde_json::Error> {
    let body: Body<E, IgnoredAny> = serde_json::from_slice(body)?;
    Ok(body.entries.into_iter().flat_map(|entry| entry.events).map(wrap).collect())
}
