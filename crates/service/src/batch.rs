//! Group commit: the calls whose commands go together into the next commit, and what each is to be answered.
//!
//! Invariant: an answer drafted from a commit is sent only once that commit's position is known.

use std::collections::VecDeque;
use std::io::Write as _;

use bytes::Bytes;
use jiff::Timestamp;
use loopledger_journal::AppendError;
use loopledger_model::{CommandId, Context, Digest, Entry, Partition, Position};
use tokio::sync::oneshot;
use tracing::field::Empty;
use tracing::{Level, Span, span_enabled};

use crate::answers::Recalled;
use crate::book::{Book, Verdict, as_refused, digest};
use crate::decider::{Decider, Decision};
use crate::metrics;
use crate::protocol::{Answer, Asked, Request, Response};
use crate::runs::{IdHash, hash_of};
use crate::trace::{TARGET, TraceContext};
use crate::traced;

/// A request that has arrived, and where its answers go.
pub struct Call<D: Decider> {
    request: Request<D::Command>,
    /// Of each command.
    marks: Vec<Mark>,
    /// The span that serves it.
    trace: Option<TraceContext>,
    answer: oneshot::Sender<Response>,
}

/// By what a command is known again.
#[derive(Clone, Copy)]
struct Mark {
    digest: Digest,
    id: IdHash,
}

impl<D: Decider> Call<D> {
    /// Marks the commands: where calls arrive there is time for it, the shell has one task for all of them.
    pub fn new(
        request: Request<D::Command>,
        trace: Option<TraceContext>,
        answer: oneshot::Sender<Response>,
    ) -> Self {
        let mut scratch = Vec::new();
        let mark = |asked: &Asked<D::Command>| Mark {
            digest: digest(&asked.command, &mut scratch),
            id: hash_of(&asked.id),
        };
        let marks = request.commands.iter().map(mark).collect();
        Self { request, marks, trace, answer }
    }

    pub(crate) const fn is_dry_run(&self) -> bool {
        self.request.dry_run
    }
}

/// A call and the answers drafted for its first commands.
pub(crate) struct Open<D: Decider> {
    pub call: Call<D>,
    drafts: Vec<Draft>,
    /// What was looked up for it.
    pub recalled: Recalled,
    /// From its arrival until all of it is decided.
    deciding: Span,
}

enum Draft {
    Settled(Answer),
    /// Rests on a commit that is being filled or stored: it has no position yet, and may have to be taken back.
    Unsettled {
        answer: Answer,
        commit: CommitNumber,
    },
}

/// Counts the commits that a shell begins: which of them an answer rests on, before it has a position.
pub(crate) type CommitNumber = u64;

impl<D: Decider> Open<D> {
    pub fn new(call: Call<D>) -> Self {
        let deciding = call.trace.map(|trace| {
            let (name, commands) =
                (|| format!("decide {}", D::CONTEXT), call.request.commands.len());
            traced!(trace.child(), "internal", name(), loopledger.commands = commands)
        });
        let deciding = deciding.unwrap_or_else(Span::none);
        Self { call, drafts: Vec::new(), recalled: Recalled::default(), deciding }
    }

    /// The latest position that any of its commands depends on.
    pub fn after(&self) -> Position {
        self.call.request.commands.iter().map(|asked| asked.after).max().unwrap_or(0)
    }

    /// The ids of the commands that are not answered yet, each with its hash.
    pub fn undecided(&self) -> impl Iterator<Item = (&CommandId, &IdHash)> {
        let Call { request, marks, .. } = &self.call;
        let all = request.commands.iter().zip(marks);
        all.skip(self.drafts.len()).map(|(asked, mark)| (&asked.id, &mark.id))
    }

    /// The commands that are not answered yet.
    fn commands(&self) -> &[Asked<D::Command>] {
        &self.call.request.commands[self.drafts.len()..]
    }

    fn is_complete(&self) -> bool {
        self.drafts.len() == self.call.request.commands.len()
    }

    /// Whether an answer of its rests on a commit that is not stored yet.
    pub fn has_unsettled(&self) -> bool {
        self.drafts.iter().any(|draft| matches!(draft, Draft::Unsettled { .. }))
    }

    /// A commit that drafts may rest on is stored now.
    pub fn settle(&mut self, stored: CommitNumber, position: Position) {
        for draft in &mut self.drafts {
            if let Draft::Unsettled { answer, commit } = draft
                && *commit == stored
            {
                let answer = std::mem::replace(answer, Answer::Skipped);
                *draft = Draft::Settled(answer.at(position));
            }
        }
    }

    /// A commit was not stored, or nobody knows: what rested on it, and on those behind it, is asked again.
    pub fn withdraw(&mut self) {
        let settled = self.drafts.iter().position(|draft| matches!(draft, Draft::Unsettled { .. }));
        self.drafts.truncate(settled.unwrap_or(self.drafts.len()));
    }

