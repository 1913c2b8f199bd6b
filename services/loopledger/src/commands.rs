//! What each command does.

use std::fs::Permissions;
use std::io::{IsTerminal, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use loopledger_exports::lists::{Form, Listed, Told};
use loopledger_importer::{self as import, ImportError, Manner, Patience, Progress, Report};
use loopledger_loops::CycleBounds;
use loopledger_model::{Currency, PartyId, Period, Position};
use loopledger_views::{As, ClaimQuery, FindingQuery, FlowQuery, LoopQuery, Parties, PartyQuery};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::args::{
    AccessArgs, AnswerFormat, Cli, Command, KeysCommand, MeterArgs, MeterCommand, OnRefusal,
    SeenArgs, StackArgs, ViewArgs,
};
use crate::ledger::Ledger;
use crate::stack::{self, Maintenance, Stack};
use crate::{cycles, meter, rebuild, repair, report, tables, verify};

pub(crate) mod claim;
mod codes;
mod exports;
mod funds;
mod offices;
mod supervision;
mod tokens;
mod vouchers;

/// Bad usage or unreadable input.
const UNREADABLE: u8 = 2;

pub async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let Cli { stack, command } = cli;
    match command {
        Command::Up { http, expire_every, access } => up(&stack, http, access, expire_every).await,
        Command::Token(asked) => tokens::token(&stack, asked),
        Command::Accesses { form } => tokens::accesses(&stack, form.format()).await,
        Command::Expire { at, json } => vouchers::expire(&stack, at, json).await,
        Command::Import { dir, on_refusal } => import_bundle(&stack, &dir, on_refusal).await,
        Command::Meter(MeterCommand::Import(meter)) => import_usage(&stack, meter).await,
        Command::Loops { party, currency, level, view } => {
            supervision::loops(&stack, (party, currency, level.into()), view).await
        }
        Command::Party { party, currency, view } => {
            party_reports(&stack, (Some(party), currency), view, tables::party).await
        }
        Command::Parties { currency, view } => {
            party_reports(&stack, (None, currency), view, tables::parties).await
        }
        Command::Owners { party, threshold, view } => {
            supervision::owners(&stack, party, threshold, view).await
        }
        Command::Flows { party, kind, from, to, view } => {
            let kind = kind.map(|kind| kind.parse()).transpose()?;
            supervision::flows(&stack, FlowQuery { party, kind, from, to, part: None }, view).await
        }
        Command::Utilization { pool, from, to, by, view } => {
            supervision::utilization(&stack, pool, (from, to, by), view).await
        }
        Command::Fund { fund, view } => funds::fund(&stack, fund, view).await,
        Command::LpAccount { fund, lp, from, to, view } => {
            funds::account(&stack, (fund, lp), (from, to), view).await
        }
        Command::Pools { pool, view } => supervision::pools(&stack, pool, view).await,
        Command::Reservations { pool, view } => supervision::reservations(&stack, pool, view).await,
        Command::Contracts(asked) => supervision::contracts(&stack, asked).await,
        Command::Prices(asked) => supervision::prices(&stack, asked).await,
        Command::Implied { contract, view } => supervision::implied(&stack, contract, view).await,
        Command::Findings { rules: true, view, .. } => supervision::rules(view),
        Command::Findings { rule, party, rules: false, view } => {
            supervision::findings(&stack, FindingQuery { rule, party }, view).await
        }
        Command::Vouchers { programme, view } => vouchers::vouchers(&stack, programme, view).await,
        Command::Programme { id, view } => vouchers::programme(&stack, id, view).await,
        Command::Claims { programme, provider, stage, view } => {
            vouchers::claims(&stack, ClaimQuery { programme, provider, stage, part: None }, view)
                .await
        }
        Command::Office(asked) => offices::ask(&stack, asked).await,
        Command::Voucher(asked) => codes::voucher(&stack, asked).await,
        Command::Keys(KeysCommand::New { out }) => codes::new_key(&out),
        Command::Claim(asked) => claim::dry_run(&stack, *asked).await,
        Command::Statement { provider, from, to, view } => {
            vouchers::statement(&stack, provider, (from, to), view).await
        }
        Command::Cycles { file, window, max_hops, list, json } => {
            find_cycles(&file, (window, max_hops), (list, json))
        }
        Command::Export(wanted) => exports::export(&stack, wanted).await,
        Command::Report { party, wanted } => exports::report(&stack, party, wanted).await,
        Command::Verify { positions, json } => check_journal(&stack, positions, json).await,
        Command::Prepare { logins } => prepare(&stack, &logins).await,
        Command::Repair => repair_journal(&stack).await,
        Command::Rebuild { accept_differences: accept, json } => {
            maintain(&stack, async |ledger| rebuild::rebuild(ledger, accept, json).await).await
        }
        Command::Rollback => maintain(&stack, rebuild::rollback).await,
        Command::Demo { dir } => demo(&stack, &dir).await,
    }
}

