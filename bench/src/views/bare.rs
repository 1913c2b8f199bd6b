//! The limit: the live rows copied as they are into tables without indexes, by one connection, in PostgreSQL's binary
//! format, in the transaction that makes the tables.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::{SinkExt as _, TryStreamExt as _};
use loopledger_views::Schema;
use tokio_postgres::{CopyInSink, NoTls};

use super::cpu;

/// Those with most rows.
const TABLES: [&str; 6] =
    ["usages", "flows", "invoices", "voucher_facts", "voucher_moves", "commits"];

pub async fn measure(database: &str) -> anyhow::Result<String> {
    eprintln!("rebuild: bare copy");
    let (client, connection) = tokio_postgres::connect(database, NoTls).await?;
    tokio::spawn(connection);
    let live = Schema::default();
    client.batch_execute("DROP SCHEMA IF EXISTS bare CASCADE; CREATE SCHEMA bare").await?;
    let (mut took, mut used, mut rows) = (Duration::ZERO, Duration::ZERO, 0);
    for table in TABLES {
        let read =
            client.copy_out(&format!("COPY {live}.{table} TO STDOUT (FORMAT BINARY)")).await?;
        let data: Vec<Bytes> = read.try_collect().await?;
        let (start, before) = (Instant::now(), cpu::used()?);
        client
            .batch_execute(&format!("BEGIN; CREATE TABLE bare.{table} (LIKE {live}.{table})"))
            .await?;
        let copy = format!("COPY bare.{table} FROM STDIN (FORMAT BINARY, FREEZE)");
        let sink: CopyInSink<Bytes> = client.copy_in(&copy).await?;
        let mut sink = std::pin::pin!(sink);
        for part in data {
            sink.feed(part).await?;
        }
        rows += sink.finish().await?;
        client.batch_execute("COMMIT").await?;
        took += start.elapsed();
        used += cpu::used()?.saturating_sub(before);
    }
    client.batch_execute("DROP SCHEMA bare CASCADE").await?;
    let mut report = String::new();
    writeln!(
        report,
        "\nThe limit: a bare copy of the same {rows} rows of the {} largest tables, ready in memory, over one connection,\n\
         without constraints and indexes, takes {:.2} s and {:.2} s of a processor.",
        TABLES.len(),
        took.as_secs_f64(),
        used.as_secs_f64(),
    )?;
    Ok(report)
}