    /// Sends the answers; an asker that has gone away will ask again under the same ids.
    pub fn answer(self) {
        let answers = self.drafts.into_iter().map(|draft| match draft {
            Draft::Settled(answer) => {
                count_refusal(D::CONTEXT, &answer);
                answer
            }
            Draft::Unsettled { .. } => unreachable!("a call is answered once its commit is stored"),
        });
        // The receiver is gone when the asker is: nothing is lost, the answer is remembered.
        drop(self.call.answer.send(Response { answers: answers.collect() }));
    }

    /// Answers what the commands would come to; it was asked for a dry run.
    pub fn answer_dry(self, book: &Book<D>, facts: &D::Facts, facts_at: Position) {
        let would = |asked: &Asked<D::Command>| Answer::DryRun {
            position: book.head.position,
            facts_at,
            outcome: book.outcome(facts, &asked.command),
        };
        let answers = self.call.request.commands.iter().map(would).collect();
        drop(self.call.answer.send(Response { answers }));
    }

    pub fn answer_all(self, answer: &Answer) {
        let answers = vec![answer.clone(); self.call.request.commands.len()];
        drop(self.call.answer.send(Response { answers }));
    }
}

/// How many commands are looked ahead to: the processor's own memory has room for what they read, and for no more.
const LOOKED_AHEAD: usize = 100;

/// Looks at the commands of the next calls, and says of how many calls.
pub(crate) fn look_ahead<D: Decider>(
    queue: &VecDeque<Open<D>>,
    book: &Book<D>,
    facts: &D::Facts,
) -> usize {
    let (mut calls, mut commands) = (0, Vec::with_capacity(LOOKED_AHEAD));
    for open in queue {
        calls += 1;
        commands.extend(open.commands());
        if commands.len() >= LOOKED_AHEAD {
            break;
        }
    }
    book.look_ahead(facts, &commands);
    calls
}

fn count_refusal(context: Context, answer: &Answer) {
    if let Answer::Refused { refusal, .. } = answer {
        let labels = [("context", context.name()), ("code", refusal.code.as_str())];
        metrics::figure("loopledger_refusals_total", &labels).add(1);
    }
}

