//! What `export` understands.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::SeenArgs;

#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// A plain-text double-entry journal for beancount: every payment in the books of both parties
    Beancount(ExportArgs),
    /// What buyers are charged for compute, as a FOCUS 1.2 cost and usage table in CSV
    Focus(ExportArgs),
    /// All events and what they are about, as an OCEL 2.0 log in JSON for process mining
    Ocel(ExportArgs),
}

/// Where an export goes, and from when it is.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The file, which is written whole or not at all [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub seen: SeenArgs,
}
