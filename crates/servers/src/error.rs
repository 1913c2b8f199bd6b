//! What can go wrong with servers and their folder: always the world, never an answer. A missing or
//! old server names the command that installs it; a failing server brings the end of its log along.

use crate::find::Version;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{server} is missing (looked in {looked}); install it with `make setup`")]
    Missing { server: &'static str, looked: String },
    #[error(
        "{server} {needed} or newer is needed but only {found} was found (looked in {looked}); \
         install it with `make setup`"
    )]
    TooOld { server: &'static str, needed: Version, found: String, looked: String },
    #[error("cannot {action} {}", .path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error(
        "the folder {} (mode {mode:03o}) cannot be entered by the user {user}, as which PostgreSQL \
         runs when this program runs as root; allow it with `chmod o+x {0}` or choose a data \
         folder elsewhere",
        .folder.display()
    )]
    NotEnterable { folder: PathBuf, mode: u32, user: String },
    #[error(
        "PostgreSQL refuses to run as root and /etc/passwd names neither `postgres` nor `nobody` \
         to run it as; add such a user or run this program as another user"
    )]
    NoAccount,
    #[error("{program} failed ({status}):\n{output}")]
    Setup { program: &'static str, status: ExitStatus, output: String },
    #[error("{server} was not ready after {waited:?}; the end of {}:\n{tail}", .log.display())]
    NotReady { server: &'static str, waited: Duration, log: PathBuf, tail: String },
    #[error("{server} stopped by itself ({status}); the end of {}:\n{tail}", .log.display())]
    Died { server: &'static str, status: ExitStatus, log: PathBuf, tail: String },
    #[error(
        "{server} of an earlier run (process {pid}) still runs on {} and does not stop; end it, \
         then start again",
        .folder.display()
    )]
    Orphan { server: &'static str, pid: i32, folder: PathBuf },
}

impl Error {
    /// For `map_err`: which action failed on what.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_path_buf();
        move |source| Error::Io { action, path, source }
    }
}
