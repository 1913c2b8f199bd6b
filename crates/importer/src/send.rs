//! Sends rows to the services in order, and sees each of them answered for good.
//!
//! A service remembers what it answered to a command id. A row that it refused in an earlier
//! import is asked again under the next id of its own (`import.2:` in place of `import:`, and so
//! on), so that a cause that has gone away, or a row that was put right, is seen. That is safe:
//! what the row is about has an id too, which the services guard.
//!
//! Invariants: a row is decided only once every row before it was answered for good; with
//! `OnRefusal::Stop` no row behind a refused one is decided; a lost answer is asked for again
//! under the same id.

use std::time::Duration;

use loopledger_model::{CommandId, Partition, Partitions, Position};
use loopledger_service::protocol::{Answer, Asked, MAX_COMMANDS, Request};
use tokio::time::Instant;

use super::report::told;
use super::{ContextCommand, Failure, RefusedRow, Report, Row};

/// The most rows in one request: with the longest of rows it is still below 1 MiB, the size of a
/// message that NATS takes unless it is told otherwise.
pub(super) const MOST_ROWS: usize = 400;
const _: () = assert!(MOST_ROWS <= MAX_COMMANDS);

/// More ids than any row was ever asked under: a service that knows them all knows any id.
const MOST_TRIES: u32 = 100_000;

pub const NO_DRY_RUN: &str = "the service answered a dry run where none was asked for";

/// A service of each context.
pub trait Ask: Sync {
    /// How the contexts are split.
    fn partitions(&self) -> Partitions;

    /// Asks one request, once; the answers are as many as the commands and in their order.
    fn ask(
        &self,
        partition: Partition,
        request: &Request<&ContextCommand>,
    ) -> impl Future<Output = Result<Vec<Answer>, Failure>> + Send;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRefusal {
    Stop,
    Continue,
}

/// How long a world that does not answer is asked again, and how often.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// The first pause; each following one is twice as long.
    pub first: Duration,
    /// No pause is longer.
    pub longest: Duration,
    /// How long no row may be answered before the import gives up.
    pub limit: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let (first, longest) = (Duration::from_millis(50), Duration::from_secs(2));
        Self { first, longest, limit: Duration::from_secs(60) }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Manner {
    pub on_refusal: OnRefusal,
    pub patience: Patience,
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub settled: usize,
    pub rows: usize,
}

/// The import could not go on; what was answered is recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the import stopped at {file} line {line}, after {} of {} rows: {failure}; \
     import the bundle again to go on",
    report.settled(), report.rows
)]
pub struct Interrupted {
    pub file: &'static str,
    pub line: usize,
    pub failure: Failure,
    pub report: Report,
}

/// Sends the rows in their order.
pub async fn send(
    rows: &[Row],
    services: &impl Ask,
    manner: Manner,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<Report, Interrupted> {
    let report = Report { rows: rows.len(), ..Report::default() };
    let (partitions, on_refusal) = (services.partitions(), manner.on_refusal);
    let mut sending = Sending { rows, partitions, tries: 1, most: MOST_ROWS, report, on_refusal };
    let mut pause = Pause::new(manner.patience);
    progress(sending.progress());
    while let Some((partition, request)) = sending.request() {
        let before = (sending.report.settled(), sending.tries);
        let answers = services.ask(partition, &request).await;
        let asked = request.commands.len();
        let waited_for = match answers.and_then(|answers| sending.take(asked, &answers)) {
            Ok(Step::Stopped) => break,
            Ok(Step::Taken) if (sending.report.settled(), sending.tries) != before => {
                pause = Pause::new(manner.patience);
                progress(sending.progress());
                continue;
            }
            Ok(Step::Taken) => {
                let reason = format!("the {} service decides nothing", partition.context);
                Failure::Passing(reason)
            }
            Ok(Step::Wait(failure)) | Err(failure) => failure,
        };
        if matches!(waited_for, Failure::Lasting(_)) || !pause.wait().await {
            let Row { file, line, .. } = &sending.rows[0];
            let (file, line) = (*file, *line);
            return Err(Interrupted { file, line, failure: waited_for, report: sending.report });
        }
    }
    progress(sending.progress());
    Ok(sending.report)
}

struct Sending<'a> {
    /// What is not answered for good, in order.
    rows: &'a [Row],
    partitions: Partitions,
    /// How many ids the first of them has been asked under, this one included.
    tries: u32,
    /// How many rows go into a request: few after a refusal, since rows behind one go in vain.
    most: usize,
    report: Report,
    on_refusal: OnRefusal,
}

