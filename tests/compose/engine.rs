//! A Docker engine for the tests: the one that runs, or one of their own with all it keeps in a folder that goes with it.

use std::io::Read as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::program::{built, project, signal};

/// What images and containers take, with room to spare.
const ROOM_BYTES: u64 = 6 << 30;
const READY_WITHIN: Duration = Duration::from_secs(40);
const STOPPED_WITHIN: Duration = Duration::from_secs(40);

/// The images, named apart from those that anybody uses.
pub const NATS: &str = "loopledger-test/nats";
pub const POSTGRES: &str = "loopledger-test/postgres";
pub const LEDGER: &str = "loopledger-test/ledger";
const BASE: &str = "loopledger-test/debian";

pub struct Engine {
    /// As `docker compose` or as the plugin alone.
    compose: Vec<String>,
    /// Where the client finds it; as the environment says where nothing is told.
    host: Option<String>,
    own: Option<Own>,
}

/// It is stopped before its folder goes.
struct Own {
    daemon: Child,
    folder: TempDir,
}

impl Engine {
    /// One that has the images, or why there is none.
    pub fn find() -> Result<Self, String> {
        let mut engine = Self { compose: Vec::new(), host: None, own: None };
        engine.run("docker", &["--version"]).map_err(|_| "there is no `docker`".to_owned())?;
        engine.compose = engine.compose_plugin()?;
        if engine.run("docker", &["info"]).is_err() {
            engine.start()?;
        }
        engine.build()?;
        engine.try_out()?;
        Ok(engine)
    }

    fn compose_plugin(&self) -> Result<Vec<String>, String> {
        if self.run("docker", &["compose", "version"]).is_ok() {
            return Ok(vec!["docker".to_owned(), "compose".to_owned()]);
        }
        let tools = std::env::var_os("LOOPLEDGER_TOOLS").map(PathBuf::from);
        let tools = tools.unwrap_or_else(|| project().join(".tools"));
        let plugin = tools.join("docker-compose/usr/libexec/docker/cli-plugins/docker-compose");
        let plugin = plugin.to_string_lossy().into_owned();
        let runs = self.run(&plugin, &["version"]);
        let missing = |_| "there is no `docker compose`: `scripts/setup.sh --tests`".to_owned();
        runs.map(|_| vec![plugin]).map_err(missing)
    }

    /// An engine of our own.
    fn start(&mut self) -> Result<(), String> {
        if !rustix::process::geteuid().is_root() {
            return Err("no Docker engine runs, and only root may start one".to_owned());
        }
        let folder =
            TempDir::with_prefix("loopledger-engine-").map_err(|error| error.to_string())?;
        let free = rustix::fs::statvfs(folder.path()).map_err(|error| error.to_string())?;
        if free.f_bavail.saturating_mul(free.f_frsize) < ROOM_BYTES {
            return Err(format!("less than {ROOM_BYTES} bytes are free for a Docker engine"));
        }
        let path = |name: &str| folder.path().join(name);
        let log = std::fs::File::create(path("log")).map_err(|error| error.to_string())?;
        let host = format!("unix://{}", path("socket").display());
        let daemon = Command::new("dockerd")
            .arg("--data-root")
            .arg(path("data"))
            .arg("--exec-root")
            .arg(path("exec"))
            .arg("--pidfile")
            .arg(path("pid"))
            .args(["--host", &host, "--bridge", "none"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| {
                format!("no Docker engine runs and `dockerd` does not start: {error}")
            })?;
        self.host = Some(host);
        let own = self.own.insert(Own { daemon, folder });
        own.is_up(self.host.as_deref())
    }

    /// The images, out of Debian's packages and the programs that are built.
    fn build(&self) -> Result<(), String> {
        let suite = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
        let line = |name: &str| suite.lines().find_map(|line| line.strip_prefix(name));
        let (Some("debian"), Some(suite)) = (line("ID="), line("VERSION_CODENAME=")) else {
            return Err("this system is no Debian to make images like it of".to_owned());
        };
        let nats_server = nats_server().ok_or("there is no nats-server to put into an image")?;
        let programs = built("loopledger").parent().expect("it is in a folder").to_owned();
        let mut command = Command::new("timeout");
        command.args(["300", "tests/images/build.sh"]).arg(nats_server).arg(programs);
        command.current_dir(project()).env("SUITE", suite).env("BASE_IMAGE", BASE);
        command.env("NATS_IMAGE", NATS).env("POSTGRES_IMAGE", POSTGRES).env("LEDGER_IMAGE", LEDGER);
        self.finish(command).map(drop).map_err(|error| format!("no images can be made: {error}"))
    }

    /// Whether it runs a container as the deployment does, which reads a file of ours and can be reached from here.
    fn try_out(&self) -> Result<(), String> {
        let name = format!("loopledger-try-{}", std::process::id());
        let made = self.run("docker", &["network", "create", &name]);
        made.map_err(|error| format!("the Docker engine makes no network: {error}"))?;
        let tried = self.reach(&name);
        // There is none where it did not start.
        drop(self.run("docker", &["rm", "--force", &name]));
        let removed = self.run("docker", &["network", "rm", &name]);
        tried.and(removed.map(drop))
    }

    fn reach(&self, name: &str) -> Result<(), String> {
        let file = format!("{}:/file:ro", project().join("deploy/nats.conf").display());
        let serve = "test -s /file && exec nats-server --addr 0.0.0.0 --port 4222";
        let run = ["run", "--detach", "--name", name, "--network", name, "--volume", &file]
            .into_iter()
            .chain(["--publish", "127.0.0.1::4222", "--read-only", "--tmpfs", "/tmp"])
            .chain(["--cap-drop", "ALL", "--security-opt", "no-new-privileges:true"])
            .chain([NATS, "sh", "-c", serve]);
        let ran = self.run("docker", &run.collect::<Vec<_>>());
        ran.map_err(|error| format!("the Docker engine runs no container: {error}"))?;
        let place = self.run("docker", &["port", name, "4222/tcp"])?;
        let place = place.lines().next().unwrap_or_default().to_owned();
        for _ in 0..50 {
            if greets(&place) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        let log = self.run("docker", &["logs", name]).unwrap_or_default();
        Err(format!("a container of the Docker engine is not reached at {place}: {log}"))
    }

    /// What `docker compose` prints.
    pub fn compose(&self, arguments: &[&str]) -> Result<String, String> {
        let (program, first) = self.compose.split_first().expect("it was found");
        let mut command = Command::new("timeout");
        command.args(["300", program]).args(first).args(arguments).current_dir(project());
        self.finish(command)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new("timeout");
        command.args(["60", program]).args(arguments);
        self.finish(command)
    }

    /// Tells the command where the engine is.
    pub fn tell<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.envs(self.host.iter().map(|host| ("DOCKER_HOST", host)))
    }

    fn finish(&self, mut command: Command) -> Result<String, String> {
        let output = self
            .tell(&mut command)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| error.to_string())?;
        told(&output)
    }
}

