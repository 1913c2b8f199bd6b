//! What a commit's body says: the commands it answers and the events they made, in the order in which they were
//! decided.
//!
//! Events carry their version in their tag: `payment_recorded` is version 1, `payment_recorded.v2` would be the
//! next form of the same event. Commits are never rewritten; an older form is lifted to the present one while it
//! is read (`UPCASTERS`). A refusal keeps its form for ever: another form gets another code.
//!
//! Invariant: the n-th event of a commit, counted over all its entries, is fact `position.n`; so an older event
//! becomes exactly one present one.
//! Invariant: whatever was ever recorded can be read; `fixtures/commits` holds every event in every form.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::context::{Context, FactId, Position};
use crate::hex::{self, Hex};
use crate::id::CommandId;
use crate::text::Text;
use crate::{allocation, fund, purchase, registry, told, voucher};

/// The media type of a body, and the format's version.
pub const BODY_TYPE: &str = "loopledger.commit.v1";

/// A SHA-256 of a command's canonical JSON, cut to 128 bits; written in hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(pub [u8; 16]);

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        let wrong = || D::Error::custom(format!("`{text}` is no digest: 32 digits 0-9 and a-f"));
        hex::parse(&text).map(Self).ok_or_else(wrong)
    }
}

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

/// Lifts the content of an event from the form that `tag` names to the next one, `becomes`.
struct Upcaster {
    context: Context,
    tag: &'static str,
    becomes: &'static str,
    lift: fn(Value) -> Value,
}

/// Every form of an event that is no longer written. All events are in their first form yet.
const UPCASTERS: &[Upcaster] = &[];

/// An event that a context records.
///
/// Whoever reads bodies reads them by way of this: what reads them is compiled here, for every context once.
pub trait Recorded: Serialize + DeserializeOwned {
    /// What the context refuses commands for.
    type Refusal: Serialize + DeserializeOwned;

    /// Reads a body, older forms of its events included.
    fn read(body: &[u8]) -> Result<Body<Self, Self::Refusal>, serde_json::Error>;
}

macro_rules! recorded {
    ($($context:ident: $of:ident),*) => {$(
        impl Recorded for $of::Event {
            type Refusal = $of::Refusal;

            fn read(body: &[u8]) -> Result<Body<Self, Self::Refusal>, serde_json::Error> {
                Body::read(Context::$context, body)
            }
        }
    )*};
}

recorded!(Registry: registry, Voucher: voucher, Fund: fund, Purchase: purchase, Allocation: allocation);

impl<E: DeserializeOwned, R: DeserializeOwned> Body<E, R> {
    /// Reads a body of `context`, older forms of its events included.
    pub fn read(context: Context, body: &[u8]) -> Result<Self, serde_json::Error> {
        read_with(UPCASTERS, context, text(body)?, |body| serde_json::from_str(body))
    }
}

/// As text that is known to be text, so that this is not asked of every string in it.
fn text(body: &[u8]) -> Result<&str, serde_json::Error> {
    str::from_utf8(body).map_err(serde_json::Error::custom)
}

/// What is in the present form is decoded at once; only what cannot be may hold an older one.
fn read_with<T>(
    upcasters: &[Upcaster],
    context: Context,
    body: &str,
    read: impl Fn(&str) -> Result<T, serde_json::Error>,
) -> Result<T, serde_json::Error> {
    read(body).or_else(|error| {
        let mut written = serde_json::from_str(body).unwrap_or(Value::Null);
        let mut lifted = false;
        for event in events(&mut written) {
            lifted |= upcast(upcasters, context, event);
        }
        if !lifted {
            return Err(error);
        }
        // From text again, by the code that reads what is in the present form.
        read(&written.to_string())
    })
}

/// Every event of a body.
fn events(body: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let entries = body.get_mut("entries").and_then(Value::as_array_mut).into_iter().flatten();
    let events = entries.filter_map(|entry| entry.get_mut("events")?.as_array_mut()).flatten();
    events.filter_map(Value::as_object_mut)
}

/// Lifts an event, form by form, until no upcaster knows its tag; answers whether one did.
fn upcast(upcasters: &[Upcaster], context: Context, event: &mut Map<String, Value>) -> bool {
    let mut lifted = false;
    let due = |event: &Map<String, Value>| {
        let known = |up: &&Upcaster| up.context == context && event.contains_key(up.tag);
        upcasters.iter().find(known)
    };
    while let Some(upcaster) = due(event) {
        let content = event.remove(upcaster.tag).expect("the event has this tag");
        event.insert(upcaster.becomes.to_owned(), (upcaster.lift)(content));
        lifted = true;
    }
    lifted
}

/// The facts of a commit's body.
pub fn facts(
    context: Context,
    position: Position,
    recorded_at: Timestamp,
    body: &[u8],
) -> Result<Vec<Fact>, Unreadable> {
    let stored = Stored { context, position, recorded_at, body };
    match context {
        Context::Registry => stored.facts(Event::Registry),
        Context::Voucher => stored.facts(Event::Voucher),
        Context::Fund => stored.facts(Event::Fund),
        Context::Purchase => stored.facts(Event::Purchase),
        Context::Allocation => stored.facts(Event::Allocation),
    }
    .map_err(|source| Unreadable { position, context, source })
}

