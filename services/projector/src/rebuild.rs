//! All rows made anew beside the live ones, compared with them, and put in their place; and the way
//! back.
//!
//! Invariants: the live rows are whole and can be asked at every moment, whatever happens to a
//! rebuild; their projector goes on and is held up only for the moment of the exchange. Rows that
//! differ take the live ones' place only where that is wanted.

use std::time::Duration;

use loopledger_journal::Journal;
use loopledger_model::Position;
use loopledger_views::{Comparison, Pause, Replacement, Views};
use tokio::time::{Instant, sleep, timeout};

use crate::error::Error;
use crate::gather::Limits;
use crate::load::{Loaded, load};
use crate::run::Deps;
use crate::session::Session;

/// How long the live projector is held up at most, at once.
const HELD_UP: Duration = Duration::from_secs(2);
/// How long the exchange is tried while others are in the way.
const PATIENCE: Duration = Duration::from_secs(120);
const STEP_ASIDE: Duration = Duration::from_millis(50);

/// What a rebuild is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Rows are made of the commits up to `until`.
    Loading {
        loaded: Loaded,
        until: Position,
    },
    /// Indexes were built; rows are compared at a position.
    Comparing {
        position: Position,
    },
    Exchanging,
}

/// What a rebuild has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    pub events: u64,
    pub comparison: Comparison,
    /// Where the rebuilt rows took the live ones' place, if they did.
    pub exchanged_at: Option<Position>,
}

/// Makes the rows of the schema anew. Where they differ from the live ones, these stay, unless
/// differences are accepted; the rebuilt rows are left beside them until the next rebuild.
pub async fn rebuild<J: Journal>(
    deps: &Deps<J>,
    accept_differences: bool,
    told: &mut (dyn FnMut(Step) + Send),
) -> Result<Rebuilt, Error> {
    let live = Views::new(&deps.database, deps.schema.clone(), 1);
    let replacement = Replacement::claim(&deps.database, &deps.schema, deps.patience).await?;
    replacement.clean_up().await?;
    let until = live.position().await?;
    let (schema, mut events) = (deps.schema.rebuilt(), 0);
    let mut session = load(deps, schema.clone(), until, &mut |loaded| {
        events = loaded.events;
        told(Step::Loading { loaded, until });
    })
    .await?;

    session.catch_up(&deps.journal, live.position().await?, Limits::LIVE).await?;
    let held = live.hold().await?;
    session.catch_up(&deps.journal, held.position, Limits::LIVE).await?;
    told(Step::Comparing { position: held.position });
    let rebuilt = Views::new(&deps.database, schema, 1).hold().await?;
    let comparison = held.compare(&rebuilt).await?;
    drop((held, rebuilt));

    let differs = comparison.differing().next().is_some();
    if differs && !accept_differences {
        return Ok(Rebuilt { events, comparison, exchanged_at: None });
    }
    told(Step::Exchanging);
    let exchanged_at = Some(exchange(deps, &replacement, session, differs).await?);
    Ok(Rebuilt { events, comparison, exchanged_at })
}

/// Puts the rows back whose place rebuilt ones have taken, once they have what was recorded since;
/// those that are replaced now can be rolled back to in turn. Answers the position.
pub async fn rollback<J: Journal>(deps: &Deps<J>) -> Result<Position, Error> {
    let replacement = Replacement::claim(&deps.database, &deps.schema, deps.patience).await?;
    replacement.check_replaced().await?;
    let schema = deps.schema.replaced();
    let session = Session::open(&deps.journal, &deps.database, &schema, deps.patience).await?;
    exchange(deps, &replacement, session, true).await
}

/// Brings the session's rows to the live ones' position, holds the live projector there, and lets
/// the rows change places.
async fn exchange<J: Journal>(
    deps: &Deps<J>,
    replacement: &Replacement,
    session: Session,
    others: bool,
) -> Result<Position, Error> {
    let live = Views::new(&deps.database, deps.schema.clone(), 1);
    let deadline = Instant::now() + PATIENCE;
    let mut session = session;
    loop {
        let near = live.position().await?;
        session.catch_up(&deps.journal, near, Limits::LIVE).await?;
        let in_the_way = match replacement.pause().await {
            Ok(pause) => {
                let level = level(&mut session, &deps.journal, &pause);
                let Ok(level) = timeout(HELD_UP, level).await else {
                    return Err(Error::TooFarBehind { held_up: HELD_UP });
                };
                let (position, Session { writer, ahead }) = (level?, session);
                match replacement.put(writer, pause, others).await {
                    Ok(()) => return Ok(position),
                    Err((writer, error)) => {
                        session = Session { writer, ahead };
                        error
                    }
                }
            }
            Err(error) => error,
        };
        if !in_the_way.is_retryable() {
            return Err(in_the_way.into());
        }
        if Instant::now() > deadline {
            return Err(Error::InTheWay { waited: PATIENCE, source: in_the_way });
        }
        tracing::debug!(error = %in_the_way, "others are in the way of an exchange");
        sleep(STEP_ASIDE).await;
    }
}

async fn level<J: Journal>(
    session: &mut Session,
    journal: &J,
    pause: &Pause,
) -> Result<Position, Error> {
    session.catch_up(journal, pause.position, Limits::REBUILD).await
}
