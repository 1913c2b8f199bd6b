//! The one writer of a schema: rows, loops and the position they reach, in one transaction or not
//! at all.
//!
//! Invariants: a schema has one writer at a time, for as long as its session lives. A batch is
//! stored only onto the position that its maker believes in and onto the rows that it knows, so a
//! batch is never stored twice and none is left out.

use std::time::Duration;

use futures::TryFutureExt as _;
use futures::future::try_join;
use loopledger_model::Position;
use tokio_postgres::{Client, Statement};

use crate::archive::{self, ArchivedCommit};
use crate::copy::{Copies, PackedRows};
use crate::database::{Database, Schema};
use crate::error::Error;
use crate::flow_graph::FlowGraph;
use crate::rows::{CutSearch, Flow};
use crate::schema::{own, prepare};
use crate::spans::asked;
use crate::stored_loops::{self, StoredLoop};
use crate::table::{cell, select};
use crate::views::position_in;

/// Holds off whoever stops writers between two transactions.
const HOLD: &str = "SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))";
/// Holds off whoever gives the schema's name away, too, from when it locks the table.
const MOVE: &str = "UPDATE progress SET position = $2 WHERE position = $1 AND generation = $3";

pub struct Writer {
    client: Client,
    schema: Schema,
    /// Of the rows when they were last read.
    generation: i64,
    statements: Statements,
}

/// What every batch needs. A name in them means what it does when they are carried out.
struct Statements {
    hold: Statement,
    advance: Statement,
    upsert: Statement,
    copies: Copies,
}

impl Statements {
    async fn prepare(client: &Client) -> Result<Self, Error> {
        Ok(Self {
            hold: client.prepare(HOLD).await?,
            advance: client.prepare(MOVE).await?,
            upsert: client.prepare(stored_loops::UPSERT).await?,
            copies: Copies::default(),
        })
    }
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
        let statements = Statements::prepare(&client).await?;
        Ok(Self { client, schema, generation, statements })
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
        asked(MOVE, self.store_in_one(batch)).await
    }

    async fn store_in_one(&mut self, batch: &Batch) -> Result<(), Error> {
        let Statements { hold, advance, upsert, copies } = &mut self.statements;
        copies.prepare(&self.client, &batch.rows).await?;
        let transaction = self.client.transaction().await?;
        let pause_key = self.schema.pause_key();
        let [after, position] = [batch.after, batch.position]
            .map(|position| i64::try_from(position).expect("positions stay below 2^63"));
        // Sent in this order, without waiting for one before the other.
        let (_, moved) = try_join(
            transaction.execute(&*hold, &[&pause_key]),
            transaction.execute(&*advance, &[&after, &position, &self.generation]),
        )
        .await?;
        if moved != 1 {
            let (schema, believed) = (self.schema.to_string(), batch.after);
            if generation(transaction.client()).await? != self.generation {
                return Err(Error::RowsReplaced { schema });
            }
            return Err(Error::ProgressMoved { schema, believed });
        }
        let rows = batch.rows.send(transaction.client(), copies);
        let loops = stored_loops::upsert(&transaction, upsert, &batch.loops);
        try_join(rows, loops.err_into()).await?;
        Ok(transaction.commit().await?)
    }
}

async fn generation(client: &Client) -> Result<i64, Error> {
    let row = client.query_one("SELECT generation FROM progress", &[]).await?;
    cell(&row, 0, "progress", "generation")
}
