//! Digests of all rows, by which a rebuilt schema is compared with a live one.
//!
//! Invariant: a digest depends on the rows' values only, not on where or in what order they are
//! stored.

use std::fmt::Write as _;

use futures::TryStreamExt;
use loopledger_model::Position;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio_postgres::Transaction;
use tokio_postgres::types::Type;

use crate::archive::ArchivedCommit;
use crate::error::Error;
use crate::rows::Rows;
use crate::table::{Table, TableRow};
use crate::views::Views;

const LOOPS: Table = Table {
    name: "loops",
    columns: &[
        ("parties", Type::TEXT_ARRAY),
        ("kind", Type::TEXT),
        ("currency", Type::TEXT),
        ("capital_out", Type::NUMERIC),
        ("returned_lower", Type::NUMERIC),
        ("returned_fifo", Type::NUMERIC),
        ("returned_pro_rata", Type::NUMERIC),
        ("returned_upper", Type::NUMERIC),
        ("ratio_pro_rata", Type::NUMERIC),
        ("voucher_amount", Type::NUMERIC),
        ("first_capital_at", Type::TIMESTAMPTZ),
        ("closed_at", Type::TIMESTAMPTZ),
        ("last_return_at", Type::TIMESTAMPTZ),
        ("lag_days", Type::INT8),
        ("legs", Type::JSONB),
    ],
    key: "currency COLLATE \"C\", parties COLLATE \"C\"",
};

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

impl Views {
    /// One snapshot's digests, the archive's first.
    pub async fn digests(&self) -> Result<Digests, Error> {
        let mut connection = self.connection().await?;
        let (transaction, position) = self.snapshot(&mut connection).await?;
        transaction.batch_execute("SET LOCAL statement_timeout = 0").await?;
        let mut tables = Vec::new();
        for table in [&ArchivedCommit::TABLE].into_iter().chain(Rows::TABLES).chain([&LOOPS]) {
            tables.push(digest(&transaction, table).await?);
        }
        Ok(Digests { position, tables })
    }
}

async fn digest(transaction: &Transaction<'_>, table: &Table) -> Result<TableDigest, Error> {
    let Table { name, key, .. } = table;
    let names = table.column_names();
    let copy = format!("COPY (SELECT {names} FROM {name} ORDER BY {key}) TO STDOUT");
    let (mut hash, mut rows) = (Sha256::new(), 0);
    let mut lines = std::pin::pin!(transaction.copy_out(&copy).await?);
    while let Some(lines) = lines.try_next().await? {
        // A line end within a value is written as an escape, so each of these ends a row.
        rows += lines.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        hash.update(&lines);
    }
    let mut digest = String::with_capacity(64);
    for byte in hash.finalize() {
        write!(digest, "{byte:02x}").expect("writing to a string cannot fail");
    }
    Ok(TableDigest { table: (*name).to_owned(), rows, digest })
}
