//! The reader's side: a pool of read-only connections, and answers that each rest on one position.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use loopledger_model::{PartyId, Position, Text};
use tokio::time::Instant;
use tokio_postgres::{Client, IsolationLevel, NoTls, Row, Transaction};

use crate::as_of::As;
use crate::database::{Database, Schema};
use crate::error::{Error, lacks_tables};
use crate::reader::{self, Reader};
use crate::rows;
use crate::schema::share_name;
use crate::spans::asked;
use crate::table::{cell, select};

/// How long an asker waits for a connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// No answer may take the database longer.
const READER: &str =
    "-c default_transaction_read_only=on -c statement_timeout=60s -c work_mem=32MB";
const POSITION: &str = "SELECT position FROM progress";
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

#[derive(Clone)]
pub struct Views {
    pool: Pool,
    schema: Schema,
    reads: Reads,
}

/// With whose rights rows are read.
#[derive(Debug, Clone)]
enum Reads {
    /// Those of the address's user.
    AsItself,
    /// Those of whom the task reads for.
    ForCallers,
    /// Those of one reader, whatever the task.
    For(Reader),
}

impl Views {
    /// Reads for others, by [`reading_as`](crate::reading_as), as the database lets each of them; where it has the roles
    /// for that.
    pub fn for_callers(database: &Database, schema: Schema, connections: usize) -> Self {
        Self { reads: Reads::ForCallers, ..Self::new(database, schema, connections) }
    }

    /// The same for whom this task reads, for work that outlives it.
    pub fn bound(&self) -> Self {
        let reads = match (&self.reads, reader::current()) {
            (Reads::ForCallers, Some(reader)) => Reads::For(reader),
            (reads, _) => reads.clone(),
        };
        Self { reads, ..self.clone() }
    }

    /// Connects when asked something, with so many connections at most.
    pub fn new(database: &Database, schema: Schema, connections: usize) -> Self {
        let config = database.config(&schema, READER);
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(Manager::from_config(config, NoTls, recycling))
            .max_size(connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .build()
            .expect("a pool with a runtime can have timeouts");
        Self { pool, schema, reads: Reads::AsItself }
    }

    /// The journal position that answers rest on now.
    pub async fn position(&self) -> Result<Position, Error> {
        let mut connection = self.connection().await?;
        let (_, position) = self.snapshot(&mut connection).await?;
        Ok(position)
    }

    /// Waits until answers rest on `asked` or a later position.
    pub async fn wait_for(&self, asked: Position, within: Duration) -> Result<Position, Error> {
        let deadline = Instant::now() + within;
        let mut pause = FIRST_PAUSE;
        loop {
            let reached = self.position().await?;
            if reached >= asked {
                return Ok(reached);
            }
            if Instant::now() + pause > deadline {
                return Err(Error::NotReached { asked, reached, waited: within });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Those of the parties that are registered.
    pub async fn known_parties(&self, ids: &[PartyId]) -> Result<BTreeSet<PartyId>, Error> {
        let ids: Vec<&str> = ids.iter().map(PartyId::as_str).collect();
        let mut connection = self.connection().await?;
        let (transaction, _) = self.snapshot(&mut connection).await?;
        let question = "SELECT id FROM parties WHERE id = ANY ($1)";
        let rows = asked(question, transaction.query(question, &[&ids])).await?;
        rows.iter().map(|row| cell(row, 0, "parties", "id")).collect()
    }

    /// What the parties are called that were registered by then.
    pub async fn party_names(&self, seen: As) -> Result<BTreeMap<PartyId, Text>, Error> {
        let mut connection = self.connection().await?;
        let (transaction, _) = self.snapshot(&mut connection).await?;
        let seen = seen.in_rows();
        let parties: Vec<rows::Party> =
            select(&transaction, As::CONDITION, &[&seen.of, &seen.known]).await?;
        Ok(parties.into_iter().map(|party| (party.id, party.name)).collect())
    }

    pub(crate) const fn schema(&self) -> &Schema {
        &self.schema
    }

    pub(crate) async fn connection(&self) -> Result<Object, Error> {
        Ok(self.pool.get().await?)
    }

    /// One state of all tables, and the position that it is of.
    pub(crate) async fn snapshot<'a>(
        &self,
        connection: &'a mut Object,
    ) -> Result<(Transaction<'a>, Position), Error> {
        let client: &mut Client = connection;
        let transaction = client
            .build_transaction()
            .isolation_level(IsolationLevel::RepeatableRead)
            .read_only(true)
            .start()
            .await?;
        let reader = match &self.reads {
            Reads::AsItself => None,
            Reads::ForCallers => reader::current(),
            Reads::For(reader) => Some(reader.clone()),
        };
        if let Some(reader) = reader {
            reader.take_role(&transaction).await?;
        }
        let position = self.locked_position(transaction.client()).await?;
        Ok((transaction, position))
    }

    /// The position of a transaction that begins, in which the schema's name now stays.
    pub(crate) async fn locked_position(&self, client: &Client) -> Result<Position, Error> {
        let held = share_name(client, &self.schema).await;
        held.map_err(|error| self.no_views_or(error))?;
        position_in(&asked(POSITION, client.query_one(POSITION, &[])).await?)
    }

    fn no_views_or(&self, error: tokio_postgres::Error) -> Error {
        if lacks_tables(&error) {
            return Error::NoViews { schema: self.schema.to_string() };
        }
        error.into()
    }
}

pub(crate) fn position_in(row: &Row) -> Result<Position, Error> {
    cell(row, 0, "progress", "position")
}
