//! Spans on their way from where they end to the thread that tells a collector of them.
//!
//! Invariants: ending a span never waits; what finds the queue full is dropped and counted.

use std::fmt;

use jiff::Timestamp;
use tokio::sync::mpsc::Sender;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::clock;
use crate::metrics::Figure;
use crate::trace::{TARGET, TraceContext, random_span};

/// The most other spans that one names.
const MOST_LINKS: usize = 64;

/// A span that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub trace: u128,
    pub id: u64,
    pub parent: Option<u64>,
    pub name: String,
    pub kind: Kind,
    pub began: Timestamp,
    pub ended: Timestamp,
    pub attributes: Vec<(&'static str, Value)>,
    /// Spans of other traces that had a part in it.
    pub links: Vec<(u128, u64)>,
    pub failure: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Internal = 1,
    Server = 2,
    Client = 3,
    Producer = 4,
    Consumer = 5,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    Number(i64),
    Truth(bool),
}

/// Whether a span or an event is what a collector is told.
pub(crate) fn is_told(metadata: &Metadata<'_>) -> bool {
    metadata.target() == TARGET && metadata.is_span()
}

/// Keeps spans while they last and queues them when they end.
pub(crate) struct Spans {
    pub queue: Sender<Span>,
    pub dropped: Figure,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(new) = context.span(id) else { return };
        let mut read = Reading(Span {
            trace: 0,
            id: 0,
            parent: None,
            name: attributes.metadata().name().to_owned(),
            kind: Kind::Internal,
            began: clock::now(),
            ended: Timestamp::MIN,
            attributes: Vec::new(),
            links: Vec::new(),
            failure: None,
        });
        attributes.record(&mut read);
        let Reading(mut span) = read;
        if span.trace == 0 {
            // One that names no trace belongs to the one around it; without that nobody could find it.
            let around = new.scope().skip(1).find_map(|outer| {
                outer.extensions().get::<Span>().map(|outer| (outer.trace, outer.id))
            });
            let Some((trace, parent)) = around else { return };
            (span.trace, span.id, span.parent) = (trace, random_span(), Some(parent));
        }
        new.extensions_mut().insert(span);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(open) = context.span(id) else { return };
        let mut extensions = open.extensions_mut();
        if let Some(span) = extensions.remove::<Span>() {
            let mut read = Reading(span);
            values.record(&mut read);
            extensions.insert(read.0);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let closed = context.span(&id).and_then(|open| open.extensions_mut().remove::<Span>());
        let Some(mut span) = closed else { return };
        span.ended = clock::now().max(span.began);
        if self.queue.try_send(span).is_err() {
            self.dropped.add(1);
        }
    }
}

/// Takes a span's fields: those that say what it is, and all others as its attributes.
struct Reading(Span);

impl Reading {
    fn add(&mut self, field: &Field, value: Value) {
        let name = field.name();
        self.0.attributes.retain(|(known, _)| *known != name);
        self.0.attributes.push((name, value));
    }
}

impl Visit for Reading {
    fn record_u128(&mut self, field: &Field, value: u128) {
        match field.name() {
            "ids.trace" => self.0.trace = value,
            _ => self.add(field, Value::Text(value.to_string())),
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match (field.name(), i64::try_from(value)) {
            ("ids.span", _) => self.0.id = value,
            ("ids.parent", _) => self.0.parent = Some(value),
            (_, Ok(number)) => self.add(field, Value::Number(number)),
            (_, Err(_)) => self.add(field, Value::Text(value.to_string())),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, Value::Number(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, Value::Truth(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "otel.name" => value.clone_into(&mut self.0.name),
            "otel.kind" => self.0.kind = kind(value),
            "error" => self.0.failure = Some(value.to_owned()),
            "links" => {
                let contexts = value.split(' ').filter_map(|text| text.parse().ok());
                let links = contexts.map(TraceContext::ids);
                self.0.links.extend(links.take(MOST_LINKS));
            }
            _ => self.add(field, Value::Text(value.to_owned())),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

fn kind(name: &str) -> Kind {
    match name {
        "server" => Kind::Server,
        "client" => Kind::Client,
        "producer" => Kind::Producer,
        "consumer" => Kind::Consumer,
        _ => Kind::Internal,
    }
}