async fn prepare(args: &StackArgs, logins: &[String]) -> anyhow::Result<ExitCode> {
    let (Some(nats), Some(database)) = (&args.nats_url, &args.database_url) else {
        eprintln!("error: name the servers in NATS_URL and DATABASE_URL; `up` prepares its own");
        return Ok(ExitCode::from(UNREADABLE));
    };
    stack::prepare(args.journal(), nats, database, logins).await?;
    Ok(ExitCode::SUCCESS)
}

async fn party_reports(
    args: &StackArgs,
    (party, currency): (Option<PartyId>, Option<Currency>),
    view: ViewArgs,
    table: fn(&Parties) -> String,
) -> anyhow::Result<ExitCode> {
    let query = PartyQuery { party, currency };
    let ask = async |stack: &Stack| Ok(stack.views.parties(&query, seen(view.seen)).await?);
    query_ledger(args, view, ask, table).await
}

fn find_cycles(
    file: &Path,
    (window, max_hops): (Option<i128>, Option<u32>),
    (list, json): (bool, bool),
) -> anyhow::Result<ExitCode> {
    let bounds = CycleBounds { window, max_hops: max_hops.map(|most| most as usize) };
    match cycles::run(file, cycles::Question { bounds, list, json })? {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => {
            eprintln!("error: {error}");
            Ok(ExitCode::from(UNREADABLE))
        }
    }
}

const fn seen(asked: SeenArgs) -> As {
    As { of: asked.as_of, known: asked.as_known }
}

fn period(from: Timestamp, to: Timestamp) -> Option<Period> {
    let period = Period::new(from, to);
    if let Err(error) = &period {
        eprintln!("error: {error}");
    }
    period.ok()
}

async fn up(
    args: &StackArgs,
    http: std::net::SocketAddr,
    asked: AccessArgs,
    expire_every: u64,
) -> anyhow::Result<ExitCode> {
    let Some(access) = tokens::access(args, http, asked)? else {
        return Ok(ExitCode::from(UNREADABLE));
    };
    let begun = Instant::now();
    let stop = loopledger_service::process::stop_signal()?;
    let mut stack = tokio::select! {
        stack = Stack::up(args, http, access) => stack?,
        () = stop.cancelled() => return Ok(ExitCode::SUCCESS),
    };
    stack.keep_expiring(Duration::from_secs(expire_every));
    let address = stack.http().map(|address| format!("http://{address}")).unwrap_or_default();
    let (data, took) = (args.data().display(), begun.elapsed().as_millis());
    eprintln!("loopledger is ready on {data} after {took} ms: {address}");
    eprintln!("try {address}/v1/loops, or `loopledger loops --data {data}`; Ctrl-C stops it");
    let ended = stack
        .guard(async {
            stop.cancelled().await;
            Ok(())
        })
        .await;
    eprintln!("stopping");
    stack.close().await;
    ended.map(|()| ExitCode::SUCCESS)
}

