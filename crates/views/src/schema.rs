//! Schemas: making one, bringing it to this version, owning it, dropping it.
//!
//! Invariant: while a transaction reads or writes a schema, its name goes on meaning the same
//! tables.

use std::time::Duration;

use refinery::Migration;
use tokio::time::Instant;
use tokio_postgres::{Client, GenericClient};

use crate::database::{Database, Schema};
use crate::error::{Error, lacks_tables};
use crate::rights;
use crate::table::cell;

const PAUSE: Duration = Duration::from_millis(50);

mod embedded {
    refinery::embed_migrations!("../../schemas/sql");
}

/// Makes the schema where there is none, its tables those of this version, and gives them their
/// rights. The client is the only one at it. One that may make no schemas finds all that done.
pub(crate) async fn prepare(client: &mut Client, schema: &Schema) -> Result<(), Error> {
    if !may_make_schemas(client).await? {
        return check_version(client, schema).await;
    }
    client.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\"")).await?;
    // In one transaction: a reader sees all tables or none.
    let migrated = embedded::migrations::runner().set_grouped(true).run_async(client).await;
    migrated.map_err(|source| Error::Migration { schema: schema.to_string(), source })?;
    rights::give(client, schema).await
}

async fn may_make_schemas(client: &Client) -> Result<bool, Error> {
    let question = "SELECT has_database_privilege(current_database(), 'CREATE')";
    Ok(client.query_one(question, &[]).await?.try_get(0)?)
}

async fn check_version(client: &Client, schema: &Schema) -> Result<(), Error> {
    let not_prepared = || Error::NotPrepared { schema: schema.to_string() };
    let question = "SELECT max(version) FROM refinery_schema_history";
    let found: Option<i32> = match client.query_one(question, &[]).await {
        Ok(row) => row.try_get(0)?,
        Err(error) if lacks_tables(&error) => None,
        Err(error) => return Err(error.into()),
    };
    let newest =
        embedded::migrations::runner().get_migrations().iter().map(Migration::version).max();
    if found.map(i64::from) == newest.map(i64::from) { Ok(()) } else { Err(not_prepared()) }
}

/// Makes a schema and brings it to this version for others, who may not. Waits so long for its
/// writer to end.
pub async fn make(database: &Database, schema: &Schema, patience: Duration) -> Result<(), Error> {
    let mut client = database.connect(schema).await?;
    own(&client, schema, patience).await?;
    prepare(&mut client, schema).await
}

/// Holds the schema's name until the transaction ends; has to be its first statement. It locks a
/// table, since that alone comes before the snapshot: a SELECT that waited for a lock would go on
/// with the rows of before and the names of after.
pub(crate) async fn share_name(
    transaction: &Client,
    schema: &Schema,
) -> Result<(), tokio_postgres::Error> {
    let holding = format!("LOCK TABLE \"{schema}\".progress IN ACCESS SHARE MODE");
    transaction.batch_execute(&holding).await
}

/// Takes the advisory lock of this key, or waits for it.
pub(crate) async fn lock(
    client: &impl GenericClient,
    function: &str,
    key: &str,
) -> Result<(), tokio_postgres::Error> {
    client.execute(&format!("SELECT {function}(hashtextextended($1, 0))"), &[&key]).await?;
    Ok(())
}

/// Takes the advisory lock of this key for the session; false when another session has it.
async fn try_lock(client: &Client, key: &str) -> Result<bool, Error> {
    let question = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))";
    let row = client.query_one(question, &[&key]).await?;
    cell(&row, 0, "pg_locks", "granted")
}

/// Takes the right to write the schema for the session, waiting so long for another session to end:
/// it may be dead already and the server about to find out.
pub(crate) async fn own(client: &Client, schema: &Schema, patience: Duration) -> Result<(), Error> {
    if lock_within(client, &schema.writer_key(), patience).await? {
        return Ok(());
    }
    Err(Error::AnotherProjector { schema: schema.to_string() })
}

/// Takes the advisory lock of this key for the session; false when another session has it all the
/// time.
pub(crate) async fn lock_within(
    client: &Client,
    key: &str,
    patience: Duration,
) -> Result<bool, Error> {
    let deadline = Instant::now() + patience;
    loop {
        if try_lock(client, key).await? {
            return Ok(true);
        }
        if Instant::now() + PAUSE > deadline {
            return Ok(false);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Drops a schema with all its rows; nothing happens when there is none.
pub async fn discard(
    database: &Database,
    schema: &Schema,
    patience: Duration,
) -> Result<(), Error> {
    let client = database.connect(schema).await?;
    own(&client, schema, patience).await?;
    client.batch_execute(&format!("DROP SCHEMA IF EXISTS \"{schema}\" CASCADE")).await?;
    Ok(())
}
