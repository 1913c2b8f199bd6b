//! What a process tells of itself: logs, one line an event, as JSON for machines or as text for people; and spans, to a
//! collector where one is named.

use std::io;

use anyhow::Context as _;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::otlp::{self, Collector, Exporting};
use crate::spans;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Json,
    Text,
}

/// What is told until it is dropped.
#[must_use = "spans are told until it is dropped"]
pub struct Telemetry {
    _exporting: Option<Exporting>,
}

/// Logs go to standard error from here on, `RUST_LOG` chooses what is logged, else `default` does; spans go to the
/// collector that `OTEL_EXPORTER_OTLP_ENDPOINT` names, as those of this service.
pub fn start(service: &str, format: LogFormat, default: &str) -> anyhow::Result<Telemetry> {
    otlp::figures();
    let collector = Collector::from_env(service)?;
    let exported = collector.map(Collector::start).transpose();
    let (told, exporting) = exported.context("no thread to tell the collector from")?.unzip();
    let told = told.map(|told| told.with_filter(filter_fn(spans::is_told)));
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let lines = match format {
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
        LogFormat::Text => lines.without_time().with_target(false).boxed(),
    };
    let registry = tracing_subscriber::registry().with(told).with(lines.with_filter(filter));
    // A second start in one process changes nothing: the first one's settings stay.
    drop(registry.try_init());
    Ok(Telemetry { _exporting: exporting })
}
