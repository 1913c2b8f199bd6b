//! The projector as a process of its own, as the database's user that may add rows.

use anyhow::Context as _;
use loopledger_journal::{Config, JetStreamJournal, Nats};
use loopledger_projector::Deps;
use loopledger_service::config::{read, required};
use loopledger_service::telemetry::{self, LogFormat};
use loopledger_service::{Status, health, process};
use tokio::net::TcpListener;
use tokio::sync::watch;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let format = read("LOG_FORMAT")?.unwrap_or(LogFormat::Json);
    let _telemetry = telemetry::start("loopledger-projector", format, "info")?;
    let shutdown = process::stop_signal()?;
    let nats_url: String = required("NATS_URL", "the NATS server, as in nats://127.0.0.1:4222")?;
    let database =
        required("DATABASE_URL", "the database, as in postgres://user:password@host/name")?;
    let nats = Nats::connect(&nats_url, "projector").await?;
    let journal = JetStreamJournal::open(nats, Config::default()).await?;
    let (status, watched) = watch::channel(Status::Loading);
    if let Some(address) = read::<std::net::SocketAddr>("HEALTH_ADDR")? {
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("health cannot be served on {address}"))?;
        tokio::spawn(health::serve(listener, vec![watched], shutdown.clone()));
    }
    Ok(loopledger_projector::run(Deps::live(journal, database), status, shutdown).await?)
}
