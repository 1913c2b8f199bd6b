//! Other rows in the place of the live ones: rebuilt ones, or those from before.
//!
//! Invariants: the live name means whole rows at every moment, since names change hands in one
//! transaction; positions do not go back for anybody, since only rows at the live position take
//! the live ones' place. One session at a time replaces the rows of a schema.

use std::time::Duration;

use loopledger_model::Position;
use tokio_postgres::{Client, Transaction};

use crate::database::{Database, Schema};
use crate::error::{Error, lacks_tables};
use crate::schema::{discard, lock, lock_within};
use crate::views::position_in;
use crate::writer::Writer;

/// Readers that stand in the way are waited for only so long at once: others queue behind.
const HELD_UP_MS: u32 = 100;
/// How long the writer's transaction may take that a pause has to wait for.
const PAUSED_WITHIN_MS: u32 = 10_000;

/// The right to replace the rows of a schema, for as long as it lives.
pub struct Replacement {
    database: Database,
    live: Schema,
    patience: Duration,
    _client: Client,
}

/// While it lives, the live rows stay as they are; they can be read.
pub struct Pause {
    /// Where the live rows are.
    pub position: Position,
    _client: Client,
}

impl Replacement {
    /// Waits so long for another session to end that has the right.
    pub async fn claim(
        database: &Database,
        live: &Schema,
        patience: Duration,
    ) -> Result<Self, Error> {
        let client = database.connect(live).await?;
        if !lock_within(&client, &live.replace_key(), patience).await? {
            return Err(Error::AnotherRebuild { schema: live.to_string() });
        }
        let (database, live) = (database.clone(), live.clone());
        Ok(Self { database, live, patience, _client: client })
    }

    /// Drops what an earlier rebuild has left unfinished.
    pub async fn clean_up(&self) -> Result<(), Error> {
        for schema in [self.live.rebuilt(), self.live.discarded()] {
            discard(&self.database, &schema, self.patience).await?;
        }
        Ok(())
    }

    /// Whether rows are kept that can be rolled back to.
    pub async fn check_replaced(&self) -> Result<(), Error> {
        let client = self.database.connect(&self.live).await?;
        if exists(&client, &self.live.replaced()).await? {
            return Ok(());
        }
        Err(Error::NothingReplaced { schema: self.live.to_string() })
    }

    /// Stops the live writer between two of its transactions.
    pub async fn pause(&self) -> Result<Pause, Error> {
        let client = self.database.connect(&self.live).await?;
        client.batch_execute(&format!("SET lock_timeout = {PAUSED_WITHIN_MS}")).await?;
        lock(&client, "pg_advisory_lock", &self.live.pause_key()).await?;
        let position = position(&client, &self.live).await?;
        Ok(Pause { position, _client: client })
    }

    /// Gives a writer's schema, which is at the live position, the live name. The old rows are
    /// those that can be rolled back to from now on; rows that could until now are dropped. With
    /// `others` the rows are not the live ones' equals, and whoever knows those is told.
    pub async fn put(
        &self,
        mut successor: Writer,
        pause: Pause,
        others: bool,
    ) -> Result<(), (Writer, Error)> {
        if let Err(error) = self.exchange(&mut successor, others).await {
            return Err((successor, error));
        }
        drop((pause, successor));
        if let Err(error) = discard(&self.database, &self.live.discarded(), self.patience).await {
            tracing::warn!(%error, "rows that nobody needs any more stay until the next rebuild");
        }
        Ok(())
    }

    async fn exchange(&self, successor: &mut Writer, others: bool) -> Result<(), Error> {
        let (live, rebuilt) = (&self.live, successor.schema().clone());
        let (replaced, leaving) = (live.replaced(), format!("{live}_leaving"));
        let transaction = successor.client().transaction().await?;
        transaction.batch_execute(&format!("SET LOCAL lock_timeout = {HELD_UP_MS}")).await?;
        let taking = format!(
            "LOCK TABLE \"{live}\".progress, \"{rebuilt}\".progress IN ACCESS EXCLUSIVE MODE"
        );
        transaction.batch_execute(&taking).await?;
        level(&transaction, live, &rebuilt).await?;
        transaction
            .execute(
                &format!(
                    "UPDATE \"{rebuilt}\".progress
                     SET generation = live.generation + $1 FROM \"{live}\".progress AS live"
                ),
                &[&i64::from(others)],
            )
            .await?;
        let mut renaming = format!(
            "ALTER SCHEMA \"{live}\" RENAME TO \"{leaving}\";
             ALTER SCHEMA \"{rebuilt}\" RENAME TO \"{live}\";"
        );
        if exists(transaction.client(), &replaced).await? && rebuilt != replaced {
            let discarded = live.discarded();
            renaming += &format!("ALTER SCHEMA \"{replaced}\" RENAME TO \"{discarded}\";");
        }
        renaming += &format!("ALTER SCHEMA \"{leaving}\" RENAME TO \"{replaced}\";");
        transaction.batch_execute(&renaming).await?;
        Ok(transaction.commit().await?)
    }
}

/// Both are at the same position.
async fn level(transaction: &Transaction<'_>, live: &Schema, other: &Schema) -> Result<(), Error> {
    let live_at = position(transaction.client(), live).await?;
    let other_at = position(transaction.client(), other).await?;
    if live_at == other_at {
        return Ok(());
    }
    let (live, other) = (live.to_string(), other.to_string());
    Err(Error::NotLevel { live, live_at, other, other_at })
}

async fn exists(client: &Client, schema: &Schema) -> Result<bool, Error> {
    let question = "SELECT FROM pg_namespace WHERE nspname = $1";
    Ok(client.query_opt(question, &[&schema.as_str()]).await?.is_some())
}

async fn position(client: &Client, schema: &Schema) -> Result<Position, Error> {
    let question = format!("SELECT position FROM \"{schema}\".progress");
    let row = client.query_one(&question, &[]).await.map_err(|error| {
        if lacks_tables(&error) {
            return Error::NoViews { schema: schema.to_string() };
        }
        error.into()
    })?;
    position_in(&row)
}
