//! What the command line understands.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use jiff::tz::Offset;
use loopledger_gateway::expiry::EVERY;
use loopledger_journal::Config;
use loopledger_model::{
    AllocationId, ContractId, Currency, PartyId, Percent, PoolId, Position, ProgrammeId,
    StatedPartitions, parse_instant,
};
use loopledger_views::{CLAIM_STAGES, Level, Rule};

use crate::cycles::span;
use crate::meter::Format;

mod access;
mod export;
mod offices;
mod vouchers;

pub use access::{AccessArgs, TokenArgs};
pub use export::{ExportArgs, ExportCommand};
pub use offices::OfficeCommand;
pub use vouchers::{ClaimArgs, KeysCommand, VoucherArgs};

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
    /// How many of the NATS servers keep the journal: 1, 3 or 5 of a cluster
    #[arg(
        long,
        global = true,
        value_name = "NUMBER",
        env = "LEDGER_REPLICAS",
        default_value_t = 1
    )]
    pub replicas: usize,
    /// How many partitions contexts get in a new ledger, as in voucher=4,purchase=2; others get one.
    /// It is recorded, and another number is refused later
    #[arg(long, global = true, value_name = "COUNTS", env = "LEDGER_PARTITIONS")]
    pub partitions: Option<StatedPartitions>,
}

