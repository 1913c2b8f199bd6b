//! typst, the program that makes pages of a report's source.
//!
//! Invariant: the same source has the same bytes, since nothing of the time or the place goes into it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use loopledger_servers::Places;

/// On `PATH`, or where `scripts/setup.sh --tests` puts it.
pub fn find() -> anyhow::Result<PathBuf> {
    let Places { path, tools, .. } = Places::of_this_process();
    let installed = tools.into_iter().map(|tools| tools.join("typst/bin"));
    let programs = path.into_iter().chain(installed).map(|folder| folder.join("typst"));
    let found = programs.into_iter().find(|program| program.is_file());
    found.context(
        "there is no typst to make the PDF with: install it (https://typst.app) into a folder of PATH, run \
         `scripts/setup.sh --tests`, or write the source with `--out FILE.typ`",
    )
}

pub fn pdf(typst: &Path, source: &str) -> anyhow::Result<Vec<u8>> {
    let folder =
        tempfile::TempDir::with_prefix("loopledger-report-").context("no folder for the report")?;
    let (from, to) = (folder.path().join("report.typ"), folder.path().join("report.pdf"));
    std::fs::write(&from, source).context("the report's source cannot be written")?;
    let mut command = Command::new(typst);
    command.arg("compile").args([&from, &to]).stdin(Stdio::null()).current_dir(folder.path());
    let done = command.output().with_context(|| format!("{} does not run", typst.display()))?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        bail!("{} made no pages of the report: {}", typst.display(), said.trim());
    }
    std::fs::read(&to).context("the report's pages cannot be read")
}
