//! What the command line understands.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use loopledger_model::{Currency, PartyId, PoolId, ProgrammeId, parse_instant};

/// An event-sourced ledger of compute vouchers and fund flows.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, max_term_width = 100)]
#[command(
    after_help = "Exit status: 0 fine, 1 failure of the world, 2 bad usage or unreadable input, 3 refused."
)]
pub struct Cli {
    #[command(flatten)]
    pub stack: StackArgs,
    #[command(subcommand)]
    pub command: Command,
}

/// Where the ledger is.
#[derive(Debug, Clone, Args)]
pub struct StackArgs {
    /// The data folder: talks to the stack that runs on it, or starts one for as long as the command
    /// takes [default: .loopledger; demo: a temporary folder]
    #[arg(long, global = true, value_name = "DIR", env = "LOOPLEDGER_DATA")]
    pub data: Option<PathBuf>,
    /// A NATS server to use instead of a private one
    #[arg(long, global = true, value_name = "URL", env = "NATS_URL", hide_env_values = true)]
    pub nats_url: Option<String>,
    /// A PostgreSQL database to use instead of a private one
    #[arg(long, global = true, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
}

impl StackArgs {
    pub fn data(&self) -> &Path {
        self.data.as_deref().unwrap_or(Path::new(".loopledger"))
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the ledger on the data folder until Ctrl-C: servers, services, projector, HTTP API
    Up {
        /// Where the HTTP API listens; port 0 takes a free one
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8420")]
        http: std::net::SocketAddr,
    },
    /// Import a bundle of CSV files through the services
    Import {
        /// The folder with the bundle's files
        dir: PathBuf,
        /// What to do when the ledger refuses a row
        #[arg(long, value_enum, default_value_t = OnRefusal::Stop)]
        on_refusal: OnRefusal,
    },
    /// Closed loops: capital that came back as compute revenue, and how much of it
    Loops {
        /// Only loops that this party is in
        #[arg(long, value_name = "ID")]
        party: Option<PartyId>,
        /// Only loops in this currency
        #[arg(long, value_name = "CCY")]
        currency: Option<Currency>,
        #[command(flatten)]
        view: ViewArgs,
    },
    /// Money that moved
    Flows {
        /// Only flows from or to this party
        #[arg(long, value_name = "ID")]
        party: Option<PartyId>,
        /// Only flows of this kind
        #[arg(long, value_name = "KIND", value_parser = FLOW_KINDS)]
        kind: Option<String>,
        /// Only flows at or after this date
        #[arg(long, value_name = "DATE", value_parser = parse_instant)]
        from: Option<Timestamp>,
        /// Only flows before this date
        #[arg(long, value_name = "DATE", value_parser = parse_instant)]
        to: Option<Timestamp>,
        #[command(flatten)]
        view: ViewArgs,
    },
    /// Card pools: installed, lit, allocated and busy card-hours; sold P against physical P
    Utilization {
        /// Only this pool
        #[arg(long, value_name = "ID")]
        pool: Option<PoolId>,
        /// Start of the period
        #[arg(long, value_name = "DATE", value_parser = parse_instant)]
        from: Timestamp,
        /// End of the period, itself not included
        #[arg(long, value_name = "DATE", value_parser = parse_instant)]
        to: Timestamp,
        #[command(flatten)]
        view: ViewArgs,
    },
    /// Voucher programmes and their vouchers
    Vouchers {
        /// Only this programme
        #[arg(long, value_name = "ID")]
        programme: Option<ProgrammeId>,
        #[command(flatten)]
        view: ViewArgs,
    },
    /// One programme: versions and rules, budget by period and by source, applications and claims
    Programme {
        id: ProgrammeId,
        #[command(flatten)]
        view: ViewArgs,
    },
    /// Claims, what cut them and what became of them
    Claims {
        /// Only claims on this programme
        #[arg(long, value_name = "ID")]
        programme: Option<ProgrammeId>,
        /// Only claims for this provider's service
        #[arg(long, value_name = "ID")]
        provider: Option<PartyId>,
        /// Only claims at this stage
        #[arg(long, value_name = "STAGE", value_parser = CLAIM_STAGES)]
        stage: Option<String>,
        #[command(flatten)]
        view: ViewArgs,
    },
    /// A provider's claims of a period: what was asked, cut and why, paid and open
    Statement {
        #[arg(long, value_name = "ID")]
        provider: PartyId,
        /// Start of the period
        #[arg(long, value_name = "DATE", value_parser = parse_instant)]
        from: Timestamp,
        /// End of the period, itself not included
        #[arg(long, value_name = "DATE", value_parser = parse_instant)]
        to: Timestamp,
        #[command(flatten)]
        view: ViewArgs,
    },
    /// Check that the journal is whole and the same as its archive, commit by commit
    Verify {
        /// Print one JSON document instead of a report
        #[arg(long)]
        json: bool,
    },
    /// Restore a damaged journal from its archive; nothing else may use the ledger meanwhile
    Repair,
    /// A private ledger in a folder of its own, a bundle imported, and the loop report with what it means
    Demo {
        /// The folder with the bundle's files
        dir: PathBuf,
    },
}

/// How an answer is wanted.
#[derive(Debug, Clone, Copy, Args)]
pub struct ViewArgs {
    /// Print one JSON document instead of a table
    #[arg(long)]
    pub json: bool,
    /// Only what had taken effect by this date
    #[arg(long, value_name = "DATE", value_parser = parse_instant)]
    pub as_of: Option<Timestamp>,
    /// Only what had been recorded by this date
    #[arg(long, value_name = "DATE", value_parser = parse_instant)]
    pub as_known: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnRefusal {
    /// Send nothing after the first refused row
    Stop,
    /// Report it and go on
    Continue,
}

const FLOW_KINDS: [&str; 7] = [
    "contribution",
    "investment",
    "distribution",
    "compute_payment",
    "voucher_payment",
    "refund",
    "transfer",
];

const CLAIM_STAGES: [&str; 12] = [
    "submitted",
    "under_review",
    "information_requested",
    "publicised",
    "approved",
    "payment_ordered",
    "payment_failed",
    "partly_paid",
    "paid",
    "rejected",
    "withdrawn",
    "closed",
];