impl StackArgs {
    pub fn journal(&self) -> Config {
        let partitions = self.partitions.unwrap_or_default();
        Config { replicas: self.replicas, partitions, ..Config::default() }
    }

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
        /// How often overdue vouchers are ended, for the first time after so long
        #[arg(long, value_name = "SECONDS", env = "LOOPLEDGER_EXPIRE_EVERY", default_value_t = EVERY.as_secs(),
            value_parser = clap::value_parser!(u64).range(1..))]
        expire_every: u64,
        #[command(flatten)]
        access: AccessArgs,
    },
    /// A token for the HTTP API of `up --auth` on this data folder, for development
    Token(TokenArgs),
    /// What regulators have asked over HTTP
    Accesses {
        #[command(flatten)]
        form: FormArgs,
    },
    /// End every voucher that is past its expiry, as `up` does by itself from time to time
    Expire {
        /// The instant at which it counts who is overdue [default: now]
        #[arg(long, value_name = "DATE", value_parser = parse_instant)]
        at: Option<Timestamp>,
        /// Print one JSON document instead of a report
        #[arg(long)]
        json: bool,
    },
    /// Import a bundle of CSV files through the services
    Import {
        /// The folder with the bundle's files
        dir: PathBuf,
        /// What to do when the ledger refuses a row
        #[arg(long, value_enum, default_value_t = OnRefusal::Stop)]
        on_refusal: OnRefusal,
    },
    /// Metered usage of cards
    #[command(subcommand)]
    Meter(MeterCommand),
    /// Closed loops: capital that came back as compute revenue, and how much of it
    Loops {
        /// Only loops that this party is in
        #[arg(long, value_name = "ID")]
        party: Option<PartyId>,
        /// Only loops in this currency
        #[arg(long, value_name = "CCY")]
        currency: Option<Currency>,
        /// Loops between parties, or between the groups that they belonged to on the day
        #[arg(long, value_enum, default_value_t = LoopLevel::Party)]
        level: LoopLevel,
        #[command(flatten)]
        view: ViewArgs,
    },
    /// What one party gets back of its own capital: loops, customers, open loops, promises
    Party {
        /// The party
        party: PartyId,
        /// Only in this currency
        #[arg(long, value_name = "CCY")]
        currency: Option<Currency>,
        #[command(flatten)]
        view: ViewArgs,
    },
    /// The same for everybody who sells compute, a line each
    Parties {
        /// Only in this currency
        #[arg(long, value_name = "CCY")]
        currency: Option<Currency>,
        #[command(flatten)]
        view: ViewArgs,
    },
    /// Who stands behind a party: beneficial owners, through chains and through control
    Owners {
        /// The party
        party: PartyId,
        /// The share in percent from which on an owner is listed
        #[arg(long, value_name = "PERCENT", default_value = "25")]
        threshold: Percent,
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
        /// Every day of the period by itself too, in UTC
        #[arg(long, value_enum)]
        by: Option<By>,
        #[command(flatten)]
        view: ViewArgs,
    },
    /// One fund: capital, multiples and rates of return, partners, investments
    Fund {
        fund: PartyId,
        #[command(flatten)]
        view: ViewArgs,
    },
    /// One partner's capital account with a fund
    LpAccount {
        #[arg(long, value_name = "ID")]
        fund: PartyId,
        #[arg(long, value_name = "ID")]
        lp: PartyId,
        /// Start of a period to sum up by itself
        #[arg(long, value_name = "DATE", value_parser = parse_instant, requires = "to")]
        from: Option<Timestamp>,
        /// Its end, not included
        #[arg(long, value_name = "DATE", value_parser = parse_instant, requires = "from")]
        to: Option<Timestamp>,
        #[command(flatten)]
        view: ViewArgs,
    },
    /// Contracts: what was signed, what came of it, what was sold on, how it ended
    Contracts(ContractArgs),
    /// What contracts cost against the reference prices of their signing: an interval of discounts
    Prices(ContractArgs),
    /// Pools: stages of their projects, cards and where they come from, what is reserved and given
    Pools {
        /// Only this pool
        #[arg(long, value_name = "ID")]
        pool: Option<PoolId>,
        #[command(flatten)]
        view: ViewArgs,
    },
    /// Reservations and what became of them
    Reservations {
        /// Only this pool's
        #[arg(long, value_name = "ID")]
        pool: Option<PoolId>,
        #[command(flatten)]
        view: ViewArgs,
    },
    /// How many cards the P of contracts comes to, by every published card specification
    Implied {
        /// This contract [default: all that declare P and name no model]
        #[arg(long, value_name = "ID")]
        contract: Option<ContractId>,
        #[command(flatten)]
        view: ViewArgs,
    },
    /// What the rules find, with the facts behind it
    Findings {
        /// Only findings of this rule
        #[arg(long, value_name = "CODE")]
        rule: Option<Rule>,
        /// Only findings about this party
        #[arg(long, value_name = "ID")]
        party: Option<PartyId>,
        /// Print the rules and their figures instead; needs no ledger
        #[arg(long, conflicts_with_all = ["rule", "party", "as_of", "as_known", "after"])]
        rules: bool,
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
    #[command(flatten)]
    Office(OfficeCommand),
    /// What one claim would be paid, rule by rule, before it is made
    Claim(Box<ClaimArgs>),
    /// A voucher's signed code for QR, or the check of one without any server
    Voucher(VoucherArgs),
    /// Keys that sign vouchers' codes; needs no ledger
    #[command(subcommand)]
    Keys(KeysCommand),
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
    /// The bare search for cycles in any list of dated edges; needs no ledger
    Cycles {
        /// A CSV file with the columns src, dst and time in seconds; others are ignored
        file: PathBuf,
        /// The longest that may pass from a cycle's first edge to its last, such as 7d or 12h
        /// [default: any time]
        #[arg(long, value_name = "SPAN", value_parser = span)]
        window: Option<i128>,
        /// The most edges that a cycle has [default: any number]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
        max_hops: Option<u32>,
        /// Every cycle too, as the lines of its edges
        #[arg(long)]
        list: bool,
        /// Print one JSON document instead of a table
        #[arg(long)]
        json: bool,
    },
    /// The ledger as a file of another format
    #[command(subcommand)]
    Export(ExportCommand),
    /// A party's loops, payments and their facts as one HTML file, which can be checked against the journal;
    /// as a PDF where FILE ends in .pdf, as its source for typst in .typ
    Report {
        /// The party: a fund, a provider, a company
        #[arg(long, value_name = "ID")]
        party: PartyId,
        #[command(flatten)]
        wanted: ExportArgs,
    },
    /// Check that the journal is whole and the same as its archive, commit by commit
    Verify {
        /// Tell this commit's SHA-256 too, as the journal has it; any number of them
        #[arg(long = "position", value_name = "POSITION")]
        positions: Vec<Position>,
        /// Print one JSON document instead of a report
        #[arg(long)]
        json: bool,
    },
    /// Restore a damaged journal from its archive; nothing else may use the ledger meanwhile
    Repair,
    /// Make what services of their own find done, on the servers that NATS_URL and DATABASE_URL name: the
    /// journal, the database's roles and tables; safe to repeat
    Prepare {
        /// An address of the database whose user is to log on by its password: loopledger_projector,
        /// loopledger_gateway or loopledger_owner; any number of them
        #[arg(
            long = "login",
            value_name = "URL",
            env = "DATABASE_LOGINS",
            value_delimiter = ' ',
            hide_env_values = true
        )]
        logins: Vec<String>,
    },
    /// Make all views anew from the journal beside the live ones, compare them, and put them in their
    /// place; the ledger may be in use meanwhile
    Rebuild {
        /// Put rebuilt rows in the live ones' place although they differ
        #[arg(long)]
        accept_differences: bool,
        /// Print one JSON document instead of a report
        #[arg(long)]
        json: bool,
    },
    /// Put the views back that the last rebuild has replaced, with what was recorded since
    Rollback,
    /// A private ledger in a folder of its own, a bundle imported, and the loop report with what it means
    Demo {
        /// The folder with the bundle's files
        dir: PathBuf,
    },
}

