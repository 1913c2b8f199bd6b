//! A schema filled from nothing: rows are copied in over several connections at once, and what
//! speeds up questions or forbids doubles is built when all rows are in.
//!
//! Invariants: the schema is new, and until the load is finished its position is 0 and nobody asks
//! it. Finished, it is what one writer that started from nothing would have made.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::try_join_all;
use loopledger_model::Position;
use tokio_postgres::{Client, Row};

use crate::archive::ArchivedCommit;
use crate::copy::{Deal, Gathered, PackedRows, Packing};
use crate::database::{Database, Schema};
use crate::error::Error;
use crate::rows::{CutSearch, Rows};
use crate::stored_loops::StoredLoop;
use crate::table::{TableRow as _, cell};
use crate::writer::{Batch, Writer};

/// A table is filled in the transaction that empties it, which a server with `wal_level=minimal`
/// does not log. What a power failure takes away of a load is loaded again: the renaming that makes
/// it count waits for the disk. Indexes are built one per connection, each sorted in runs that the processor's
/// cache holds and then merged, which takes two thirds of the time of one sort in memory. Statistics are of a
/// few thousand rows a table: plans are as good, in a quarter of the time.
const SETTINGS: &str = "-c synchronous_commit=off -c maintenance_work_mem=8MB \
                        -c max_parallel_maintenance_workers=0 \
                        -c default_statistics_target=20 \
                        -c client_connection_check_interval=500ms";

/// Keys and indexes.
const INDEXES: &str = "
    SELECT t.relname::TEXT, i.relname::TEXT, c.conname::TEXT, pg_get_indexdef(i.oid), x.indisprimary
    FROM pg_index AS x
    JOIN pg_class AS i ON i.oid = x.indexrelid
    JOIN pg_class AS t ON t.oid = x.indrelid
    JOIN pg_namespace AS n ON n.oid = t.relnamespace
    LEFT JOIN pg_constraint AS c ON c.conindid = i.oid AND c.conrelid = t.oid
    WHERE n.nspname = $1 AND t.relname::TEXT = ANY ($2)
    ORDER BY t.relname, i.relname";

/// The largest last.
const BY_SIZE: &str = "
    SELECT t.relname::TEXT FROM pg_class AS t JOIN pg_namespace AS n ON n.oid = t.relnamespace
    WHERE n.nspname = $1 AND t.relname::TEXT = ANY ($2)
    ORDER BY pg_relation_size(t.oid), t.relname";

pub struct Load {
    writer: Writer,
    connections: Vec<Copier>,
    later: Vec<Later>,
}

/// One connection, in one transaction, that rows of some of the tables are copied over.
pub struct Copier {
    client: Client,
    /// By the tables that it has emptied, so that nobody else can see them before all is copied.
    gathered: BTreeMap<&'static str, Gathered>,
}

/// An index that is built when all rows are in.
struct Later {
    table: String,
    drop: String,
    build: String,
    /// Makes a key of the index that is one.
    key: String,
}

impl Load {
    /// Makes the schema, which is not there yet.
    pub async fn begin(
        database: &Database,
        schema: Schema,
        connections: usize,
    ) -> Result<Self, Error> {
        let mut writer = Writer::open(database, schema, Duration::ZERO).await?;
        let name = writer.schema().to_string();
        let found = writer.client().query(INDEXES, &[&name, &copied()]).await?;
        let later = found.iter().map(Later::read).collect::<Result<Vec<_>, _>>()?;
        let drops: String = later.iter().map(|later| later.drop.as_str()).collect();
        writer.client().batch_execute(&drops).await?;
        let connect = || Copier::connect(database, writer.schema());
        let connections = try_join_all((0..connections).map(|_| connect())).await?;
        Ok(Self { writer, connections, later })
    }

    /// The connections, to be handed back when everything is copied, and how rows are dealt out.
    pub fn take_copiers(&mut self) -> (Vec<Copier>, Deal) {
        let copiers = std::mem::take(&mut self.connections);
        let deal = Deal::among(copiers.len());
        (copiers, deal)
    }

