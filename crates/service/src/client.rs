//! Asking a service: what the gateway, the importer and tests use to send commands.
//!
//! Invariant: asking again with the same ids is always safe, so a lost answer is asked for, never guessed.

use std::time::Duration;

use loopledger_journal::{AskError, Nats};
use loopledger_model::Partition;
use serde::Serialize;
use tracing::Instrument as _;

use crate::protocol::{Request, Response};
use crate::server::{BAD_REQUEST, BUSY};
use crate::trace::TraceContext;
use crate::traced;

/// Why a request has no answers. Whether the commands were decided is then unknown, unless it says so.
#[derive(Debug, thiserror::Error)]
pub enum AskFailure {
    /// Nothing was decided.
    #[error("{0}")]
    Busy(String),
    /// Nothing was decided, and asking again is of no use.
    #[error("{0}")]
    Rejected(String),
    /// Ask again with the same ids.
    #[error(transparent)]
    Unanswered(AskError),
    #[error("the service's answer cannot be read: {0}")]
    Unreadable(#[source] serde_json::Error),
}

impl AskFailure {
    /// Whether asking again, with the same ids, can help.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::Unanswered(_))
    }
}

/// Asks commands of one partition, in order, in one request.
#[derive(Debug, Clone)]
pub struct Asker {
    nats: Nats,
    within: Duration,
}

impl Asker {
    pub fn new(nats: Nats) -> Self {
        Self { nats, within: Duration::from_secs(10) }
    }

    /// `trace` is the span that this is.
    pub async fn ask<C: Serialize>(
        &self,
        partition: Partition,
        request: &Request<C>,
        trace: TraceContext,
    ) -> Result<Response, AskFailure> {
        let body = serde_json::to_vec(request).expect("a request is JSON");
        let traceparent = trace.to_string();
        let span = traced!(
            trace,
            "client",
            format!("ask {partition}"),
            messaging.system = "nats",
            messaging.destination.name = %format_args!("cmd.{partition}"),
            loopledger.commands = request.commands.len(),
        );
        let asking = self.nats.request(partition, Some(&traceparent), body.into(), self.within);
        let answer = asking.instrument(span.clone()).await;
        if let Err(error) = &answer {
            span.record("error", error.to_string());
        }
        match answer {
            Ok(body) => serde_json::from_slice(&body).map_err(AskFailure::Unreadable),
            Err(AskError::Failed { code: BUSY, description, .. }) => {
                Err(AskFailure::Busy(description))
            }
            Err(AskError::Failed { code: BAD_REQUEST, description, .. }) => {
                Err(AskFailure::Rejected(description))
            }
            Err(error) => Err(AskFailure::Unanswered(error)),
        }
    }
}
