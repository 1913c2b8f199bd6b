//! Chaos: clients trade in a small market while the program and its servers are killed and stopped; then the stored
//! facts, the answers that were given and the read model are compared by code that shares nothing with the program.
//!
//! `CHAOS_SEED` is the first seed and `CHAOS_SEEDS` how many there are; a seed always gives the same commands and faults.

#[path = "../system/program.rs"]
#[expect(dead_code, reason = "the system tests use the rest")]
mod program;

mod books;
mod checker;
mod faults;
mod journal;
mod load;
mod market;
mod nats;
mod random;

use std::sync::atomic::{AtomicBool, Ordering};

use faults::Supervised;
use journal::Commit;
use load::{Exchange, Load};
use market::Request;
use nats::Connection;
use program::{Ledger, wait_until};
use random::Random;

const CLIENTS: u64 = 4;
const REQUESTS: usize = 40;
const FAULTS: u64 = 4;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

#[test]
fn what_was_answered_is_stored_once_and_adds_up_whatever_was_killed() {
    let (first, seeds) = (number("CHAOS_SEED", 1), number("CHAOS_SEEDS", 1));
    for seed in first..first + seeds {
        println!("chaos: CHAOS_SEED={seed}");
        if has_rivals(seed) {
            faults::build_rivals();
        }
        let (summary, findings) = run(seed);
        let result = if findings.is_empty() { "all is well" } else { "WRONG" };
        println!("chaos: seed {seed}: {summary}: {result}");
        assert!(findings.is_empty(), "CHAOS_SEED={seed} CHAOS_SEEDS=1:\n{}", findings.join("\n"));
    }
}

/// Every other seed has two writers for two of the contexts.
const fn has_rivals(seed: u64) -> bool {
    seed.is_multiple_of(2)
}

/// What happened, and what was wrong with it.
fn run(seed: u64) -> (String, Vec<String>) {
    let mut random = Random::new(seed);
    let plans: Vec<Vec<Request>> = (0..CLIENTS)
        .map(|client| market::Client::new(client, random.split()).plan(REQUESTS))
        .collect();
    let commands = plans.iter().flatten().map(|request| request.commands.len() as u64).sum();
    let schedule = faults::schedule(&mut random, FAULTS, commands);
    let ledger = Ledger::new();
    let load = Load::new(ledger.data());
    let mut program = Supervised::start(&ledger, has_rivals(seed));
    let (setting, ended) = (market::setting(), AtomicBool::new(false));
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let _ended = Ends(&ended);
            load.run(&setting);
            std::thread::scope(|clients| {
                plans.iter().for_each(|plan| drop(clients.spawn(|| load.run(plan))));
            });
        });
        program.run(&load, &schedule, &ended);
    });
    again(&load, &plans, &mut program);
    let (commits, exchanges) = (stored(&ledger, &mut program), load.exchanges());
    let mut findings = checker::check(&commits, &exchanges);
    let books = books::fold(&commits);
    findings.extend_from_slice(&books.findings);
    if books.findings.is_empty() {
        let (vouchers, flows) = (ledger.query(&["vouchers"]), ledger.query(&["flows"]));
        findings.extend(books.compare(&vouchers, &flows, commits.len() as u64));
    }
    let starts = program.starts;
    if program.stop() != Some(0) {
        findings.push("the program did not stop cleanly".to_owned());
    }
    let accepted = count(&exchanges, "accepted");
    let refused = count(&exchanges, "refused");
    let (repeats, all) = (load.repeats.load(Ordering::Relaxed), exchanges.len());
    let summary = format!(
        "{all} commands answered ({accepted} accepted, {refused} refused), {repeats} requests repeated, \
         faults {:?}, {starts} starts, {} commits; {}",
        schedule.iter().map(|fault| (fault.victim, fault.stopped.is_some())).collect::<Vec<_>>(),
        commits.len(),
        books.summary()
    );
    (summary, findings)
}

/// Says that the load has ended, also where it panicked.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn count(exchanges: &[Exchange], answer: &str) -> usize {
    exchanges.iter().filter(|exchange| exchange.answer["answer"] == answer).count()
}

/// Everything once more, after all kills: each command gets the answer that it had.
fn again(load: &Load, plans: &[Vec<Request>], program: &mut Supervised<'_>) {
    let calm =
        |request: &Request| Request { cut: false, stop_at_refusal: false, ..request.clone() };
    let answered: Vec<Exchange> = load.exchanges();
    let skipped = |request: &Request| {
        request.commands.iter().any(|(id, _)| {
            let mut same = answered.iter().filter(|exchange| exchange.id == *id);
            same.any(|exchange| exchange.answer["answer"] == "skipped")
        })
    };
    program.keep();
    let all = plans.iter().flatten().filter(|request| !skipped(request));
    load.run(&all.map(calm).collect::<Vec<_>>());
}

fn stored(ledger: &Ledger, program: &mut Supervised<'_>) -> Vec<Commit> {
    let mut commits = None;
    wait_until("the journal can be read", || {
        program.keep();
        let url = load::nats_url(&ledger.data());
        let connection = url.and_then(|url| Connection::open(&url).ok());
        commits = connection.and_then(|mut open| journal::read(&mut open).ok());
        commits.is_some()
    });
    commits.expect("it was read")
}