    /// Keeps what was copied and builds what was left for later.
    pub async fn build(&mut self, mut copiers: Vec<Copier>) -> Result<(), Error> {
        try_join_all(copiers.iter_mut().map(Copier::keep)).await?;
        let name = self.writer.schema().to_string();
        let tables = self.writer.client().query(BY_SIZE, &[&name, &copied()]).await?;
        let (mut builds, mut counts) = (Vec::new(), Vec::new());
        for row in &tables {
            let table: String = cell(row, 0, "pg_class", "relname")?;
            let of_table = self.later.iter().filter(|later| later.table == table);
            builds.extend(of_table.map(|later| later.build.clone()));
            counts.push(format!("ANALYZE {table}"));
        }
        // Taken from the end: statistics come last, since a table cannot get both at once.
        builds.splice(0..0, counts);
        let builds = Mutex::new(builds);
        try_join_all(copiers.iter().map(|copier| copier.build(&builds))).await?;
        let keys: String = self.later.iter().map(|later| later.key.as_str()).collect();
        Ok(self.writer.client().batch_execute(&keys).await?)
    }

    /// Lets the rows count: they are those up to the position.
    pub async fn finish(
        mut self,
        position: Position,
        cut: Vec<CutSearch>,
        loops: Vec<StoredLoop>,
    ) -> Result<Writer, Error> {
        let mut packing = Packing::default();
        packing.add(&Rows { cut_searches: cut, ..Rows::default() });
        let rows = packing.finish()?;
        self.writer.store(&Batch { after: 0, position, rows, loops }).await?;
        self.writer.client().batch_execute("ANALYZE loops, cut_searches").await?;
        Ok(self.writer)
    }
}

/// The tables that rows are copied into.
fn copied() -> Vec<&'static str> {
    [&ArchivedCommit::TABLE].into_iter().chain(Rows::TABLES).map(|table| table.name).collect()
}

impl Copier {
    async fn connect(database: &Database, schema: &Schema) -> Result<Self, Error> {
        let client = database.connect_with(schema, SETTINGS).await?;
        client.batch_execute("BEGIN").await?;
        Ok(Self { client, gathered: BTreeMap::new() })
    }

    /// Takes rows that were dealt to this connection, to be kept together with all others.
    pub async fn copy(&mut self, rows: PackedRows) -> Result<(), Error> {
        for packed in rows.into_tables() {
            let table = packed.table();
            let gathered = match self.gathered.entry(table.name) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    self.client.batch_execute(&format!("TRUNCATE {}", table.name)).await?;
                    new.insert(Gathered::new(table))
                }
            };
            gathered.add(packed);
            if gathered.is_worth_sending() {
                gathered.send_frozen(&self.client).await?;
            }
        }
        Ok(())
    }

    async fn keep(&mut self) -> Result<(), Error> {
        for gathered in self.gathered.values_mut() {
            gathered.send_frozen(&self.client).await?;
        }
        Ok(self.client.batch_execute("COMMIT").await?)
    }

    /// Carries out statements from the end of the list until none is left.
    async fn build(&self, statements: &Mutex<Vec<String>>) -> Result<(), Error> {
        let next = || statements.lock().unwrap_or_else(PoisonError::into_inner).pop();
        while let Some(statement) = next() {
            self.client.batch_execute(&statement).await?;
        }
        Ok(())
    }
}

impl Later {
    fn read(row: &Row) -> Result<Self, Error> {
        let [table, index, build]: [String; 3] = [
            cell(row, 0, "pg_index", "indrelid")?,
            cell(row, 1, "pg_index", "indexrelid")?,
            cell(row, 3, "pg_index", "indexrelid")?,
        ];
        let constraint: Option<String> = cell(row, 2, "pg_constraint", "conname")?;
        let kind = if cell(row, 4, "pg_index", "indisprimary")? { "PRIMARY KEY" } else { "UNIQUE" };
        let (drop, key) = match constraint {
            Some(name) => (
                format!("ALTER TABLE {table} DROP CONSTRAINT \"{name}\";"),
                format!(
                    "ALTER TABLE {table} ADD CONSTRAINT \"{name}\" {kind} USING INDEX \"{index}\";"
                ),
            ),
            None => (format!("DROP INDEX \"{index}\";"), String::new()),
        };
        Ok(Self { table, drop, build, key })
    }
}