async fn import_bundle(
    args: &StackArgs,
    dir: &Path,
    on_refusal: OnRefusal,
) -> anyhow::Result<ExitCode> {
    if let Some(code) = not_a_folder(dir) {
        return Ok(code);
    }
    let mut stack = Stack::reach(args).await?;
    let imported = import_into(&mut stack, dir, on_refusal).await;
    stack.close().await;
    match imported? {
        Ok(report) => {
            println!("{report}");
            Ok(ExitCode::from(report.exit_status()))
        }
        Err(error) => {
            if let ImportError::Interrupted(interrupted) = &error {
                println!("{}", interrupted.report);
            }
            eprintln!("error: {error}");
            Ok(ExitCode::from(error.exit_status()))
        }
    }
}

fn not_a_folder(dir: &Path) -> Option<ExitCode> {
    if dir.is_dir() {
        return None;
    }
    eprintln!(
        "error: {} is no folder: name the folder that holds the bundle's files",
        dir.display()
    );
    Some(ExitCode::from(UNREADABLE))
}

/// Imports, and waits until the views show it.
async fn import_into(
    stack: &mut Stack,
    dir: &Path,
    on_refusal: OnRefusal,
) -> anyhow::Result<Result<Report, ImportError>> {
    stack.fresh_views().await?;
    let ledger = Ledger::of(stack);
    let on_refusal = match on_refusal {
        OnRefusal::Stop => import::OnRefusal::Stop,
        OnRefusal::Continue => import::OnRefusal::Continue,
    };
    let manner = Manner { on_refusal, patience: Patience::default() };
    let bar = progress_bar("rows");
    let show = |progress: Progress| {
        bar.set_length(progress.rows as u64);
        bar.set_position(progress.settled as u64);
    };
    let imported = stack
        .guard(async { Ok(import::import(dir, &ledger.views, &ledger, manner, show).await) })
        .await?;
    bar.finish_and_clear();
    if imported.is_ok() {
        stack.fresh_views().await?;
    }
    Ok(imported)
}

/// Imports what a meter wrote, and waits until the views show it.
async fn import_usage(args: &StackArgs, asked: MeterArgs) -> anyhow::Result<ExitCode> {
    let MeterArgs { file, format, allocation, map, zone, at, interval, json } = asked;
    let asked = meter::Asked { file, format, allocation, map, zone, at, interval_s: interval };
    let mut stack = Stack::reach(args).await?;
    let ledger = Ledger::of(&stack);
    let bar = progress_bar("bytes");
    let show = |progress: meter::Progress| {
        bar.set_length(progress.of);
        bar.set_position(progress.read);
    };
    let imported = stack
        .guard(async { Ok(meter::import(&asked, &ledger, Patience::default(), show).await) })
        .await;
    bar.finish_and_clear();
    let seen = if imported.is_ok() { stack.fresh_views().await } else { Ok(()) };
    stack.close().await;
    let imported = imported?;
    seen?;
    match imported {
        Ok(report) => {
            print(&if json { serde_json::to_string(&report)? } else { report.to_string() })?;
            Ok(ExitCode::from(report.exit_status()))
        }
        Err(error) => {
            eprintln!("error: {error}");
            Ok(ExitCode::from(error.exit_status()))
        }
    }
}

/// On a terminal only: elsewhere it would fill a log.
fn progress_bar(what: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("importing {bar:30} {pos}/{len} {msg}, {per_sec}, {eta} left");
    ProgressBar::new(0)
        .with_style(style.expect("the template is well formed"))
        .with_message(what.to_owned())
}

/// Asks the ledger, once its views have what is asked for, and prints the answer.
async fn query_ledger<A: Listed>(
    args: &StackArgs,
    view: ViewArgs,
    ask: impl AsyncFnOnce(&Stack) -> anyhow::Result<A>,
    table: impl FnOnce(&A) -> String,
) -> anyhow::Result<ExitCode> {
    print_answer(&ask_ledger(args, view.seen, ask).await?, view.form.format(), table)?;
    Ok(ExitCode::SUCCESS)
}

async fn ask_ledger<A>(
    args: &StackArgs,
    seen: SeenArgs,
    ask: impl AsyncFnOnce(&Stack) -> anyhow::Result<A>,
) -> anyhow::Result<A> {
    let mut stack = Stack::reach(args).await?;
    let answer = match stack.views_after(seen.after, Duration::from_secs(seen.wait)).await {
        Ok(()) => ask(&stack).await,
        Err(error) => Err(error),
    };
    stack.close().await;
    answer
}

