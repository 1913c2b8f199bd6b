//! Servers that a killed program left running on a data folder: found and stopped before new ones
//! start.
//!
//! They are found by what they are, not by remembered process numbers: a process of the right
//! name whose current folder is the server's own, or, where that may not be read, whose arguments
//! name it.
//!
//! Invariant: a process that does not run in this very folder is never signalled.

use crate::child::Steps;
use crate::error::Error;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

const POLL: Duration = Duration::from_millis(10);
const KILL_PATIENCE: Duration = Duration::from_secs(5);

pub(crate) struct Orphans<'a> {
    pub server: &'static str,
    /// The program's name as the kernel knows it.
    pub program: &'static str,
    /// The current folder of every process of the server.
    pub folder: &'a Path,
    /// The one to signal where a server is many processes; the others end with it. All where
    /// unknown.
    pub leader: Option<Pid>,
    pub steps: Steps,
}

impl Orphans<'_> {
    pub(crate) async fn stop(&self) -> Result<(), Error> {
        for (signal, patience) in self.steps {
            let running = self.running();
            if running.is_empty() {
                return Ok(());
            }
            for pid in running.iter().filter(|pid| self.leader.is_none_or(|one| one == **pid)) {
                let process = pid.as_raw_pid();
                tracing::warn!(server = self.server, process, "stopping what an earlier run left");
                signal_if_there(*pid, *signal);
            }
            if self.ended_within(*patience).await {
                return Ok(());
            }
        }
        for pid in self.running() {
            signal_if_there(pid, Signal::KILL);
        }
        if self.ended_within(KILL_PATIENCE).await {
            return Ok(());
        }
        self.running().first().map_or(Ok(()), |pid| {
            let (server, pid) = (self.server, pid.as_raw_pid());
            Err(Error::Orphan { server, pid, folder: self.folder.to_path_buf() })
        })
    }

    async fn ended_within(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while !self.running().is_empty() {
            if Instant::now() >= deadline {
                return false;
            }
            tokio::time::sleep(POLL).await;
        }
        true
    }

    fn running(&self) -> Vec<Pid> {
        let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
        entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter_map(Pid::from_raw)
            .filter(|pid| self.is_one(*pid))
            .collect()
    }

    /// A process that has ended but was not waited for has no current folder and so is none.
    fn is_one(&self, pid: Pid) -> bool {
        let process = Path::new("/proc").join(pid.as_raw_pid().to_string());
        let name = fs::read_to_string(process.join("comm")).unwrap_or_default();
        if name.trim_end() != self.program {
            return false;
        }
        match fs::metadata(process.join("cwd")) {
            Ok(current) => fs::metadata(self.folder)
                .is_ok_and(|ours| (ours.dev(), ours.ino()) == (current.dev(), current.ino())),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let arguments = fs::read(process.join("cmdline")).unwrap_or_default();
                let folder = self.folder.as_os_str().as_bytes();
                arguments.split(|byte| *byte == 0).any(|argument| argument == folder)
            }
            Err(_) => false,
        }
    }
}

fn signal_if_there(pid: Pid, signal: Signal) {
    // A process that ended meanwhile is what was wanted; one that may not be signalled stays and is
    // reported at the deadline.
    let _ = kill_process(pid, signal);
}
