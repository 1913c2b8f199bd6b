//! A service on NATS: requests on `cmd.<context>.<partition>` go to the shell, its answers go back.
//!
//! Invariant: the queue is bounded; a full one answers busy at once and never grows.

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt};
use loopledger_journal::{JetStreamJournal, Nats, Request as Incoming, RequestError, ServeError};
use loopledger_model::{Context, Partition, Partitions};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::batch::Call;
use crate::decider::Decider;
use crate::memory::Memory;
use crate::placing::sift;
use crate::protocol::{MAX_COMMANDS, Request, Response};
use crate::shell::{Limits, Shell, ShellError, Status};
use crate::{trace, traced};

/// The request cannot be read.
pub const BAD_REQUEST: u16 = 400;
/// The queue is full: ask again a little later.
pub const BUSY: u16 = 503;

/// How a service runs.
#[derive(Debug, Clone)]
pub struct Options {
    pub partition: Partition,
    /// How many partitions there are, as the journal records it.
    pub partitions: Partitions,
    /// This instance, as commits name their writer.
    pub instance: String,
    pub queue_requests: usize,
    pub limits: Limits,
    pub memory: Memory,
}

impl Options {
    pub fn new(partition: Partition, partitions: Partitions, instance: impl Into<String>) -> Self {
        let (queue_requests, limits, memory) = (1024, Limits::default(), Memory::default());
        Self { partition, partitions, instance: instance.into(), queue_requests, limits, memory }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Shell(#[from] ShellError),
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// The service of a context, whichever it is.
///
/// A crate has its own in a `static`: then the shell is compiled with its rules there, once, and not again by everybody
/// who starts it.
pub struct Service {
    pub context: Context,
    run: fn(Start) -> BoxFuture<'static, Result<(), RunError>>,
}

/// What one partition of a service starts with.
pub struct Start {
    pub nats: Nats,
    pub journal: JetStreamJournal,
    pub options: Options,
    pub status: watch::Sender<Status>,
    pub shutdown: CancellationToken,
}

impl Service {
    pub const fn of<D: Decider>() -> Self {
        Self { context: D::CONTEXT, run: |start| run::<D>(start).boxed() }
    }

    /// Loads the partition, answers requests until `shutdown`, then answers what has arrived and returns.
    pub async fn run(&self, start: Start) -> Result<(), RunError> {
        (self.run)(start).await
    }
}

async fn run<D: Decider>(start: Start) -> Result<(), RunError> {
    let Start { nats, journal, options, status, shutdown } = start;
    let Options { partition, partitions, instance, queue_requests, limits, memory } = options;
    let writer = format!("{partition}@{instance}");
    let (calls, queue) = mpsc::channel(queue_requests);
    let shell = Shell::<D, _>::load(journal, partition, writer, limits, memory, queue, status);
    let shell = shell.await?;
    let description = format!("decides commands of {}", partition.context);
    let mut requests = nats.serve(partition, env!("CARGO_PKG_VERSION"), &description).await?;
    tracing::info!(%partition, "serving");
    let stopped = CancellationToken::new();
    let deciding = tokio::spawn({
        let stopped = stopped.clone();
        async move {
            let _stopping = stopped.clone().drop_guard();
            shell.run(stopped).await
        }
    });
    let answering = TaskTracker::new();
    let mut stopping = false;
    loop {
        tokio::select! {
            request = requests.next() => match request {
                Some(request) => {
                    accept::<D>(request, partition, &partitions, &calls, &answering);
                }
                None => break,
            },
            () = shutdown.cancelled(), if !stopping => {
                stopping = true;
                requests.stop();
            }
            () = stopped.cancelled() => break,
        }
    }
    drop(calls);
    stopped.cancel();
    let ended = deciding.await.expect("a decider that panics takes its service down");
    answering.close();
    answering.wait().await;
    tracing::info!(%partition, "stopped");
    Ok(ended?)
}

/// Hands a request to the shell, or answers at once why not.
fn accept<D: Decider>(
    incoming: Incoming,
    partition: Partition,
    partitions: &Partitions,
    calls: &mpsc::Sender<Call<D>>,
    answering: &TaskTracker,
) {
    let context = trace::of_asker(incoming.traceparent.as_deref());
    let span = tracing::debug_span!("request", trace_id = context.trace_id());
    let serving = traced!(
        context,
        "server",
        format!("serve {partition}"),
        messaging.system = "nats",
        messaging.destination.name = %format_args!("cmd.{partition}"),
    );
    let request = match Request::<D::Command>::read(&incoming.body) {
        Ok(request) if request.commands.is_empty() || request.commands.len() > MAX_COMMANDS => {
            let found = request.commands.len();
            Err(format!("a request has 1 to {MAX_COMMANDS} commands, not {found}"))
        }
        Ok(request) => Ok(request),
        Err(error) => Err(format!("the request is no list of {} commands: {error}", D::CONTEXT)),
    };
    let (answer, answered) = oneshot::channel();
    let mut sifted = None;
    let queued = request.map_err(|reason| (BAD_REQUEST, reason)).and_then(|mut request| {
        sifted = sift(&mut request, partition, partitions);
        if request.commands.is_empty() {
            drop(answer.send(Response { answers: Vec::new() }));
            return Ok(());
        }
        let busy = |_| (BUSY, format!("{} is busy: ask again in 100 ms", D::CONTEXT));
        let place = calls.try_reserve().map_err(busy)?;
        place.send(Call::new(request, Some(context), answer));
        Ok(())
    });
    let reply = async move {
        let response = match queued {
            Ok(()) => answered.await.map_err(|_| is_stopping(D::CONTEXT.name())),
            Err((code, message)) => Err(RequestError { code, message }),
        };
        if let Err(error) = &response {
            serving.record("error", error.message.as_str());
        }
        let body = response.map(|response: Response| {
            let response = match sifted {
                Some(sifted) => sifted.join(response),
                None => response,
            };
            serde_json::to_vec(&response).expect("an answer is JSON").into()
        });
        incoming.answer(body).await;
        drop(serving);
    };
    answering.spawn(reply.instrument(span));
}

fn is_stopping(service: &str) -> RequestError {
    RequestError { code: BUSY, message: format!("{service} is stopping: ask again") }
}
