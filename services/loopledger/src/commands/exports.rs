//! Exports and reports: the ledger as files of other formats.

use std::ffi::OsStr;
use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use loopledger_exports::loop_report::LoopReport;
use loopledger_exports::{Export, Exported, typst};
use loopledger_model::PartyId;

use super::{ask_ledger, seen, write_out};
use crate::args::{ExportArgs, ExportCommand, StackArgs};
use crate::stack::Stack;

pub(super) async fn export(args: &StackArgs, wanted: ExportCommand) -> anyhow::Result<ExitCode> {
    let (format, ExportArgs { out, seen: asked }) = match wanted {
        ExportCommand::Beancount(asked) => (Export::Beancount, asked),
        ExportCommand::Focus(asked) => (Export::Focus, asked),
        ExportCommand::Ocel(asked) => (Export::Ocel, asked),
    };
    let ask = async |stack: &Stack| format.of(&stack.views, seen(asked)).await;
    let Exported { text, position } = ask_ledger(args, asked, ask).await?;
    eprintln!("position {position}");
    deliver(text.as_bytes(), out.as_deref())?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn report(
    args: &StackArgs,
    party: PartyId,
    ExportArgs { out, seen: asked }: ExportArgs,
) -> anyhow::Result<ExitCode> {
    let form = Form::of(out.as_deref());
    let typst = matches!(form, Form::Pdf).then(typst::find).transpose();
    let typst = typst.context("the report's source can be had with `--out FILE.typ`")?;
    let ask = async |stack: &Stack| {
        let report = LoopReport::of(&stack.views, &party, seen(asked)).await?;
        let report = report.with_context(|| format!("no party {party} was known then"))?;
        let commits = report.commits(&stack.views).await?;
        if form == Form::Html { report.page(&commits) } else { report.typst(&commits) }
    };
    let text = ask_ledger(args, asked, ask).await?;
    match typst {
        Some(typst) => deliver(&typst::pdf(&typst, &text).await?, out.as_deref())?,
        None => deliver(text.as_bytes(), out.as_deref())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What a report's file is, by the end of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Html,
    /// The source that the pages are made of.
    Typst,
    Pdf,
}

impl Form {
    fn of(out: Option<&Path>) -> Self {
        match out.and_then(Path::extension).and_then(OsStr::to_str) {
            Some("pdf") => Self::Pdf,
            Some("typ") => Self::Typst,
            Some(_) | None => Self::Html,
        }
    }
}

/// Into the file, which is there whole or not at all; to standard output where none is named.
fn deliver(bytes: &[u8], out: Option<&Path>) -> anyhow::Result<()> {
    let Some(out) = out else { return write_out(bytes) };
    let folder = match out.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let write = || -> anyhow::Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix(".loopledger-")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.persist(out)?;
        Ok(())
    };
    write().with_context(|| format!("{} cannot be written", out.display()))
}
