//! The private PostgreSQL server: its cluster, made at first use, and the process that serves it.
//!
//! Invariants:
//! - it listens on loopback only, on a port that was free, and asks everybody for the password;
//! - a cluster is in place whole or not at all;
//! - `postmaster.pid` is removed only when no process of the server runs in the cluster's folder.

use crate::account::Account;
use crate::child::{self, Child, Steps};
use crate::error::Error;
use crate::orphans::Orphans;
use crate::users::User;
use crate::{Durability, Options, secret};
use rustix::process::{Pid, Signal};
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::Instant;

const SERVER: &str = "PostgreSQL";
/// Fast shutdown, then an immediate one, after which the next start recovers.
const STEPS: Steps =
    &[(Signal::INT, Duration::from_secs(5)), (Signal::QUIT, Duration::from_secs(2))];
const POLL: Duration = Duration::from_millis(5);
/// After a kill the first start can fail while the shared memory of the killed server is in use,
/// and a port that was free can be taken before the server binds it.
const ATTEMPTS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// For each program that prepares the cluster.
const SETUP_TIMEOUT: Duration = Duration::from_secs(120);
const USER: &str = "loopledger";
const DATABASE: &str = "loopledger";
/// Those that work on the database by themselves, beside the one that may do everything.
const USERS: [User; 2] = [User::Projector, User::Gateway];

pub(crate) struct Postgres {
    pub child: Child,
    pub url: String,
    pub urls: BTreeMap<User, String>,
}

/// What one private server consists of.
struct Site<'a> {
    program: &'a Path,
    folder: &'a Path,
    cluster: PathBuf,
    account: Option<Account>,
    durability: Durability,
}

