//! Exports: the ledger as files of other formats.

use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use loopledger_views::FlowQuery;

use super::{ask_ledger, seen, write_out};
use crate::args::{ExportArgs, ExportCommand, StackArgs};
use crate::export::beancount;
use crate::stack::Stack;

pub(super) async fn export(args: &StackArgs, wanted: ExportCommand) -> anyhow::Result<ExitCode> {
    let ExportCommand::Beancount(ExportArgs { out, seen: asked }) = wanted;
    let ask = async |stack: &Stack| {
        let flows = stack.views.flows(&FlowQuery::default(), seen(asked)).await?;
        beancount::journal(&flows)
    };
    deliver(&ask_ledger(args, asked, ask).await?, out.as_deref())?;
    Ok(ExitCode::SUCCESS)
}

/// Into the file, which is there whole or not at all; to standard output where none is named.
fn deliver(text: &str, out: Option<&Path>) -> anyhow::Result<()> {
    let Some(out) = out else { return write_out(text) };
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
