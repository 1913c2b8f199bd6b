//! The running program, and what is done to it: kills and stops of it and of its servers, a full disk.
//!
//! Invariant: whatever ends is started again, so that clients need only patience.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::disk::Disk;
use crate::load::{Load, nats_url};
use crate::nodes::Nodes;
use crate::program::{Ledger, built, wait_until};
use crate::random::Random;

/// Services that may run a second time beside the program.
const RIVALS: [&str; 2] = ["loopledger-voucher", "loopledger-purchase"];
/// How long the program has to stop by itself once its NATS server is gone.
const STOPS_WITHIN: Duration = Duration::from_secs(1);
/// As many lines of what the program said are shown when a run breaks down.
const LAST_WORDS: usize = 30;
/// How long a server of the test's own stays away once it was killed.
const AWAY: Duration = Duration::from_millis(700);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Victim {
    Program,
    Nats,
    Postgres,
    /// One of the test's own NATS servers, the next one each time.
    Node,
    /// The disk that the journal is on.
    Disk,
}

#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// It comes when so many commands were answered.
    pub at: u64,
    pub victim: Victim,
    /// Killed, or stopped for so long; a disk is full.
    pub stopped: Option<Duration>,
}

/// Faults spread over a run of about so many commands.
pub fn schedule(random: &mut Random, victims: &[Victim], faults: u64, commands: u64) -> Vec<Fault> {
    let share = commands / (faults + 1);
    let fault = |number: u64| {
        let at = share * (number + 1) - random.between(0, share / 2);
        let victim = *random.pick(victims);
        let stopped = victim == Victim::Disk || random.percent(40);
        let stopped = stopped.then(|| Duration::from_millis(random.between(500, 2000)));
        Fault { at, victim, stopped }
    };
    (0..faults).map(fault).collect()
}

/// `loopledger up`, kept running, and services beside it that write to the same journal.
pub struct Supervised<'a> {
    ledger: &'a Ledger,
    up: Child,
    /// The services' programs, the address that they were given, and they themselves.
    rivals: Option<(Vec<&'static str>, String, Vec<Child>)>,
    pub starts: u32,
    /// When the program's NATS server was killed.
    orphaned: Option<Instant>,
    /// Where the journal is when the program has no server of its own.
    nodes: Option<Nodes>,
    /// How many of those were harmed.
    turns: usize,
    disk: Option<Disk>,
}

#[expect(clippy::disallowed_methods, reason = "patience ends at a deadline")]
fn now() -> Instant {
    Instant::now()
}

impl<'a> Supervised<'a> {
    pub fn start(
        ledger: &'a Ledger,
        rivals: bool,
        nodes: Option<Nodes>,
        disk: Option<Disk>,
    ) -> Self {
        let up = up(ledger);
        let rivals = rivals.then(|| (RIVALS.to_vec(), String::new(), Vec::new()));
        Self { ledger, up, rivals, starts: 1, orphaned: None, nodes, turns: 0, disk }
    }

    /// Does what is due until the load has ended and nothing is due any more.
    pub fn run(&mut self, load: &Load, faults: &[Fault], ended: &AtomicBool) {
        let mut due = faults.iter();
        while !(ended.load(Ordering::Relaxed) && due.as_slice().is_empty()) {
            self.keep();
            let answered = load.answered.load(Ordering::Relaxed);
            if let Some(fault) = due.as_slice().first()
                && fault.at <= answered
                && self.inflict(*fault)
            {
                due.next();
            }
            assert!(!load.failed(), "a client has failed");
            std::thread::sleep(Duration::from_millis(10));
        }
        self.keep();
    }

    /// Starts again what has ended. A program that has lost its journal is waited for, for a while,
    /// and then killed too, as a service manager does.
    pub fn keep(&mut self) {
        if self.orphaned.is_some_and(|since| now() - since > STOPS_WITHIN) {
            kill_process(Pid::from_child(&self.up), Signal::KILL).expect("our own child");
            drop(self.up.wait());
        }
        if self.has_ended() {
            self.start_again();
        }
        let Some((programs, address, running)) = &mut self.rivals else { return };
        let Some(url) = nats_url(&self.ledger.data()) else { return };
        let ended = |child: &mut Child| child.try_wait().expect("our own child").is_some();
        if *address == url && !running.iter_mut().any(ended) {
            return;
        }
        running.drain(..).for_each(end);
        *running = programs.iter().map(|program| service(self.ledger, program, &url)).collect();
        *address = url;
    }

    pub fn has_ended(&mut self) -> bool {
        self.up.try_wait().expect("our own child").is_some()
    }

    pub fn start_again(&mut self) {
        self.up = up(self.ledger);
        self.starts += 1;
        self.orphaned = None;
    }

    pub fn has_started(&self) -> bool {
        // One that a killed stack has left names another process.
        let pid = format!("\"pid\": {},", self.up.id());
        let description = fs::read_to_string(self.ledger.data().join("stack.json"));
        description.is_ok_and(|text| text.contains(&pid))
    }