/// Of the journal, in an entry with a short event. Where events are longer, there are fewer.
const BYTES_AN_EVENT: usize = 256;

/// A commit as far as its facts go.
struct Stored<'a> {
    context: Context,
    position: Position,
    recorded_at: Timestamp,
    body: &'a [u8],
}

impl Stored<'_> {
    fn facts<E: DeserializeOwned>(
        &self,
        wrap: fn(E) -> Event,
    ) -> Result<Vec<Fact>, serde_json::Error> {
        let &Self { context, position, recorded_at, body } = self;
        read_with(UPCASTERS, context, text(body)?, |body| {
            let mut facts = Vec::with_capacity(body.len() / BYTES_AN_EVENT);
            told::events(body, |event| {
                let index = u32::try_from(facts.len()).expect("a commit has fewer than 2^32 facts");
                facts.push(Fact {
                    id: FactId { position, index },
                    recorded_at,
                    event: wrap(event),
                });
            })?;
            Ok(facts)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde::de::IgnoredAny;
    use serde_json::json;

    use super::*;

    /// A till whose events took amounts as numbers first, then as text, then with who paid.
    #[derive(Debug, PartialEq, Deserialize)]
    enum Paid {
        #[serde(rename = "paid.v3")]
        Paid { amount: String, payer: String },
        #[serde(rename = "closed")]
        Closed {},
    }

    const TILL: &[Upcaster] = &[
        Upcaster {
            context: Context::Fund,
            tag: "paid",
            becomes: "paid.v2",
            lift: |content| json!({ "amount": content["amount"].to_string() }),
        },
        Upcaster {
            context: Context::Fund,
            tag: "paid.v2",
            becomes: "paid.v3",
            lift: |mut content| {
                content["payer"] = "unknown".into();
                content
            },
        },
    ];

    fn read(context: Context, events: &str) -> Result<Vec<Paid>, String> {
        let body = format!(
            r#"{{"facts_at":0,"entries":[{{"command":"c","digest":"00000000000000000000000000000000","by":"x","events":{events}}}]}}"#
        );
        let body = read_with(TILL, context, &body, |body| serde_json::from_str(body));
        let mut body: Body<Paid, IgnoredAny> = body.map_err(|error| error.to_string())?;
        Ok(body.entries.remove(0).events)
    }

    #[test]
    fn an_event_of_any_age_becomes_one_event_of_the_present_form() {
        let events = r#"[{"paid":{"amount":5}},{"closed":{}},{"paid.v2":{"amount":"6"}},
            {"paid.v3":{"amount":"7","payer":"p"}}]"#;
        let paid = |amount: &str, payer: &str| Paid::Paid {
            amount: amount.to_owned(),
            payer: payer.to_owned(),
        };
        let expected =
            [paid("5", "unknown"), Paid::Closed {}, paid("6", "unknown"), paid("7", "p")];
        assert_eq!(read(Context::Fund, events).expect("readable"), expected);
    }

    #[test]
    fn another_contexts_event_of_the_same_name_is_not_lifted() {
        let error = read(Context::Voucher, r#"[{"paid":{"amount":5}}]"#).expect_err("unknown");
        assert!(error.contains("unknown variant `paid`"), "{error}");
    }

    #[test]
    fn an_event_that_no_version_knows_is_named() {
        let error = read(Context::Fund, r#"[{"closed":{}},{"paid.v4":{}}]"#).expect_err("unknown");
        assert!(error.contains("unknown variant `paid.v4`"), "{error}");
    }

    #[test]
    fn facts_are_the_events_of_all_entries_and_nothing_else_is_read_for_them() {
        let end = |id: &str| {
            json!({ "allocation_ended": { "allocation": id, "pool": "p", "contract": "k", "cards": 1,
                "at": "2025-01-01T00:00:00Z", "given_until": "2025-02-01T00:00:00Z" } })
        };
        let entry = |events: &[Value]| json!({ "command": "c", "digest": "0".repeat(32), "by": "x", "events": events });
        let refused = json!({ "command": "d", "digest": "0".repeat(32), "by": "x", "refused": {} });
        let entries = [entry(&[end("a"), end("b")]), refused, entry(&[end("c")])];
        let body = json!({ "facts_at": 0, "entries": entries }).to_string();
        let told = facts(Context::Allocation, 7, Timestamp::UNIX_EPOCH, body.as_bytes());
        let told = told.map_err(|error| error.to_string());
        let found = told.as_ref().map(|facts| facts.iter().map(|fact| fact.id.to_string()));
        let found: Vec<String> = found.expect("readable").collect();
        assert_eq!(found, ["7.0", "7.1", "7.2"]);
    }

    #[test]
    fn an_event_that_says_two_things_is_not_read() {
        let two = r#"[{"paid":{"amount":5},"closed":{}}]"#;
        assert!(read(Context::Fund, two).is_err());
    }
}
