//! Starting, using, killing and stopping real servers in folders of their own.

#![expect(clippy::unwrap_used, reason = "a test fails where the world fails it")]

use loopledger_servers::{Durability, Error, Lock, Options, Places, Purpose, Servers, Stop};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// Far more than anything here takes; reached only by a defect.
const LIMIT: Duration = Duration::from_secs(60);

/// A folder that PostgreSQL's unprivileged user may pass through where the tests run as root.
struct Data(tempfile::TempDir);

impl Data {
    fn new() -> Data {
        let all_pass = fs::Permissions::from_mode(0o711);
        Data(tempfile::Builder::new().permissions(all_pass).tempdir().unwrap())
    }

    fn lock(&self) -> Lock {
        Lock::acquire(self.0.path(), Purpose::Command).unwrap()
    }

    fn cluster(&self) -> PathBuf {
        self.0.path().join("postgres/data")
    }

    /// The processes whose current folder is below this one, by name.
    fn processes(&self) -> Vec<(String, i32)> {
        let base = self.0.path().canonicalize().unwrap();
        let numbers = fs::read_dir("/proc").unwrap().flatten();
        numbers
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter_map(|pid: i32| {
                let current = fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
                let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
                current.starts_with(&base).then(|| (name.trim_end().to_owned(), pid))
            })
            .collect()
    }

    fn nats_process(&self) -> i32 {
        let processes = self.processes();
        processes.iter().find(|(name, _)| name == "nats-server").expect("it runs").1
    }

    fn postmaster(&self) -> i32 {
        let text = fs::read_to_string(self.cluster().join("postmaster.pid")).unwrap();
        text.lines().next().unwrap().parse().unwrap()
    }

    async fn start(&self) -> (Lock, Servers) {
        let lock = self.lock();
        let servers = Servers::start(&lock, &lazy()).await.unwrap();
        (lock, servers)
    }
}

fn lazy() -> Options {
    Options { durability: Durability::Lazy, ..Options::default() }
}

fn signal(pid: i32, signal: rustix::process::Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), signal).unwrap();
}

fn psql(url: &str, query: &str) -> Output {
    let places = Places::of_this_process();
    let folders = places.path.iter().chain(&places.system);
    let program = folders.map(|folder| folder.join("psql")).find(|psql| psql.is_file());
    let mut command = Command::new(program.expect("psql is installed with the server"));
    command.args(["--no-psqlrc", "-Atqc", query, url]).output().unwrap()
}