fn print_answer<A: Listed>(
    answer: &A,
    format: AnswerFormat,
    table: impl FnOnce(&A) -> String,
) -> anyhow::Result<()> {
    match format {
        AnswerFormat::Table => print(&table(answer)),
        AnswerFormat::Json => print(&serde_json::to_string(answer)?),
        AnswerFormat::Csv => print_list(&Form::Csv.tell(answer)?),
        AnswerFormat::Jsonl => print_list(&Form::JsonLines.tell(answer)?),
        AnswerFormat::Parquet => {
            let no_reader = std::io::stdout().is_terminal();
            ensure!(!no_reader, "parquet is no text: send standard output to a file or a pipe");
            print_list(&Form::Parquet.tell(answer)?)
        }
    }
}

/// The list alone on standard output; the position that it rests on beside it.
fn print_list(list: &Told) -> anyhow::Result<()> {
    if let Some(position) = list.position {
        eprintln!("position {position}");
    }
    write_out(&list.bytes)
}

/// A reader that has seen enough, such as `head`, is no failure.
pub fn print(text: &str) -> anyhow::Result<()> {
    write_out(format!("{text}\n").as_bytes())
}

fn write_out(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("the answer could not be printed"),
    }
}

/// Works on the ledger with nothing else of this process at work on it.
async fn maintain<T>(
    args: &StackArgs,
    work: impl AsyncFnOnce(&Maintenance) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let ledger = Maintenance::reach(args).await?;
    let done = work(&ledger).await;
    ledger.close().await;
    done
}

async fn check_journal(
    args: &StackArgs,
    positions: Vec<Position>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let check = async |ledger: &Maintenance| {
        let journal = ledger.journal().await?;
        ledger.let_the_archive_catch_up(&journal).await?;
        verify::verify_telling(&journal, &ledger.views, positions.into_iter().collect()).await
    };
    let findings = maintain(args, check).await?;
    print(&if json { serde_json::to_string(&findings)? } else { verify::report(&findings) })?;
    Ok(if findings.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn repair_journal(args: &StackArgs) -> anyhow::Result<ExitCode> {
    let ledger = Maintenance::alone(args).await?;
    let done = repair::repair(&ledger.nats, &ledger.views, ledger.config).await;
    ledger.close().await;
    print(&done?.to_string())?;
    Ok(ExitCode::SUCCESS)
}

/// Leaves nothing behind, unless it is given a folder to work in.
async fn demo(args: &StackArgs, dir: &Path) -> anyhow::Result<ExitCode> {
    if let Some(code) = not_a_folder(dir) {
        return Ok(code);
    }
    let begun = Instant::now();
    let folder = TempDir::with_prefix("loopledger-demo-").context("no folder for the demo")?;
    // PostgreSQL's unprivileged user has to pass through it when root runs this.
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o711))?;
    let data = args.data.clone().unwrap_or_else(|| folder.path().join("data"));
    let mut stack = Stack::reach(&StackArgs { data: Some(data), ..args.clone() }).await?;
    let started = begun.elapsed();
    let shown = show(&mut stack, dir, started).await;
    stack.close().await;
    shown
}

async fn show(stack: &mut Stack, dir: &Path, started: Duration) -> anyhow::Result<ExitCode> {
    eprintln!("a ledger of its own is ready after {} ms", started.as_millis());
    let begun = Instant::now();
    let imported = match import_into(stack, dir, OnRefusal::Stop).await? {
        Ok(imported) => imported,
        Err(error) => {
            eprintln!("error: {error}");
            return Ok(ExitCode::from(error.exit_status()));
        }
    };
    let took = begun.elapsed().as_millis();
    eprintln!("{}: {imported} ({took} ms)", dir.display());
    let loops = stack.views.loops(&LoopQuery::default(), As::default()).await?;
    print(&report::loop_report(&loops))?;
    Ok(ExitCode::from(imported.exit_status()))
}
