//! Private servers for one test, projectors on them, and what they have come to.

use std::fs;
use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use loopledger_journal::{Journal, MemoryJournal};
use loopledger_model::Position;
use loopledger_projector::{Deps, Error, Limits, catch_up, run};
use loopledger_servers::{Durability, Lock, Options, Purpose, Servers};
use loopledger_service::Status;
use loopledger_views::{Database, Schema, Views};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longer than anything takes that works.
pub const DEADLINE: Duration = Duration::from_secs(60);

pub struct Stage {
    servers: Servers,
    lock: Lock,
    _folder: TempDir,
}

impl Stage {
    pub async fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // PostgreSQL's unprivileged user has to pass through where the tests run as root.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
        let lock = Lock::acquire(&folder.path().join("data"), Purpose::Command).unwrap();
        let servers = Servers::start(&lock, &options()).await.unwrap();
        Self { servers, lock, _folder: folder }
    }

    pub fn database(&self) -> Database {
        self.servers.database_url().parse().unwrap()
    }

    pub fn views(&self, schema: &str) -> Views {
        Views::new(&self.database(), name(schema), 2)
    }

    pub fn deps<J: Journal>(&self, journal: &J, schema: &str) -> Deps<J> {
        let patience = Duration::from_millis(200);
        Deps { schema: name(schema), patience, ..Deps::live(journal.clone(), self.database()) }
    }

    /// Projects what the journal holds and tells how far that is.
    pub async fn project(
        &self,
        journal: &MemoryJournal,
        schema: &str,
        limits: Limits,
    ) -> Result<Position, Error> {
        catch_up(&Deps { limits, ..self.deps(journal, schema) }, None).await
    }

    /// Kills the database server's first process, upon which the others end too.
    pub fn kill_database(&self) {
        kill_process(self.postmaster(), Signal::KILL).unwrap();
    }

    /// Kills one process of the database server, upon which it throws out all sessions and
    /// recovers.
    pub fn crash_database(&self) {
        let postmaster = self.postmaster().as_raw_pid().to_string();
        let is_child = |pid: &Pid| {
            let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_pid()));
            let stat = stat.unwrap_or_default();
            let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
            fields.split(' ').nth(1) == Some(postmaster.as_str())
        };
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let child = processes
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter_map(Pid::from_raw)
            .find(is_child);
        kill_process(child.expect("a server has child processes"), Signal::KILL).unwrap();
    }

    /// How often the database server has thrown out all sessions and recovered.
    pub fn recoveries(&self) -> usize {
        let log = fs::read_to_string(self.lock.folder().join("postgres/postgres.log")).unwrap();
        log.matches("automatic recovery in progress").count()
    }

    /// Starts the servers again, at other addresses.
    pub async fn start_again(self) -> Self {
        let Self { servers, lock, _folder } = self;
        servers.stop().await;
        let servers = Servers::start(&lock, &options()).await.unwrap();
        Self { servers, lock, _folder }
    }

    fn postmaster(&self) -> Pid {
        let file: PathBuf = self.lock.folder().join("postgres/data/postmaster.pid");
        let text = fs::read_to_string(file).unwrap();
        Pid::from_raw(text.lines().next().unwrap().parse().unwrap()).unwrap()
    }
}

fn options() -> Options {
    Options { durability: Durability::Lazy, ..Options::default() }
}

pub fn name(schema: &str) -> Schema {
    schema.parse().unwrap()
}

/// A projector that runs until it is stopped or fails.
pub struct Running {
    pub status: watch::Receiver<Status>,
    pub shutdown: CancellationToken,
    pub outcome: JoinHandle<Result<(), Error>>,
}

pub fn start<J: Journal>(deps: Deps<J>) -> Running {
    let (sender, status) = watch::channel(Status::Loading);
    let shutdown = CancellationToken::new();
    let outcome = tokio::spawn(run(deps, sender, shutdown.clone()));
    Running { status, shutdown, outcome }
}

impl Running {
    pub async fn reaches(&mut self, wanted: Position) {
        let there = |status: &Status| match status {
            Status::Ready { position, .. } => *position >= wanted,
            Status::Loading | Status::Stopped => false,
        };
        within(self.status.wait_for(there)).await.unwrap();
    }

    pub async fn stop(self) {
        self.shutdown.cancel();
        within(self.outcome).await.unwrap().unwrap();
    }

    pub async fn fails(self) -> Error {
        within(self.outcome).await.unwrap().unwrap_err()
    }
}

/// Waits until the database answers.
pub async fn answering(views: &Views) -> Position {
    let ask = async {
        loop {
            match views.position().await {
                Ok(position) => return position,
                Err(error) if error.is_retryable() => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Err(error) => panic!("{error}"),
            }
        }
    };
    within(ask).await
}

pub async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, work).await.expect("it takes far less time than that")
}
