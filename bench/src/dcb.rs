//! The crate `disintegrate-postgres`: decisions over queried events, serializable transactions, a snapshot every 100.
//!
//! A redemption is decided from the voucher's events here: the invoice's limit is not looked at.

use disintegrate::{Decision, Event, StateMutate, StateQuery, serde::json::Json};
use disintegrate_postgres::{
    PgDecisionMaker, PgEventStore, PgSnapshotter, WithPgSnapshot, decision_maker,
};
use serde::{Deserialize, Serialize};

use sqlx::PgPool;

use crate::clients::Taken;
use crate::cqrs::pool;
use crate::peer::{Ask, Peer, Work};

#[derive(Debug, Clone, PartialEq, Eq, Event, Serialize, Deserialize)]
enum DomainEvent {
    Opened {
        #[id]
        account: String,
        amount: u64,
    },
    Taken {
        #[id]
        account: String,
        id: String,
        amount: u64,
        at: String,
        reference: String,
    },
}

/// A voucher's or an invoice's money.
#[derive(Debug, Clone, Default, StateQuery, Serialize, Deserialize)]
#[state_query(DomainEvent)]
struct Account {
    #[id]
    account: String,
    left: u64,
}

impl StateMutate for Account {
    fn mutate(&mut self, event: Self::Event) {
        match event {
            DomainEvent::Opened { amount, .. } => self.left += amount,
            DomainEvent::Taken { amount, .. } => self.left -= amount,
        }
    }
}

struct Open {
    account: String,
    amount: u64,
}

struct Take {
    account: String,
    id: String,
}

#[derive(Debug, thiserror::Error)]
#[error("nothing is left")]
struct NothingLeft;

impl Decision for Open {
    type Event = DomainEvent;
    type StateQuery = Account;
    type Error = NothingLeft;

    fn state_query(&self) -> Account {
        Account { account: self.account.clone(), left: 0 }
    }

    fn process(&self, _: &Account) -> Result<Vec<DomainEvent>, NothingLeft> {
        Ok(vec![DomainEvent::Opened { account: self.account.clone(), amount: self.amount }])
    }
}

impl Decision for Take {
    type Event = DomainEvent;
    type StateQuery = Account;
    type Error = NothingLeft;

    fn state_query(&self) -> Account {
        Account { account: self.account.clone(), left: 0 }
    }

    fn process(&self, state: &Account) -> Result<Vec<DomainEvent>, NothingLeft> {
        if state.left == 0 {
            return Err(NothingLeft);
        }
        Ok(vec![DomainEvent::Taken {
            account: self.account.clone(),
            id: self.id.clone(),
            amount: 1,
            at: "2025-03-20T00:00:00Z".to_owned(),
            reference: "bank-0001".to_owned(),
        }])
    }
}

type Maker = PgDecisionMaker<DomainEvent, Json<DomainEvent>, WithPgSnapshot>;

pub struct Dcb {
    maker: Maker,
}

const SNAPSHOT_EVERY: u64 = 100;

impl Peer for Dcb {
    const NAME: &'static str = "disintegrate-postgres";

    async fn prepare(url: &str, accounts: u32) -> anyhow::Result<()> {
        let pool = pool(url, 1).await?;
        make_tables(&pool).await?;
        PgSnapshotter::try_new(pool.clone(), SNAPSHOT_EVERY).await?;
        let fill = format!(
            "INSERT INTO event (event_type, payload, account) SELECT 'Opened',
                 convert_to('{{\"Opened\":{{\"account\":\"' || prefix || n
                     || '\",\"amount\":1000000}}}}', 'UTF8'), prefix || n
             FROM generate_series(0, {}) n, (VALUES ('v-'), ('in-')) AS prefixes (prefix);
             ANALYZE event",
            accounts - 1
        );
        sqlx::raw_sql(&fill).execute(&pool).await?;
        Ok(())
    }

    async fn connect(url: &str, connections: usize) -> anyhow::Result<Self> {
        let pool = pool(url, connections).await?;
        let store = PgEventStore::new_uninitialized(pool.clone(), Json::default());
        let snapshots = PgSnapshotter::new_uninitialized(pool, SNAPSHOT_EVERY);
        Ok(Self { maker: decision_maker(store, WithPgSnapshot::new(snapshots)) })
    }

    async fn add(&self, account: &str, units: u64) -> anyhow::Result<()> {
        let open = Open { account: format!("v-{account}"), amount: units };
        self.maker.make(open).await?;
        Ok(())
    }

    async fn take(&self, _: usize, ask: &Ask) -> anyhow::Result<Taken> {
        let prefix = match ask.work {
            Work::Redemptions => "v",
            Work::Payments => "in",
        };
        loop {
            let account = format!("{prefix}-{}", ask.account);
            match self.maker.make(Take { account, id: ask.id.clone() }).await {
                Ok(_) => return Ok(Taken::Done),
                Err(disintegrate::DecisionError::Domain(NothingLeft)) => return Ok(Taken::Refused),
                Err(error) if is_conflict(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

async fn make_tables(pool: &PgPool) -> anyhow::Result<()> {
    let made = PgEventStore::try_new(pool.clone(), Json::<DomainEvent>::default()).await;
    let version = "SELECT current_setting('server_version_num')::INT";
    let version: i32 = sqlx::query_scalar(version).fetch_one(pool).await?;
    if version >= 160_000 {
        made?;
    } else {
        sqlx::raw_sql(BEFORE_16).execute(pool).await?;
    }
    Ok(())
}

/// What the library cannot make on a PostgreSQL before 16, since it writes a number in hexadecimal there: a
/// transaction's mark from which readers tell what is not committed yet, and all that comes after it.
const BEFORE_16: &str = "
    CREATE FUNCTION event_store_begin_epoch() RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_try_advisory_xact_lock_shared(database.oid::INT, 0),
            pg_try_advisory_xact_lock_shared(1, (epoch.last_value & 4294967295)::BIT(32)::INT),
            pg_try_advisory_xact_lock_shared(2, (epoch.last_value >> 32)::BIT(32)::INT)
        FROM seq_event_event_id epoch, pg_database database WHERE datname = current_database();
    END $$;
    ALTER TABLE event ADD COLUMN account TEXT;
    CREATE INDEX idx_event_account ON event (account) WHERE account IS NOT NULL;";

/// Another transaction was there first: the library says so, or PostgreSQL (serialisation failure, deadlock).
fn is_conflict(error: &disintegrate::DecisionError<NothingLeft>) -> bool {
    let disintegrate::DecisionError::StateStore(source) = error else { return false };
    match source.downcast_ref() {
        Some(disintegrate_postgres::Error::Concurrency) => true,
        Some(disintegrate_postgres::Error::Database(sqlx::Error::Database(error))) => {
            error.code().is_some_and(|code| code == "40001" || code == "40P01")
        }
        _ => false,
    }
}
