//! Digests of all rows, by which a rebuilt schema is compared with a live one.
//!
//! Invariant: a digest depends on the rows' values only, not on where or in what order they are
//! stored.

use std::pin::pin;

use bytes::Bytes;
use deadpool_postgres::{ClientWrapper, Object};
use futures::TryStreamExt;
use loopledger_model::Position;
use loopledger_model::hex::Hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio_postgres::CopyOutStream;

use crate::archive::ArchivedCommit;
use crate::error::Error;
use crate::rows::Rows;
use crate::table::TableRow as _;
use crate::views::Views;

const HOLD: &str = "
    BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
    SET LOCAL statement_timeout = 0";

/// The one table of rows that are no facts, and what they are ordered by.
const LOOPS: (&str, &str) = ("loops", "currency COLLATE \"C\", parties COLLATE \"C\"");

/// All tables of a schema at one position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digests {
    pub position: Position,
    pub tables: Vec<TableDigest>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableDigest {
    pub table: String,
    pub rows: u64,
    /// SHA-256 in hex over the rows in the order of their key.
    pub digest: String,
}

/// What two schemas hold at one position, table by table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    pub position: Position,
    pub tables: Vec<Compared>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    pub live: TableDigest,
    pub rebuilt: TableDigest,
    /// The first rows by key that differ, where any do.
    pub difference: Option<Difference>,
}

/// Rows as COPY writes them, one of which is lacking where a table has rows behind the other's end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub live: Option<String>,
    pub rebuilt: Option<String>,
}

impl Comparison {
    /// The tables that are not the same.
    pub fn differing(&self) -> impl Iterator<Item = &Compared> {
        self.tables.iter().filter(|table| table.live != table.rebuilt)
    }
}

/// One state of all tables, which stays while the views go on.
pub struct Held {
    client: ClientWrapper,
    pub position: Position,
}

impl Views {
    /// One snapshot's digests, the archive's first.
    pub async fn digests(&self) -> Result<Digests, Error> {
        let held = self.hold().await?;
        let mut tables = Vec::new();
        for table in tables_and_keys() {
            tables.push(held.digest(table).await?);
        }
        Ok(Digests { position: held.position, tables })
    }

    /// Holds the state of now. Whoever replaces the rows waits until it is let go.
    pub async fn hold(&self) -> Result<Held, Error> {
        // The connection is not used for anything else again.
        let client = Object::take(self.connection().await?);
        client.batch_execute(HOLD).await?;
        let position = self.locked_position(&client).await?;
        Ok(Held { client, position })
    }
}

impl Held {
    /// Compares two states that are at the same position; this one is the live one.
    pub async fn compare(&self, rebuilt: &Self) -> Result<Comparison, Error> {
        let mut tables = Vec::new();
        for table in tables_and_keys() {
            let (live, other) = tokio::try_join!(self.digest(table), rebuilt.digest(table))?;
            let difference =
                if live == other { None } else { self.difference(rebuilt, table).await? };
            tables.push(Compared { live, rebuilt: other, difference });
        }
        Ok(Comparison { position: self.position, tables })
    }

    async fn digest(&self, table: TableAndKey) -> Result<TableDigest, Error> {
        let (mut hash, mut rows) = (Sha256::new(), 0);
        let mut lines = pin!(self.lines(table).await?);
        while let Some(lines) = lines.try_next().await? {
            // A line end within a value is written as an escape, so each of these ends a row.
            rows += lines.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
            hash.update(&lines);
        }
        let digest = Hex(&hash.finalize()).to_string();
        Ok(TableDigest { table: table.0.to_owned(), rows, digest })
    }

    async fn difference(
        &self,
        other: &Self,
        table: TableAndKey,
    ) -> Result<Option<Difference>, Error> {
        let [mut ours, mut theirs] =
            [Box::pin(self.lines(table).await?), Box::pin(other.lines(table).await?)];
        loop {
            let (live, rebuilt) = tokio::try_join!(ours.try_next(), theirs.try_next())?;
            if live != rebuilt {
                let text = |line: Bytes| String::from_utf8_lossy(&line).trim_end().to_owned();
                return Ok(Some(Difference { live: live.map(text), rebuilt: rebuilt.map(text) }));
            }
            if live.is_none() {
                return Ok(None);
            }
        }
    }

    /// The rows in the order of their key, each as a line and a message of its own.
    async fn lines(&self, (table, key): TableAndKey) -> Result<CopyOutStream, Error> {
        let copy = format!("COPY (SELECT * FROM {table} ORDER BY {key}) TO STDOUT");
        Ok(self.client.copy_out(&copy).await?)
    }
}

type TableAndKey = (&'static str, &'static str);

fn tables_and_keys() -> impl Iterator<Item = TableAndKey> {
    let copied = [&ArchivedCommit::TABLE].into_iter().chain(Rows::TABLES);
    copied.map(|table| (table.name, table.key)).chain([LOOPS])
}
