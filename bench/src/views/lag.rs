//! How long after its acknowledgement an event is in the views, while events come at a fixed rate.
//!
//! Invariant: lag ends when the transaction that has the event's rows and position is committed.

use std::time::{Duration, Instant};

use loopledger_projector::run;
use loopledger_service::Status;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{Plan, Store, percentile};

const PER_SECOND: u32 = 20_000;
/// Events of most commits, which is how they are appended.
const COMMIT: u32 = 200;

pub async fn measure(plan: &Plan, store: &mut Store) -> anyhow::Result<String> {
    eprintln!("lag: {:?} at {PER_SECOND} events/s", plan.lag);
    let (sender, mut status) = watch::channel(Status::Loading);
    let shutdown = CancellationToken::new();
    let projector = tokio::spawn(run(store.deps.clone(), sender, shutdown.clone()));
    status.wait_for(|status| matches!(status, Status::Ready { .. })).await?;
    let (appended, positions) = mpsc::unbounded_channel();
    let watched = tokio::spawn(watch_lag(positions, status));
    let before = store.history.events();
    let start = Instant::now();
    while start.elapsed() < plan.lag {
        let sent = u32::try_from(store.history.events() - before)?;
        tokio::time::sleep_until((start + Duration::from_secs(1) * sent / PER_SECOND).into()).await;
        let position = store.history.append(&store.deps.journal, COMMIT.into()).await?;
        appended.send((position, Instant::now()))?;
    }
    let (took, events) = (start.elapsed(), store.history.events() - before);
    drop(appended);
    let lags = watched.await??;
    shutdown.cancel();
    projector.await??;
    Ok(format!(
        "\n## Live lag\n\n\
         From a commit's acknowledgement until its rows, loops and position are committed in PostgreSQL, in a store of\n\
         {before} events; {COMMIT} events or\n\
         twice as many a commit, {PER_SECOND} a second wanted.\n\n\
         | events | a second | p50 ms | p99 ms | longest ms |\n|---:|---:|---:|---:|---:|\n\
         | {events} | {:.0} | {:.2} | {:.2} | {:.2} |\n",
        events as f64 / took.as_secs_f64(),
        percentile(&lags, 50),
        percentile(&lags, 99),
        percentile(&lags, 100),
    ))
}

async fn watch_lag(
    mut positions: mpsc::UnboundedReceiver<(u64, Instant)>,
    mut status: watch::Receiver<Status>,
) -> anyhow::Result<Vec<Duration>> {
    let mut lags = Vec::new();
    while let Some((appended, since)) = positions.recv().await {
        let reached = |status: &Status| match status {
            Status::Ready { position, .. } => *position >= appended,
            Status::Loading | Status::Stopped => false,
        };
        status.wait_for(reached).await?;
        lags.push(since.elapsed());
    }
    lags.sort();
    Ok(lags)
}