pub(crate) async fn start(
    program: &Path,
    folder: &Path,
    options: &Options,
) -> Result<Postgres, Error> {
    let cluster = folder.join("data");
    let account = Account::for_cluster(&cluster)?;
    DirBuilder::new()
        .recursive(true)
        .mode(if account.is_some() { 0o711 } else { 0o700 })
        .create(folder)
        .map_err(Error::io("make the folder", folder))?;
    let site = Site { program, folder, cluster, account, durability: options.durability };
    if let Some(account) = &site.account {
        account.check_can_enter(folder)?;
    }
    let password = secret::kept(&site.password_file())?;
    let mut passwords = BTreeMap::new();
    for user in USERS {
        let file = folder.join(format!("{}-password", user.name()));
        passwords.insert(user, secret::kept(&file)?);
    }
    site.stop_orphans().await?;
    if !site.cluster.exists() {
        site.make_cluster().await?;
    }
    let log = folder.join("postgres.log");
    child::rotate_log(&log)?;
    let deadline = Instant::now() + options.ready_within;
    let mut pause = FIRST_PAUSE;
    for attempt in 1.. {
        let port = free_port()?;
        match site.serve(port, &log, deadline, options.ready_within).await {
            Ok(child) => {
                let address = format!("127.0.0.1:{port}/{DATABASE}");
                let url = format!("postgres://{USER}:{password}@{address}");
                let of = |(user, password): (&User, &String)| {
                    (*user, format!("postgres://{USER}_{}:{password}@{address}", user.name()))
                };
                let urls = passwords.iter().map(of).collect();
                return Ok(Postgres { child, url, urls });
            }
            Err(Error::Died { status, .. })
                if attempt < ATTEMPTS && Instant::now() + pause < deadline =>
            {
                tracing::info!(attempt, %status, "PostgreSQL did not start, trying again");
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            Err(error) => return Err(error),
        }
    }
    unreachable!("the attempts end with an answer")
}

/// A port that nobody uses now; somebody else may take it before the server does.
fn free_port() -> Result<u16, Error> {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(Error::io("find a free port on", Path::new("127.0.0.1")))
}

impl Site<'_> {
    fn password_file(&self) -> PathBuf {
        self.folder.join("password")
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = child::command(program, self.folder);
        if let Some(account) = &self.account {
            account.run(&mut command);
        }
        command
    }

    async fn stop_orphans(&self) -> Result<(), Error> {
        let pid_file = self.cluster.join("postmaster.pid");
        let leader = first_line(&pid_file).and_then(|pid| pid.parse().ok()).and_then(Pid::from_raw);
        let earlier = Orphans {
            server: SERVER,
            program: "postgres",
            folder: &self.cluster,
            leader,
            steps: STEPS,
        };
        earlier.stop().await?;
        match fs::remove_file(&pid_file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::io("remove", &pid_file)(error))
            }
            _ => Ok(()),
        }
    }

    /// Makes the cluster and its database under another name and syncs it before it gets its own.
    async fn make_cluster(&self) -> Result<(), Error> {
        let new = self.folder.join("data.new");
        if new.exists() {
            fs::remove_dir_all(&new).map_err(Error::io("remove", &new))?;
        }
        DirBuilder::new().mode(0o700).create(&new).map_err(Error::io("make the folder", &new))?;
        let password = self.password_file();
        if let Some(account) = &self.account {
            account.own(&new)?;
            account.own(&password)?;
        }
        let initdb = self.program.with_file_name("initdb");
        let mut command = self.command(&initdb);
        command.arg("--pgdata").arg(&new).arg("--pwfile").arg(&password).args([
            "--username",
            USER,
            "--auth=scram-sha-256",
            "--data-checksums",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "--no-instructions",
        ]);
        run("initdb", &initdb, &mut command, "").await?;

        let mut command = self.command(self.program);
        command.arg("--single").arg("-D").arg(&new);
        command.args(["-c", "exit_on_error=on", "-c", "fsync=off", "postgres"]);
        run("postgres", self.program, &mut command, &format!("CREATE DATABASE {DATABASE}\n"))
            .await?;

        if self.durability == Durability::Fsync {
            let mut command = self.command(&initdb);
            command.arg("--sync-only").arg("--pgdata").arg(&new);
            run("initdb", &initdb, &mut command, "").await?;
        }
        fs::rename(&new, &self.cluster)
            .and_then(|()| File::open(self.folder)?.sync_all())
            .map_err(Error::io("put in place", &self.cluster))
    }

    async fn serve(
        &self,
        port: u16,
        log: &Path,
        deadline: Instant,
        ready_within: Duration,
    ) -> Result<Child, Error> {
        let sync = match self.durability {
            Durability::Fsync => "on",
            Durability::Lazy => "off",
        };
        let mut command = self.command(self.program);
        command.arg("-D").arg(&self.cluster);
        for setting in
            [format!("port={port}"), format!("fsync={sync}"), format!("full_page_writes={sync}")]
        {
            command.args(["-c", &setting]);
        }
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        let mut child = Child::spawn(SERVER, &mut command, log, STEPS)?;
        let pid = child.pid();
        while !self.accepts(pid, port) {
            child.check()?;
            if Instant::now() >= deadline {
                return Err(child.not_ready(ready_within));
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(child)
    }

    /// Whether the server has written that it accepts connections. The lines of `postmaster.pid`:
    /// process, folder, start time, port, socket folder, address, shared memory, state.
    fn accepts(&self, pid: Option<Pid>, port: u16) -> bool {
        let text = fs::read_to_string(self.cluster.join("postmaster.pid")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        let [process, _, _, listens, _, _, _, "ready", ..] = lines[..] else { return false };
        process.parse().ok().and_then(Pid::from_raw) == pid && listens.parse() == Ok(port)
    }
}

const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=64",
    "shared_buffers=128MB",
    "max_wal_size=1GB",
    // Nobody replicates: what fills a table that is new needs no log, only the disk's word.
    "wal_level=minimal",
    "max_wal_senders=0",
    "jit=off",
    "timezone=UTC",
    "log_timezone=UTC",
    "log_line_prefix=%m [%p] ",
    "logging_collector=off",
    "lc_messages=C",
];

fn first_line(file: &Path) -> Option<String> {
    fs::read_to_string(file).ok()?.lines().next().map(|line| line.trim().to_owned())
}

/// Runs a program that prepares something to its end; what it printed goes into the error.
async fn run(
    name: &'static str,
    program: &Path,
    command: &mut Command,
    input: &str,
) -> Result<(), Error> {
    let both = async {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        if let Some(mut stdin) = process.stdin.take()
            && !input.is_empty()
        {
            stdin.write_all(input.as_bytes()).await?;
        }
        process.wait_with_output().await
    };
    let Output { status, stdout, stderr } = tokio::time::timeout(SETUP_TIMEOUT, both)
        .await
        .unwrap_or_else(|late| Err(late.into()))
        .map_err(Error::io("run", program))?;
    if status.success() {
        return Ok(());
    }
    let printed = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Err(Error::Setup { program: name, status, output: child::last_lines(&printed.concat()) })
}
