//! Tells an OpenTelemetry collector of spans: OTLP over HTTP, as JSON, from a thread of its own.
//!
//! Invariants: nobody waits for the collector but this thread, and the process's end for a moment; what it does not
//! take is dropped and counted, never kept for later.

use std::num::NonZeroUsize;
use std::sync::mpsc as std_mpsc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::config::{ConfigError, read};
use crate::metrics::{self, Figure};
use crate::outbound::Address;
use crate::spans::{Span, Spans, Value};

/// How long a collector may take for what it is told at once.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the end of the process may take for it.
const LAST_PATIENCE: Duration = Duration::from_secs(2);

/// Where spans go, and how many are held.
#[derive(Debug, Clone)]
pub(crate) struct Collector {
    address: Address,
    service: String,
    queue: usize,
    together: usize,
    delay: Duration,
}

impl Collector {
    /// As the variables say that OpenTelemetry names: `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, or
    /// `OTEL_EXPORTER_OTLP_ENDPOINT` with `/v1/traces` behind it; nothing where neither is set. `OTEL_SERVICE_NAME` is
    /// the service's name; `OTEL_BSP_MAX_QUEUE_SIZE`, `OTEL_BSP_MAX_EXPORT_BATCH_SIZE` and `OTEL_BSP_SCHEDULE_DELAY` (in
    /// milliseconds) bound what is held.
    pub fn from_env(service: &str) -> Result<Option<Self>, ConfigError> {
        let of_traces: Option<Address> = read("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")?;
        let of_all: Option<Address> = read("OTEL_EXPORTER_OTLP_ENDPOINT")?;
        let of_all = of_all.map(|base| {
            let path = format!("{}/v1/traces", base.path().trim_end_matches('/'));
            base.with_path(&path)
        });
        let Some(address) = of_traces.or(of_all) else { return Ok(None) };
        let service = read("OTEL_SERVICE_NAME")?.unwrap_or_else(|| service.to_owned());
        let most = |name, unless_told| {
            Ok::<_, ConfigError>(read::<NonZeroUsize>(name)?.map_or(unless_told, NonZeroUsize::get))
        };
        Ok(Some(Self {
            address,
            service,
            queue: most("OTEL_BSP_MAX_QUEUE_SIZE", 4_096)?,
            together: most("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512)?,
            delay: Duration::from_millis(read("OTEL_BSP_SCHEDULE_DELAY")?.unwrap_or(1_000)),
        }))
    }

    /// Begins to tell it; the layer is where spans come from.
    pub fn start(self) -> std::io::Result<(Spans, Exporting)> {
        let (told, dropped) = figures();
        let (queue, spans) = channel(self.queue);
        let (stop, stopping) = oneshot::channel();
        let (end, ended) = std_mpsc::channel();
        let exporter =
            Exporter { told, dropped: dropped.clone(), collector: self, spans, is_heard: true };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("spans".to_owned()).spawn(move || {
            runtime.block_on(exporter.run(stopping));
            // Nobody waits for it any more when the process's patience has ended.
            let _ = end.send(());
        })?;
        Ok((Spans { queue, dropped }, Exporting { stop: Some(stop), ended }))
    }
}

/// How many spans were told, and how many were not; none of either where there is no collector.
pub(crate) fn figures() -> (Figure, Figure) {
    let figure = |family| metrics::figure(family, &[]);
    (figure("loopledger_spans_told_total"), figure("loopledger_spans_dropped_total"))
}

/// Spans are told until this is dropped, and what has ended by then is told before.
#[must_use = "spans are told until it is dropped"]
pub struct Exporting {
    stop: Option<oneshot::Sender<()>>,
    ended: std_mpsc::Receiver<()>,
}

impl Drop for Exporting {
    fn drop(&mut self) {
        if self.stop.take().is_some_and(|stop| stop.send(()).is_ok()) {
            // A collector that is down does not hold up the end.
            let _ = self.ended.recv_timeout(LAST_PATIENCE);
        }
    }
}

struct Exporter {
    collector: Collector,
    spans: Receiver<Span>,
    told: Figure,
    dropped: Figure,
    /// Whether it took what it was told last.
    is_heard: bool,
}

impl Exporter {
    async fn run(mut self, mut stopping: oneshot::Receiver<()>) {
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                () = self.gather(&mut batch) => self.tell(&mut batch).await,
                _ = &mut stopping => break,
            }
        }
        self.spans.close();
        loop {
            let room = self.collector.together - batch.len();
            if room > 0 {
                self.spans.recv_many(&mut batch, room).await;
            }
            if batch.is_empty() {
                return;
            }
            self.tell(&mut batch).await;
        }
    }

    /// Waits for a span and takes what comes within the delay, as much as is told at once.
    async fn gather(&mut self, batch: &mut Vec<Span>) {
        if batch.is_empty() && self.spans.recv_many(batch, self.collector.together).await == 0 {
            return std::future::pending().await;
        }
        let deadline = Instant::now() + self.collector.delay;
        while batch.len() < self.collector.together {
            let room = self.collector.together - batch.len();
            match timeout_at(deadline, self.spans.recv_many(batch, room)).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => return,
            }
        }
    }

    async fn tell(&mut self, batch: &mut Vec<Span>) {
        let count = batch.len() as u64;
        let body = document(&self.collector.service, batch).to_string();
        batch.clear();
        let address = &self.collector.address;
        match address.post_json(body.into(), PATIENCE).await {
            Ok(_) => {
                self.told.add(count);
                if !self.is_heard {
                    tracing::info!(%address, "the collector takes spans again");
                }
                self.is_heard = true;
            }
            Err(error) => {
                self.dropped.add(count);
                if self.is_heard {
                    tracing::warn!(%address, %error, "the collector takes no spans: they are dropped");
                }
                self.is_heard = false;
            }
        }
    }
}

