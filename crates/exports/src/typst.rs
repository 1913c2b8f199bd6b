//! typst, the program that makes pages of a report's source.
//!
//! Invariant: the same source has the same bytes, since nothing of the time or the place goes into it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, bail};
use loopledger_servers::Places;
use tokio::process::Command;

/// There is nothing to make pages with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no typst to make the PDF with: install it (https://typst.app) into a folder of PATH, or run \
     `scripts/setup.sh --tests`"
)]
pub struct NoTypst;

/// On `PATH`, or where `scripts/setup.sh --tests` puts it.
pub fn find() -> Result<PathBuf, NoTypst> {
    find_in(Places::of_this_process())
}

fn find_in(places: Places) -> Result<PathBuf, NoTypst> {
    let Places { path, tools, .. } = places;
    let installed = tools.into_iter().map(|tools| tools.join("typst/bin"));
    let programs = path.into_iter().chain(installed).map(|folder| folder.join("typst"));
    programs.into_iter().find(|program| program.is_file()).ok_or(NoTypst)
}

/// The pages; given up when nobody waits for them any more.
pub async fn pdf(typst: &Path, source: &str) -> anyhow::Result<Vec<u8>> {
    let folder =
        tempfile::TempDir::with_prefix("loopledger-report-").context("no folder for the report")?;
    let (from, to) = (folder.path().join("report.typ"), folder.path().join("report.pdf"));
    tokio::fs::write(&from, source).await.context("the report's source cannot be written")?;
    let mut command = Command::new(typst);
    command.arg("compile").args([&from, &to]).current_dir(folder.path());
    command.stdin(Stdio::null()).kill_on_drop(true);
    let done = command.output().await;
    let done = done.with_context(|| format!("{} does not run", typst.display()))?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        bail!("{} made no pages of the report: {}", typst.display(), said.trim());
    }
    tokio::fs::read(&to).await.context("the report's pages cannot be read")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_there_is_no_typst_that_is_said() {
        assert_eq!(find_in(Places::default()), Err(NoTypst));
        let folder = tempfile::TempDir::new().expect("a temporary folder");
        let places = || Places { path: vec![folder.path().to_owned()], ..Places::default() };
        assert_eq!(find_in(places()), Err(NoTypst));
        std::fs::write(folder.path().join("typst"), "").expect("our own folder");
        assert_eq!(find_in(places()), Ok(folder.path().join("typst")));
    }
}