#[track_caller]
fn sql(url: &str, query: &str) -> String {
    let output = psql(url, query);
    assert!(output.status.success(), "{query}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// A connection that speaks just enough of NATS's text protocol.
struct NatsClient(BufReader<TcpStream>);

impl NatsClient {
    /// Connects; the first line that answers is `PONG` or the server's objection.
    async fn connect(url: &str) -> (NatsClient, String) {
        let (credentials, address) = url.strip_prefix("nats://").unwrap().split_once('@').unwrap();
        let options = match credentials.split_once(':') {
            Some((user, pass)) => format!(r#"{{"verbose":false,"user":"{user}","pass":"{pass}"}}"#),
            None => r#"{"verbose":false}"#.to_owned(),
        };
        let mut client = NatsClient(BufReader::new(TcpStream::connect(address).await.unwrap()));
        assert!(client.line().await.starts_with("INFO "));
        client.send(&format!("CONNECT {options}\r\nPING\r\n")).await;
        let answer = client.line().await;
        (client, answer)
    }

    async fn of(url: &str) -> NatsClient {
        let (client, answer) = NatsClient::connect(url).await;
        assert_eq!(answer, "PONG");
        client
    }

    async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        tokio::time::timeout(LIMIT, self.0.read_line(&mut line)).await.unwrap().unwrap();
        line.trim_end().to_owned()
    }

    async fn request(&mut self, subject: &str, body: &str) -> serde_json::Value {
        let length = body.len();
        self.send(&format!(
            "SUB answers 1\r\nUNSUB 1 1\r\nPUB {subject} answers {length}\r\n{body}\r\n"
        ))
        .await;
        loop {
            let line = self.line().await;
            if let Some(message) = line.strip_prefix("MSG ") {
                let length = message.rsplit(' ').next().unwrap().parse().unwrap();
                let mut answer = vec![0; length];
                self.0.read_exact(&mut answer).await.unwrap();
                return serde_json::from_slice(&answer).unwrap();
            }
            assert!(!line.starts_with("-ERR"), "{line}");
        }
    }
}

/// Puts one message and one row where they have to be found again.
async fn keep_something(servers: &Servers) {
    let mut nats = NatsClient::of(servers.nats_url()).await;
    let stream = r#"{"name":"KEPT","subjects":["kept"],"storage":"file"}"#;
    let made = nats.request("$JS.API.STREAM.CREATE.KEPT", stream).await;
    assert!(made["error"].is_null(), "{made}");
    assert_eq!(nats.request("kept", "hello").await["seq"], 1);
    sql(servers.database_url(), "CREATE TABLE kept AS SELECT 42 AS answer");
}

async fn assert_kept(servers: &Servers) {
    let mut nats = NatsClient::of(servers.nats_url()).await;
    let info = nats.request("$JS.API.STREAM.INFO.KEPT", "").await;
    assert_eq!(info["state"]["messages"], 1, "{info}");
    assert_eq!(sql(servers.database_url(), "SELECT answer FROM kept"), "42");
}

#[tokio::test]
async fn both_servers_accept_with_the_password_and_refuse_without() {
    let data = Data::new();
    let (_lock, servers) = data.start().await;

    NatsClient::of(servers.nats_url()).await;
    NatsClient::of(servers.nats_system_url().expect("a private server")).await;
    let (_, address) = servers.nats_url().split_once('@').unwrap();
    for credentials in ["nobody", "ledger:wrong", "system:wrong"] {
        let (_, answer) = NatsClient::connect(&format!("nats://{credentials}@{address}")).await;
        assert!(answer.starts_with("-ERR 'Authorization Violation"), "{credentials}: {answer}");
    }

    assert_eq!(sql(servers.database_url(), "SELECT current_database()"), "loopledger");
    let (_, address) = servers.database_url().split_once('@').unwrap();
    let refused = psql(&format!("postgres://loopledger:wrong@{address}"), "SELECT 1");
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(text.contains("password authentication failed"), "{text}");

    for secret in ["nats/nats.conf", "postgres/password"] {
        let mode = fs::metadata(data.0.path().join(secret)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{secret}");
    }
    servers.stop().await;
}

#[tokio::test]
async fn by_default_both_servers_sync_before_they_acknowledge() {
    let data = Data::new();
    let lock = data.lock();
    let servers = Servers::start(&lock, &Options::default()).await.unwrap();
    let mut system = NatsClient::of(servers.nats_system_url().expect("a private server")).await;
    let answer = system.request("$SYS.REQ.SERVER.PING.JSZ", r#"{"config":true}"#).await;
    assert_eq!(answer["data"]["config"]["sync_always"], true, "{answer}");
    for (setting, expected) in [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", ""),
    ] {
        assert_eq!(sql(servers.database_url(), &format!("SHOW {setting}")), expected, "{setting}");
    }
    servers.stop().await;
}

#[tokio::test]
async fn stop_leaves_no_process_and_the_next_start_finds_the_data() {
    let data = Data::new();
    let (lock, servers) = data.start().await;
    keep_something(&servers).await;
    let stopped = servers.stop().await;
    assert_eq!((stopped.nats, stopped.postgres), (Some(Stop::Asked), Some(Stop::Asked)));
    assert_eq!(data.processes(), []);
    drop(lock);

    let (_lock, servers) = data.start().await;
    assert_kept(&servers).await;
    servers.stop().await;
}

#[tokio::test]
async fn killed_servers_are_reported_and_the_next_start_recovers() {
    let data = Data::new();
    let (lock, mut servers) = data.start().await;
    keep_something(&servers).await;
    signal(data.nats_process(), rustix::process::Signal::KILL);
    let error = tokio::time::timeout(LIMIT, servers.failed()).await.unwrap().to_string();
    assert!(error.contains("nats-server stopped by itself (signal: 9"), "{error}");
    assert!(error.contains("nats.log") && error.contains("Server is ready"), "{error}");

    signal(data.postmaster(), rustix::process::Signal::KILL);
    let stopped = tokio::time::timeout(LIMIT, servers.stop()).await.unwrap();
    assert!(matches!(stopped.nats, Some(Stop::Gone(_))), "{stopped:?}");
    drop(lock);

    let (_lock, servers) = data.start().await;
    assert_kept(&servers).await;
    servers.stop().await;
}

#[tokio::test]
async fn servers_that_a_killed_program_left_are_replaced() {
    let data = Data::new();
    let (lock, servers) = data.start().await;
    keep_something(&servers).await;
    let left = data.processes();
    assert!(left.len() > 2, "{left:?}");
    std::mem::forget(servers);
    drop(lock);

    let (_lock, servers) = data.start().await;
    let now = data.processes();
    assert!(left.iter().all(|old| !now.contains(old)), "{left:?} and {now:?}");
    assert_kept(&servers).await;
    servers.stop().await;
}

#[tokio::test]
async fn a_process_number_that_now_belongs_to_another_program_is_left_alone() {
    let data = Data::new();
    let (lock, servers) = data.start().await;
    servers.stop().await;
    drop(lock);

    let owner = fs::metadata(data.cluster()).unwrap();
    let mut bystander = Command::new("sleep");
    bystander.arg("600").current_dir("/").stdin(Stdio::null());
    if rustix::process::geteuid().is_root() {
        bystander.uid(owner.uid()).gid(owner.gid());
    }
    let mut bystander = bystander.spawn().unwrap();
    let stale = format!("{}\n{}\n", bystander.id(), data.cluster().display());
    fs::write(data.cluster().join("postmaster.pid"), stale).unwrap();

    let (_lock, servers) = data.start().await;
    assert_eq!(bystander.try_wait().unwrap(), None, "it was killed");
    servers.stop().await;
    bystander.kill().unwrap();
    bystander.wait().unwrap();
}

#[tokio::test]
async fn dropped_servers_leave_no_process() {
    let data = Data::new();
    let (_lock, servers) = data.start().await;
    drop(servers);
    assert_eq!(data.processes(), []);
}

#[tokio::test]
async fn a_server_that_does_not_stop_is_killed() {
    let data = Data::new();
    let (_lock, servers) = data.start().await;
    signal(data.nats_process(), rustix::process::Signal::STOP);
    let stopped = tokio::time::timeout(LIMIT, servers.stop()).await.unwrap();
    assert_eq!((stopped.nats, stopped.postgres), (Some(Stop::Forced), Some(Stop::Asked)));
    assert_eq!(data.processes(), []);
}

#[tokio::test]
async fn a_server_that_cannot_start_brings_the_end_of_its_log() {
    let data = Data::new();
    let (lock, servers) = data.start().await;
    servers.stop().await;
    fs::write(data.cluster().join("PG_VERSION"), "7\n").unwrap();
    let error =
        Servers::start(&lock, &lazy()).await.expect_err("the cluster is of another version");
    let text = error.to_string();
    assert!(text.contains("PostgreSQL stopped by itself"), "{text}");
    assert!(text.contains("not compatible") && text.contains("postgres.log"), "{text}");
    assert_eq!(data.processes(), [], "the other server went on");
}

#[tokio::test]
async fn two_stacks_run_side_by_side() {
    let (one, other) = (Data::new(), Data::new());
    let ((_a, first), (_b, second)) = tokio::join!(one.start(), other.start());
    keep_something(&first).await;
    keep_something(&second).await;
    first.stop().await;
    assert_kept(&second).await;
    second.stop().await;
}

#[tokio::test]
async fn a_missing_server_is_an_error_that_names_it_and_the_command_that_installs_it() {
    let data = Data::new();
    let elsewhere = data.0.path().join("elsewhere");
    let places = Places { tools: vec![elsewhere.clone()], ..Places::default() };
    let error = Servers::start(&data.lock(), &Options { places, ..lazy() }).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::Missing { .. }), "{text}");
    assert!(text.contains("is missing") && text.contains("`make setup`"), "{text}");
    assert!(text.contains(elsewhere.to_str().unwrap()), "{text}");
}

#[tokio::test]
async fn a_server_that_is_too_old_is_passed_over_and_named() {
    let data = Data::new();
    let old = data.0.path().join("old");
    fs::create_dir(&old).unwrap();
    write_program(&old.join("nats-server"), "#!/bin/sh\necho 'nats-server: v2.9.10'\n");
    let mut places = Places::of_this_process();
    places.path.insert(0, old.clone());
    let lock = data.lock();
    let servers =
        Servers::start(&lock, &Options { places: places.clone(), ..lazy() }).await.unwrap();
    servers.stop().await;

    let system = places.system.into_iter().filter(|folder| folder.ends_with("bin")).collect();
    let places = Places { path: vec![old.clone()], tools: Vec::new(), system };
    let error = Servers::start(&lock, &Options { places, ..lazy() }).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::TooOld { .. }), "{text}");
    assert!(text.contains("nats-server 2.10.0 or newer is needed"), "{text}");
    assert!(text.contains(&format!("2.9.10 ({}/nats-server)", old.display())), "{text}");
}

/// Written by another process: while this one writes it, a child that another test starts could
/// hold it open, and a file open for writing does not run.
fn write_program(path: &Path, text: &str) {
    use std::io::Write as _;
    let mut command = Command::new("install");
    command.args(["-m", "755", "/dev/stdin"]).arg(path).stdin(Stdio::piped());
    let mut install = command.spawn().unwrap();
    install.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(install.wait().unwrap().success());
}
