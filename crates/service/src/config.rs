//! Configuration of a service, from environment variables.
//!
//! Invariant: a variable that cannot be read stops the start and is named; nothing falls back in silence.

use std::collections::BTreeSet;
use std::env;
use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use loopledger_model::StatedPartitions;

use crate::shell::Limits;
use crate::telemetry::LogFormat;

/// What every service is told.
#[derive(Debug, Clone)]
pub struct ServiceConfig {
    /// `NATS_URL`: the NATS server, user and password included.
    pub nats_url: String,
    /// `LEDGER_REPLICAS`: how many servers keep the journal, 1 unless told.
    pub replicas: usize,
    /// `LEDGER_PARTITIONS`: how many partitions contexts have, as in `voucher=4,purchase=2`; as recorded
    /// unless told, and one where nothing is recorded yet. To be the same for every service.
    pub partitions: StatedPartitions,
    /// `PARTITION`: the partitions that this process decides, as in `0,2`; all of its context unless told.
    pub decides: Option<Numbers>,
    /// `QUEUE_REQUESTS`: how many requests wait before the service says that it is busy, 1024 unless told.
    pub queue_requests: usize,
    /// `COMMIT_ENTRIES` and `COMMIT_BYTES`: the most commands and the most bytes of one commit, 4000 and 1048576
    /// unless told.
    pub limits: Limits,
    /// `SNAPSHOT_DIR`: where snapshots and older answers are kept; nowhere unless told.
    pub snapshots: Option<PathBuf>,
    /// `HEALTH_ADDR`: where `/healthz` and `/readyz` are served over HTTP; nowhere unless told.
    pub health: Option<SocketAddr>,
    /// `INSTANCE`: how commits name this writer, the process number unless told.
    pub instance: String,
    /// `LOG_FORMAT`: `json` unless told `text`.
    pub log_format: LogFormat,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("the environment variable {name} is not set: {what}")]
    Missing { name: &'static str, what: &'static str },
    #[error("the environment variable {name} is `{value}`: {reason}")]
    Wrong { name: &'static str, value: String, reason: String },
}

impl ServiceConfig {
    pub fn from_env() -> Result<Self, ConfigError> {
        let mut limits = Limits::default();
        limits.commit_entries = read("COMMIT_ENTRIES")?.unwrap_or(limits.commit_entries);
        limits.commit_bytes = read("COMMIT_BYTES")?.unwrap_or(limits.commit_bytes);
        Ok(Self {
            nats_url: required("NATS_URL", "the NATS server, as in nats://127.0.0.1:4222")?,
            replicas: read("LEDGER_REPLICAS")?.unwrap_or(1),
            partitions: read("LEDGER_PARTITIONS")?.unwrap_or_default(),
            decides: read("PARTITION")?,
            queue_requests: read("QUEUE_REQUESTS")?.unwrap_or(1024),
            limits,
            snapshots: read("SNAPSHOT_DIR")?,
            health: read("HEALTH_ADDR")?,
            instance: read("INSTANCE")?.unwrap_or_else(|| std::process::id().to_string()),
            log_format: read("LOG_FORMAT")?.unwrap_or(LogFormat::Json),
        })
    }
}

/// A variable that has to be set.
pub fn required<T: FromStr<Err: Display>>(
    name: &'static str,
    what: &'static str,
) -> Result<T, ConfigError> {
    read(name)?.ok_or(ConfigError::Missing { name, what })
}

/// A variable that may be set; an empty one is not.
pub fn read<T: FromStr<Err: Display>>(name: &'static str) -> Result<Option<T>, ConfigError> {
    let Some(value) = env::var_os(name).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let value = value.to_string_lossy().into_owned();
    match value.parse() {
        Ok(read) => Ok(Some(read)),
        Err(error) => Err(ConfigError::Wrong { name, value, reason: error.to_string() }),
    }
}

/// Numbers of partitions, as in `0,2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbers(pub BTreeSet<u32>);

impl FromStr for Numbers {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.split(',').map(|number| number.trim().parse());
        numbers.collect::<Result<_, _>>().map(Self).map_err(|_| "write numbers, as in 0,2")
    }
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err("write json or text"),
        }
    }
}
