//! Where the servers' programs are, and whether they are new enough.
//!
//! Invariant: a program is chosen only after it ran and told a version that is new enough.

use crate::error::Error;
use std::collections::BTreeSet;
use std::env;
use std::fmt;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// How deep below a tools folder programs are looked for: `nats-server/usr/sbin` is three.
const TOOLS_DEPTH: usize = 5;
const VERSION_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub major: u32,
    pub minor: u32,
    pub patch: u32,
}

impl Version {
    pub const fn new(major: u32, minor: u32, patch: u32) -> Version {
        Version { major, minor, patch }
    }

    /// Reads what `--version` prints: `nats-server: v2.10.27`, `postgres (PostgreSQL) 15.18
    /// (Debian)`.
    pub fn parse(printed: &str) -> Option<Version> {
        let number = printed
            .split_whitespace()
            .map(|word| word.strip_prefix('v').unwrap_or(word))
            .find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
        let mut parts = number.split('.').map(|part| {
            let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part[..end].parse::<u32>().ok()
        });
        let major = parts.next()??;
        let mut rest = || parts.next().flatten().unwrap_or(0);
        Some(Version { major, minor: rest(), patch: rest() })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The folders in which programs are looked for, in this order.
#[derive(Clone, Debug, Default)]
pub struct Places {
    pub path: Vec<PathBuf>,
    /// Folders that are searched with what is below them.
    pub tools: Vec<PathBuf>,
    pub system: Vec<PathBuf>,
}

impl Places {
    /// `PATH`; then `LOOPLEDGER_TOOLS` and every `.tools` from the current folder and from this
    /// program's folder upward that belongs to this user or to root; then the folders in which
    /// Linux distributions keep servers.
    pub fn of_this_process() -> Places {
        let path = env::var_os("PATH").map(|path| env::split_paths(&path).collect());
        let mut tools: Vec<PathBuf> =
            env::var_os("LOOPLEDGER_TOOLS").map(PathBuf::from).into_iter().collect();
        let here = env::current_dir().unwrap_or_default();
        let program = env::current_exe().unwrap_or_default();
        let upward = here.ancestors().chain(program.ancestors());
        tools.extend(upward.map(|folder| folder.join(".tools")).filter(|t| is_ours(t)));
        let mut system = postgres_folders(Path::new("/usr/lib/postgresql"));
        system.extend(["/usr/sbin", "/usr/local/bin"].map(PathBuf::from));
        Places { path: path.unwrap_or_default(), tools, system }
    }

    fn folders(&self) -> Vec<PathBuf> {
        let mut folders = self.path.clone();
        for tools in &self.tools {
            add_with_subfolders(tools, TOOLS_DEPTH, &mut folders);
        }
        folders.extend(self.system.iter().cloned());
        let mut seen = BTreeSet::new();
        folders.retain(|folder| seen.insert(folder.clone()));
        folders
    }
}

impl fmt::Display for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PATH")?;
        for folder in self.tools.iter().chain(&self.system) {
            write!(f, ", {}", folder.display())?;
        }
        Ok(())
    }
}

/// A folder that another user made must not decide what runs here.
fn is_ours(folder: &Path) -> bool {
    let us = rustix::process::geteuid().as_raw();
    fs::metadata(folder).is_ok_and(|found| found.is_dir() && [0, us].contains(&found.uid()))
}

/// `BASE/*/bin`, the highest version first.
fn postgres_folders(base: &Path) -> Vec<PathBuf> {
    let mut versions: Vec<(Option<Version>, PathBuf)> = subfolders(base)
        .into_iter()
        .map(|folder| {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            (Version::parse(&name), folder.join("bin"))
        })
        .collect();
    versions.sort();
    versions.into_iter().rev().map(|(_, folder)| folder).collect()
}

fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

fn add_with_subfolders(folder: &Path, depth: usize, into: &mut Vec<PathBuf>) {
    into.push(folder.to_path_buf());
    if depth > 0 {
        for below in subfolders(folder) {
            add_with_subfolders(&below, depth - 1, into);
        }
    }
}

struct Wanted {
    server: &'static str,
    program: &'static str,
    beside: Option<&'static str>,
    needed: Version,
}

/// `sync_interval: always` came with 2.10.0; older servers ignore it or refuse it.
const NATS: Wanted = Wanted {
    server: "nats-server",
    program: "nats-server",
    beside: None,
    needed: Version::new(2, 10, 0),
};

const POSTGRES: Wanted = Wanted {
    server: "PostgreSQL",
    program: "postgres",
    beside: Some("initdb"),
    needed: Version::new(15, 0, 0),
};

pub(crate) async fn nats_server(places: &Places) -> Result<PathBuf, Error> {
    NATS.find(places).await
}

/// Finds `postgres`; `initdb` is beside it.
pub(crate) async fn postgres(places: &Places) -> Result<PathBuf, Error> {
    POSTGRES.find(places).await
}

impl Wanted {
    async fn find(&self, places: &Places) -> Result<PathBuf, Error> {
        let mut unfit = Vec::new();
        for folder in places.folders() {
            let program = folder.join(self.program);
            let complete = self.beside.is_none_or(|other| is_executable(&folder.join(other)));
            if !complete || !is_executable(&program) {
                continue;
            }
            match version_of(&program).await {
                Some(version) if version >= self.needed => {
                    return program.canonicalize().map_err(Error::io("find the program", &program));
                }
                Some(version) => unfit.push(format!("{version} ({})", program.display())),
                None => unfit.push(format!("one that does not run ({})", program.display())),
            }
        }
        let (server, looked) = (self.server, places.to_string());
        if unfit.is_empty() {
            return Err(Error::Missing { server, looked });
        }
        Err(Error::TooOld { server, needed: self.needed, found: unfit.join(", "), looked })
    }
}

fn is_executable(program: &Path) -> bool {
    fs::metadata(program)
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

async fn version_of(program: &Path) -> Option<Version> {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(VERSION_TIMEOUT, command.output()).await.ok()?.ok()?;
    Version::parse(&String::from_utf8_lossy(&output.stdout))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_servers_print() {
        for (printed, expected) in [
            ("nats-server: v2.9.10\n", Some(Version::new(2, 9, 10))),
            ("nats-server: v2.15.1\n", Some(Version::new(2, 15, 1))),
            ("nats-server: v2.12.0-RC.3\n", Some(Version::new(2, 12, 0))),
            (
                "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n",
                Some(Version::new(15, 18, 0)),
            ),
            ("postgres (PostgreSQL) 18beta2\n", Some(Version::new(18, 0, 0))),
            ("nats-server: vNext\n", None),
            ("", None),
        ] {
            assert_eq!(Version::parse(printed), expected, "{printed:?}");
        }
    }

    #[test]
    fn a_nats_server_that_cannot_fsync_before_it_acknowledges_is_too_old() {
        for (printed, fits) in [("v2.9.10", false), ("v2.9.25", false), ("v2.10.0", true)] {
            let version = Version::parse(printed).expect("a version");
            assert_eq!(version >= NATS.needed, fits, "{printed}");
        }
    }

    #[test]
    fn the_highest_postgres_version_comes_first() {
        let base = tempfile::tempdir().expect("a folder");
        for version in ["9.6", "15", "100", "17"] {
            fs::create_dir(base.path().join(version)).expect("a folder");
        }
        let found = postgres_folders(base.path());
        let expected = ["100", "17", "15", "9.6"].map(|v| base.path().join(v).join("bin"));
        assert_eq!(found, expected);
    }
}
