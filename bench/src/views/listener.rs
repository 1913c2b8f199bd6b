//! What a user would take instead of a projector: the listener of the crate `disintegrate-postgres`, and a loop by hand.
//!
//! Invariants: both read the same events from PostgreSQL and write a row an event to one table of an fsyncing server;
//! the number of rows is checked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use disintegrate::serde::json::Json;
use disintegrate::{Event, EventListener, PersistedEvent, StreamQuery, query};
use disintegrate_postgres::{PgEventId, PgEventListener, PgEventListenerConfig, PgEventStore};
use futures::StreamExt as _;
use loopledger_journal::{Filter, Journal};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use tokio::sync::Notify;

use super::{Store, settle};
use crate::cqrs::pool;

/// How many of the history's first events each peer gets.
#[derive(Clone, Copy)]
pub struct Sample {
    pub listened: u64,
    pub batched: u64,
}

pub struct Peer {
    pub name: &'static str,
    pub events: u64,
    pub took: Duration,
}

const BATCH: i64 = 1_000;
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Debug, Clone, PartialEq, Eq, Event, Serialize, Deserialize)]
enum DomainEvent {
    Recorded { context: String, body: serde_json::Value },
}

#[derive(Deserialize)]
struct Body {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    events: Vec<serde_json::Value>,
}

pub async fn measure(store: &Store, sample: Sample) -> anyhow::Result<Vec<Peer>> {
    let pool = pool(&store.database_url, 4).await?;
    make_tables(&pool).await?;
    eprintln!("rebuild: peers");
    let batched = fill(&pool, store, sample.batched).await?;
    settle(&store.database_url).await?;
    let by_hand = batched_by_hand(&pool, batched).await?;
    let listened = batched.min(sample.listened);
    sqlx::query("DELETE FROM event WHERE event_id > $1")
        .bind(i64::try_from(listened)?)
        .execute(&pool)
        .await?;
    for statement in ["TRUNCATE facts", "VACUUM ANALYZE event"] {
        sqlx::raw_sql(statement).execute(&pool).await?;
    }
    settle(&store.database_url).await?;
    let listened = listen(&pool, listened).await?;
    Ok(vec![listened, by_hand])
}

/// The library cannot make all of its functions on a PostgreSQL before 16; a listener needs only those that it can.
async fn make_tables(pool: &PgPool) -> anyhow::Result<()> {
    let made = PgEventStore::try_new(pool.clone(), Json::<DomainEvent>::default()).await;
    let version = "SELECT current_setting('server_version_num')::INT";
    let version: i32 = sqlx::query_scalar(version).fetch_one(pool).await?;
    if version >= 160_000 {
        made?;
    }
    let facts = "CREATE TABLE facts (event_id BIGINT PRIMARY KEY, context TEXT NOT NULL, body JSONB NOT NULL);
        CREATE TABLE reached (event_id BIGINT NOT NULL); INSERT INTO reached VALUES (0)";
    sqlx::raw_sql(facts).execute(pool).await?;
    Ok(())
}

/// Copies the first events of the journal; answers how many.
async fn fill(pool: &PgPool, store: &Store, wanted: u64) -> anyhow::Result<u64> {
    let filter = Filter::all();
    let mut commits = store.deps.journal.read(&filter, 1).boxed();
    let mut filled = 0;
    while filled < wanted
        && let Some(commit) = commits.next().await
    {
        let commit = commit?;
        let body: Body = serde_json::from_slice(&commit.body)?;
        let events = body.entries.into_iter().flat_map(|entry| entry.events);
        let context = commit.partition.context.to_string();
        let recorded = |body| DomainEvent::Recorded { context: context.clone(), body };
        let payloads = events.map(|event| serde_json::to_vec(&recorded(event)));
        let payloads: Vec<Vec<u8>> = payloads.collect::<Result<_, _>>()?;
        filled += payloads.len() as u64;
        let insert =
            "INSERT INTO event (event_type, payload) SELECT 'Recorded', unnest($1::BYTEA[])";
        sqlx::query(insert).bind(payloads).execute(pool).await?;
    }
    sqlx::raw_sql("ANALYZE event").execute(pool).await?;
    Ok(filled)
}

async fn batched_by_hand(pool: &PgPool, events: u64) -> anyhow::Result<Peer> {
    let start = Instant::now();
    loop {
        let mut transaction = pool.begin().await?;
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
            "SELECT event_id, payload FROM event
             WHERE event_id > (SELECT event_id FROM reached FOR UPDATE) ORDER BY event_id LIMIT $1",
        )
        .bind(BATCH)
        .fetch_all(&mut *transaction)
        .await?;
        let Some((last, _)) = rows.last() else { break };
        sqlx::query("UPDATE reached SET event_id = $1")
            .bind(last)
            .execute(&mut *transaction)
            .await?;
        let (mut ids, mut contexts, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
        for (id, payload) in rows {
            let DomainEvent::Recorded { context, body } = serde_json::from_slice(&payload)?;
            ids.push(id);
            contexts.push(context);
            bodies.push(body.to_string());
        }
        sqlx::query(
            "INSERT INTO facts SELECT id, context, body::JSONB
             FROM unnest($1::BIGINT[], $2::TEXT[], $3::TEXT[]) AS facts (id, context, body)",
        )
        .bind(ids)
        .bind(contexts)
        .bind(bodies)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
    }
    let took = start.elapsed();
    check(pool, events).await?;
    Ok(Peer { name: "by hand, 1,000 a transaction", events, took })
}

struct OneTable {
    pool: PgPool,
    query: StreamQuery<PgEventId, DomainEvent>,
    left: Arc<AtomicU64>,
    done: Arc<Notify>,
}

#[async_trait]
impl EventListener<PgEventId, DomainEvent> for OneTable {
    type Error = sqlx::Error;

    fn id(&self) -> &'static str {
        "one_table"
    }

    fn query(&self) -> &StreamQuery<PgEventId, DomainEvent> {
        &self.query
    }

    async fn handle(
        &self,
        event: PersistedEvent<PgEventId, DomainEvent>,
    ) -> Result<(), sqlx::Error> {
        let id = event.id();
        let DomainEvent::Recorded { context, body } = event.into_inner();
        sqlx::query("INSERT INTO facts VALUES ($1, $2, $3::JSONB) ON CONFLICT DO NOTHING")
            .bind(id)
            .bind(context)
            .bind(body.to_string())
            .execute(&self.pool)
            .await?;
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.done.notify_one();
        }
        Ok(())
    }
}

async fn listen(pool: &PgPool, events: u64) -> anyhow::Result<Peer> {
    let store = PgEventStore::new_uninitialized(pool.clone(), Json::<DomainEvent>::default());
    let done = Arc::new(Notify::new());
    let table = OneTable {
        pool: pool.clone(),
        query: query!(DomainEvent),
        left: Arc::new(AtomicU64::new(events)),
        done: done.clone(),
    };
    let config = PgEventListenerConfig::poller(Duration::from_millis(50));
    let listener = PgEventListener::builder(store).register_listener(table, config);
    let start = Instant::now();
    let shutdown = async move { done.notified().await };
    tokio::time::timeout(PATIENCE, listener.start_with_shutdown(shutdown)).await??;
    let took = start.elapsed();
    check(pool, events).await?;
    Ok(Peer { name: "disintegrate-postgres' listener", events, took })
}

async fn check(pool: &PgPool, events: u64) -> anyhow::Result<()> {
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM facts").fetch_one(pool).await?;
    anyhow::ensure!(u64::try_from(rows)? == events, "{rows} rows of {events} events");
    Ok(())
}
