//! The one writer of a schema: rows, loops and the position they reach, in one transaction or not
//! at all.
//!
//! Invariants: a schema has one writer at a time, for as long as its session lives. A batch is
//! stored only onto the position that its maker believes in, so a batch is never stored twice and
//! none is left out.

use std::time::Duration;

use loopledger_model::Position;
use tokio::time::Instant;
use tokio_postgres::Client;

use crate::archive::{self, ArchivedCommit};
use crate::database::{Database, Schema};
use crate::error::Error;
use crate::loops::{self, LoopFound};
use crate::rows::{Flow, Rows};
use crate::schema::{prepare, share_name, try_own};
use crate::table::{copy_in, select};
use crate::views::position_in;

const PAUSE: Duration = Duration::from_millis(50);

pub struct Writer {
    client: Client,
    schema: Schema,
}

/// What takes the views from one position to a later one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// Where the views are believed to be.
    pub after: Position,
    /// Where the batch takes them.
    pub position: Position,
    pub commits: Vec<ArchivedCommit>,
    pub rows: Rows,
    /// The loops that are new or changed, each once.
    pub loops: Vec<LoopFound>,
}

impl Writer {
    /// Becomes the schema's writer, makes the schema where there is none and brings it to this
    /// version. Waits so long for another writer to end.
    pub async fn open(
        database: &Database,
        schema: Schema,
        patience: Duration,
    ) -> Result<Self, Error> {
        let mut client = database.connect(&schema).await?;
        let deadline = Instant::now() + patience;
        while !try_own(&client, &schema).await? {
            if Instant::now() + PAUSE > deadline {
                return Err(Error::AnotherProjector { schema: schema.to_string() });
            }
            tokio::time::sleep(PAUSE).await;
        }
        prepare(&mut client, &schema).await?;
        Ok(Self { client, schema })
    }

    /// The position that the rows are at.
    pub async fn position(&self) -> Result<Position, Error> {
        position_in(&self.client.query_one("SELECT position FROM progress", &[]).await?)
    }

    /// All flows in the order in which they were recorded.
    pub async fn flows(&self) -> Result<Vec<Flow>, Error> {
        select(&self.client, "TRUE", &[]).await
    }

    /// The newest commit of each partition that the archive holds.
    pub async fn newest_archived(&self) -> Result<Vec<ArchivedCommit>, Error> {
        archive::newest(&self.client).await
    }

    /// Stores a batch whole or not at all. After an error that is retryable it may be stored
    /// nevertheless: open anew and ask for the position.
    pub async fn store(&mut self, batch: &Batch) -> Result<(), Error> {
        let transaction = self.client.transaction().await?;
        share_name(&transaction, &self.schema).await?;
        let [after, position] = [batch.after, batch.position]
            .map(|position| i64::try_from(position).expect("positions stay below 2^63"));
        let moved = transaction
            .execute("UPDATE progress SET position = $2 WHERE position = $1", &[&after, &position])
            .await?;
        if moved != 1 {
            let (schema, believed) = (self.schema.to_string(), batch.after);
            return Err(Error::ProgressMoved { schema, believed });
        }
        copy_in(&transaction, &batch.commits).await?;
        batch.rows.copy_in(&transaction).await?;
        loops::upsert(&transaction, &batch.loops).await?;
        Ok(transaction.commit().await?)
    }
}
