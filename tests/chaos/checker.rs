//! What was answered against what is stored: pure, and with none of the program's own code.
//!
//! Invariant: a finding is a sentence that names position and command; no findings means that all was well.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::journal::Commit;
use crate::load::Exchange;

/// A command's kind and the event that it makes.
const EVENTS: [(&str, &str); 21] = [
    ("register_party", "party_registered"),
    ("define_programme", "programme_defined"),
    ("admit_provider", "provider_admitted"),
    ("issue_voucher", "voucher_issued"),
    ("lock_voucher", "voucher_locked"),
    ("release_lock", "lock_released"),
    ("redeem_voucher", "voucher_redeemed"),
    ("settle_redemption", "redemption_settled"),
    ("end_voucher", "voucher_ended"),
    ("form_fund", "fund_formed"),
    ("commit", "commitment_made"),
    ("contribute", "contribution_received"),
    ("invest", "investment_funded"),
    ("distribute", "distribution_paid"),
    ("record_transfer", "transfer_recorded"),
    ("sign_contract", "contract_signed"),
    ("issue_invoice", "invoice_issued"),
    ("record_payment", "payment_recorded"),
    ("terminate_contract", "contract_terminated"),
    ("register_pool", "pool_registered"),
    ("change_pool", "pool_changed"),
];
const ALLOCATION_EVENTS: [(&str, &str); 2] =
    [("allocate", "cards_allocated"), ("meter_usage", "usage_metered")];

/// A stored entry and where it stands.
struct Stored<'a> {
    position: u64,
    entry: &'a Value,
}

type Key<'a> = (&'a str, &'a str);

pub fn check(commits: &[Commit], exchanges: &[Exchange]) -> Vec<String> {
    let mut findings = Vec::new();
    in_order(commits, &mut findings);
    let entries = entries(commits, &mut findings);
    let mut sent: BTreeMap<Key<'_>, Vec<&Exchange>> = BTreeMap::new();
    for exchange in exchanges {
        sent.entry((exchange.context, &exchange.id)).or_default().push(exchange);
    }
    for (context, id) in entries.keys() {
        if !sent.contains_key(&(*context, *id)) {
            findings.push(format!("{id} is in the journal of {context} and was never sent"));
        }
    }
    for (key, exchanges) in &sent {
        answered_once(*key, exchanges, entries.get(key), commits, &mut findings);
    }
    same_intents(&sent, &entries, &mut findings);
    findings
}

/// Positions without gaps, each commit behind the one before it on its subject, no commit twice.
fn in_order(commits: &[Commit], findings: &mut Vec<String>) {
    let (mut last, mut ids) = (BTreeMap::new(), BTreeSet::new());
    for (expected, commit) in (1..).zip(commits) {
        let position = commit.position;
        if position != expected {
            findings.push(format!("position {expected} is followed by {position}"));
        }
        let before = last.insert(&commit.subject, position).unwrap_or(0);
        let stated = commit.header("Nats-Expected-Last-Subject-Sequence");
        // One that a repair has written is behind the whole log before it.
        let restored = commit.header("Nats-Expected-Last-Sequence");
        if stated != Some(before.to_string().as_str())
            && (stated, restored) != (None, Some((position - 1).to_string().as_str()))
        {
            findings.push(format!("{position} was written behind {stated:?}, not behind {before}"));
        }
        let id = commit.header("ce-id");
        if id.is_none() || !ids.insert(id) {
            findings.push(format!("the commit at {position} has the id {id:?}, or another has it"));
        }
        let facts_at = commit.body["facts_at"].as_u64();
        if facts_at.is_none_or(|facts_at| facts_at >= position) {
            findings.push(format!("{position} rests on facts up to {facts_at:?}"));
        }
    }
}

/// The entries by context and command id, of which there is one each.
fn entries<'a>(commits: &'a [Commit], findings: &mut Vec<String>) -> BTreeMap<Key<'a>, Stored<'a>> {
    let mut entries = BTreeMap::new();
    for commit in commits {
        for entry in commit.entries() {
            let id = entry["command"].as_str().unwrap_or_default();
            let stored = Stored { position: commit.position, entry };
            if let Some(first) = entries.insert((commit.context(), id), stored) {
                let (first, second) = (first.position, commit.position);
                findings.push(format!("{id} is stored twice, at {first} and {second}"));
            }
        }
    }
    entries
}

