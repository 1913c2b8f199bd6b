//! `POST /v1/bundles`: a bundle of CSV files as a tar, imported as `loopledger import` does it; how far it is comes as
//! server-sent events.
//!
//! Invariants: nothing is sent unless every cell can be read and the caller may give every command; rows have
//! the ids that the command line gives them, so a bundle that is sent again, either way, changes nothing.

mod unpacked;

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, Extension, Query, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures::stream;
use loopledger_importer as importer;
use loopledger_importer::{Ask, Failure, ImportError, Manner, OnRefusal, Patience, Progress, Row};
use loopledger_model::{ContextCommand, Partition, Partitions, Position};
use loopledger_service::protocol::{Answer, Request};
use loopledger_service::trace::TraceContext;
use loopledger_views::Views;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio_util::task::AbortOnDropHandle;

use super::{Commands, ENDPOINTS, Services, by, media_type};
use crate::auth::{Caller, Role};
use crate::problem::Problem;
use crate::seen::optional;
use crate::traced::span_of;
use unpacked::Unpacked;

pub const TAR: &str = "application/x-tar";
/// How many bundles are read and sent at a time; each is in memory while it is.
const AT_A_TIME: usize = 2;

/// How far the import is: an event `progress`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ImportProgress {
    /// How many rows are answered for good.
    settled: usize,
    rows: usize,
}

/// What became of the rows: the event `report`, which is the last.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ImportReport {
    /// All rows of the bundle; one that is written twice counts once.
    rows: usize,
    /// Rows that made facts.
    accepted: usize,
    /// Rows whose facts were there already.
    unchanged: usize,
    /// Rows behind a refused one that were not sent.
    not_sent: usize,
    refused: Vec<RefusedLine>,
    /// The latest position that any answer rests on.
    position: Position,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct RefusedLine {
    file: String,
    /// The header is on line 1.
    line: usize,
    code: String,
    message: String,
}

impl ImportReport {
    fn of(report: importer::Report) -> Self {
        let not_sent = report.rows.saturating_sub(report.settled());
        let importer::Report { rows, accepted, unchanged, refused, position } = report;
        let line = |refused: importer::RefusedRow| {
            let importer::RefusedRow { file, line, code, message } = refused;
            RefusedLine { file: file.to_owned(), line, code, message }
        };
        let refused = refused.into_iter().map(line).collect();
        Self { rows, accepted, unchanged, not_sent, refused, position }
    }
}

pub fn router<S: Services>() -> Router<Arc<Commands<S>>> {
    let slots = Arc::new(Semaphore::new(AT_A_TIME));
    Router::new()
        .route("/bundles", post(give::<S>))
        .layer(Extension(slots))
        .layer(DefaultBodyLimit::disable())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    after: Option<String>,
    on_refusal: Option<String>,
}

