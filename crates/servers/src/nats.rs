//! The private nats-server: an account for the ledger with a user per service, one for the system,
//! nothing else gets in.
//!
//! Invariants:
//! - it listens on loopback only, on a port that was free, and knows no anonymous client;
//! - its passwords are new at every start;
//! - with full durability nothing is acknowledged before it is synced to disk.

use crate::child::{self, Child, Steps};
use crate::error::Error;
use crate::orphans::Orphans;
use crate::users::{self, User};
use crate::{Durability, Options, secret};
use rustix::process::Signal;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::Instant;

const SERVER: &str = "nats-server";
const STEPS: Steps = &[(Signal::TERM, Duration::from_secs(5))];
const POLL: Duration = Duration::from_millis(5);

pub(crate) struct Nats {
    pub child: Child,
    pub url: String,
    pub urls: BTreeMap<User, String>,
    pub system_url: String,
}

pub(crate) async fn start(program: &Path, folder: &Path, options: &Options) -> Result<Nats, Error> {
    let deadline = Instant::now() + options.ready_within;
    let ports = folder.join("ports");
    for made in [folder, &folder.join("store"), &ports] {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(made)
            .map_err(Error::io("make the folder", made))?;
    }
    let earlier = Orphans { server: SERVER, program: SERVER, folder, leader: None, steps: STEPS };
    earlier.stop().await?;
    for stale in ports_files(&ports)? {
        fs::remove_file(&stale).map_err(Error::io("remove", &stale))?;
    }

    let (ledger, system) = (secret::new()?, secret::new()?);
    let mut passwords = BTreeMap::new();
    for user in User::ALL {
        passwords.insert(user, secret::new()?);
    }
    let users = users::block(|user| format!("\"{}\"", passwords[&user]));
    let config = folder.join("nats.conf");
    secret::write_private(
        &config,
        configuration(options.durability, (&ledger, &users), &system).as_bytes(),
    )?;
    let log = folder.join("nats.log");
    child::rotate_log(&log)?;
    let mut command = child::command(program, folder);
    command.arg("--config").arg(&config);
    let mut child = Child::spawn(SERVER, &mut command, &log, STEPS)?;
    loop {
        if let Some(address) = ready(&ports)?
            && greets(&address, deadline).await
        {
            return Ok(Nats {
                child,
                url: format!("nats://ledger:{ledger}@{address}"),
                urls: passwords
                    .iter()
                    .map(|(user, password)| {
                        (*user, format!("nats://{}:{password}@{address}", user.name()))
                    })
                    .collect(),
                system_url: format!("nats://system:{system}@{address}"),
            });
        }
        child.check()?;
        if Instant::now() >= deadline {
            return Err(child.not_ready(options.ready_within));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Paths are relative to the server's folder, so no path needs quoting.
fn configuration(durability: Durability, (ledger, users): (&str, &str), system: &str) -> String {
    let sync = match durability {
        Durability::Fsync => "always",
        Durability::Lazy => "\"2m\"",
    };
    format!(
        r#"server_name: loopledger
listen: "127.0.0.1:-1"
ports_file_dir: "ports"
max_payload: 8MB
jetstream {{
  store_dir: "store"
  sync_interval: {sync}
  max_memory_store: 256MB
}}
accounts {{
  LEDGER {{ jetstream: enabled, users: [
    {{ user: ledger, password: "{ledger}" }}
{users}  ] }}
  SYS {{ users: [ {{ user: system, password: "{system}" }} ] }}
}}
system_account: SYS
"#
    )
}

#[derive(Deserialize)]
struct Ports {
    nats: Vec<String>,
}

/// The address that the server has written down; nothing while it has not, or not to the end.
fn ready(ports: &Path) -> Result<Option<String>, Error> {
    let Some(file) = ports_files(ports)?.pop() else { return Ok(None) };
    let text = fs::read(&file).map_err(Error::io("read", &file))?;
    let Ok(Ports { nats }) = serde_json::from_slice(&text) else { return Ok(None) };
    Ok(nats.first().map(|url| url.trim_start_matches("nats://").to_owned()))
}

fn ports_files(ports: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(ports).map_err(Error::io("read the folder", ports))?;
    Ok(entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "ports"))
        .collect())
}

/// Whether a NATS server says hello at this address.
async fn greets(address: &str, deadline: Instant) -> bool {
    let greeting = async {
        let mut hello = [0; 5];
        TcpStream::connect(address).await?.read_exact(&mut hello).await?;
        Ok::<bool, std::io::Error>(&hello == b"INFO ")
    };
    matches!(tokio::time::timeout_at(deadline, greeting).await, Ok(Ok(true)))
}
