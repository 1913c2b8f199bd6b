//! Where the views are: a database, and a schema in it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use postgres_protocol::password::scram_sha_256;
use tokio_postgres::{Client, Config, NoTls};

use crate::error::Error;

/// A server that neither answers nor ends the connection is given up after this long.
const SILENCE: Duration = Duration::from_secs(10);

/// The address of a database and how to log on to it.
#[derive(Clone)]
pub struct Database(Config);

impl FromStr for Database {
    type Err = Error;

    /// Reads `postgres://user:password@host:port/name`.
    fn from_str(address: &str) -> Result<Self, Error> {
        let mut config: Config = address.parse().map_err(Error::BadAddress)?;
        config
            .connect_timeout(SILENCE)
            .tcp_user_timeout(SILENCE)
            .keepalives_idle(SILENCE)
            .keepalives_interval(SILENCE / 4)
            .keepalives_retries(4);
        Ok(Self(config))
    }
}

/// Leaves the password out.
impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Database").field(&self.0.get_hosts()).field(&self.0.get_dbname()).finish()
    }
}

impl Database {
    /// Sessions that find their tables in the schema and write times in UTC.
    pub(crate) fn config(&self, schema: &Schema, further: &str) -> Config {
        let given = self.0.get_options().unwrap_or_default();
        let mut config = self.0.clone();
        config.options(format!("{given} -c search_path={schema} -c timezone=UTC {further}"));
        config
    }

    /// Lets this address's user log on by its password, which the statement has as a digest only.
    pub(crate) fn logging_on(&self) -> String {
        let user = self.0.get_user().unwrap_or_default().replace('"', "\"\"");
        let verifier = scram_sha_256(self.0.get_password().unwrap_or_default());
        format!("ALTER ROLE \"{user}\" LOGIN PASSWORD '{verifier}'")
    }

    /// A connection of its own, which lives as long as its client.
    pub(crate) async fn connect(&self, schema: &Schema) -> Result<Client, Error> {
        self.connect_with(schema, "").await
    }

    /// The same with further settings.
    pub(crate) async fn connect_with(
        &self,
        schema: &Schema,
        settings: &str,
    ) -> Result<Client, Error> {
        let (client, connection) = self.config(schema, settings).connect(NoTls).await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a database connection has ended");
            }
        });
        Ok(client)
    }
}

/// The name of a schema: small letters, digits and underscores, a letter first, at most 48 of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema(String);

impl Schema {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where rows are rebuilt that are to take the place of this schema's.
    pub fn rebuilt(&self) -> Self {
        Self(format!("{}_rebuilt", self.0))
    }

    /// Where the rows are kept whose place others have taken.
    pub fn replaced(&self) -> Self {
        Self(format!("{}_replaced", self.0))
    }

    /// Where it is on record what regulators have asked.
    pub(crate) fn accesses(&self) -> Self {
        Self(format!("{}_accesses", self.0))
    }

    /// Where rows are that nobody needs any more.
    pub(crate) fn discarded(&self) -> Self {
        Self(format!("{}_discarded", self.0))
    }

    /// The number under which sessions agree who writes the schema.
    pub(crate) fn writer_key(&self) -> String {
        format!("loopledger writer of {}", self.0)
    }

    /// The number under which a session stops the writer of the schema for a moment.
    pub(crate) fn pause_key(&self) -> String {
        format!("loopledger pause of {}", self.0)
    }

    /// The number under which sessions agree who replaces the schema's rows.
    pub(crate) fn replace_key(&self) -> String {
        format!("loopledger replacement of {}", self.0)
    }
}

/// `loopledger`, where the live views are.
impl Default for Schema {
    fn default() -> Self {
        Self("loopledger".to_owned())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no schema: write up to 48 small letters, digits and underscores, a letter first")]
pub struct BadSchema(pub String);

impl FromStr for Schema {
    type Err = BadSchema;

    fn from_str(name: &str) -> Result<Self, BadSchema> {
        let allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_';
        let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
        if !starts || name.len() > 48 || !name.bytes().all(allowed) {
            return Err(BadSchema(name.chars().take(80).collect()));
        }
        Ok(Self(name.to_owned()))
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_name_needs_no_quoting() {
        for name in ["", "1a", "_a", "A", "a-b", "a b", "a\"", "a;drop", &"a".repeat(49)] {
            assert!(name.parse::<Schema>().is_err(), "{name}");
        }
        assert_eq!("rebuild_2".parse::<Schema>().expect("a name").as_str(), "rebuild_2");
    }

    #[test]
    fn a_database_is_shown_without_its_password() {
        let address = "postgres://me:secret@127.0.0.1:5432/ledger";
        let database: Database = address.parse().expect("an address");
        assert!(!format!("{database:?}").contains("secret"));
    }
}
