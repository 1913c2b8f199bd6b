//! The questions that the ledger is for, each answered over HTTP to whoever asks it.
//!
//! One ledger holds the worked example with a holding over two of its buyers, a lock on a contract that was never
//! executed, a settlement with another one's reference and a card that two providers say they have; Shanghai's year; a half-dark centre; a guidance fund.

use serde_json::Value;

use crate::http::{Caller, Http};
use crate::program::{Bundle, Ledger, Up, folder_of, scenario};
use crate::programmes::reviewed;

mod manager;
mod provider;
mod regulator;

/// The ledger with everything in it, and somebody of each role.
struct Asked<'a> {
    ledger: &'a Ledger,
    /// When the worked example was known and what was added to it was not.
    earlier: String,
    operator: Caller<'a>,
    regulator: Caller<'a>,
    provider: Caller<'a>,
    manager: Caller<'a>,
}

/// Asks, and holds the answer against what was worked out by hand.
type Question = fn(&Asked<'_>);

/// The worked example and what its questions need beside it.
fn example() -> Bundle {
    Bundle::lp_loop()
        .append("parties.csv", "holding-h,Holding H,company,CN,,")
        .append(
            "ownership.csv",
            "holding-h,company-c,60,2024-01-01,\nholding-h,company-d,60,2024-01-01,",
        )
        .append("locks.csv", "lk-9,v-d1,k-5,100000,2025-03-20")
        .append("terminations.csv", "k-3,2025-06-01,ended_early,100000")
}

fn without_known_parties(name: &str, known: &[&str]) -> tempfile::TempDir {
    let entries = std::fs::read_dir(scenario(name)).expect("the scenario is there");
    let files = entries.map(|entry| {
        let path = entry.expect("the scenario can be read").path();
        let file = path.file_name().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("the scenario can be read");
        let is_known = |line: &&str| known.iter().any(|id| line.starts_with(&format!("{id},")));
        let kept: Vec<&str> = match file.as_str() {
            "parties.csv" => text.lines().filter(|line| !is_known(line)).collect(),
            _ => text.lines().collect(),
        };
        (file, kept.join("\n") + "\n")
    });
    folder_of(files.collect::<Vec<_>>())
}

#[test]
fn everybodys_questions_have_answers() {
    let ledger = Ledger::new();
    let up = Up::start_with(&ledger, &[("LEDGER_AUTH", "true")]);
    let http = Http::of(&ledger);
    let caller = |arguments: &[&str]| Caller::new(&http, &ledger, arguments);
    let operator = caller(&["--role", "operator"]);
    ledger.import(example().path()).succeeded();
    let position = ledger.query(&["flows"])["position"].clone();
    let earlier = operator.gets(&format!("/v1/facts/{position}"))["recorded_at"].clone();
    let twice = "id,redemption,amount,at,reference\nst-9,rd-2,1000,2025-06-01,treasury-0001\n";
    ledger.import(folder_of([("settlements.csv", twice)]).path()).succeeded();
    let known = "provider-a,Provider A,provider\n";
    let cards = "pool,serial,at\n\
        pool-a1,sn-7,2025-01-01\npool-a1,sn-8,2025-01-01\npool-x1,sn-7,2025-02-01\n";
    ledger.import(folder_of([("cards.csv", cards)]).path()).succeeded();
    let conflicts = [
        (
            "fund_terms.csv",
            "fund,version,at,investment_ends,exit_ends,investment_fee_percent,\
             investment_fee_basis,recycling_percent\n\
             fund-b,1,2024-06-01,2029-01-01,2032-01-01,2,commitments,1\n",
        ),
        ("fees.csv", "id,fund,from,to,at\nfe-9,fund-b,2025-01-01,2026-01-01,2025-06-02\n"),
        (
            "fee_reductions.csv",
            "id,fund,fee,reduction,amount,at,note\n\
             fr-9,fund-b,fe-9,offset,50000,2025-06-03,fees of company-c's board\n",
        ),
        (
            "expenses.csv",
            "id,fund,payee,amount,at,purpose,related_party\n\
             ex-9,fund-b,gp-b,250000,2025-06-04,diligence,true\n",
        ),
    ];
    ledger.import(folder_of(conflicts).path()).succeeded();
    reviewed::shanghai().with("parties.csv", known, "").imported(&ledger);
    ledger.import(&scenario("half-dark")).succeeded();
    ledger.import(without_known_parties("guidance-fund", &["city"]).path()).succeeded();
    ledger.query(&["flows"]);
    let asked = Asked {
        ledger: &ledger,
        earlier: earlier.as_str().expect("a time").to_owned(),
        operator,
        regulator: caller(&["--role", "regulator", "--subject", "auditor-7"]),
        provider: caller(&["--role", "provider", "--party", "provider-a"]),
        manager: caller(&["--role", "fund_manager", "--fund", "fund-b"]),
    };
    let managers = regulator::THE_TWENTY.iter().chain(&manager::THE_TEN);
    for question in managers.chain(&provider::THE_TEN) {
        question(&asked);
    }
    assert_eq!(up.interrupt(), Some(0));
}

/// The member that is a list.
#[track_caller]
fn list<'a>(answer: &'a Value, name: &str) -> &'a [Value] {
    answer[name].as_array().unwrap_or_else(|| panic!("{name} of {answer}"))
}

/// The row of the list whose member is this.
#[track_caller]
fn row<'a>(answer: &'a Value, name: &str, member: &str, is: &str) -> &'a Value {
    let found = list(answer, name).iter().find(|row| row[member] == is);
    found.unwrap_or_else(|| panic!("{member} {is} in {answer}"))
}

fn of(row: &Value, names: &[&str]) -> Value {
    names.iter().map(|name| row[*name].clone()).collect()
}
