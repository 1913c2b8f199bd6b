//! Schemas: making one, bringing it to this version, dropping it, and putting a rebuilt one in a
//! live one's place.
//!
//! Invariant: while a transaction reads or writes a schema, its name goes on meaning the same
//! tables.

use loopledger_model::Position;
use tokio_postgres::{Client, GenericClient, Transaction};

use crate::database::{Database, Schema};
use crate::error::{Error, lacks_tables};
use crate::table::cell;
use crate::views::position_in;

mod embedded {
    refinery::embed_migrations!("../../schemas/sql");
}

/// Makes the schema where there is none, and its tables those of this version. The client is the
/// only one at it.
pub(crate) async fn prepare(client: &mut Client, schema: &Schema) -> Result<(), Error> {
    client.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\"")).await?;
    // In one transaction: a reader sees all tables or none.
    let migrated = embedded::migrations::runner().set_grouped(true).run_async(client).await;
    migrated.map_err(|source| Error::Migration { schema: schema.to_string(), source })?;
    Ok(())
}

/// Holds the schema's name until the transaction ends; has to come before anything that names its
/// tables.
pub(crate) async fn share_name(
    transaction: &Transaction<'_>,
    schema: &Schema,
) -> Result<(), tokio_postgres::Error> {
    lock(transaction, "pg_advisory_xact_lock_shared", &schema.name_key()).await
}

async fn lock(
    client: &impl GenericClient,
    function: &str,
    key: &str,
) -> Result<(), tokio_postgres::Error> {
    client.execute(&format!("SELECT {function}(hashtextextended($1, 0))"), &[&key]).await?;
    Ok(())
}

/// Takes the right to write the schema for the session; false when another session has it.
pub(crate) async fn try_own(client: &Client, schema: &Schema) -> Result<bool, Error> {
    let key = schema.writer_key();
    let question = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))";
    let row = client.query_one(question, &[&key]).await?;
    cell(&row, 0, "pg_locks", "granted")
}

/// Drops a schema with all its rows; nothing happens when there is none.
pub async fn discard(database: &Database, schema: &Schema) -> Result<(), Error> {
    let client = database.connect(schema).await?;
    if !try_own(&client, schema).await? {
        return Err(Error::AnotherProjector { schema: schema.to_string() });
    }
    client.batch_execute(&format!("DROP SCHEMA IF EXISTS \"{schema}\" CASCADE")).await?;
    Ok(())
}

/// Gives a rebuilt schema the live one's name, in one step for everybody. Both are at the same
/// position, or nothing happens. The old rows stay in [`Schema::replaced`] of the live one.
pub async fn swap(database: &Database, live: &Schema, rebuilt: &Schema) -> Result<Position, Error> {
    let mut client = database.connect(live).await?;
    if !try_own(&client, rebuilt).await? {
        return Err(Error::AnotherProjector { schema: rebuilt.to_string() });
    }
    let transaction = client.transaction().await?;
    for schema in [live, rebuilt] {
        lock(&transaction, "pg_advisory_xact_lock", &schema.name_key()).await?;
    }
    let (live_at, rebuilt_at) =
        (position(&transaction, live).await?, position(&transaction, rebuilt).await?);
    if live_at != rebuilt_at {
        let (live, rebuilt) = (live.to_string(), rebuilt.to_string());
        return Err(Error::NotLevel { live, live_at, rebuilt, rebuilt_at });
    }
    let old = live.replaced();
    let renaming = format!(
        "DROP SCHEMA IF EXISTS \"{old}\" CASCADE;
         ALTER SCHEMA \"{live}\" RENAME TO \"{old}\";
         ALTER SCHEMA \"{rebuilt}\" RENAME TO \"{live}\";"
    );
    transaction.batch_execute(&renaming).await?;
    transaction.commit().await?;
    Ok(live_at)
}

async fn position(transaction: &Transaction<'_>, schema: &Schema) -> Result<Position, Error> {
    let question = format!("SELECT position FROM \"{schema}\".progress");
    let row = transaction.query_one(&question, &[]).await.map_err(|error| {
        if lacks_tables(&error) {
            return Error::NoViews { schema: schema.to_string() };
        }
        error.into()
    })?;
    position_in(&row)
}
