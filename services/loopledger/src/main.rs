//! The command line of the ledger.

use std::process::ExitCode;

use clap::Parser as _;
use loopledger::args::Cli;

fn main() -> ExitCode {
    loopledger::run(Cli::parse())
}