/// What a command printed, or the end of its complaint.
fn told(output: &Output) -> Result<String, String> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = complaint.lines().collect();
    Err(format!("{}: {}", output.status, lines[lines.len().saturating_sub(8)..].join("; ")))
}

/// Whether a NATS server is there.
fn greets(place: &str) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(place)?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        let mut greeting = [0; 4];
        stream.read_exact(&mut greeting)?;
        std::io::Result::Ok(greeting)
    };
    ask().is_ok_and(|greeting| &greeting == b"INFO")
}

fn nats_server() -> Option<PathBuf> {
    let tools = std::env::var_os("LOOPLEDGER_TOOLS").map(PathBuf::from);
    let ours = tools.unwrap_or_else(|| project().join(".tools")).join("nats-server/usr/sbin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(ours).chain(std::env::split_paths(&path));
    folders.map(|folder| folder.join("nats-server")).find(|program| program.is_file())
}

impl Own {
    #[expect(clippy::disallowed_methods, reason = "a test gives up at a deadline")]
    fn is_up(&mut self, host: Option<&str>) -> Result<(), String> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            if let Ok(Some(status)) = self.daemon.try_wait() {
                return Err(format!("`dockerd` ended with {status}: {}", self.complaint()));
            }
            let mut ask = Command::new("timeout");
            ask.args(["10", "docker", "info"]).envs(host.map(|host| ("DOCKER_HOST", host)));
            if ask.output().is_ok_and(|output| output.status.success()) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("`dockerd` does not answer: {}", self.complaint()));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn complaint(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        log.lines().last().unwrap_or("it says nothing").to_owned()
    }

    #[expect(clippy::disallowed_methods, reason = "a test gives up at a deadline")]
    fn stop(&mut self) {
        if !matches!(self.daemon.try_wait(), Ok(None)) {
            return;
        }
        signal(&self.daemon, rustix::process::Signal::TERM);
        let deadline = Instant::now() + STOPPED_WITHIN;
        while matches!(self.daemon.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                drop(self.daemon.kill());
                drop(self.daemon.wait());
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.stop();
        unmount_below(self.folder.path());
    }
}

/// What an engine has left mounted, so that its folder can go.
fn unmount_below(folder: &Path) {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let places = mounts.lines().filter_map(|line| line.split(' ').nth(1));
    let mut ours: Vec<&str> = places.filter(|place| Path::new(place).starts_with(folder)).collect();
    ours.reverse();
    for place in ours {
        drop(Command::new("umount").arg(place).output());
    }
}
