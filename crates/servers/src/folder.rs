//! A data folder is used by one program at a time: the lock says by whom, the description tells
//! others how to reach the stack that runs on it.
//!
//! Invariants:
//! - the kernel holds the lock and frees it when its holder ends in whatever way;
//! - whoever takes the lock removes the description of the holder before it;
//! - a description counts only while its writer holds the lock.

use crate::error::Error;
use crate::secret;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::Instant;

const POLL: Duration = Duration::from_millis(20);

/// What a program holds a data folder for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A stack that others may use while it runs.
    Up,
    /// One command that ends by itself.
    Command,
}

/// Who holds a lock, as the holder wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub pid: u32,
    pub purpose: Purpose,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.purpose {
            Purpose::Up => "a running stack",
            Purpose::Command => "another command",
        };
        write!(f, "{what} (process {})", self.pid)
    }
}

/// Somebody else holds the lock; `holder` is unknown in the moment before it is written.
#[derive(Debug, thiserror::Error)]
#[error("the data folder {} is in use by {}", .folder.display(), held_by(.holder.as_ref()))]
pub struct Held {
    pub folder: PathBuf,
    pub holder: Option<Holder>,
}

fn held_by(holder: Option<&Holder>) -> String {
    holder.map_or_else(|| "a program that is just starting".to_owned(), Holder::to_string)
}

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error(transparent)]
    Held(#[from] Held),
    #[error(transparent)]
    World(#[from] Error),
}

/// The right to use a data folder, until it is dropped.
#[derive(Debug)]
pub struct Lock {
    folder: PathBuf,
    file: File,
}

impl Lock {
    /// Takes the lock at once or tells who holds it. Makes the folder where there is none.
    pub fn acquire(data: &Path, purpose: Purpose) -> Result<Lock, LockError> {
        // PostgreSQL's unprivileged user has to pass through a folder that root makes.
        let mode = if rustix::process::geteuid().is_root() { 0o711 } else { 0o700 };
        DirBuilder::new()
            .recursive(true)
            .mode(mode)
            .create(data)
            .map_err(Error::io("make the data folder", data))?;
        let folder = data.canonicalize().map_err(Error::io("find the data folder", data))?;
        let path = lock_file(&folder);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(Error::io("open the lock", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = read_holder(&mut file);
                return Err(Held { folder, holder }.into());
            }
            Err(TryLockError::Error(error)) => {
                return Err(Error::io("lock", &path)(error).into());
            }
        }
        remove(&description_file(&folder))?;
        let holder = Holder { pid: std::process::id(), purpose };
        write_holder(&mut file, holder).map_err(Error::io("write the lock", &path))?;
        Ok(Lock { folder, file })
    }

    /// The data folder, as an absolute path.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Unlocks rather than only closes: a child that is being started on another thread holds a copy
/// of every open file for a moment, and the lock with it.
impl Drop for Lock {
    fn drop(&mut self) {
        // Where unlocking fails, closing the file still frees the lock.
        let _ = self.file.unlock();
    }
}

fn lock_file(folder: &Path) -> PathBuf {
    folder.join("lock")
}

fn description_file(folder: &Path) -> PathBuf {
    folder.join("stack.json")
}

fn write_holder(file: &mut File, holder: Holder) -> io::Result<()> {
    file.set_len(0)?;
    file.write_all(serde_json::to_string(&holder)?.as_bytes())
}

fn read_holder(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// How to reach a running stack; kept in `stack.json`, readable by its owner only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    pub pid: u32,
    pub purpose: Purpose,
    pub nats_url: String,
    pub database_url: String,
    /// Base address of the HTTP API, where one is served.
    pub http: Option<String>,
}

impl Description {
    pub fn write(&self, lock: &Lock) -> Result<(), Error> {
        let text = serde_json::to_vec_pretty(self).expect("strings and numbers are always JSON");
        secret::write_private(&description_file(&lock.folder), &text)
    }

    /// What was last written, or nothing; [`claim`] tells whether its writer still runs.
    pub fn read(data: &Path) -> Result<Option<Description>, Error> {
        let path = description_file(data);
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .map_err(|error| Error::io("understand", &path)(error.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("read", &path)(error)),
        }
    }

    pub fn remove(lock: &Lock) -> Result<(), Error> {
        remove(&description_file(&lock.folder))
    }
}

/// Leaves the addresses out: they hold passwords.
impl fmt::Debug for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Description")
            .field("pid", &self.pid)
            .field("purpose", &self.purpose)
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

/// How a data folder can be used.
#[derive(Debug)]
pub enum Claim {
    /// Nobody uses it: start what is needed.
    Owner(Lock),
    /// A stack runs on it: connect to that.
    Guest(Description),
}

/// Takes the lock, or finds the stack that holds it. Waits for another command to end and for a
/// starting stack to describe itself, but not longer than `within`.
pub async fn claim(data: &Path, purpose: Purpose, within: Duration) -> Result<Claim, LockError> {
    let deadline = Instant::now() + within;
    loop {
        let held = match Lock::acquire(data, purpose) {
            Ok(lock) => return Ok(Claim::Owner(lock)),
            Err(LockError::Held(held)) => held,
            Err(error) => return Err(error),
        };
        if let Some(description) = described_by(&held)? {
            return Ok(Claim::Guest(description));
        }
        if Instant::now() >= deadline {
            return Err(held.into());
        }
        tokio::time::sleep(POLL).await;
    }
}

/// The description of the stack that holds the lock. One left by a killed holder whose lock has
/// just been taken over, but not yet rewritten, names a process that is gone.
fn described_by(held: &Held) -> Result<Option<Description>, Error> {
    let Some(holder @ Holder { purpose: Purpose::Up, .. }) = held.holder else { return Ok(None) };
    let written_by_holder = |description: &Description| {
        description.pid == holder.pid && description.purpose == Purpose::Up && is_alive(holder.pid)
    };
    Ok(Description::read(&held.folder)?.filter(written_by_holder))
}

fn is_alive(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}