async fn give<S: Services>(
    State(commands): State<Arc<Commands<S>>>,
    Extension(caller): Extension<Caller>,
    Extension(slots): Extension<Arc<Semaphore>>,
    query: Result<Query<Parameters>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Query(asked) = query?;
    let after: Option<Position> = optional("after", asked.after.as_deref())?;
    let on_refusal = on_refusal(asked.on_refusal.as_deref())?;
    if !media_type(&headers).trim().eq_ignore_ascii_case(TAR) {
        let detail = format!("send a tar of the bundle's files, with `Content-Type: {TAR}`");
        return Err(Problem::named("no-json", detail));
    }
    let busy = || Problem::named("busy", format!("{AT_A_TIME} bundles are being imported"));
    let slot = slots.try_acquire_owned().map_err(|_| busy())?;
    let folder = Unpacked::of(body).await?;
    let after = after.unwrap_or_else(|| commands.told());
    commands.views.wait_for(after, super::allowed::FRESH_WITHIN).await?;
    let mut rows = read(&folder, &commands.views).await?;
    if caller.role != Role::Operator {
        commands.check_rows(&caller, &mut rows).await?;
    }
    let services = Given { commands, trace: span_of(&headers) };
    let manner = Manner { on_refusal, patience: Patience::default() };
    let (sender, progress) = watch::channel(Progress { settled: 0, rows: rows.len() });
    let import = tokio::spawn(async move {
        let _slot = slot;
        let show = |progress| {
            sender.send_replace(progress);
        };
        let sent = importer::send(&rows, &services, manner, show).await;
        let report = sent.as_ref().unwrap_or_else(|interrupted| &interrupted.report);
        services.commands.tell(report.position);
        sent
    });
    // Whoever goes away ends the import; sent again, it goes on.
    let import = AbortOnDropHandle::new(import);
    let events = stream::unfold(Some((progress, import)), next);
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

fn on_refusal(text: Option<&str>) -> Result<OnRefusal, Problem> {
    match text {
        None | Some("stop") => Ok(OnRefusal::Stop),
        Some("continue") => Ok(OnRefusal::Continue),
        Some(other) => {
            let detail = format!("on_refusal: `{other}` is none: write stop or continue");
            Err(Problem::bad_parameter(&detail))
        }
    }
}

type Running = AbortOnDropHandle<Result<importer::Report, importer::Interrupted>>;
type Following = (watch::Receiver<Progress>, Running);

async fn next(
    following: Option<Following>,
) -> Option<(Result<Event, Infallible>, Option<Following>)> {
    let (mut progress, import) = following?;
    if progress.changed().await.is_ok() {
        let Progress { settled, rows } = *progress.borrow_and_update();
        let event = told("progress", &ImportProgress { settled, rows });
        return Some((Ok(event), Some((progress, import))));
    }
    let event = match import.await {
        Ok(Ok(report)) => told("report", &ImportReport::of(report)),
        Ok(Err(interrupted)) => {
            let detail = interrupted.to_string();
            let report = json!(ImportReport::of(interrupted.report));
            told("failed", &Problem::named("unanswered", detail).with("report", report))
        }
        Err(error) => {
            tracing::error!(%error, "an import broke down");
            told("failed", &Problem::named("internal", "the failure is logged"))
        }
    };
    Some((Ok(event), None))
}

fn told(name: &str, data: &impl Serialize) -> Event {
    Event::default().event(name).json_data(data).expect("an answer is JSON")
}

/// Off the threads that answer others: all of a bundle is read at once.
async fn read(folder: &Unpacked, views: &Views) -> Result<Vec<Row>, Problem> {
    let dir = folder.path().to_owned();
    let views = views.bound();
    let reading =
        move || Handle::current().block_on(async move { importer::read(&dir, &views).await });
    let read = tokio::task::spawn_blocking(reading).await.map_err(|error| {
        tracing::error!(%error, "reading a bundle broke down");
        Problem::named("internal", "the failure is logged")
    })?;
    read.map_err(|error| match error {
        ImportError::Unreadable(unreadable) => unreadable_bundle(&unreadable),
        ImportError::Lookup(failure) => Problem::named("unavailable", failure.to_string()),
        ImportError::Interrupted(interrupted) => {
            Problem::named("unanswered", interrupted.to_string())
        }
    })
}

/// Every problem that is told with its place; the folder is this machine's own affair.
fn unreadable_bundle(unreadable: &importer::Unreadable) -> Problem {
    let dir = unreadable.dir.display().to_string();
    let placed = |problem: &importer::Problem| {
        let importer::Problem { file, line, column, reason } = problem;
        let file = (*file != dir).then_some(file);
        json!({ "file": file, "line": line, "column": column, "reason": reason })
    };
    let problems: Vec<_> = unreadable.problems.iter().map(placed).collect();
    let (count, first) = (unreadable.count, unreadable.problems.first());
    let first =
        first.map_or_else(String::new, |problem| problem.to_string().replace(&dir, "bundle"));
    let detail = format!("{count} problems, so nothing was imported; the first: {first}");
    Problem::named("bundle-unreadable", detail)
        .with("count", json!(count))
        .with("problems", json!(problems))
}

impl<S: Services> Commands<S> {
    /// Each row is held to the rules of its command, as if it were given alone by the caller.
    async fn check_rows(&self, caller: &Caller, rows: &mut [Row]) -> Result<(), Problem> {
        let giver = by(caller)?;
        for row in rows {
            let command = serde_json::to_value(&row.command).expect("a command is JSON");
            let (tag, fields) = command
                .as_object()
                .and_then(|command| command.iter().next())
                .expect("a command has a name");
            let context = row.command.context();
            let known = ENDPOINTS.iter().find(|known| known.context == context && known.tag == tag);
            let endpoint = known.expect("every command has an endpoint");
            let checked = self.check(endpoint, caller, fields).await;
            checked.map_err(|problem| problem.at(row.file, row.line))?;
            row.by = giver.clone();
        }
        Ok(())
    }
}

/// The services, asked on behalf of one request.
struct Given<S> {
    commands: Arc<Commands<S>>,
    trace: TraceContext,
}

impl<S: Services> Ask for Given<S> {
    fn partitions(&self) -> Partitions {
        self.commands.services.partitions()
    }

    async fn ask(
        &self,
        partition: Partition,
        request: &Request<&ContextCommand>,
    ) -> Result<Vec<Answer>, Failure> {
        let answered = self.commands.services.ask(partition, request, self.trace.child()).await;
        Ok(answered?.answers)
    }
}
