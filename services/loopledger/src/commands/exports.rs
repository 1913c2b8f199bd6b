//! Exports and reports: the ledger as files of other formats.

use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use loopledger_model::PartyId;
use loopledger_service::clock;
use loopledger_views::{As, FlowQuery, LoopQuery, micros};

use super::{ask_ledger, seen, write_out};
use crate::args::{ExportArgs, ExportCommand, StackArgs};
use crate::export::focus::Charges;
use crate::export::loop_report::LoopReport;
use crate::export::ocel::EventLog;
use crate::export::{self, beancount};
use crate::stack::Stack;

pub(super) async fn export(args: &StackArgs, wanted: ExportCommand) -> anyhow::Result<ExitCode> {
    let (asked, out) = match &wanted {
        ExportCommand::Beancount(asked)
        | ExportCommand::Focus(asked)
        | ExportCommand::Ocel(asked) => (asked.seen, asked.out.as_deref()),
    };
    let ask = async |stack: &Stack| {
        let (views, seen) = (&stack.views, seen(asked));
        match wanted {
            ExportCommand::Beancount(_) => {
                let flows = views.flows(&FlowQuery::default(), seen).await?;
                Ok((flows.position, beancount::journal(&flows)?))
            }
            ExportCommand::Focus(_) => {
                let mut charges = Charges::default();
                let position = export::each_fact(views, seen, |fact| charges.take(fact)).await?;
                Ok((position, charges.table()?))
            }
            ExportCommand::Ocel(_) => {
                let mut log = EventLog::default();
                let position = export::each_fact(views, seen, |fact| log.take(fact)).await?;
                Ok((position, log.document()?))
            }
        }
    };
    let (position, text) = ask_ledger(args, asked, ask).await?;
    eprintln!("position {position}");
    deliver(&text, out)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn report(
    args: &StackArgs,
    party: PartyId,
    ExportArgs { out, seen: asked }: ExportArgs,
) -> anyhow::Result<ExitCode> {
    // All of its parts are known at one time, which lies before the views are waited for.
    let known = Some(asked.as_known.unwrap_or_else(|| micros(clock::now())));
    let seen = As { of: asked.as_of, known };
    let ask = async |stack: &Stack| {
        let views = &stack.views;
        let query = LoopQuery { party: Some(party.clone()), ..LoopQuery::default() };
        let loops = views.loops(&query, seen).await?;
        let query = FlowQuery { party: Some(party.clone()), ..FlowQuery::default() };
        let flows = views.flows(&query, seen).await?;
        let names = views.party_names(seen).await?;
        ensure!(names.contains_key(&party), "no party {party} was known then");
        let report = LoopReport { party, seen, names, loops, flows };
        let commits = export::commits_at(views, report.positions()).await?;
        report.page(&commits)
    };
    deliver(&ask_ledger(args, asked, ask).await?, out.as_deref())?;
    Ok(ExitCode::SUCCESS)
}

/// Into the file, which is there whole or not at all; to standard output where none is named.
fn deliver(text: &str, out: Option<&Path>) -> anyhow::Result<()> {
    let Some(out) = out else { return write_out(text.as_bytes()) };
    let folder = match out.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let write = || -> anyhow::Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix(".loopledger-")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.persist(out)?;
        Ok(())
    };
    write().with_context(|| format!("{} cannot be written", out.display()))
}
