//! Sends usages to the allocation service, each until it is answered for good.
//!
//! Usages do not depend on one another, so a refused one holds up none. One that was refused in an
//! earlier import is asked again under the next id of its own, as bundles' rows are.
//!
//! Invariant: a lost answer is asked for again under the same id.

use std::collections::BTreeMap;

use loopledger_importer::{Ask, ContextCommand, Failure, NO_DRY_RUN, Patience, Pause};
use loopledger_model::allocation::{Command, MeterUsage};
use loopledger_model::{CommandId, Evidence, Partition, Period, Text, UsageId, partition_key};
use loopledger_service::protocol::{Answer, Asked, Request};

use super::cells::Fault;
use super::report::{MeterReport, RefusedUsage};
use super::usage::Usage;

/// The most usages in one request.
const MOST: usize = 400;
/// How many requests are under way at once.
const REQUESTS: usize = 4;
/// How many usages are read before they are sent.
pub const BATCH: usize = MOST * REQUESTS;
/// More ids than any usage was ever asked under.
const MOST_TRIES: u32 = 10_000;

/// A usage as a command, and how many ids it has been asked under.
struct Ready {
    line: u64,
    id: CommandId,
    tries: u32,
    command: ContextCommand,
}

/// The id has the partition key of the allocation's, where that one has a key of its own.
fn ready(usage: Usage, evidence: Evidence) -> Result<Ready, Fault> {
    let Usage { line, identity, allocation, from, to, card_hours, source } = usage;
    let key = partition_key(allocation.as_str());
    let own = if key.len() == allocation.as_str().len() { None } else { Some(key) };
    let name = own.map_or_else(|| identity.clone(), |key| format!("{key}:{identity}"));
    let id: UsageId = name.parse().map_err(|_| {
        Fault::of("allocation", format!("`{key}` is too long in front of `:`: 37 characters fit"))
    })?;
    let file = evidence.sha256.to_string();
    let command: CommandId = format!("import:meter:{}:{name}", &file[..16])
        .parse()
        .expect("a digest and an id make a command id");
    let usage = MeterUsage {
        id,
        allocation,
        window: Period::new(from, to).expect("a usage has a length"),
        card_hours,
        source: source.parse().expect("our own words are a text"),
        evidence: Some(evidence),
        class: None,
    };
    let command_body = ContextCommand::from(Command::MeterUsage(usage));
    Ok(Ready { line, id: command, tries: 1, command: command_body })
}

/// Sends them all; what was refused stands in the report.
pub async fn send(
    usages: Vec<Usage>,
    evidence: Evidence,
    services: &impl Ask,
    patience: Patience,
    report: &mut MeterReport,
) -> Result<(), Failure> {
    let mut waiting = Vec::new();
    for usage in usages {
        let line = usage.line;
        match ready(usage, evidence) {
            Ok(usage) => waiting.push(usage),
            Err(fault) => report.refuse(RefusedUsage {
                line,
                code: "wrong_partition".to_owned(),
                message: fault.reason,
            }),
        }
    }
    let mut pause = Pause::new(patience);
    while !waiting.is_empty() {
        let before = waiting.len();
        let tried: u32 = waiting.iter().map(|usage| usage.tries).sum();
        let mut round = round(waiting, services, report).await;
        if let Some(Failure::Lasting(_)) = round.failure {
            return Err(round.failure.take().expect("it is there"));
        }
        waiting = round.waiting;
        let progressed =
            waiting.len() < before || waiting.iter().map(|usage| usage.tries).sum::<u32>() > tried;
        if progressed {
            pause = Pause::new(patience);
        } else if !pause.wait().await {
            let nothing = || Failure::Passing("the allocation service decides nothing".to_owned());
            return Err(round.failure.unwrap_or_else(nothing));
        }
    }
    Ok(())
}

struct Round {
    waiting: Vec<Ready>,
    failure: Option<Failure>,
}