/// The commit that is being filled.
pub(crate) struct Batch<D: Decider> {
    number: CommitNumber,
    body: Vec<u8>,
    commands: Vec<(CommandId, IdHash)>,
    limits: BatchLimits,
    /// The span of its append, which goes on from the first call that has a part in it.
    trace: Option<TraceContext>,
    /// Every command of theirs is decided; some rest on it.
    pub calls: Vec<Open<D>>,
    /// What comes next does not fit any more.
    is_full: bool,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchLimits {
    pub entries: usize,
    pub bytes: usize,
    /// Room that is made at once.
    pub likely_bytes: usize,
}

const TAIL: &[u8] = b"]}";
/// Room for an entry that is found not to fit, so that the whole need not move for it.
const SPARE: usize = 16 * 1024;

impl<D: Decider> Batch<D> {
    pub fn new(number: CommitNumber, facts_at: Position, limits: BatchLimits) -> Self {
        let mut body = Vec::with_capacity(limits.likely_bytes + SPARE);
        write!(body, "{{\"facts_at\":{facts_at},\"entries\":[").expect("memory can be written");
        Self {
            number,
            body,
            commands: Vec::new(),
            limits,
            trace: None,
            calls: Vec::new(),
            is_full: false,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    pub const fn is_full(&self) -> bool {
        self.is_full
    }

    /// The commit's body, as JSON of `model::Body`, whose trace it continues, and who waits for it.
    pub fn seal(
        mut self,
        recorded_at: Timestamp,
        partition: Partition,
    ) -> (Bytes, Option<String>, InFlight<D>) {
        self.body.extend_from_slice(TAIL);
        let appending = self.appending(partition);
        let Self { number, body, commands, trace, calls, .. } = self;
        let traceparent = trace.map(|trace| trace.to_string());
        (body.into(), traceparent, InFlight { number, calls, commands, recorded_at, appending })
    }

    /// A span for every call, in its own trace, all naming the first one's.
    fn appending(&self, partition: Partition) -> Vec<Span> {
        let Some(first) = self.trace.filter(|_| span_enabled!(target: TARGET, Level::TRACE)) else {
            return Vec::new();
        };
        let name = format!("append {partition}");
        let (entries, bytes) = (self.commands.len(), self.body.len());
        let span = |trace: TraceContext, links: &str| {
            traced!(
                trace,
                "producer",
                &name,
                messaging.system = "nats",
                messaging.destination.name = %format_args!("ledger.{partition}"),
                loopledger.entries = entries,
                loopledger.bytes = bytes,
                loopledger.position = Empty,
                links = links,
            )
        };
        let mut spans = vec![span(first, "")];
        let links = first.to_string();
        let others = self.calls.iter().filter_map(|open| open.call.trace);
        let others = others.filter(|trace| first.parent() != Some(trace.ids().1));
        spans.extend(others.map(|trace| span(trace.child(), &links)));
        spans
    }

    /// Decides the call's commands in order, as far as the commit has room. Says whether all were decided.
    /// `in_flight` is the commit that is being stored.
    pub fn take(
        &mut self,
        open: &mut Open<D>,
        book: &mut Book<D>,
        facts: &D::Facts,
        in_flight: Option<&InFlight<D>>,
    ) -> bool {
        while !open.is_complete() {
            let asked = &open.call.request.commands[open.drafts.len()];
            let Mark { digest, id } = open.call.marks[open.drafts.len()];
            let draft = match book.judge(facts, asked, digest, &open.recalled) {
                Verdict::Known { answer, settled: true } => Draft::Settled(answer),
                Verdict::Known { answer, settled: false } => {
                    let earlier = in_flight.filter(|flight| flight.has(&asked.id));
                    Draft::Unsettled { answer, commit: earlier.map_or(self.number, |at| at.number) }
                }
                Verdict::New { outcome } => {
                    let (entry, answer) = decided::<D>(asked, digest, outcome);
                    match self.push(&entry, id) {
                        Room::Taken => book.apply(&entry, self.commands.len() - 1),
                        Room::Full => {
                            self.is_full = true;
                            return false;
                        }
                        Room::Never { bytes, limit } => {
                            open.drafts.push(Draft::Settled(Answer::TooLarge { bytes, limit }));
                            continue;
                        }
                    }
                    if self.trace.is_none() {
                        self.trace = open.call.trace.map(TraceContext::child);
                    }
                    Draft::Unsettled { answer, commit: self.number }
                }
            };
            let stop = open.call.request.stop_at_refusal && draft.is_refusal();
            open.drafts.push(draft);
            if stop {
                let all = open.call.request.commands.len();
                open.drafts.resize_with(all, || Draft::Settled(Answer::Skipped));
            }
        }
        open.deciding = Span::none();
        true
    }

    fn push<E: serde::Serialize, R: serde::Serialize>(
        &mut self,
        entry: &Entry<E, R>,
        hash: IdHash,
    ) -> Room {
        if self.commands.len() == self.limits.entries {
            return Room::Full;
        }
        let before = self.body.len();
        if !self.is_empty() {
            self.body.push(b',');
        }
        serde_json::to_writer(&mut self.body, entry).expect("an entry is JSON");
        let (bytes, limit) = (self.body.len() + TAIL.len(), self.limits.bytes);
        if bytes > limit {
            self.body.truncate(before);
            return if self.is_empty() { Room::Never { bytes, limit } } else { Room::Full };
        }
        self.commands.push((entry.command.clone(), hash));
        Room::Taken
    }
}

enum Room {
    Taken,
    /// In the next commit there is room again.
    Full,
    /// It is larger than any commit.
    Never {
        bytes: usize,
        limit: usize,
    },
}

impl Draft {
    const fn is_refusal(&self) -> bool {
        let (Self::Settled(answer) | Self::Unsettled { answer, .. }) = self;
        matches!(answer, Answer::Refused { .. } | Answer::IdReused { .. })
    }
}

/// The entry of a command that was decided just now, and its answer but for the position.
fn decided<D: Decider>(
    asked: &Asked<D::Command>,
    digest: Digest,
    outcome: Result<Decision<D::Event>, D::Refusal>,
) -> (Entry<D::Event, D::Refusal>, Answer) {
    let mut entry = Entry {
        command: asked.id.clone(),
        digest,
        by: asked.by.clone(),
        rests_on: Vec::new(),
        events: Vec::new(),
        refused: None,
    };
    let (position, repeated) = (0, false);
    let answer = match outcome {
        Ok(decision) => {
            entry.rests_on = decision.rests_on;
            entry.events = decision.events;
            let events = u32::try_from(entry.events.len()).expect("a decision makes few events");
            Answer::Accepted { position, events, repeated }
        }
        Err(refusal) => {
            let answer = Answer::Refused { position, refusal: as_refused(&refusal), repeated };
            entry.refused = Some(refusal);
            answer
        }
    };
    (entry, answer)
}

/// A commit on its way to the journal.
pub(crate) struct InFlight<D: Decider> {
    pub number: CommitNumber,
    pub calls: Vec<Open<D>>,
    pub commands: Vec<(CommandId, IdHash)>,
    pub recorded_at: Timestamp,
    /// Until it is stored.
    appending: Vec<Span>,
}

impl<D: Decider> InFlight<D> {
    fn has(&self, command: &CommandId) -> bool {
        self.commands.iter().any(|(id, _)| id == command)
    }

    /// Ends the spans of its append: at a position, or as what went wrong says.
    pub fn end(&mut self, stored: Result<Position, &AppendError>) {
        for span in self.appending.drain(..) {
            match stored {
                Ok(position) => span.record("loopledger.position", position),
                Err(error) => span.record("error", error.to_string()),
            };
        }
    }
}