/// Which contracts.
#[derive(Debug, Args)]
pub struct ContractArgs {
    /// Only this contract
    #[arg(long, value_name = "ID")]
    pub contract: Option<ContractId>,
    /// Only contracts that this party buys or sells by
    #[arg(long, value_name = "ID")]
    pub party: Option<PartyId>,
    #[command(flatten)]
    pub view: ViewArgs,
}

#[derive(Debug, Subcommand)]
pub enum MeterCommand {
    /// Import what a scheduler or a meter wrote
    Import(MeterArgs),
}

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("target").required(true).args(["allocation", "map"])))]
pub struct MeterArgs {
    /// The file; it is read twice
    pub file: PathBuf,
    /// What wrote the file
    #[arg(long, value_enum)]
    pub format: Format,
    /// The allocation that all of the file belongs to
    #[arg(long, value_name = "ID")]
    pub allocation: Option<AllocationId>,
    /// A CSV table of what belongs to which allocation: columns job, account, partition (sacct), host,
    /// card (DCGM) or card (card-hours), and allocation; the first row that agrees decides
    #[arg(long, value_name = "FILE.csv")]
    pub map: Option<PathBuf>,
    /// The zone of times that have none, as in +08:00
    #[arg(long, value_name = "OFFSET", value_parser = zone, allow_hyphen_values = true)]
    pub zone: Option<Offset>,
    /// When a scrape without times was made
    #[arg(long, value_name = "DATE", value_parser = parse_instant)]
    pub at: Option<Timestamp>,
    /// How many seconds lie between samples; more than three times as many are a gap
    #[arg(long, value_name = "SECONDS", default_value_t = 30,
        value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub interval: u32,
    /// Print one JSON document instead of a report
    #[arg(long)]
    pub json: bool,
}

fn zone(text: &str) -> Result<Offset, String> {
    let wrong = || format!("`{text}` is no zone: write its offset from UTC, as in +08:00");
    let digits = text.strip_prefix(['+', '-']).ok_or_else(wrong)?;
    let (hours, minutes) = digits.split_once(':').ok_or_else(wrong)?;
    let number = |part: &str, most: i32| -> Option<i32> {
        let is_number = part.len() == 2 && part.bytes().all(|c| c.is_ascii_digit());
        part.parse().ok().filter(|number| is_number && *number <= most)
    };
    let seconds = number(hours, 14).zip(number(minutes, 59));
    let seconds = seconds.map(|(hours, minutes)| hours * 3_600 + minutes * 60).ok_or_else(wrong)?;
    let sign = if text.starts_with('-') { -1 } else { 1 };
    Offset::from_seconds(sign * seconds).map_err(|_| wrong())
}

/// How an answer is wanted.
#[derive(Debug, Clone, Copy, Args)]
pub struct ViewArgs {
    #[command(flatten)]
    pub form: FormArgs,
    #[command(flatten)]
    pub seen: SeenArgs,
}

/// In which form it is wanted.
#[derive(Debug, Clone, Copy, Args)]
pub struct FormArgs {
    /// What is printed
    #[arg(long, value_enum, default_value_t = AnswerFormat::Table)]
    format: AnswerFormat,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

impl FormArgs {
    pub const fn format(self) -> AnswerFormat {
        if self.json { AnswerFormat::Json } else { self.format }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AnswerFormat {
    /// For people
    Table,
    /// The whole answer, one document
    Json,
    /// The answer's list, a line each, columns in a fixed order
    Csv,
    /// The answer's list, a JSON document a line
    Jsonl,
    /// The answer's list with columns of text, for a file or a pipe
    Parquet,
}

/// From when an answer is, and what it rests on.
#[derive(Debug, Clone, Copy, Args)]
pub struct SeenArgs {
    /// Only what had taken effect by this date
    #[arg(long, value_name = "DATE", value_parser = parse_instant)]
    pub as_of: Option<Timestamp>,
    /// Only what had been recorded by this date
    #[arg(long, value_name = "DATE", value_parser = parse_instant)]
    pub as_known: Option<Timestamp>,
    /// Wait until the answer rests on this position or a later one, instead of on everything that is
    /// recorded now
    #[arg(long, value_name = "POSITION")]
    pub after: Option<Position>,
    /// Wait at most so long for that
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub wait: u64,
}

/// What stands at the corners of a loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LoopLevel {
    /// Parties, as they are named
    Party,
    /// Economic groups, named by their ultimate controllers
    Group,
}

impl From<LoopLevel> for Level {
    fn from(level: LoopLevel) -> Self {
        match level {
            LoopLevel::Party => Self::Party,
            LoopLevel::Group => Self::Group,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnRefusal {
    /// Send nothing after the first refused row
    Stop,
    /// Report it and go on
    Continue,
}

/// What a period is divided into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// Days in UTC
    Day,
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
