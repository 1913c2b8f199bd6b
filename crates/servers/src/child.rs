//! One server as a child process: its log, its end, and making it end.
//!
//! Invariants:
//! - a child has a process group of its own, so a Ctrl-C in the terminal reaches this program only;
//! - a child is signalled only before it has been reaped, so never another process under its
//!   number;
//! - a child that is dropped is made to end.

use crate::error::Error;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::Command;

const TAIL_BYTES: u64 = 4096;
const TAIL_LINES: usize = 20;
/// How long a dropped child may take to end by itself.
const DROP_PATIENCE: Duration = Duration::from_secs(1);
const DROP_POLL: Duration = Duration::from_millis(5);

/// What asks a server to stop, mildest first, and how long each may take; then it is killed.
pub(crate) type Steps = &'static [(Signal, Duration)];

/// What it took to stop a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It stopped as asked.
    Asked,
    /// It did not do as it was first asked and was stopped with force.
    Forced,
    /// It had ended before it was asked.
    Gone(ExitStatus),
}

#[derive(Debug)]
pub(crate) struct Child {
    server: &'static str,
    process: tokio::process::Child,
    log: PathBuf,
    steps: Steps,
}

impl Child {
    /// Starts a server whose output goes to the end of `log`.
    pub(crate) fn spawn(
        server: &'static str,
        command: &mut Command,
        log: &Path,
        steps: Steps,
    ) -> Result<Child, Error> {
        let output = open_log(log)?;
        let errors = output.try_clone().map_err(Error::io("open", log))?;
        let program = PathBuf::from(command.as_std().get_program());
        let process = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map_err(Error::io("run", &program))?;
        Ok(Child { server, process, log: log.to_path_buf(), steps })
    }

    /// Its process number, until its end has been noticed.
    pub(crate) fn pid(&self) -> Option<Pid> {
        self.process.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw)
    }

    /// Waits until the server ends by itself and tells how. May be cancelled.
    pub(crate) async fn died(&mut self) -> Error {
        match self.process.wait().await {
            Ok(status) => self.died_with(status),
            Err(error) => Error::io("wait for", Path::new(self.server))(error),
        }
    }

    /// Fails if the server has ended.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        match self.process.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.died_with(status)),
            Err(error) => Err(Error::io("wait for", Path::new(self.server))(error)),
        }
    }

    fn died_with(&self, status: ExitStatus) -> Error {
        Error::Died { server: self.server, status, log: self.log.clone(), tail: tail(&self.log) }
    }

    pub(crate) fn not_ready(&self, waited: Duration) -> Error {
        Error::NotReady {
            server: self.server,
            waited,
            log: self.log.clone(),
            tail: tail(&self.log),
        }
    }

    pub(crate) async fn stop(mut self) -> Stop {
        if let Ok(Some(status)) = self.process.try_wait() {
            return Stop::Gone(status);
        }
        for (step, (signal, patience)) in self.steps.iter().enumerate() {
            self.signal(*signal);
            if tokio::time::timeout(*patience, self.process.wait()).await.is_ok() {
                return if step == 0 { Stop::Asked } else { Stop::Forced };
            }
            tracing::warn!(server = self.server, ?signal, ?patience, "server does not stop");
        }
        // Fails only for a process that has ended; then there is nothing left to do.
        let _ = self.process.kill().await;
        Stop::Forced
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.pid() {
            // Fails only for a process that ended a moment ago; waiting for it tells.
            let _ = kill_process(pid, signal);
        }
    }
}

/// The last resort where nobody could wait for an orderly stop.
impl Drop for Child {
    fn drop(&mut self) {
        let ended = |process: &mut tokio::process::Child| !matches!(process.try_wait(), Ok(None));
        if ended(&mut self.process) {
            return;
        }
        if let Some((signal, _)) = self.steps.last() {
            self.signal(*signal);
        }
        let mut waited = Duration::ZERO;
        while waited < DROP_PATIENCE && !ended(&mut self.process) {
            std::thread::sleep(DROP_POLL);
            waited += DROP_POLL;
        }
        // Fails only for a process that has ended.
        let _ = self.process.start_kill();
    }
}

/// A command that inherits nothing but where programs and libraries are: no settings, no secrets.
pub(crate) fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("LC_ALL", "C").current_dir(folder);
    for name in ["PATH", "LD_LIBRARY_PATH"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// Keeps the log of the run before under another name.
pub(crate) fn rotate_log(log: &Path) -> Result<(), Error> {
    let mut older = log.as_os_str().to_owned();
    older.push(OsStr::new(".1"));
    match fs::rename(log, older) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("rename", log)(error))
        }
        _ => Ok(()),
    }
}

fn open_log(log: &Path) -> Result<File, Error> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(log)
        .map_err(Error::io("open", log))
}

/// The last lines of a log; says so where it cannot be read.
fn tail(log: &Path) -> String {
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut end = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut end)?;
        Ok(end)
    };
    match read() {
        Ok(end) => last_lines(&String::from_utf8_lossy(&end)),
        Err(error) => format!("(cannot be read: {error})"),
    }
}

pub(crate) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}
