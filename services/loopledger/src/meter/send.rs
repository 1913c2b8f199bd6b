//! Sends usages to the allocation service, each until it is answered for good.
//!
//! Usages do not depend on one another, so a refused one holds up none. One that was refused in an
//! earlier import is asked again under the next id of its own, as bundles' rows are.
//!
//! Invariant: a lost answer is asked for again under the same id.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use futures::stream::FuturesOrdered;
use futures::{FutureExt as _, StreamExt as _};
use loopledger_importer::{Ask, ContextCommand, Failure, NO_DRY_RUN, Patience, Pause};
use loopledger_model::allocation::{Command, MeterUsage};
use loopledger_model::{CommandId, Evidence, Partition, Period, Text, UsageId, partition_key};
use loopledger_service::protocol::{Answer, Asked, Request};

use super::cells::Fault;
use super::report::{MeterReport, RefusedUsage};
use super::usage::Usage;

/// The most usages in one request.
pub const MOST: usize = 400;
/// How many requests are under way at once.
const REQUESTS: usize = 8;
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

/// Why no more is sent, and the first line that was not answered for good.
pub struct Stopped {
    pub line: u64,
    pub failure: Failure,
}

type Answered = (Vec<Ready>, Result<Vec<Answer>, Failure>);

/// Sends usages with several requests under way: the next ones are read while those are decided.
pub struct Sender<'a, S> {
    services: &'a S,
    evidence: Evidence,
    patience: Patience,
    pause: Pause,
    /// To be asked for, by the number of their partition.
    waiting: BTreeMap<u32, (Partition, Vec<Ready>)>,
    /// Asked for; answers are taken in this order.
    asked: FuturesOrdered<BoxFuture<'a, Answered>>,
}

impl<'a, S: Ask> Sender<'a, S> {
    pub fn new(services: &'a S, evidence: Evidence, patience: Patience) -> Self {
        let (waiting, asked) = (BTreeMap::new(), FuturesOrdered::new());
        Self { services, evidence, patience, pause: Pause::new(patience), waiting, asked }
    }

    /// Takes usages over, and returns once there is room for more; what was refused stands in the report.
    pub async fn send(
        &mut self,
        usages: Vec<Usage>,
        report: &mut MeterReport,
    ) -> Result<(), Stopped> {
        for usage in usages {
            let line = usage.line;
            match ready(usage, self.evidence) {
                Ok(usage) => self.wait(usage),
                Err(fault) => report.refuse(RefusedUsage {
                    line,
                    code: "wrong_partition".to_owned(),
                    message: fault.reason,
                }),
            }
        }
        self.ask_for(MOST);
        while self.asked.len() >= REQUESTS {
            self.take_next(report).await?;
            self.ask_for(MOST);
        }
        Ok(())
    }

    /// Waits until everything is answered for good.
    pub async fn finish(mut self, report: &mut MeterReport) -> Result<(), Stopped> {
        self.ask_for(1);
        while !self.asked.is_empty() {
            self.take_next(report).await?;
            self.ask_for(1);
        }
        Ok(())
    }

    fn wait(&mut self, usage: Ready) {
        let partition = usage.command.partition(&self.services.partitions());
        let (_, waiting) =
            self.waiting.entry(partition.number).or_insert_with(|| (partition, Vec::new()));
        waiting.push(usage);
    }

    /// Asks for usages as long as so many wait for one partition and requests may be sent.
    fn ask_for(&mut self, least: usize) {
        for (partition, waiting) in self.waiting.values_mut() {
            while waiting.len() >= least && self.asked.len() < REQUESTS {
                let rest = waiting.split_off(waiting.len().min(MOST));
                let usages = std::mem::replace(waiting, rest);
                let (services, partition) = (self.services, *partition);
                let asking = async move {
                    let answers = services.ask(partition, &request(&usages)).await;
                    (usages, answers)
                };
                self.asked.push_back(asking.boxed());
            }
        }
    }

    /// Takes the answers to the request that was sent first; where it decided nothing, pauses.
    async fn take_next(&mut self, report: &mut MeterReport) -> Result<(), Stopped> {
        let Some((usages, answers)) = self.asked.next().await else { return Ok(()) };
        let line = usages.first().map_or(0, |usage| usage.line);
        let Some(failure) = self.take(usages, answers, report) else {
            self.pause = Pause::new(self.patience);
            return Ok(());
        };
        if matches!(failure, Failure::Lasting(_)) || !self.pause.wait().await {
            return Err(Stopped { line, failure });
        }
        Ok(())
    }

    /// Why nothing was decided, or more cannot be.
    fn take(
        &mut self,
        usages: Vec<Ready>,
        answers: Result<Vec<Answer>, Failure>,
        report: &mut MeterReport,
    ) -> Option<Failure> {
        let answers = match answers {
            Ok(answers) => answers,
            Err(failure) => {
                usages.into_iter().for_each(|usage| self.wait(usage));
                return Some(failure);
            }
        };
        if answers.len() != usages.len() {
            let (asked, got) = (usages.len(), answers.len());
            let reason = format!("{asked} commands were asked and {got} answered");
            return Some(Failure::Lasting(reason));
        }
        let (mut decided, mut failed) = (false, None);
        for (usage, answer) in usages.into_iter().zip(answers) {
            match taken(usage, answer, report) {
                Taken::Settled => decided = true,
                Taken::AskAgain(usage) => {
                    decided = true;
                    self.wait(usage);
                }
                Taken::Undecided(usage, failure) => {
                    failed = Some(failure);
                    self.wait(usage);
                }
            }
        }
        failed.filter(|failure| !decided || matches!(failure, Failure::Lasting(_)))
    }
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

/// What an answer comes to.
enum Taken {
    Settled,
    /// Under its next id.
    AskAgain(Ready),
    Undecided(Ready, Failure),
}

fn taken(mut usage: Ready, answer: Answer, report: &mut MeterReport) -> Taken {
    let line = usage.line;
    let mut refuse = |code: &str, message| {
        report.refuse(RefusedUsage { line, code: code.to_owned(), message });
    };
    match answer {
        Answer::Accepted { position, events, repeated } => {
            report.settle(position, !repeated && events > 0);
        }
        Answer::Refused { repeated: true, .. } | Answer::IdReused { .. } => {
            if usage.tries < MOST_TRIES {
                usage.tries += 1;
                return Taken::AskAgain(usage);
            }
            refuse("id_reused", "all its ids are used".to_owned());
        }
        Answer::Refused { position, refusal, repeated: false } => {
            refuse(&refusal.code, refusal.message);
            report.position = report.position.max(position);
        }
        Answer::WrongPartition { message, .. } => refuse("wrong_partition", message),
        Answer::TooLarge { bytes, limit } => {
            let message = format!("it would record {bytes} bytes at once, and {limit} fit");
            refuse("too_large", message);
        }
        Answer::NotCaughtUp { after, reached } => {
            let reason = format!("the service knows up to {reached}, not up to {after}");
            return Taken::Undecided(usage, Failure::Passing(reason));
        }
        Answer::Skipped => {
            let reason = "the allocation service decides nothing".to_owned();
            return Taken::Undecided(usage, Failure::Passing(reason));
        }
        Answer::DryRun { .. } => {
            return Taken::Undecided(usage, Failure::Lasting(NO_DRY_RUN.to_owned()));
        }
    }
    Taken::Settled
}
