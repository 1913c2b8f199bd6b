//! Group commit: the calls whose commands go together into the next commit, and what each is to be answered.
//!
//! Invariant: an answer drafted from a commit is sent only once that commit's position is known.

use bytes::Bytes;
use jiff::Timestamp;
use loopledger_model::{CommandId, Digest, Entry, Position};
use tokio::sync::oneshot;

use crate::answers::Recalled;
use crate::book::{Book, Verdict, as_refused};
use crate::decider::{Decider, Decision};
use crate::protocol::{Answer, Asked, Request, Response};

/// A request that has arrived, and where its answers go.
pub struct Call<D: Decider> {
    pub request: Request<D::Command>,
    /// The W3C trace context of the asker.
    pub traceparent: Option<String>,
    pub answer: oneshot::Sender<Response>,
}

/// A call and the answers drafted for its first commands.
pub(crate) struct Open<D: Decider> {
    pub call: Call<D>,
    drafts: Vec<Draft>,
    /// What was looked up for it.
    pub recalled: Recalled,
}

enum Draft {
    Settled(Answer),
    /// Rests on the commit that is being filled or stored: it has no position yet, and may have to be taken back.
    Unsettled(Answer),
}

impl<D: Decider> Open<D> {
    pub fn new(call: Call<D>) -> Self {
        Self { call, drafts: Vec::new(), recalled: Recalled::default() }
    }

    /// The latest position that any of its commands depends on.
    pub fn after(&self) -> Position {
        self.call.request.commands.iter().map(|asked| asked.after).max().unwrap_or(0)
    }

    /// The ids of the commands that are not answered yet.
    pub fn undecided(&self) -> impl Iterator<Item = &CommandId> {
        self.call.request.commands[self.drafts.len()..].iter().map(|asked| &asked.id)
    }

    fn is_complete(&self) -> bool {
        self.drafts.len() == self.call.request.commands.len()
    }

    /// Its drafts rest on a commit that is stored now.
    pub fn settle(&mut self, position: Position) {
        for draft in &mut self.drafts {
            let Draft::Unsettled(answer) = draft else { continue };
            *draft = Draft::Settled(answer.clone().at(position));
        }
    }

    /// Its commit was not stored, or nobody knows: what rested on it is asked again.
    pub fn withdraw(&mut self) {
        let settled = self.drafts.iter().position(|draft| matches!(draft, Draft::Unsettled(_)));
        self.drafts.truncate(settled.unwrap_or(self.drafts.len()));
    }

    /// Sends the answers; an asker that has gone away will ask again under the same ids.
    pub fn answer(self) {
        let answers = self.drafts.into_iter().map(|draft| match draft {
            Draft::Settled(answer) => answer,
            Draft::Unsettled(_) => unreachable!("a call is answered once its commit is stored"),
        });
        // The receiver is gone when the asker is: nothing is lost, the answer is remembered.
        drop(self.call.answer.send(Response { answers: answers.collect() }));
    }

    pub fn answer_all(self, answer: &Answer) {
        let answers = vec![answer.clone(); self.call.request.commands.len()];
        drop(self.call.answer.send(Response { answers }));
    }
}

/// The commit that is being filled.
pub(crate) struct Batch {
    body: Vec<u8>,
    pub commands: Vec<CommandId>,
    limits: BatchLimits,
    pub traceparent: Option<String>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchLimits {
    pub entries: usize,
    pub bytes: usize,
}

const TAIL: &[u8] = b"]}";

impl Batch {
    pub fn new(facts_at: Position, limits: BatchLimits) -> Self {
        let body = format!("{{\"facts_at\":{facts_at},\"entries\":[").into_bytes();
        Self { body, commands: Vec::new(), limits, traceparent: None }
    }

    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// The body as JSON of `model::Body`.
    pub fn into_body(mut self) -> (Bytes, Vec<CommandId>) {
        self.body.extend_from_slice(TAIL);
        (self.body.into(), self.commands)
    }

    /// Decides the call's commands in order, as far as the commit has room. Says whether all were decided.
    pub fn take<D: Decider>(
        &mut self,
        open: &mut Open<D>,
        book: &mut Book<D>,
        facts: &D::Facts,
    ) -> bool {
        while !open.is_complete() {
            let asked = &open.call.request.commands[open.drafts.len()];
            let draft = match book.judge(facts, &asked.id, &asked.command, &open.recalled) {
                Verdict::Known { answer, settled: true } => Draft::Settled(answer),
                Verdict::Known { answer, settled: false } => Draft::Unsettled(answer),
                Verdict::New { digest, outcome } => {
                    let (entry, answer) = decided::<D>(asked, digest, outcome);
                    match self.push(&entry) {
                        Room::Taken => book.apply(&entry, self.commands.len() - 1),
                        Room::Full => return false,
                        Room::Never { bytes, limit } => {
                            open.drafts.push(Draft::Settled(Answer::TooLarge { bytes, limit }));
                            continue;
                        }
                    }
                    if self.traceparent.is_none() {
                        self.traceparent.clone_from(&open.call.traceparent);
                    }
                    Draft::Unsettled(answer)
                }
            };
            let stop = open.call.request.stop_at_refusal && draft.is_refusal();
            open.drafts.push(draft);
            if stop {
                let all = open.call.request.commands.len();
                open.drafts.resize_with(all, || Draft::Settled(Answer::Skipped));
            }
        }
        true
    }

    fn push<E: serde::Serialize, R: serde::Serialize>(&mut self, entry: &Entry<E, R>) -> Room {
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
        self.commands.push(entry.command.clone());
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
        let (Self::Settled(answer) | Self::Unsettled(answer)) = self;
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
    pub calls: Vec<Open<D>>,
    pub commands: Vec<CommandId>,
    pub recorded_at: Timestamp,
}
