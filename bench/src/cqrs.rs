//! The crate `postgres-es`: one event stream an aggregate, optimistic locking, a snapshot every 100 events.
//!
//! A redemption is one aggregate's affair here, the voucher's: the invoice's limit is not looked at.

use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, AggregateError, DomainEvent};
use postgres_es::{PostgresCqrs, postgres_snapshot_cqrs};
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgPool, PgPoolOptions};

use crate::clients::Taken;
use crate::peer::{Ask, Peer, Work};

/// A voucher's or an invoice's money.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Account {
    left: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Event {
    Opened { amount: u64 },
    Taken { id: String, amount: u64, at: String, reference: String },
}

enum Command {
    Open { amount: u64 },
    Take { id: String },
}

#[derive(Debug, thiserror::Error)]
#[error("nothing is left")]
struct NothingLeft;

impl DomainEvent for Event {
    fn event_type(&self) -> String {
        match self {
            Self::Opened { .. } => "Opened".to_owned(),
            Self::Taken { .. } => "Taken".to_owned(),
        }
    }

    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}

impl Aggregate for Account {
    const TYPE: &'static str = "account";
    type Command = Command;
    type Event = Event;
    type Error = NothingLeft;
    type Services = ();

    async fn handle(
        &mut self,
        command: Command,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), NothingLeft> {
        let event = match command {
            Command::Open { amount } => Event::Opened { amount },
            Command::Take { .. } if self.left == 0 => return Err(NothingLeft),
            Command::Take { id } => {
                let (at, reference) = ("2025-03-20T00:00:00Z".to_owned(), "bank-0001".to_owned());
                Event::Taken { id, amount: 1, at, reference }
            }
        };
        // The sink applies the event, and the library's snapshots apply it once more: without the copy every snapshot
        // is one event ahead, and a voucher of 500 units gives out 496.
        sink.write(event, &mut Self { left: self.left }).await;
        Ok(())
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Opened { amount } => self.left += amount,
            Event::Taken { amount, .. } => self.left -= amount,
        }
    }
}

pub struct Cqrs {
    cqrs: PostgresCqrs<Account>,
}

const TABLES: &str = "
    CREATE TABLE events (aggregate_type text NOT NULL, aggregate_id text NOT NULL,
        sequence bigint CHECK (sequence >= 0) NOT NULL, event_type text NOT NULL,
        event_version text NOT NULL, payload json NOT NULL, metadata json NOT NULL,
        PRIMARY KEY (aggregate_type, aggregate_id, sequence));
    CREATE TABLE snapshots (aggregate_type text NOT NULL, aggregate_id text NOT NULL,
        last_sequence bigint CHECK (last_sequence >= 0) NOT NULL,
        current_snapshot bigint CHECK (current_snapshot >= 0) NOT NULL, payload json NOT NULL,
        PRIMARY KEY (aggregate_type, aggregate_id, last_sequence));";

const SNAPSHOT_EVERY: usize = 100;

impl Peer for Cqrs {
    const NAME: &'static str = "postgres-es";

    async fn prepare(url: &str, accounts: u32) -> anyhow::Result<()> {
        let pool = pool(url, 1).await?;
        sqlx::raw_sql(TABLES).execute(&pool).await?;
        let fill = format!(
            "INSERT INTO events SELECT 'account', prefix || n, 1, 'Opened', '1.0',
                 '{{\"Opened\":{{\"amount\":1000000}}}}', '{{}}'
             FROM generate_series(0, {}) n, (VALUES ('v-'), ('in-')) AS prefixes (prefix);
             ANALYZE events",
            accounts - 1
        );
        sqlx::raw_sql(&fill).execute(&pool).await?;
        Ok(())
    }

    async fn connect(url: &str, connections: usize) -> anyhow::Result<Self> {
        let pool = pool(url, connections).await?;
        Ok(Self { cqrs: postgres_snapshot_cqrs(pool, Vec::new(), SNAPSHOT_EVERY, ()) })
    }

    async fn add(&self, account: &str, units: u64) -> anyhow::Result<()> {
        Ok(self.cqrs.execute(&format!("v-{account}"), Command::Open { amount: units }).await?)
    }

    async fn take(&self, _: usize, ask: &Ask) -> anyhow::Result<Taken> {
        let prefix = match ask.work {
            Work::Redemptions => "v",
            Work::Payments => "in",
        };
        let account = format!("{prefix}-{}", ask.account);
        loop {
            match self.cqrs.execute(&account, Command::Take { id: ask.id.clone() }).await {
                Ok(()) => return Ok(Taken::Done),
                Err(AggregateError::UserError(NothingLeft)) => return Ok(Taken::Refused),
                Err(AggregateError::AggregateConflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

pub async fn pool(url: &str, connections: usize) -> anyhow::Result<PgPool> {
    let connections = u32::try_from(connections)?;
    let options = PgPoolOptions::new().max_connections(connections).min_connections(connections);
    let patience = std::time::Duration::from_secs(120);
    Ok(options.test_before_acquire(false).acquire_timeout(patience).connect(url).await?)
}
