//! What `export` understands.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::SeenArgs;

#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// A plain-text double-entry journal for beancount: every payment in the books of both parties
    Beancount(ExportArgs),
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