    /// Whether there was anything to do it to.
    fn inflict(&mut self, fault: Fault) -> bool {
        let node = self.turns % self.nodes.as_ref().map_or(1, Nodes::count);
        let pids = match fault.victim {
            Victim::Disk => return self.fill(fault.stopped.expect("a disk is full for a time")),
            Victim::Node => {
                self.turns += 1;
                vec![self.nodes.as_ref().expect("there are some").pid(node)]
            }
            Victim::Program => vec![Pid::from_child(&self.up)],
            Victim::Nats => processes(&self.ledger.data(), "nats-server"),
            Victim::Postgres if fault.stopped.is_some() => {
                processes(&self.ledger.data(), "postgres")
            }
            Victim::Postgres => postmaster(&self.ledger.data()).into_iter().collect(),
        };
        let send = |signal| {
            for pid in &pids {
                // One that has just ended is none the less out of order.
                let _ = kill_process(*pid, signal);
            }
        };
        match fault.stopped {
            None => send(Signal::KILL),
            Some(time) => {
                send(Signal::STOP);
                std::thread::sleep(time);
                send(Signal::CONT);
            }
        }
        if fault.stopped.is_none() {
            match &mut self.nodes {
                Some(nodes) if fault.victim == Victim::Node => {
                    std::thread::sleep(AWAY);
                    nodes.start_again(node);
                }
                _ if fault.victim == Victim::Nats && !pids.is_empty() => {
                    self.orphaned = Some(now());
                }
                _ => {}
            }
        }
        !pids.is_empty()
    }

    /// Fills the disk and frees it. A nats-server that could not write once does not write again until it is
    /// started anew, so that is done too.
    fn fill(&mut self, time: Duration) -> bool {
        let disk = self.disk.as_ref().expect("there is one");
        disk.fill();
        std::thread::sleep(time);
        disk.free();
        self.inflict(Fault { at: 0, victim: Victim::Nats, stopped: None })
    }

    /// Ends the program as Ctrl-C does; what it says of its end.
    pub fn stop(&mut self) -> Option<i32> {
        if let Some((_, _, running)) = &mut self.rivals {
            running.drain(..).for_each(end);
        }
        kill_process(Pid::from_child(&self.up), Signal::INT).expect("our own child");
        self.up.wait().expect("our own child").code()
    }

    /// Ends the program and its servers as a power failure does.
    pub fn break_down(&mut self) {
        kill_process(Pid::from_child(&self.up), Signal::KILL).expect("our own child");
        self.up.wait().expect("our own child");
        let data = self.ledger.data();
        let orphans = || [processes(&data, "nats-server"), processes(&data, "postgres")].concat();
        wait_until("the servers have ended", || {
            for pid in orphans() {
                // One may have ended meanwhile.
                let _ = kill_process(pid, Signal::KILL);
            }
            orphans().is_empty()
        });
    }
}

impl Drop for Supervised<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("chaos: the program's last words:\n{}", last_words(self.ledger));
        }
        if let Some((_, _, running)) = self.rivals.take() {
            running.into_iter().for_each(end);
        }
        if self.up.try_wait().is_ok_and(|ended| ended.is_none()) {
            let _ = kill_process(Pid::from_child(&self.up), Signal::INT);
            drop(self.up.wait());
        }
    }
}

fn end(mut child: Child) {
    // It may have ended by itself.
    drop(child.kill());
    drop(child.wait());
}

/// What the processes say goes to files beside the data folder's.
fn log(ledger: &Ledger, name: &str) -> File {
    let path = log_file(ledger, name);
    File::options().create(true).append(true).open(path).expect("our own folder")
}

/// The end of what the program has said.
pub fn last_words(ledger: &Ledger) -> String {
    let text = fs::read_to_string(log_file(ledger, "up")).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LAST_WORDS)..].join("\n")
}

pub fn log_file(ledger: &Ledger, name: &str) -> PathBuf {
    ledger.data().with_file_name(format!("{name}.log"))
}

fn up(ledger: &Ledger) -> Child {
    let mut command = ledger.command(&["up", "--http", "127.0.0.1:0"]);
    command.stdout(Stdio::null()).stderr(log(ledger, "up"));
    command.spawn().expect("the program starts")
}

fn service(ledger: &Ledger, program: &str, nats_url: &str) -> Child {
    let mut command = Command::new(built(program));
    command
        .envs(ledger.environment())
        .env("NATS_URL", nats_url)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command.stderr(log(ledger, program)).spawn().expect("the service starts")
}

/// The processes of this name whose current folder is in the data folder.
fn processes(data: &Path, name: &str) -> Vec<Pid> {
    let Ok(data) = data.canonicalize() else { return Vec::new() };
    let is_one = |pid: &i32| {
        let process = Path::new("/proc").join(pid.to_string());
        let named =
            fs::read_to_string(process.join("comm")).is_ok_and(|comm| comm.trim_end() == name);
        named && fs::read_link(process.join("cwd")).is_ok_and(|current| current.starts_with(&data))
    };
    let entries = fs::read_dir("/proc").expect("a Linux system").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(is_one).filter_map(Pid::from_raw).collect()
}

/// PostgreSQL's first process; the others end with it.
fn postmaster(data: &Path) -> Option<Pid> {
    let text = fs::read_to_string(data.join("postgres/data/postmaster.pid")).ok()?;
    let pid = Pid::from_raw(text.lines().next()?.parse().ok()?)?;
    // The file of one that was killed stays, and its number may be another's by now.
    processes(data, "postgres").contains(&pid).then_some(pid)
}
