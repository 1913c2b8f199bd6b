//! The dry run of a claim: what the voucher service says that it would record, and by which rules.
//!
//! Invariant: a claim is read as a row of claims.csv is; nothing of it is recorded.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use loopledger_importer::{self as import, Ask as _, Failure, ImportError, Patience, Pause, Row};
use loopledger_journal::{Filter, Journal as _};
use loopledger_model::voucher::{ClaimSubmitted, Event, Step};
use loopledger_model::{
    ContractId, Currency, FromJson as _, InvoiceId, PartyId, Position, ProgrammeId, RedemptionId,
    VoucherId, partition_key,
};
use loopledger_service::clock;
use loopledger_service::protocol::{Answer, Asked, Outcome, Refused, Request};
use serde::Serialize;
use tempfile::TempDir;

use super::{UNREADABLE, print};
use crate::args::{ClaimArgs, StackArgs};
use crate::ledger::Ledger;
use crate::stack::Stack;
use crate::tables;

/// What a claim would come to; `refusal` says why to nothing.
#[derive(Debug, Serialize)]
pub struct DryRun {
    /// Of the voucher context's partition.
    pub position: Position,
    pub facts_at: Position,
    #[serde(flatten)]
    pub comes_to: ComesTo,
}

#[derive(Debug, Serialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum ComesTo {
    Payable(Box<Payable>),
    /// The claim is there already and says the same.
    Unchanged,
    Refused {
        refusal: Refused,
    },
}

#[derive(Debug, Serialize)]
pub struct Payable {
    pub claim: RedemptionId,
    pub programme: ProgrammeId,
    pub version: u32,
    pub voucher: VoucherId,
    pub contract: ContractId,
    pub invoice: InvoiceId,
    pub holder: PartyId,
    pub provider: PartyId,
    pub payee: PartyId,
    pub currency: Currency,
    pub at: Timestamp,
    pub payable: String,
    pub trace: Vec<Step>,
    /// The how-manieth claim of its programme it would be.
    pub place: u64,
    /// Nobody would have to review it.
    pub approved_at_once: bool,
}

impl Payable {
    fn of(submitted: ClaimSubmitted, events: &[Event]) -> Self {
        let claim = submitted.claim;
        let redeems = |event: &Event| matches!(event, Event::VoucherRedeemed(_));
        Self {
            claim: claim.id,
            programme: claim.programme,
            version: submitted.version,
            voucher: claim.voucher,
            contract: submitted.contract,
            invoice: claim.invoice,
            holder: submitted.holder,
            provider: submitted.provider,
            payee: submitted.payee,
            currency: submitted.amount.currency(),
            at: claim.at,
            payable: submitted.amount.amount().to_string(),
            trace: submitted.trace,
            place: submitted.place,
            approved_at_once: events.iter().any(redeems),
        }
    }
}

pub(super) async fn dry_run(args: &StackArgs, asked: ClaimArgs) -> anyhow::Result<ExitCode> {
    let folder = TempDir::with_prefix("loopledger-claim-").context("no folder for the claim")?;
    write_bundle(folder.path(), &asked).context("the claim could not be prepared")?;
    let mut stack = Stack::reach(args).await?;
    let answer = ask(&mut stack, folder.path()).await;
    stack.close().await;
    match answer? {
        Ok(answer) => {
            let text = serde_json::to_string(&answer)?;
            print(&if asked.json { text } else { tables::dry_run(&answer) })?;
            Ok(ExitCode::SUCCESS)
        }
        Err(ImportError::Unreadable(unreadable)) => {
            for problem in unreadable.problems {
                let column = problem.column.unwrap_or(problem.file);
                eprintln!("error: {column}: {}", problem.reason);
            }
            Ok(ExitCode::from(UNREADABLE))
        }
        Err(error) => Err(error.into()),
    }
}

