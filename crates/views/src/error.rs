//! What can go wrong with the views: the world, which may pass, and contradictions, which do not.

use std::time::Duration;

use loopledger_loops::FlowError;
use loopledger_model::Position;
use tokio_postgres::error::SqlState;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the database address cannot be read; write postgres://user:password@host:port/name")]
    BadAddress(#[source] tokio_postgres::Error),
    /// The world.
    #[error("the database cannot be reached or does not answer; try again")]
    Unavailable(#[source] tokio_postgres::Error),
    /// The world.
    #[error("no database connection became free in time; try again")]
    Busy,
    /// A constraint that pairs a rule of the deciders, or a right that is missing.
    #[error("the database refuses: {}", in_full(.0))]
    Refused(#[source] tokio_postgres::Error),
    #[error("the schema {schema} has no views yet: start the projector, which makes them")]
    NoViews { schema: String },
    #[error(
        "the schema {schema} is not of this version and its projector may not change that: \
         run `loopledger prepare` as the database's owner"
    )]
    NotPrepared { schema: String },
    #[error("the schema {schema} cannot be brought to this version: {source}")]
    Migration { schema: String, source: refinery::Error },
    #[error("{table}.{column} holds `{found}`, which this version cannot read")]
    Misread { table: &'static str, column: &'static str, found: String },
    #[error("{table}.{column} cannot hold a value: {reason}")]
    Unwritable { table: &'static str, column: &'static str, reason: String },
    #[error("another projector writes the schema {schema}: stop it first")]
    AnotherProjector { schema: String },
    #[error(
        "the schema {schema} is not at position {believed} any more: another projector is at work"
    )]
    ProgressMoved { schema: String, believed: Position },
    /// What is known of the rows is of no use any more: open anew.
    #[error("the rows of the schema {schema} were replaced by others")]
    RowsReplaced { schema: String },
    #[error(
        "the rows of {schema} are being rebuilt or rolled back already: wait until that is done"
    )]
    AnotherRebuild { schema: String },
    #[error("there is nothing to roll back to: the rows of {schema} have not been replaced")]
    NothingReplaced { schema: String },
    #[error("position {asked} was not reached within {waited:?}; the views are at {reached}")]
    NotReached { asked: Position, reached: Position, waited: Duration },
    #[error("{live} is at position {live_at} and {other} at {other_at}: catch up first")]
    NotLevel { live: String, live_at: Position, other: String, other_at: Position },
    #[error("the flows contradict each other")]
    Flow(#[from] FlowError),
}

impl Error {
    /// Whether the same may succeed a little later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable(_)
            | Self::Busy
            | Self::NotReached { .. }
            | Self::RowsReplaced { .. } => true,
            Self::BadAddress(_)
            | Self::Refused(_)
            | Self::NoViews { .. }
            | Self::NotPrepared { .. }
            | Self::Misread { .. }
            | Self::Unwritable { .. }
            | Self::AnotherProjector { .. }
            | Self::AnotherRebuild { .. }
            | Self::NothingReplaced { .. }
            | Self::ProgressMoved { .. }
            | Self::NotLevel { .. }
            | Self::Flow(_) => false,
            Self::Migration { source, .. } => migration_is_retryable(source),
        }
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        if passes(&error) { Self::Unavailable(error) } else { Self::Refused(error) }
    }
}

impl From<deadpool_postgres::PoolError> for Error {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        match error {
            deadpool_postgres::PoolError::Backend(error) => error.into(),
            deadpool_postgres::PoolError::Timeout(_)
            | deadpool_postgres::PoolError::Closed
            | deadpool_postgres::PoolError::NoRuntimeSpecified
            | deadpool_postgres::PoolError::PostCreateHook(_) => Self::Busy,
        }
    }
}

fn migration_is_retryable(error: &refinery::Error) -> bool {
    let source = std::error::Error::source(error);
    source.and_then(|source| source.downcast_ref::<tokio_postgres::Error>()).is_some_and(passes)
}

/// An error without an answer from the server is one of the connection. Of the answers, those
/// classes pass that speak of the connection (08), a serialization failure (40), a standby (25),
/// too few resources (53), an object in use (55), an operator (57) or the server's disk (58).
fn passes(error: &tokio_postgres::Error) -> bool {
    error.code().is_none_or(|code| {
        ["08", "25", "40", "53", "55", "57", "58"]
            .iter()
            .any(|class| code.code().starts_with(class))
    })
}

/// The tables are not there: nothing has been projected into the schema.
pub(crate) fn lacks_tables(error: &tokio_postgres::Error) -> bool {
    matches!(error.code(), Some(code) if *code == SqlState::UNDEFINED_TABLE
        || *code == SqlState::INVALID_SCHEMA_NAME)
}

/// The message with what the server adds to it, such as the row that breaks a constraint.
fn in_full(error: &tokio_postgres::Error) -> String {
    let Some(answer) = error.as_db_error() else { return error.to_string() };
    let details = [Some(answer.message()), answer.detail(), answer.where_()];
    details.into_iter().flatten().collect::<Vec<_>>().join("; ")
}
