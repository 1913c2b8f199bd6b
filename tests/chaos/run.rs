//! One run: a scenario with a seed, from an empty ledger to what is wrong with the result.
//!
//! Invariant: however it went, in the end everything that was ever asked is asked again, and all that is stored is checked.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::damage::{self, Damage};
use crate::disk::Disk;
use crate::faults::{self, Supervised, Victim};
use crate::journal::{self, Commit};
use crate::load::{Exchange, Load, nats_url};
use crate::market::{self, Request};
use crate::nats::Connection;
use crate::nodes::Nodes;
use crate::program::{Ledger, wait_until};
use crate::proxy::Proxy;
use crate::random::Random;
use crate::scenario::Scenario;
use crate::{books, checker};

const CLIENTS: u64 = 4;
const REQUESTS: usize = 30;

/// What happened, and what was wrong with it.
pub struct Outcome {
    pub summary: String,
    pub findings: Vec<String>,
}

/// A run on its way.
struct Course<'a> {
    ledger: &'a Ledger,
    load: Load,
    program: Supervised<'a>,
    plans: Vec<Vec<Request>>,
    /// What was done to the system, in words.
    done: String,
    findings: Vec<String>,
}

pub fn run(scenario: Scenario, seed: u64) -> Outcome {
    let mut random = Random::new(seed);
    let plans: Vec<Vec<Request>> = (0..CLIENTS)
        .map(|client| market::Client::new(client, random.split()).plan(REQUESTS))
        .collect();
    let (mut ledger, mut nodes, mut proxy, mut disk) = (Ledger::new(), None, None, None);
    match scenario {
        Scenario::Network => {
            let own = Nodes::start(&ledger.data().with_file_name("nodes"), 1);
            let before = Proxy::start(own.address(0), random.split()).expect("a free port");
            ledger.environment.push(("NATS_URL", Nodes::url_by(before.address())));
            (nodes, proxy) = (Some(own), Some(before));
        }
        Scenario::Cluster => {
            let own = Nodes::start(&ledger.data().with_file_name("nodes"), 3);
            let copies = ("LEDGER_REPLICAS", own.count().to_string());
            ledger.environment.extend([("NATS_URL", own.urls()), copies]);
            nodes = Some(own);
        }
        Scenario::Disk => match Disk::mount(&ledger.data().join("nats/store")) {
            Ok(mounted) => disk = Some(mounted),
            Err(reason) => {
                let summary = format!("SKIPPED, a disk cannot be mounted here: {reason}");
                return Outcome { summary, findings: Vec::new() };
            }
        },
        Scenario::Kills | Scenario::Rivals | Scenario::Damage | Scenario::Older => {}
    }
    let load = Load::new(ledger.data());
    let program = Supervised::start(&ledger, scenario.has_rivals(), nodes, disk);
    let (done, findings) = (String::new(), Vec::new());
    let mut course = Course { ledger: &ledger, load, program, plans, done, findings };
    course.obtain(&[market::setting()], &[]);
    // On a bad network a start may fail; nothing else has happened yet.
    if course.program.starts > 1 && scenario != Scenario::Network {
        course.findings.push(format!("the first start failed: {}", faults::last_words(&ledger)));
    }
    match scenario {
        Scenario::Kills | Scenario::Rivals => {
            course.trade_under(&mut random, &[Victim::Program, Victim::Nats, Victim::Postgres], 3);
        }
        Scenario::Network => {
            course.trade_under(&mut random, &[Victim::Program, Victim::Node, Victim::Postgres], 1);
        }
        Scenario::Cluster => course.trade_under(&mut random, &[Victim::Node], 3),
        Scenario::Disk => course.trade_under(&mut random, &[Victim::Disk], 1),
        Scenario::Damage => course.damaged(&mut random),
        Scenario::Older => course.older_database(&mut random),
    }
    course.end(proxy.as_ref())
}