/// A bundle with nothing but the claim and its evidence.
fn write_bundle(folder: &Path, asked: &ClaimArgs) -> std::io::Result<()> {
    let key = partition_key(&asked.voucher);
    let unused = || format!("{key}:{:x}", clock::now().as_microsecond());
    let id = asked.id.clone().unwrap_or_else(unused);
    let at = asked.at.clone().unwrap_or_else(|| clock::now().to_string());
    let (always, maybe) = (|text: &str| Some(text.to_owned()), Option::<String>::clone);
    let cells = [
        ("id", Some(id.clone())),
        ("programme", always(&asked.programme)),
        ("voucher", always(&asked.voucher)),
        ("invoice", always(&asked.invoice)),
        ("amount", maybe(&asked.amount)),
        ("card_hours", maybe(&asked.card_hours)),
        ("usage", maybe(&asked.usage)),
        ("storage", maybe(&asked.storage)),
        ("network", maybe(&asked.network)),
        ("security", maybe(&asked.security)),
        ("other", maybe(&asked.other)),
        ("payee", maybe(&asked.payee)),
        ("by", always(&asked.by)),
        ("of", always(&asked.of)),
        ("at", Some(at)),
        ("applicant_kind", maybe(&asked.applicant_kind)),
        ("start_up", maybe(&asked.start_up)),
        ("young_founder", maybe(&asked.young_founder)),
        ("compute_origin", maybe(&asked.compute_origin)),
        ("filed_model", maybe(&asked.filed_model)),
        ("purpose", maybe(&asked.purpose)),
    ];
    let given: Vec<_> =
        cells.iter().filter_map(|(name, text)| Some((*name, text.as_ref()?))).collect();
    let header: Vec<_> = given.iter().map(|(name, _)| *name).collect();
    let row = line(given.iter().map(|(_, text)| text.as_str()));
    std::fs::write(folder.join("claims.csv"), format!("{}\n{row}\n", header.join(",")))?;
    if asked.evidence.is_empty() {
        return Ok(());
    }
    let mut text = "claim,kind,sha256,size,number\n".to_owned();
    for piece in &asked.evidence {
        text += &line(std::iter::once(id.as_str()).chain(piece.iter().map(String::as_str)));
        text.push('\n');
    }
    std::fs::write(folder.join("evidence.csv"), text)
}

fn line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let quoted = cells.map(|cell| format!("\"{}\"", cell.replace('"', "\"\"")));
    quoted.collect::<Vec<_>>().join(",")
}

async fn ask(stack: &mut Stack, folder: &Path) -> anyhow::Result<Result<DryRun, ImportError>> {
    stack.fresh_views().await?;
    let (asker, views, journal) = (stack.asker(), stack.views.clone(), stack.journal.clone());
    let ledger = Ledger { asker, views, partitions: journal.partitions() };
    let asked = async {
        let rows = match import::read(folder, &ledger.views).await {
            Ok(rows) => rows,
            Err(error) => return Ok(Err(error)),
        };
        let [row] = &rows[..] else { bail!("a claim is one row, not {}", rows.len()) };
        let after = journal.last(&Filter::all()).await?;
        Ok(Ok(answered(&ledger, row, after).await?))
    };
    stack.guard(asked).await
}

/// Asks until the service has an answer, within patience.
async fn answered(ledger: &Ledger, row: &Row, after: Position) -> anyhow::Result<DryRun> {
    let (id, by, command) = (row.id.clone(), row.by.clone(), &row.command);
    let commands = vec![Asked { id, by, after, command }];
    let request = Request { commands, stop_at_refusal: false, dry_run: true };
    let partition = command.partition(&ledger.partitions());
    let mut pause = Pause::new(Patience::default());
    loop {
        let waited_for = match ledger.ask(partition, &request).await {
            Ok(mut answers) => match answers.pop() {
                Some(Answer::DryRun { position, facts_at, outcome }) => {
                    return Ok(DryRun { position, facts_at, comes_to: comes_to(outcome)? });
                }
                Some(Answer::NotCaughtUp { after, reached }) => {
                    format!("the service knows the ledger up to {reached}, not up to {after}")
                }
                Some(Answer::WrongPartition { message, .. }) => bail!(message),
                other => bail!("{partition} answered a dry run with {other:?}"),
            },
            Err(Failure::Passing(reason)) => reason,
            Err(Failure::Lasting(reason)) => bail!(reason),
        };
        if !pause.wait().await {
            bail!("the dry run was not answered: {waited_for}");
        }
    }
}

fn comes_to(outcome: Outcome) -> anyhow::Result<ComesTo> {
    let events = match outcome {
        Outcome::Refused(refusal) => return Ok(ComesTo::Refused { refusal }),
        Outcome::Events(events) => events,
    };
    let events = events
        .iter()
        .map(|event| Event::from_json(&event.to_string()))
        .collect::<Result<Vec<_>, _>>();
    let events = events.context("the service's answer cannot be read")?;
    let submitted = events.iter().find_map(|event| {
        if let Event::ClaimSubmitted(submitted) = event { Some(submitted.clone()) } else { None }
    });
    Ok(submitted.map_or(ComesTo::Unchanged, |submitted| {
        ComesTo::Payable(Box::new(Payable::of(submitted, &events)))
    }))
}
