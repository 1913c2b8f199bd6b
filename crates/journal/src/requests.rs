//! Commands on their way: requests to a partition and answers to them, as a NATS micro service or, within a process,
//! over a desk.
//!
//! Invariant: every request that a service has taken is answered, also while it stops.
//! Invariant: the asking side is told whether a command may have been carried out.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_nats::client::{PublishErrorKind, RequestErrorKind};
use async_nats::service::endpoint::Endpoint;
use async_nats::service::{
    NATS_SERVICE_ERROR, NATS_SERVICE_ERROR_CODE, Service, ServiceExt, error,
};
use async_nats::{HeaderMap, Message, service};
use bytes::Bytes;
use futures::{FutureExt, Stream, StreamExt};
use loopledger_model::Partition;
use tokio::sync::oneshot;

use crate::desk::{Handed, Seat};
use crate::nats::Nats;

const TRACEPARENT: &str = "traceparent";
const READY_WITHIN: Duration = Duration::from_secs(10);

fn subject_of(partition: Partition) -> String {
    format!("cmd.{partition}")
}

/// A failure that the serving side answers instead of a body. Refusals are bodies, not failures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestError {
    /// As in HTTP: 400 for what could not be read, 503 for what may be asked again later.
    pub code: u16,
    pub message: String,
}

#[derive(Debug, thiserror::Error)]
#[error("the commands of {partition} cannot be served: {cause}")]
pub struct ServeError {
    partition: Partition,
    cause: String,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// Not carried out: there was nobody to send it to.
    #[error("nobody serves the commands of {partition}; try again when its service runs")]
    NoService { partition: Partition },
    /// Not carried out: it was not sent.
    #[error("a command for {partition} was not sent: no connection to NATS{complaint}; try again")]
    NotConnected { partition: Partition, complaint: String },
    /// Not carried out: it was not sent.
    #[error(
        "a command of {bytes} bytes for {partition} is larger than the {limit} bytes that fit; \
         split it"
    )]
    TooLarge { partition: Partition, bytes: usize, limit: usize },
    /// The outcome is unknown: the command may have been carried out, or may yet be.
    #[error("no answer from {partition} ({cause}); ask again with the same command id")]
    Unanswered { partition: Partition, cause: String },
    /// The service's own word.
    #[error("{partition} failed with {code}: {description}")]
    Failed { partition: Partition, code: u16, description: String },
}

/// The requests for one partition, in the order of their arrival.
///
/// Instances that serve the same partition share its requests, so an instance that has been fenced
/// out of the journal must stop serving.
pub struct Requests {
    endpoint: Endpoint,
    service: Option<Service>,
    /// For requests of this process.
    seat: Option<Seat>,
}

/// One request. It is to be answered: the asking side waits.
#[derive(Debug)]
pub struct Request {
    pub body: Bytes,
    /// The W3C trace context of the asking side.
    pub traceparent: Option<String>,
    asker: Asker,
}

/// Who waits for the answer.
#[derive(Debug)]
enum Asker {
    OnNats(Box<service::Request>),
    InProcess(oneshot::Sender<Result<Bytes, RequestError>>),
}

impl Nats {
    /// Serves the commands of one partition as an instance of the micro service that is named like
    /// its context; `version` is a semantic version. Requests arrive from when this returns on.
    pub async fn serve(
        &self,
        partition: Partition,
        version: &str,
        description: &str,
    ) -> Result<Requests, ServeError> {
        let failed = |error: async_nats::Error| ServeError { partition, cause: error.to_string() };
        let service = self
            .client
            .service_builder()
            .description(description)
            .start(partition.context, version)
            .await
            .map_err(failed)?;
        let endpoint = service.endpoint(subject_of(partition)).await.map_err(failed)?;
        let service::Info { name, id, .. } = service.info().await;
        let mut requests = Requests { endpoint, service: Some(service), seat: None };
        // The server takes what a connection sends in order, so now it knows the endpoint too.
        let ping = async_nats::Request::new().timeout(Some(READY_WITHIN));
        match self.client.send_request(format!("$SRV.PING.{name}.{id}"), ping).await {
            Ok(_) => {
                requests.seat = self.desk.as_ref().map(|desk| desk.sit_down(partition));
                Ok(requests)
            }
            Err(error) => {
                let cause = format!("it does not hear itself: {error}{}", self.complaint());
                Err(ServeError { partition, cause })
            }
        }
    }

