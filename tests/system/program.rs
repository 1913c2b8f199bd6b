//! The program under test, and a data folder for it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// The project's folder.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the project")
}

pub fn scenario(name: &str) -> PathBuf {
    project().join("tests/scenarios").join(name)
}

/// A folder of files, by name and text.
pub fn folder_of<N: AsRef<Path>, T: AsRef<[u8]>>(
    files: impl IntoIterator<Item = (N, T)>,
) -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("our own folder");
    }
    folder
}

/// The program, built once for all tests.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        build(&["-p", "loopledger", "--bin", "loopledger"]);
        built("loopledger")
    })
}

/// A program that only the tests run, as `scripts/setup.sh --tests` installs it.
#[track_caller]
pub fn tool(path: &str) -> PathBuf {
    let tools = std::env::var_os("LOOPLEDGER_TOOLS").map(PathBuf::from);
    let program = tools.unwrap_or_else(|| project().join(".tools")).join(path);
    assert!(program.is_file(), "{} is missing: `scripts/setup.sh --tests`", program.display());
    program
}

/// Where cargo puts a program of the project.
pub fn built(program: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this test is a file");
    test.ancestors().nth(2).expect("target/<profile>/deps/<test>").join(program)
}

/// Builds programs, unless the environment says that all of them are built.
pub fn build(what: &[&str]) {
    if std::env::var_os("LOOPLEDGER_BUILT").is_some() {
        return;
    }
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet"])
        .args(what)
        .current_dir(project())
        .status()
        .expect("cargo runs");
    assert!(built.success(), "{what:?} builds");
}

/// A ledger in a data folder of its own, gone with the test.
pub struct Ledger {
    folder: TempDir,
    /// Variables that the program is told.
    pub environment: Vec<(&'static str, String)>,
}

pub struct Answer {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ledger {
    pub fn new() -> Self {
        use std::os::unix::fs::PermissionsExt;
        let folder = TempDir::with_prefix("loopledger-test-").expect("a temporary folder");
        // PostgreSQL's unprivileged user has to pass through it when the tests run as root.
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755))
            .expect("our own folder");
        Self { folder, environment: Vec::new() }
    }

    pub fn environment(&self) -> impl Iterator<Item = (&str, &str)> {
        self.environment.iter().map(|(name, value)| (*name, value.as_str()))
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command
            .args(arguments)
            .arg("--data")
            .arg(self.data())
            .current_dir(project())
            .env_remove("NATS_URL")
            .env_remove("DATABASE_URL")
            .env_remove("RUST_LOG")
            .envs(self.environment())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Answer {
        let Output { status, stdout, stderr } =
            self.command(arguments).output().expect("the program runs");
        let text = |bytes| String::from_utf8(bytes).expect("the program prints UTF-8");
        Answer { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    pub fn import(&self, bundle: &Path) -> Answer {
        self.run(&["import", bundle.to_str().expect("a readable path")])
    }

    /// A query's JSON.
    pub fn query(&self, arguments: &[&str]) -> Value {
        let answer = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(answer.code, Some(0), "{}", answer.stderr);
        serde_json::from_str(&answer.stdout).expect("a query prints JSON")
    }

    /// Everything that the four queries say.
    pub fn everything(&self) -> Value {
        let utilization = &["utilization", "--from", "2025-02-01", "--to", "2025-09-01"];
        serde_json::json!({
            "loops": self.query(&["loops"]),
            "flows": self.query(&["flows"]),
            "utilization": self.query(utilization),
            "vouchers": self.query(&["vouchers"]),
        })
    }
}

impl Answer {
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        self
    }

    pub fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// `loopledger up`, running.
pub struct Up {
    pub process: Child,
}

impl Up {
    pub fn start(ledger: &Ledger) -> Self {
        Self::start_with(ledger, &[])
    }

    pub fn start_with(ledger: &Ledger, environment: &[(&str, &str)]) -> Self {
        let mut command = ledger.command(&["up", "--http", "127.0.0.1:0"]);
        command.envs(environment.iter().copied()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = command.spawn().expect("the program starts");
        let description = ledger.data().join("stack.json");
        wait_until("the stack describes itself", || {
            if let Some(status) = process.try_wait().expect("our own child") {
                panic!("`up` ended with {status}");
            }
            // One that a killed stack has left names another process.
            let pid = format!("\"pid\": {},", process.id());
            std::fs::read_to_string(&description).is_ok_and(|text| text.contains(&pid))
        });
        Self { process }
    }

    /// Ends it as Ctrl-C does.
    pub fn interrupt(mut self) -> Option<i32> {
        signal(&self.process, rustix::process::Signal::INT);
        self.process.wait().expect("our own child").code()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        if self.process.try_wait().is_ok_and(|ended| ended.is_some()) {
            return;
        }
        signal(&self.process, rustix::process::Signal::INT);
        drop(self.process.wait());
    }
}

pub fn signal(process: &Child, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_child(process);
    rustix::process::kill_process(pid, signal).expect("our own child");
}

/// Processes whose command line names the folder.
pub fn processes_on(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().expect("a readable path");
    let entries = std::fs::read_dir("/proc").expect("a Linux system");
    let command_line = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.ok()?.path();
        path.file_name()?.to_str()?.parse::<u32>().ok()?;
        let line = std::fs::read(path.join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&line).replace('\0', " "))
    };
    entries.filter_map(command_line).filter(|line| line.contains(folder)).collect()
}

#[track_caller]
pub fn wait_until(what: &str, condition: impl FnMut() -> bool) {
    poll_until(Duration::from_millis(20), what, condition);
}

#[expect(clippy::disallowed_methods, reason = "a test gives up at a deadline")]
#[track_caller]
pub fn poll_until(pause: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(pause);
    }
}

/// A copy of lp-loop that a test may change.
pub struct Bundle {
    pub folder: TempDir,
}

impl Bundle {
    pub fn lp_loop() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        for entry in std::fs::read_dir(scenario("lp-loop")).expect("the scenario is there") {
            let path = entry.expect("the scenario can be read").path();
            let name = path.file_name().expect("a file has a name");
            std::fs::copy(&path, folder.path().join(name)).expect("our own folder");
        }
        Self { folder }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Replaces text that has to be there once.
    #[track_caller]
    pub fn replace(self, file: &str, old: &str, new: &str) -> Self {
        let path = self.folder.path().join(file);
        let text = std::fs::read_to_string(&path).expect("the file is there");
        assert_eq!(text.matches(old).count(), 1, "{old} in {file}");
        std::fs::write(&path, text.replace(old, new)).expect("our own folder");
        self
    }

    pub fn append(self, file: &str, line: &str) -> Self {
        let path = self.folder.path().join(file);
        let text = std::fs::read_to_string(&path).expect("the file is there");
        std::fs::write(&path, format!("{}\n{line}\n", text.trim_end())).expect("our own folder");
        self
    }
}
