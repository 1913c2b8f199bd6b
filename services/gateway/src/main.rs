//! The HTTP API and the timer of expiries as a process of its own, as the database's user that only reads.

use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use loopledger_gateway::auth::{Access, KeySource, Keys, Terms, Verifier};
use loopledger_gateway::expiry::{EVERY, Timer};
use loopledger_gateway::{Api, Limits, OnNats};
use loopledger_journal::{Config, JetStreamJournal, Nats};
use loopledger_service::config::{read, required};
use loopledger_service::telemetry::{self, LogFormat};
use loopledger_service::{Asker, process};
use loopledger_views::{Database, Schema, Views};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let format = read("LOG_FORMAT")?.unwrap_or(LogFormat::Json);
    let _telemetry = telemetry::start("loopledger-gateway", format, "info")?;
    let shutdown = process::stop_signal()?;
    let nats_url: String = required("NATS_URL", "the NATS server, as in nats://127.0.0.1:4222")?;
    let database: Database =
        required("DATABASE_URL", "the database, as in postgres://user:password@host/name")?;
    let address: SocketAddr = read("HTTP_ADDR")?.unwrap_or(([127, 0, 0, 1], 8420).into());
    let access = access(address)?;
    let nats = Nats::connect(&nats_url, "gateway").await?;
    let journal = JetStreamJournal::open(nats.clone(), Config::default()).await?;
    let services = OnNats { asker: Asker::new(nats), partitions: journal.partitions() };
    let connections = read("DATABASE_CONNECTIONS")?.unwrap_or(8);
    let views = Views::for_callers(&database, Schema::default(), connections);
    let every = read("EXPIRE_EVERY")?
        .map_or(EVERY, |seconds: NonZeroU64| Duration::from_secs(seconds.get()));
    let timer = Timer { views: views.clone(), services: services.clone() };
    tokio::spawn(timer.keep(every, shutdown.clone()));
    let api = Api { views, journal, services, access, limits: Limits::default() };
    let listener = TcpListener::bind(address).await;
    let listener = listener.with_context(|| format!("the HTTP API cannot listen on {address}"))?;
    Ok(loopledger_gateway::run(listener, api, shutdown).await?)
}

/// `LEDGER_JWKS` and `LEDGER_ISSUER` say whose tokens count; without them this machine alone is let in.
fn access(address: SocketAddr) -> anyhow::Result<Access> {
    let Some(source) = read::<KeySource>("LEDGER_JWKS")? else {
        if !address.ip().is_loopback() {
            bail!(
                "{address} can be reached from other machines: say in LEDGER_JWKS whose tokens count"
            );
        }
        return Ok(Access::Open);
    };
    let issuer = required("LEDGER_ISSUER", "whose tokens count")?;
    let audience = read("LEDGER_AUDIENCE")?.unwrap_or_else(|| "loopledger".to_owned());
    let verifier = Verifier::new(Keys::new(source), Terms { issuer, audience });
    Ok(Access::Tokens(Arc::new(verifier)))
}