/// Asks for each of them once.
async fn round(waiting: Vec<Ready>, services: &impl Ask, report: &mut MeterReport) -> Round {
    let partitions = services.partitions();
    let mut by_partition: BTreeMap<u32, (Partition, Vec<Ready>)> = BTreeMap::new();
    for usage in waiting {
        let partition = usage.command.partition(&partitions);
        let entry = by_partition.entry(partition.number).or_insert((partition, Vec::new()));
        entry.1.push(usage);
    }
    let mut batches = Vec::new();
    for (partition, mut usages) in by_partition.into_values() {
        while !usages.is_empty() {
            let rest = usages.split_off(usages.len().min(MOST));
            batches.push((partition, std::mem::replace(&mut usages, rest)));
        }
    }
    let asked = batches.into_iter().map(|(partition, usages)| async move {
        let answers = services.ask(partition, &request(&usages)).await;
        (usages, answers)
    });
    let mut round = Round { waiting: Vec::new(), failure: None };
    for (usages, answers) in futures::future::join_all(asked).await {
        match answers {
            Ok(answers) if answers.len() == usages.len() => {
                for (usage, answer) in usages.into_iter().zip(answers) {
                    round.take(usage, answer, report);
                }
            }
            Ok(answers) => {
                let (asked, got) = (usages.len(), answers.len());
                let reason = format!("{asked} commands were asked and {got} answered");
                round.failure = Some(Failure::Lasting(reason));
            }
            Err(failure) => {
                round.waiting.extend(usages);
                round.failure = Some(failure);
            }
        }
    }
    round
}

fn request<'a>(usages: &'a [Ready]) -> Request<&'a ContextCommand> {
    let by: Text = "importer".parse().expect("our own word is a text");
    let asked = |usage: &'a Ready| {
        let Ready { id, tries, command, .. } = usage;
        Asked { id: under(id, *tries), by: by.clone(), after: 0, command }
    };
    let commands = usages.iter().map(asked).collect();
    Request { commands, stop_at_refusal: false, dry_run: false }
}

fn under(id: &CommandId, tries: u32) -> CommandId {
    if tries == 1 {
        return id.clone();
    }
    let key = id.as_str().strip_prefix("import").expect("the ids of usages begin with `import`");
    format!("import.{tries}{key}").parse().expect("a few more characters fit into a command id")
}

impl Round {
    fn take(&mut self, mut usage: Ready, answer: Answer, report: &mut MeterReport) {
        let line = usage.line;
        let mut refuse =
            |code: String, message| report.refuse(RefusedUsage { line, code, message });
        match answer {
            Answer::Accepted { position, events, repeated } => {
                report.settle(position, !repeated && events > 0);
            }
            Answer::Refused { repeated: true, .. } | Answer::IdReused { .. } => {
                if usage.tries == MOST_TRIES {
                    refuse("id_reused".to_owned(), "all its ids are used".to_owned());
                    return;
                }
                usage.tries += 1;
                self.waiting.push(usage);
            }
            Answer::Refused { position, refusal, repeated: false } => {
                refuse(refusal.code, refusal.message);
                report.position = report.position.max(position);
            }
            Answer::WrongPartition { message, .. } => refuse("wrong_partition".to_owned(), message),
            Answer::TooLarge { bytes, limit } => {
                let message = format!("it would record {bytes} bytes at once, and {limit} fit");
                refuse("too_large".to_owned(), message);
            }
            Answer::NotCaughtUp { after, reached } => {
                let reason = format!("the service knows up to {reached}, not up to {after}");
                self.failure = Some(Failure::Passing(reason));
                self.waiting.push(usage);
            }
            Answer::Skipped => self.waiting.push(usage),
            Answer::DryRun { .. } => {
                self.failure = Some(Failure::Lasting(NO_DRY_RUN.to_owned()));
                self.waiting.push(usage);
            }
        }
    }
}
