//! Chaos: clients trade in a small market while the program, its servers, its network and its disk fail; then the
//! stored facts, the answers that were given and the read model are compared by code that shares nothing with the program.
//!
//! `CHAOS_SEED` is the first seed and `CHAOS_SEEDS` how many there are. A seed chooses a scenario, or `CHAOS_SCENARIO`
//! names it, and always gives the same commands and faults.

#[path = "../system/program.rs"]
#[expect(dead_code, reason = "the system tests use the rest")]
mod program;

mod books;
mod checker;
mod damage;
mod disk;
mod faults;
mod journal;
mod load;
mod market;
mod nats;
mod nodes;
mod proxy;
mod random;
mod run;
mod scenario;

use std::panic::catch_unwind;
use std::sync::Once;
use std::time::Instant;

use run::Outcome;
use scenario::Scenario;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// The result on a line, and whether all was well.
#[expect(clippy::disallowed_methods, reason = "a run is timed")]
fn try_out(scenario: Scenario, seed: u64) -> (String, bool) {
    println!("chaos: CHAOS_SCENARIO={scenario} CHAOS_SEED={seed}");
    static BUILT: Once = Once::new();
    BUILT.call_once(|| program::build(&["--workspace", "--bins"]));
    let began = Instant::now();
    let ended = catch_unwind(|| run::run(scenario, seed));
    let (summary, findings) = match ended {
        Ok(Outcome { summary, findings }) => (summary, findings),
        Err(panic) => {
            let said = panic.downcast_ref::<String>().cloned();
            (String::new(), vec![said.unwrap_or_else(|| "it broke down, see above".to_owned())])
        }
    };
    let (seconds, well) = (began.elapsed().as_secs(), findings.is_empty());
    let result = if well { "all is well".to_owned() } else { "WRONG".to_owned() };
    println!("chaos: {scenario} {seed}: {summary}: {result} ({seconds} s)");
    findings.iter().for_each(|finding| println!("chaos: {scenario} {seed}: {finding}"));
    (format!("{scenario} {seed}: {result}"), well)
}

#[track_caller]
fn assert_well(scenario: Scenario) {
    let (result, well) = try_out(scenario, number("CHAOS_SEED", 1));
    assert!(well, "{result}");
}

#[test]
fn what_was_answered_is_stored_once_and_adds_up_whatever_the_seed() {
    let (first, seeds) = (number("CHAOS_SEED", 1), number("CHAOS_SEEDS", 1));
    let named = std::env::var("CHAOS_SCENARIO").ok();
    let results: Vec<(String, bool)> = (first..first + seeds)
        .map(|seed| {
            let named = named.as_deref().map(Scenario::named);
            try_out(named.unwrap_or_else(|| Scenario::of_seed(seed)), seed)
        })
        .collect();
    let list: Vec<&str> = results.iter().map(|(result, _)| result.as_str()).collect();
    println!("chaos: {seeds} runs\n  {}", list.join("\n  "));
    let wrong = results.iter().filter(|(_, well)| !well).count();
    assert!(wrong == 0, "{wrong} of {seeds} runs were not well");
}

#[test]
fn nothing_is_lost_or_doubled_on_a_network_that_delays_repeats_and_cuts() {
    assert_well(Scenario::Network);
}

#[test]
fn a_journal_cut_short_or_changed_is_noticed_and_mended() {
    assert_well(Scenario::Damage);
}

#[test]
fn a_full_disk_costs_nothing_but_time() {
    assert_well(Scenario::Disk);
}

#[test]
fn an_older_database_catches_up_with_the_journal() {
    assert_well(Scenario::Older);
}

#[test]
fn three_servers_outlive_the_loss_of_each() {
    assert_well(Scenario::Cluster);
}
