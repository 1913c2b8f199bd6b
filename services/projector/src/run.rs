//! The projector at work: following the journal live, or reading it to its end.

use std::time::Duration;

use loopledger_journal::{Filter, Journal};
use loopledger_model::Position;
use loopledger_service::{Status, metrics};
use loopledger_views::{Database, Schema};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::gather::{Limits, Reader};
use crate::session::Session;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What the projector works with.
#[derive(Debug, Clone)]
pub struct Deps<J> {
    pub journal: J,
    pub database: Database,
    pub schema: Schema,
    pub limits: Limits,
    /// How long another writer of the schema may take to end before this one gives up.
    pub patience: Duration,
}

impl<J> Deps<J> {
    /// The live projector's.
    pub fn live(journal: J, database: Database) -> Self {
        let (schema, limits) = (Schema::default(), Limits::LIVE);
        Self { journal, database, schema, limits, patience: Duration::from_secs(10) }
    }
}

/// Projects the journal until `shutdown`. What may pass is waited for and tried again from what is
/// stored; what does not pass is the answer. `status` tells how far the views are.
pub async fn run<J: Journal>(
    deps: Deps<J>,
    status: watch::Sender<Status>,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let outcome = tokio::select! {
        biased;
        () = shutdown.cancelled() => Ok(()),
        error = project_for_ever(&deps, &status) => Err(error),
    };
    status.send_replace(Status::Stopped);
    outcome
}

async fn project_for_ever<J: Journal>(deps: &Deps<J>, status: &watch::Sender<Status>) -> Error {
    let mut pause = FIRST_PAUSE;
    loop {
        status.send_replace(Status::Loading);
        let (reached, error) = follow(deps, status).await;
        if !error.is_retryable() {
            return error;
        }
        if reached {
            pause = FIRST_PAUSE;
        }
        tracing::warn!(error = chain(&error), ?pause, "projecting is interrupted, trying again");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Projects until something fails; tells whether it had got so far as to read.
async fn follow<J: Journal>(deps: &Deps<J>, status: &watch::Sender<Status>) -> (bool, Error) {
    let session = match open(deps).await {
        Ok(session) => session,
        Err(error) => return (false, error),
    };
    let commits = deps.journal.follow(&Filter::all(), session.position() + 1);
    let reader = Reader::new(commits, deps.limits);
    let projected = metrics::figure("loopledger_projected_position", &[]);
    let told = |position| {
        projected.set(position);
        status.send_replace(Status::Ready { position, facts_at: position });
    };
    (true, session.follow(reader, told).await)
}

/// Projects what the journal holds, up to `until` where that is said, and returns the position
/// reached. Called again, it goes on from there.
pub async fn catch_up<J: Journal>(
    deps: &Deps<J>,
    until: Option<Position>,
) -> Result<Position, Error> {
    let mut session = open(deps).await?;
    session.catch_up(&deps.journal, until.unwrap_or(Position::MAX), deps.limits).await
}

async fn open<J: Journal>(deps: &Deps<J>) -> Result<Session, Error> {
    Session::open(&deps.journal, &deps.database, &deps.schema, deps.patience).await
}

/// An error with what it comes from.
fn chain(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(error.source(), |source| source.source());
    sources.fold(error.to_string(), |text, source| format!("{text}: {source}"))
}
