//! A service as a process of its own: configuration, telemetry, connections, signals, then `server::run`.

use anyhow::Context as _;
use loopledger_journal::{Config, JetStreamJournal, Nats};
use loopledger_model::Partition;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::config::ServiceConfig;
use crate::decider::Decider;
use crate::memory::Memory;
use crate::server::{self, Options};
use crate::shell::Status;
use crate::{health, telemetry};

/// Runs the context's service until SIGTERM or Ctrl-C.
pub async fn main<D: Decider>() -> anyhow::Result<()> {
    let config = ServiceConfig::from_env()?;
    telemetry::start(config.log_format, "info");
    let shutdown = stop_signal()?;
    let nats = Nats::connect(&config.nats_url, D::CONTEXT.name()).await?;
    let journal_config = Config { replicas: config.replicas, ..Config::default() };
    let journal = JetStreamJournal::open(nats.clone(), journal_config).await?;
    let (status, watched) = watch::channel(Status::Loading);
    if let Some(address) = config.health {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("health cannot be served on {address}"))?;
        tokio::spawn(health::serve(listener, watched, shutdown.clone()));
    }
    let options = Options {
        partition: Partition::first(D::CONTEXT),
        instance: config.instance,
        queue_requests: config.queue_requests,
        limits: config.limits,
        memory: Memory::in_folder(config.snapshots),
    };
    server::run::<D, _>(&nats, journal, options, status, shutdown).await?;
    Ok(())
}

/// A token that SIGTERM or Ctrl-C cancels.
pub fn stop_signal() -> std::io::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let token = CancellationToken::new();
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stop = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.cancel();
    });
    Ok(token)
}