/// An `ExportTraceServiceRequest` in its JSON form.
fn document(service: &str, spans: &[Span]) -> Json {
    let resource = [
        ("service.name", Value::Text(service.to_owned())),
        ("service.version", Value::Text(env!("CARGO_PKG_VERSION").to_owned())),
        ("process.pid", Value::Number(std::process::id().into())),
    ];
    let spans: Vec<Json> = spans.iter().map(as_json).collect();
    json!({ "resourceSpans": [{
        "resource": { "attributes": attributes(&resource) },
        "scopeSpans": [{ "scope": { "name": "loopledger" }, "spans": spans }],
    }] })
}

fn as_json(span: &Span) -> Json {
    let nanos = |at: jiff::Timestamp| at.as_nanosecond().to_string();
    let link =
        |(trace, id): &(u128, u64)| json!({ "traceId": hex(*trace), "spanId": short_hex(*id) });
    let mut json = json!({
        "traceId": hex(span.trace),
        "spanId": short_hex(span.id),
        "name": span.name,
        "kind": span.kind as u8,
        "startTimeUnixNano": nanos(span.began),
        "endTimeUnixNano": nanos(span.ended),
        "attributes": attributes(&span.attributes),
        "links": span.links.iter().map(link).collect::<Vec<_>>(),
        "status": match &span.failure {
            Some(message) => json!({ "code": 2, "message": message }),
            None => json!({}),
        },
    });
    if let Some(parent) = span.parent {
        json["parentSpanId"] = short_hex(parent).into();
    }
    json
}

fn attributes(pairs: &[(&'static str, Value)]) -> Vec<Json> {
    let value = |value: &Value| match value {
        Value::Text(text) => json!({ "stringValue": text }),
        // 64 bits are text in this form.
        Value::Number(number) => json!({ "intValue": number.to_string() }),
        Value::Truth(truth) => json!({ "boolValue": truth }),
    };
    pairs.iter().map(|(key, of)| json!({ "key": key, "value": value(of) })).collect()
}

fn hex(trace: u128) -> String {
    format!("{trace:032x}")
}

fn short_hex(span: u64) -> String {
    format!("{span:016x}")
}

#[cfg(test)]
mod tests;