impl Course<'_> {
    /// All that the clients have planned, with so many faults on the way.
    fn trade_under(&mut self, random: &mut Random, victims: &[Victim], faults: u64) {
        let commands = self.plans.iter().flatten();
        let commands = commands.map(|request| request.commands.len() as u64).sum();
        let schedule = faults::schedule(random, victims, faults, commands);
        let done = schedule.iter().map(|fault| (fault.victim, fault.stopped));
        self.done = format!("{:?}", done.collect::<Vec<_>>());
        self.trade(0, 1, &schedule);
    }

    /// The `part`th of so many parts of what the clients have planned.
    fn trade(&mut self, part: usize, of: usize, schedule: &[faults::Fault]) {
        let share = REQUESTS.div_ceil(of);
        let plans = self.plans.iter().filter_map(|plan| plan.chunks(share).nth(part));
        let plans: Vec<Vec<Request>> = plans.map(<[Request]>::to_vec).collect();
        self.obtain(&plans, schedule);
    }

    /// Each client's requests, while the program is kept running.
    fn obtain(&mut self, plans: &[Vec<Request>], schedule: &[faults::Fault]) {
        let (load, ended) = (&self.load, AtomicBool::new(false));
        std::thread::scope(|threads| {
            threads.spawn(|| {
                let _ended = Ends(&ended);
                std::thread::scope(|clients| {
                    plans.iter().for_each(|plan| drop(clients.spawn(|| load.run(plan))));
                });
            });
            self.program.run(load, schedule, &ended);
        });
    }

    fn damaged(&mut self, random: &mut Random) {
        self.trade(0, 2, &[]);
        self.archived();
        let before = self.stored();
        if random.percent(50) {
            self.program.break_down();
        } else {
            self.program.stop();
        }
        let damage = damage::inflict(&self.ledger.data().join("nats/store"), random);
        self.program.start_again();
        let refused = self.refused();
        self.done = format!("{damage:?}, {}", if refused { "refused" } else { "started" });
        let told = |found: &Value| found["problems"][0]["position"].as_u64();
        if !refused {
            // A bit changed in the middle is not looked at yet; what is recorded now must not suffer.
            self.expect(!matches!(damage, Damage::Truncated(_)), "it starts on a cut journal");
            self.trade(1, 2, &[]);
            self.verified();
            self.program.stop();
        }
        let found = self.verified();
        let first = told(&found);
        self.done += &format!(", first bad position {first:?}");
        if found["ok"] == true {
            self.expect(!refused, "a start is refused on a sound journal");
        } else {
            let named = first.is_some_and(|first| first <= before.len() as u64);
            self.expect(named, &format!("the first bad position is not told: {found}"));
            let repaired = self.ledger.run(&["repair"]);
            self.expect(repaired.code == Some(0), &repaired.text());
        }
        self.program.start_again();
        let after = self.stored();
        let same = |(old, new): (&Commit, &Commit)| {
            (old.position, &old.subject, &old.body, old.header("ce-previoushash"))
                == (new.position, &new.subject, &new.body, new.header("ce-previoushash"))
        };
        let whole = after.len() >= before.len() && before.iter().zip(&after).all(same);
        self.expect(whole, "what was archived before the damage is not in the journal again");
        if refused {
            self.trade(1, 2, &[]);
        }
    }

    /// Whether the program, just started on a damaged journal, ends by itself and says why.
    fn refused(&mut self) -> bool {
        let log = faults::log_file(self.ledger, "up");
        let said = std::fs::read_to_string(&log).map_or(0, |text| text.len());
        wait_until("the program has started or has ended", || {
            self.program.has_ended() || self.program.has_started()
        });
        if !self.program.has_ended() {
            return false;
        }
        let text = std::fs::read_to_string(&log).expect("the program's own words");
        let told = &text[said.min(text.len())..];
        let named = told.contains("position") && told.contains("loopledger repair");
        self.expect(named, &format!("a start is refused without place or remedy: {told}"));
        true
    }

    fn older_database(&mut self, random: &mut Random) {
        let database = self.ledger.data().join("postgres");
        let backup = self.ledger.data().with_file_name("backup");
        self.trade(0, 3, &[]);
        self.program.stop();
        damage::copy(&database, &backup);
        self.program.start_again();
        self.trade(1, 3, &[]);
        let broken_down = random.percent(50);
        if broken_down {
            self.program.break_down();
        } else {
            self.program.stop();
        }
        damage::replace(&database, &backup);
        self.done = format!("backup restored, broken down before: {broken_down}");
        self.program.start_again();
        self.trade(2, 3, &[]);
    }

    /// What `verify` says.
    fn verified(&self) -> Value {
        let answer = self.ledger.run(&["verify", "--json"]);
        serde_json::from_str(&answer.stdout).unwrap_or_else(|_| panic!("{}", answer.text()))
    }

    /// Waits until the archive has every commit of a journal that is whole.
    fn archived(&mut self) {
        let found = self.verified();
        let whole = found["ok"] == true && found["position"] == found["archived"];
        self.expect(whole, &format!("the archive is not the journal: {found}"));
    }

    fn expect(&mut self, holds: bool, otherwise: &str) {
        if !holds {
            self.findings.push(otherwise.to_owned());
        }
    }

    /// Everything once more, after all faults: each command gets the answer that it had.
    fn again(&mut self) {
        let calm =
            |request: &Request| Request { cut: false, stop_at_refusal: false, ..request.clone() };
        let answered: Vec<Exchange> = self.load.exchanges();
        let skipped = |request: &Request| {
            request.commands.iter().any(|(id, _)| {
                let mut same = answered.iter().filter(|exchange| exchange.id == *id);
                same.any(|exchange| exchange.answer["answer"] == "skipped")
            })
        };
        let all = self.plans.iter().flatten().filter(|request| !skipped(request));
        let all = all.map(calm).collect();
        self.obtain(&[all], &[]);
    }

    fn stored(&mut self) -> Vec<Commit> {
        let mut commits = None;
        wait_until("the journal can be read", || {
            self.program.keep();
            let url = nats_url(&self.ledger.data());
            let connection = url.and_then(|url| Connection::open(&url).ok());
            commits = connection.and_then(|mut open| journal::read(&mut open).ok());
            commits.is_some()
        });
        commits.expect("it was read")
    }

    fn end(mut self, proxy: Option<&Proxy>) -> Outcome {
        self.again();
        if let Some(proxy) = proxy {
            proxy.calm();
            self.done += &format!(", {}", proxy.summary());
        }
        let (commits, exchanges) = (self.stored(), self.load.exchanges());
        self.findings.extend(checker::check(&commits, &exchanges));
        let books = books::fold(&commits);
        self.findings.extend_from_slice(&books.findings);
        if books.findings.is_empty() {
            let (vouchers, flows) =
                (self.ledger.query(&["vouchers"]), self.ledger.query(&["flows"]));
            self.findings.extend(books.compare(&vouchers, &flows, commits.len() as u64));
        }
        self.archived();
        let stopped = self.program.stop();
        self.expect(stopped == Some(0), "the program did not stop cleanly");
        let count = |answer: &str| {
            exchanges.iter().filter(|exchange| exchange.answer["answer"] == answer).count()
        };
        let (accepted, refused) = (count("accepted"), count("refused"));
        let (repeats, all) = (self.load.repeats.load(Ordering::Relaxed), exchanges.len());
        let summary = format!(
            "{}; {all} commands answered ({accepted} accepted, {refused} refused), {repeats} requests \
             repeated, {} starts, {} commits; {}",
            self.done,
            self.program.starts,
            commits.len(),
            books.summary()
        );
        Outcome { summary, findings: self.findings }
    }
}

/// Says that the load has ended, also where it panicked.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