    /// Hands a command's bytes to the writer of a partition, or sends them, and waits for the answer's.
    pub async fn request(
        &self,
        partition: Partition,
        traceparent: Option<&str>,
        mut body: Bytes,
        within: Duration,
    ) -> Result<Bytes, AskError> {
        if let Some(desk) = &self.desk {
            body = match desk.request(partition, traceparent, body, within).await {
                Ok(answer) => return answer,
                Err(body) => body,
            };
        }
        if !self.is_connected() {
            return Err(AskError::NotConnected { partition, complaint: self.complaint() });
        }
        let bytes = body.len();
        let mut losses = self.losses();
        let mut request = async_nats::Request::new().payload(body).timeout(Some(within));
        if let Some(traceparent) = traceparent {
            let mut headers = HeaderMap::new();
            headers.insert(TRACEPARENT, one_line(traceparent));
            request = request.headers(headers);
        }
        let unanswered = |cause: String| AskError::Unanswered { partition, cause };
        let answer = tokio::select! {
            answer = self.client.send_request(subject_of(partition), request) => answer,
            _ = losses.changed() => return Err(unanswered("the connection was lost".to_owned())),
        };
        match answer {
            Ok(answer) => read_answer(partition, answer),
            Err(error) => Err(match error.kind() {
                RequestErrorKind::NoResponders => AskError::NoService { partition },
                RequestErrorKind::TimedOut => {
                    unanswered(format!("waited {within:?}{}", self.complaint()))
                }
                RequestErrorKind::MaxPayloadExceeded => {
                    let limit = self.client.max_payload();
                    AskError::TooLarge { partition, bytes, limit }
                }
                RequestErrorKind::InvalidSubject | RequestErrorKind::Other => {
                    unanswered(error.to_string())
                }
            }),
        }
    }
}

fn read_answer(partition: Partition, answer: Message) -> Result<Bytes, AskError> {
    let header = |name| answer.headers.as_ref()?.get(name);
    let (code, description) = (header(NATS_SERVICE_ERROR_CODE), header(NATS_SERVICE_ERROR));
    if code.is_none() && description.is_none() {
        return Ok(answer.payload);
    }
    let code = code.and_then(|code| code.as_str().parse().ok()).unwrap_or(500);
    let description = description.map(ToString::to_string).unwrap_or_default();
    Err(AskError::Failed { partition, code, description })
}

/// A header's value cannot have line breaks.
fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}

impl Requests {
    /// Takes no new requests. Those that have arrived are still given, and then the stream ends;
    /// one that the server hands over in this very moment goes unanswered, and is asked again.
    pub fn stop(&mut self) {
        if let Some(seat) = &mut self.seat {
            seat.stand_up();
        }
        if let Some(service) = self.service.take() {
            // It only sends a signal and never waits; the endpoint acts on it when next polled.
            if let Some(Err(error)) = service.stop().now_or_never() {
                tracing::warn!(%error, "the service did not stop cleanly");
            }
        }
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Stream for Requests {
    type Item = Request;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Request>> {
        let handed = self.seat.as_mut().map(|seat| seat.requests.poll_recv(cx));
        if let Some(Poll::Ready(Some(handed))) = handed {
            return Poll::Ready(Some(Request::handed(handed)));
        }
        self.endpoint.poll_next_unpin(cx).map(|request| request.map(Request::sent))
    }
}

impl Request {
    fn sent(inner: service::Request) -> Self {
        let header = inner.message.headers.as_ref().and_then(|headers| headers.get(TRACEPARENT));
        let traceparent = header.map(ToString::to_string);
        Self {
            body: inner.message.payload.clone(),
            traceparent,
            asker: Asker::OnNats(Box::new(inner)),
        }
    }

    fn handed(Handed { body, traceparent, answer }: Handed) -> Self {
        Self { body, traceparent, asker: Asker::InProcess(answer) }
    }

    /// Sends the answer. An answer that cannot be sent is logged; the asking side asks again.
    pub async fn answer(self, answer: Result<Bytes, RequestError>) {
        let inner = match self.asker {
            Asker::OnNats(inner) => inner,
            Asker::InProcess(asker) => {
                // Who waits no more asks again.
                drop(asker.send(answer));
                return;
            }
        };
        let failure = |failure: RequestError| error::Error {
            status: one_line(&failure.message),
            code: failure.code.into(),
        };
        let Err(unsent) = inner.respond(answer.map_err(failure)).await else { return };
        if unsent.kind() == PublishErrorKind::MaxPayloadExceeded {
            let status = "the answer is larger than a message can be".to_owned();
            if inner.respond(Err(error::Error { status, code: 500 })).await.is_ok() {
                return;
            }
        }
        tracing::warn!(error = %unsent, "an answer could not be sent");
    }
}
