//! A service as a process of its own: configuration, telemetry, connections, signals, then its shells.

use anyhow::{Context as _, bail};
use loopledger_journal::{Config, JetStreamJournal, Nats};
use loopledger_model::{Context, Partition, Partitions};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::{Numbers, ServiceConfig};
use crate::memory::Memory;
use crate::server::{Options, Service, Start};
use crate::shell::Status;
use crate::{health, telemetry};

/// Runs a context's service, one shell for each of its partitions, until SIGTERM or Ctrl-C.
pub async fn main(decides: &'static Service) -> anyhow::Result<()> {
    let config = ServiceConfig::from_env()?;
    let context = decides.context;
    let service = format!("loopledger-{context}");
    let _telemetry = telemetry::start(&service, config.log_format, "info")?;
    let shutdown = stop_signal()?;
    let nats = Nats::connect(&config.nats_url, context.name()).await?;
    let journal_config =
        Config { replicas: config.replicas, partitions: config.partitions, ..Config::default() };
    let journal = JetStreamJournal::open(nats.clone(), journal_config).await?;
    let partitions = journal.partitions();
    let mut statuses = Vec::new();
    let mut shells = JoinSet::new();
    for partition in decided(context, partitions, config.decides.as_ref())? {
        let (status, watched) = watch::channel(Status::Loading);
        statuses.push(watched);
        let options = Options {
            partition,
            partitions,
            instance: config.instance.clone(),
            queue_requests: config.queue_requests,
            limits: config.limits,
            memory: Memory::in_folder(config.snapshots.clone()),
        };
        let (nats, journal, shutdown) = (nats.clone(), journal.clone(), shutdown.clone());
        shells.spawn(decides.run(Start { nats, journal, options, status, shutdown }));
    }
    if let Some(address) = config.health {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("health cannot be served on {address}"))?;
        tokio::spawn(health::serve(listener, statuses, shutdown.clone()));
    }
    let mut outcome = Ok(());
    while let Some(ended) = shells.join_next().await {
        // One partition alone would look like a service that is well.
        shutdown.cancel();
        outcome = outcome.and(ended?);
    }
    Ok(outcome?)
}

/// The partitions that this process decides.
fn decided(
    context: Context,
    partitions: Partitions,
    only: Option<&Numbers>,
) -> anyhow::Result<Vec<Partition>> {
    let Some(Numbers(only)) = only else { return Ok(partitions.of(context).collect()) };
    let chosen: Vec<_> = only.iter().map(|number| Partition { context, number: *number }).collect();
    if let Some(unknown) = chosen.iter().find(|partition| !partitions.has(**partition)) {
        let count = partitions.count(context);
        bail!(
            "PARTITION names {}, and {context} has {count} partitions: name numbers below {count}",
            unknown.number
        );
    }
    Ok(chosen)
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

#[cfg(test)]
mod tests {
    use loopledger_model::StatedPartitions;

    use super::*;

    #[test]
    fn a_process_decides_all_partitions_of_its_context_or_those_that_it_is_told() {
        let stated: StatedPartitions = "voucher=4".parse().expect("counts");
        let partitions = stated.over(Partitions::default());
        let numbers = |only: Option<&str>| {
            let only: Option<Numbers> = only.map(|text| text.parse().expect("numbers"));
            let decided = decided(Context::Voucher, partitions, only.as_ref())?;
            anyhow::Ok(decided.into_iter().map(|partition| partition.number).collect::<Vec<_>>())
        };
        assert_eq!(numbers(None).expect("all"), [0, 1, 2, 3]);
        assert_eq!(numbers(Some("2, 0")).expect("some"), [0, 2]);
        let error = numbers(Some("0,4")).expect_err("there is no such partition").to_string();
        assert!(error.contains("names 4, and voucher has 4 partitions"), "{error}");
        assert!("0,x".parse::<Numbers>().is_err());
    }
}
