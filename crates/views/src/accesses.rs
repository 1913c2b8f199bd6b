//! Who asked what: the durable record of regulators' requests.

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::{Client, IsolationLevel};

use crate::error::{Error, lacks_tables};
use crate::rights;
use crate::schema::lock;
use crate::spans::asked;
use crate::views::Views;

const TABLES: &str = include_str!("../../../schemas/access.sql");

/// One request.
#[derive(Debug, Clone, Copy)]
pub struct Access<'a> {
    pub subject: &'a str,
    pub role: &'a str,
    pub method: &'a str,
    pub path: &'a str,
    pub query: &'a str,
}

/// One request, as it is on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordedAccess {
    pub number: i64,
    pub at: Timestamp,
    pub subject: String,
    pub role: String,
    pub method: String,
    pub path: String,
    pub query: String,
}

impl Views {
    /// Makes the record where there is none. Has to come before [`Views::record_access`].
    pub async fn prepare_accesses(&self) -> Result<(), Error> {
        let schema = self.schema().accesses();
        let mut connection = self.connection().await?;
        let client: &mut Client = &mut connection;
        let transaction = client.build_transaction().read_only(false).start().await?;
        lock(&transaction, "pg_advisory_xact_lock", schema.as_str()).await?;
        let place = format!(
            "CREATE SCHEMA IF NOT EXISTS \"{schema}\"; SET LOCAL search_path = \"{schema}\";"
        );
        transaction.batch_execute(&format!("{place}{TABLES}")).await?;
        rights::give_accesses(transaction.client(), &schema).await?;
        Ok(transaction.commit().await?)
    }

    /// Is durable when it returns.
    pub async fn record_access(&self, access: &Access<'_>) -> Result<(), Error> {
        let schema = self.schema().accesses();
        let mut connection = self.connection().await?;
        let client: &mut Client = &mut connection;
        let transaction = client
            .build_transaction()
            .isolation_level(IsolationLevel::ReadCommitted)
            .read_only(false)
            .start()
            .await?;
        let Access { subject, role, method, path, query } = access;
        let statement = format!(
            "INSERT INTO \"{schema}\".accesses (subject, role, method, path, query) \
             VALUES ($1, $2, $3, $4, $5)"
        );
        asked(&statement, transaction.execute(&statement, &[subject, role, method, path, query]))
            .await?;
        Ok(transaction.commit().await?)
    }

    /// All that is on record, in the order in which it was asked.
    pub async fn accesses(&self) -> Result<Vec<RecordedAccess>, Error> {
        let schema = self.schema().accesses();
        let connection = self.connection().await?;
        let question = format!(
            "SELECT number, at, subject, role, method, path, query FROM \"{schema}\".accesses \
             ORDER BY number"
        );
        let rows = match asked(&question, connection.query(&question, &[])).await {
            Ok(rows) => rows,
            Err(error) if lacks_tables(&error) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let recorded = rows.iter().map(|row| {
            Ok(RecordedAccess {
                number: row.try_get(0)?,
                at: row.try_get(1)?,
                subject: row.try_get(2)?,
                role: row.try_get(3)?,
                method: row.try_get(4)?,
                path: row.try_get(5)?,
                query: row.try_get(6)?,
            })
        });
        recorded.collect::<Result<_, tokio_postgres::Error>>().map_err(Error::from)
    }
}
