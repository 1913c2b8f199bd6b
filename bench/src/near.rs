//! The ledger asked within its own process, as the HTTP API of `loopledger up` asks: only the journal is on NATS.

use std::path::Path;

use loopledger_journal::{Config, Desk, JetStreamJournal, Nats};
use loopledger_model::Partition;
use loopledger_service::{Asker, Memory, Options, Service, Start, Status};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The services that a measurement needs, in this process.
pub struct Near {
    nats: Nats,
    services: JoinSet<anyhow::Result<()>>,
    shutdown: CancellationToken,
}

impl Near {
    pub async fn start(
        url: &str,
        folder: &Path,
        services: &[&'static Service],
    ) -> anyhow::Result<Self> {
        let nats = Nats::connect(url, "bench services").await?.at(&Desk::default());
        let (running, shutdown) = (JoinSet::new(), CancellationToken::new());
        let mut near = Self { nats, services: running, shutdown };
        for service in services {
            near.serve(service, folder).await?;
        }
        Ok(near)
    }

    async fn serve(&mut self, service: &'static Service, folder: &Path) -> anyhow::Result<()> {
        let journal = JetStreamJournal::open(self.nats.clone(), Config::default()).await?;
        let mut options = Options::new(
            Partition::first(service.context),
            journal.partitions(),
            "near".to_owned(),
        );
        options.memory = Memory::in_folder(Some(folder.to_owned()));
        let (status, mut watched) = watch::channel(Status::Loading);
        let (nats, shutdown) = (self.nats.clone(), self.shutdown.clone());
        let start = Start { nats, journal, options, status, shutdown };
        self.services.spawn(async move { Ok(service.run(start).await?) });
        watched.wait_for(|status| matches!(status, Status::Ready { .. })).await?;
        Ok(())
    }

    pub fn asker(&self) -> Asker {
        Asker::new(self.nats.clone())
    }

    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.shutdown.cancel();
        while let Some(ended) = self.services.join_next().await {
            ended??;
        }
        Ok(())
    }
}