/// All answers to one command id agree with each other and with the one entry that is stored.
fn answered_once(
    (context, id): Key<'_>,
    exchanges: &[&Exchange],
    stored: Option<&Stored<'_>>,
    commits: &[Commit],
    findings: &mut Vec<String>,
) {
    let kind =
        |exchange: &Exchange| exchange.answer["answer"].as_str().unwrap_or_default().to_owned();
    // What was skipped was not decided; the first body that was is the id's.
    let mut decided = exchanges.iter().filter(|exchange| kind(exchange) != "skipped").peekable();
    let Some(first) = decided.peek() else {
        if let Some(stored) = stored {
            findings
                .push(format!("{context} {id} was skipped and is stored at {}", stored.position));
        }
        return;
    };
    let command = &first.command;
    let Some(stored) = stored else {
        findings.push(format!("{context} {id} was answered {} and is not stored", first.answer));
        return;
    };
    for exchange in decided {
        let answer = &exchange.answer;
        let same = exchange.command == *command;
        let agrees = match kind(exchange).as_str() {
            "accepted" => {
                same && stored.entry.get("refused").is_none() && {
                    let events = stored.entry["events"].as_array().map_or(0, Vec::len);
                    answer["events"].as_u64() == u64::try_from(events).ok()
                }
            }
            "refused" => same && answer["refusal"]["fields"] == stored.entry["refused"],
            "id_reused" => !same,
            _ => false,
        };
        let position = answer["position"].as_u64();
        let there = position == Some(stored.position) || kind(exchange) == "id_reused";
        if !agrees || !there {
            findings.push(format!(
                "{context} {id} ({}) was answered {answer}; stored at {} is {} for {command}",
                exchange.command, stored.position, stored.entry
            ));
        }
    }
    if stored.entry.get("refused").is_none() {
        follows(context, command, stored, commits, findings);
    }
}

/// An accepted command made its event, or an earlier one of the same content was there.
fn follows(
    context: &str,
    command: &Value,
    stored: &Stored<'_>,
    commits: &[Commit],
    findings: &mut Vec<String>,
) {
    let (kind, content) =
        command.as_object().and_then(|kinds| kinds.iter().next()).expect("a command has one kind");
    let mut known = EVENTS.iter().chain(&ALLOCATION_EVENTS);
    let event = known.find(|(of, _)| of == kind).map(|(_, event)| *event).expect("a known kind");
    let made = |entry: &Value| {
        let mut events = entry["events"].as_array().into_iter().flatten();
        events.any(|made| made.get(event).is_some_and(|made| has_all(made, content)))
    };
    let empty = stored.entry.get("events").is_none();
    let earlier = || {
        let journal = commits.iter().filter(|commit| commit.context() == context);
        journal
            .take_while(|commit| commit.position <= stored.position)
            .flat_map(Commit::entries)
            .any(made)
    };
    if !(made(stored.entry) || empty && earlier()) {
        let (position, entry) = (stored.position, stored.entry);
        findings.push(format!("{position}: {entry} is not what {command} asked for"));
    }
}

fn has_all(made: &Value, asked: &Value) -> bool {
    let asked = asked.as_object().expect("a command has fields");
    asked.iter().all(|(field, value)| made.get(field) == Some(value))
}

/// Entries of equal commands have equal digests, and those of unlike ones have not.
fn same_intents(
    sent: &BTreeMap<Key<'_>, Vec<&Exchange>>,
    entries: &BTreeMap<Key<'_>, Stored<'_>>,
    findings: &mut Vec<String>,
) {
    let (mut of_command, mut of_digest) = (BTreeMap::new(), BTreeMap::new());
    for (key, stored) in entries {
        let asked = sent.get(key).into_iter().flatten();
        let mut decided = asked.filter(|exchange| exchange.answer["answer"] != "skipped");
        let Some(first) = decided.next() else { continue };
        let (command, digest) = (first.command.to_string(), stored.entry["digest"].to_string());
        let known = of_command.entry((key.0, command.clone())).or_insert_with(|| digest.clone());
        let meant = of_digest.entry((key.0, digest.clone())).or_insert_with(|| command.clone());
        if *known != digest || *meant != command {
            findings.push(format!("the digest of {} at {} is another's", key.1, stored.position));
        }
    }
}
