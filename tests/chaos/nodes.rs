//! NATS servers of the test's own: one, or three that keep everything three times.
//!
//! Invariant: each keeps its address and its folder however often it is killed.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use loopledger_servers::Version;
use rustix::process::Pid;
use serde_json::json;

use crate::nats::Connection;
use crate::program::{project, wait_until};

const OLDEST: Version = Version::new(2, 10, 0);
const USER: &str = "ledger:chaos";

pub struct Nodes(Vec<Node>);

struct Node {
    folder: PathBuf,
    port: u16,
    server: Child,
}

impl Nodes {
    /// Starts so many servers and waits until they agree on who leads them.
    pub fn start(folder: &Path, number: usize) -> Self {
        let (clients, routes) = (free_ports(number), free_ports(number));
        let start = |index: usize| {
            let (folder, port) = (folder.join(format!("node-{index}")), clients[index]);
            fs::create_dir_all(&folder).expect("our own folder");
            let text = configuration(index, port, &routes);
            fs::write(folder.join("nats.conf"), text).expect("our own folder");
            Node { server: run(&folder), folder, port }
        };
        let nodes = Self((0..number).map(start).collect());
        wait_until("the NATS servers are ready", || {
            (0..number).all(|index| nodes.answers(index).is_ok_and(|answers| answers))
        });
        nodes
    }

    /// Whether JetStream is at work as this server sees it.
    fn answers(&self, index: usize) -> io::Result<bool> {
        let about = Connection::open(&self.url(index))?.api("INFO", &json!({}))?;
        Ok(about.get("error").is_none())
    }

    fn url(&self, index: usize) -> String {
        format!("nats://{USER}@{}", self.address(index))
    }

    pub fn address(&self, index: usize) -> String {
        format!("127.0.0.1:{}", self.0[index].port)
    }

    /// All of them, as the program is told them.
    pub fn urls(&self) -> String {
        let urls: Vec<String> = (0..self.0.len()).map(|index| self.url(index)).collect();
        urls.join(",")
    }

    /// The same by way of another address.
    pub fn url_by(address: impl std::fmt::Display) -> String {
        format!("nats://{USER}@{address}")
    }

    pub const fn count(&self) -> usize {
        self.0.len()
    }

    pub fn pid(&self, index: usize) -> Pid {
        Pid::from_child(&self.0[index].server)
    }

    /// Starts one that was killed again; it is not waited for until it is ready.
    pub fn start_again(&mut self, index: usize) {
        let Node { folder, server, .. } = &mut self.0[index];
        server.wait().expect("our own child");
        *server = run(folder);
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        for Node { server, .. } in &mut self.0 {
            drop(server.kill());
            drop(server.wait());
        }
    }
}

/// Different ones, since all are held while they are drawn.
fn free_ports(number: usize) -> Vec<u16> {
    let held: Vec<TcpListener> =
        (0..number).map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port")).collect();
    held.iter().map(|held| held.local_addr().expect("it is bound").port()).collect()
}

fn configuration(index: usize, port: u16, routes: &[u16]) -> String {
    let cluster = if routes.len() == 1 {
        String::new()
    } else {
        let own = routes[index];
        let others = routes.iter().filter(|port| **port != own);
        let others: Vec<String> =
            others.map(|port| format!("\"nats://127.0.0.1:{port}\"")).collect();
        let others = others.join(", ");
        format!("cluster {{ name: chaos, listen: \"127.0.0.1:{own}\", routes: [{others}] }}\n")
    };
    let (user, password) = USER.split_once(':').expect("both");
    format!(
        r#"server_name: node-{index}
listen: "127.0.0.1:{port}"
max_payload: 8MB
jetstream {{ store_dir: "store", sync_interval: always, max_memory_store: 256MB }}
accounts {{
  LEDGER {{ jetstream: enabled, users: [ {{ user: {user}, password: {password} }} ] }}
  SYS {{ users: [ {{ user: system, password: {password} }} ] }}
}}
system_account: SYS
{cluster}"#
    )
}

fn run(folder: &Path) -> Child {
    let log = folder.join("nats.log");
    let log = fs::File::options().create(true).append(true).open(log).expect("our own folder");
    Command::new(program())
        .args(["--config", "nats.conf"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("nats-server starts")
}

/// The same places that the program looks at.
fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let tools = std::env::var_os("LOOPLEDGER_TOOLS")
        .map_or_else(|| project().join(".tools"), PathBuf::from);
    let tools = tools.join("nats-server/usr/sbin");
    let places = std::env::split_paths(&path).chain([tools, "/usr/sbin".into()]);
    let new_enough = |program: &PathBuf| {
        let printed = Command::new(program).arg("--version").output().ok();
        let printed = printed.and_then(|printed| String::from_utf8(printed.stdout).ok());
        printed.and_then(|text| Version::parse(&text)).is_some_and(|version| version >= OLDEST)
    };
    let mut programs = places.map(|place| place.join("nats-server"));
    programs.find(new_enough).expect("nats-server 2.10 or newer is there: run `make setup`")
}
