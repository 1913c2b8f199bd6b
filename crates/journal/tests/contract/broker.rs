//! A private `nats-server` for one test: on loopback, in a temporary folder, killed with the test.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{env, thread};

use tempfile::TempDir;

/// Looked for in `LOOPLEDGER_TOOLS`, the workspace's `.tools` and then the `PATH`.
fn program() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools");
    env::var_os("LOOPLEDGER_TOOLS")
        .map(PathBuf::from)
        .into_iter()
        .chain([workspace])
        .map(|tools| tools.join("nats-server/usr/sbin/nats-server"))
        .find(|program| program.exists())
        .unwrap_or_else(|| PathBuf::from("nats-server"))
}

pub struct Broker {
    folder: TempDir,
    port: u16,
    sync_interval: &'static str,
    child: Option<Child>,
}

impl Broker {
    pub fn start() -> Self {
        Self::with_sync("always")
    }

    pub fn with_sync(sync_interval: &'static str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let mut broker = Self { folder, port, sync_interval, child: None };
        broker.restart();
        broker
    }

    pub const fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        self.url_of("ledger")
    }

    /// `ledger` may do everything, `reader` may write nothing into the log, `system` is NATS's own.
    pub fn url_of(&self, user: &str) -> String {
        format!("nats://{user}:secret@127.0.0.1:{}", self.port)
    }

    /// A client that knows nothing of journals.
    pub async fn client(&self) -> async_nats::Client {
        let options = async_nats::ConnectOptions::new().retry_on_initial_connect();
        let options = options.user_and_password("ledger".into(), "secret".into());
        options.connect(format!("127.0.0.1:{}", self.port)).await.unwrap()
    }

    /// SIGKILL: the server has no chance to tidy up.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Returns at once; clients retry until the server is ready.
    pub fn restart(&mut self) {
        self.kill();
        let configuration = format!(
            r#"server_name: test
listen: "127.0.0.1:{}"
jetstream {{ store_dir: "{}", sync_interval: "{}" }}
accounts {{
  LEDGER {{
    jetstream: enabled
    users: [
      {{ user: ledger, password: secret }}
      {{ user: reader, password: secret, permissions: {{ publish: {{ deny: "ledger.>" }} }} }}
    ]
  }}
  SYS {{ users: [ {{ user: system, password: secret }} ] }}
}}
system_account: SYS
"#,
            self.port,
            self.store().display(),
            self.sync_interval,
        );
        let file = self.folder.path().join("nats.conf");
        fs::write(&file, configuration).unwrap();
        let log = fs::File::create(self.folder.path().join("log")).unwrap();
        let mut command = Command::new(program());
        command.arg("--config").arg(&file).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().expect("nats-server is installed"));
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// Takes the disk back to what it holds now whenever the answer is called.
    pub fn snapshot(&self) -> impl Fn(&mut Self) + use<> {
        let copy = tempfile::tempdir().unwrap();
        copy_folder(&self.store(), copy.path());
        move |broker| {
            broker.kill();
            fs::remove_dir_all(broker.store()).unwrap();
            copy_folder(copy.path(), &broker.store());
            broker.restart();
        }
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if thread::panicking() {
            let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            eprintln!("the server's log:\n{log}");
        }
        self.kill();
    }
}