enum Step {
    Taken,
    Wait(Failure),
    Stopped,
}

impl<'a> Sending<'a> {
    fn progress(&self) -> Progress {
        Progress { settled: self.report.settled(), rows: self.report.rows }
    }

    /// The next rows of one partition.
    fn request(&self) -> Option<(Partition, Request<&'a ContextCommand>)> {
        let of = |row: &Row| row.command.partition(&self.partitions);
        let partition = of(self.rows.first()?);
        let alike = self.rows.iter().take_while(|row| of(row) == partition);
        let mut commands: Vec<_> = alike.take(self.most).map(|row| self.asked(row)).collect();
        commands[0].id = under(&commands[0].id, self.tries);
        Some((partition, Request { commands, stop_at_refusal: true, dry_run: false }))
    }

    fn asked(&self, row: &'a Row) -> Asked<&'a ContextCommand> {
        let (id, by, after) = (row.id.clone(), row.by.clone(), self.report.position);
        Asked { id, by, after, command: &row.command }
    }

    fn take(&mut self, asked: usize, answers: &[Answer]) -> Result<Step, Failure> {
        if answers.len() != asked {
            let reason = format!("{asked} commands were asked and {} answered", answers.len());
            return Err(Failure::Lasting(reason));
        }
        for answer in answers {
            let refused = match answer {
                Answer::Accepted { position, events, repeated } => {
                    if *repeated || *events == 0 {
                        self.report.unchanged += 1;
                    } else {
                        self.report.accepted += 1;
                    }
                    self.settle(*position);
                    continue;
                }
                Answer::Skipped => return Ok(Step::Taken),
                Answer::NotCaughtUp { after, reached } => {
                    let reason =
                        format!("the service knows the ledger up to {reached}, not up to {after}");
                    return Ok(Step::Wait(Failure::Passing(reason)));
                }
                Answer::Refused { repeated: true, .. } | Answer::IdReused { .. } => {
                    return self.ask_anew();
                }
                Answer::Refused { position, refusal, repeated: false } => {
                    (*position, refusal.code.clone(), told(refusal))
                }
                Answer::WrongPartition { message, .. } => {
                    (0, "wrong_partition".to_owned(), message.clone())
                }
                Answer::DryRun { .. } => return Err(Failure::Lasting(NO_DRY_RUN.to_owned())),
                Answer::TooLarge { bytes, limit } => {
                    let message = format!("it would record {bytes} bytes at once, and {limit} fit");
                    (0, "too_large".to_owned(), message)
                }
            };
            self.refuse(refused);
            if self.on_refusal == OnRefusal::Stop {
                return Ok(Step::Stopped);
            }
        }
        self.most = MOST_ROWS.min(self.most * 2);
        Ok(Step::Taken)
    }

    /// An earlier import had an answer to the first row's id: a refusal, or one for other content.
    fn ask_anew(&mut self) -> Result<Step, Failure> {
        if self.tries == MOST_TRIES {
            let reason = format!("the service answers each of {MOST_TRIES} ids as if it knew it");
            return Err(Failure::Lasting(reason));
        }
        self.tries += 1;
        self.most = 1;
        Ok(Step::Taken)
    }

    /// The first row is answered for good by what stands at `position`.
    fn settle(&mut self, position: Position) {
        self.report.position = self.report.position.max(position);
        self.rows = &self.rows[1..];
        self.tries = 1;
    }

    fn refuse(&mut self, (position, code, message): (Position, String, String)) {
        let Row { file, line, .. } = &self.rows[0];
        self.report.refused.push(RefusedRow { file, line: *line, code, message });
        self.most = 1;
        self.settle(position);
    }
}

/// The id of a row that has been asked under so many ids, this one included.
fn under(id: &CommandId, tries: u32) -> CommandId {
    if tries == 1 {
        return id.clone();
    }
    let key = id.as_str().strip_prefix("import").expect("the ids of rows begin with `import`");
    format!("import.{tries}{key}").parse().expect("a few more characters fit into a command id")
}

/// The pauses between asking a world that does not answer and asking it again.
pub struct Pause {
    patience: Patience,
    next: Duration,
    deadline: Instant,
}

impl Pause {
    pub fn new(patience: Patience) -> Self {
        Self { patience, next: patience.first, deadline: Instant::now() + patience.limit }
    }

    /// Waits a while, or says that it is too late for that.
    pub async fn wait(&mut self) -> bool {
        if Instant::now() + self.next > self.deadline {
            return false;
        }
        tokio::time::sleep(self.next).await;
        self.next = self.patience.longest.min(self.next * 2);
        true
    }
}
