//! The command line: the local stack, the importer, the queries and the demo.
//!
//! Invariant: exit status 0 is fine, 1 the world, 2 bad usage or unreadable input, 3 refused.

pub mod args;
mod code;
mod commands;
mod cycles;
mod ledger;
pub mod meter;
mod rebuild;
mod repair;
mod report;
pub mod stack;
mod tables;
mod verify;

use std::process::ExitCode;

use loopledger_service::telemetry::{self, LogFormat};

use args::Cli;

/// Carries out one command and says how it ended.
pub fn run(cli: Cli) -> ExitCode {
    let _telemetry = match telemetry::start("loopledger", LogFormat::Text, "warn") {
        Ok(telemetry) => telemetry,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::from(2);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no threads to run on: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(commands::run(cli)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
