//! The one writer of a schema: rows, loops and the position they reach, in one transaction or not
//! at all.
//!
//! Invariants: a schema has one writer at a time, for as long as its session lives. A batch is
//! stored only onto the position that its maker believes in and onto the rows that it knows, so a
//! batch is never stored twice and none is left out.

use std::time::Duration;

use loopledger_model::Position;
use tokio_postgres::Client;

use crate::archive::{self, ArchivedCommit};
use crate::copy::PackedRows;
use crate::database::{Database, Schema};
use crate::error::Error;
use crate::flow_graph::FlowGraph;
use crate::rows::{CutSearch, Flow};
use crate::schema::{lock, own, prepare, share_name};
use crate::stored_loops::{self, StoredLoop};
use crate::table::{cell, select};
use crate::views::position_in;

const MOVE: &str = "UPDATE progress SET position = $2 WHERE position = $1 AND generation = $3";

pub struct Writer {
    client: Client,
    schema: Schema,
    /// Of the rows when they were last read.
    generation: i64,
}

/// What takes the views from one position to a later one.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Where the views are believed to be.
    pub after: Position,
    /// Where the batch takes them.
    pub position: Position,
    pub rows: PackedRows,
    /// The loops that are new or changed, each once.
    pub loops: Vec<StoredLoop>,
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
        own(&client, &schema, patience).await?;
        prepare(&mut client, &schema).await?;
        let generation = generation(&client).await?;
        Ok(Self { client, schema, generation })
    }

    pub(crate) const fn schema(&self) -> &Schema {
        &self.schema
    }

    pub(crate) const fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// The position that the rows are at.
    pub async fn position(&self) -> Result<Position, Error> {
        position_in(&self.client.query_one("SELECT position FROM progress", &[]).await?)
    }

    /// The graph of all flows with the loops that are stored.
    pub async fn graph(&self) -> Result<FlowGraph, Error> {
        let flows: Vec<Flow> = select(&self.client, "TRUE", &[]).await?;
        let cut: Vec<CutSearch> = select(&self.client, "TRUE", &[]).await?;
        FlowGraph::restore(&flows, &stored_loops::named(&self.client).await?, &cut)
    }

    /// The newest commit of each partition that the archive holds.
    pub async fn newest_archived(&self) -> Result<Vec<ArchivedCommit>, Error> {
        archive::newest(&self.client).await
    }

    /// Stores a batch whole or not at all. After an error that is retryable it may be stored
    /// nevertheless: open anew and ask for the position.
    pub async fn store(&mut self, batch: &Batch) -> Result<(), Error> {
        let transaction = self.client.transaction().await?;
        lock(&transaction, "pg_advisory_xact_lock_shared", &self.schema.pause_key()).await?;
        share_name(&transaction, &self.schema).await?;
        let [after, position] = [batch.after, batch.position]
            .map(|position| i64::try_from(position).expect("positions stay below 2^63"));
        let moved = transaction.execute(MOVE, &[&after, &position, &self.generation]).await?;
        if moved != 1 {
            let (schema, believed) = (self.schema.to_string(), batch.after);
            if generation(transaction.client()).await? != self.generation {
                return Err(Error::RowsReplaced { schema });
            }
            return Err(Error::ProgressMoved { schema, believed });
        }
        batch.rows.send(transaction.client()).await?;
        stored_loops::upsert(&transaction, &batch.loops).await?;
        Ok(transaction.commit().await?)
    }
}

async fn generation(client: &Client) -> Result<i64, Error> {
    let row = client.query_one("SELECT generation FROM progress", &[]).await?;
    cell(&row, 0, "progress", "generation")
}
