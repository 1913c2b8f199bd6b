//! A till: a small decider and a shell that runs it, for all tests of the shell.

use jiff::Timestamp;
use loopledger_journal::{Filter, Journal, MemoryJournal, NewCommit};
use loopledger_model::{Body, Context, Fact, FromJson, Partition, Recorded, Routed, Text};
use loopledger_service::protocol::{Answer, Asked, Request};
use loopledger_service::{Call, Decider, Decision, Limits, Memory, Shell, ShellError, Status};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A till that is never overdrawn; it counts the facts that it hears of elsewhere.
pub enum Till {}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    PayIn(u64),
    TakeOut(u64),
    /// Pays in as much as there are parties.
    PayPerParty,
}

impl FromJson for Command {
    fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }
}

impl Routed for Command {
    fn keys(&self) -> Vec<&str> {
        vec!["till"]
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    PaidIn(u64),
    TakenOut(u64),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Refusal {
    #[error("only {cash} are there")]
    Short { cash: u64 },
}

impl Recorded for Event {
    type Refusal = Refusal;

    fn read(body: &[u8]) -> Result<Body<Self, Refusal>, serde_json::Error> {
        Body::read(Till::CONTEXT, body)
    }
}

impl Decider for Till {
    const CONTEXT: Context = Context::Fund;
    const READS: &'static [Context] = &[Context::Registry];
    const STATE_FORMAT: u32 = 1;
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
    type State = u64;
    type Facts = u64;

    fn decide(cash: &u64, parties: &u64, command: &Command) -> Result<Decision<Event>, Refusal> {
        match command {
            Command::PayIn(0) => Ok(Decision::nothing()),
            Command::PayIn(amount) => Ok(Event::PaidIn(*amount).into()),
            Command::TakeOut(amount) if amount > cash => Err(Refusal::Short { cash: *cash }),
            Command::TakeOut(amount) => Ok(Event::TakenOut(*amount).into()),
            Command::PayPerParty => Ok(Event::PaidIn(*parties).into()),
        }
    }

    fn evolve(cash: &mut u64, event: &Event) {
        match event {
            Event::PaidIn(amount) => *cash += amount,
            Event::TakenOut(amount) => *cash -= amount,
        }
    }

    fn learn(parties: &mut u64, _: &Fact) {
        *parties += 1;
    }
}

pub const PARTITION: Partition = Partition::first(Context::Fund);

pub struct Running<J = MemoryJournal> {
    pub journal: J,
    calls: mpsc::Sender<Call<Till>>,
    status: watch::Receiver<Status>,
    shutdown: CancellationToken,
    pub task: JoinHandle<Result<(), ShellError>>,
}

pub async fn start<J: Journal>(journal: &J, limits: Limits) -> Running<J> {
    let (calls, queue) = mpsc::channel(1_000);
    let (sender, status) = watch::channel(Status::Loading);
    let writer = "fund.0@test".to_owned();
    let memory = Memory::default();
    let shell = Shell::load(journal.clone(), PARTITION, writer, limits, memory, queue, sender);
    let shell = shell.await.expect("the journal can be read");
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(shell.run(shutdown.clone()));
    Running { journal: journal.clone(), calls, status, shutdown, task }
}

pub async fn till() -> Running {
    start(&MemoryJournal::default(), Limits::default()).await
}

pub fn asked(id: &str, command: Command) -> Asked<Command> {
    let by: Text = "cashier".parse().expect("text");
    Asked { id: id.parse().expect("an id"), by, after: 0, command }
}

impl<J: Journal> Running<J> {
    pub fn send(
        &self,
        commands: Vec<Asked<Command>>,
        stop: bool,
    ) -> oneshot::Receiver<Vec<Answer>> {
        self.request(Request { commands, stop_at_refusal: stop, dry_run: false })
    }

    pub fn dry_run(&self, command: Asked<Command>) -> oneshot::Receiver<Vec<Answer>> {
        let commands = vec![command];
        self.request(Request { commands, stop_at_refusal: false, dry_run: true })
    }

    fn request(&self, request: Request<Command>) -> oneshot::Receiver<Vec<Answer>> {
        let (answer, answered) = oneshot::channel();
        let call = Call::new(request, None, answer);
        assert!(self.calls.try_send(call).is_ok(), "the queue has room");
        let (to, answers) = oneshot::channel();
        tokio::spawn(async move {
            let response = answered.await.expect("every call is answered");
            drop(to.send(response.answers));
        });
        answers
    }

    pub async fn ask(&self, commands: Vec<Asked<Command>>) -> Vec<Answer> {
        self.send(commands, false).await.expect("every call is answered")
    }

    pub async fn ask_one(&self, id: &str, command: Command) -> Answer {
        self.ask(vec![asked(id, command)]).await.remove(0)
    }

    pub async fn commits(&self) -> u64 {
        self.journal.last(&Filter::all()).await.expect("in memory")
    }

    pub async fn stop(self) -> J {
        self.shutdown.cancel();
        self.task.await.expect("no panic").expect("a clean end");
        assert_eq!(*self.status.borrow(), Status::Stopped);
        self.journal
    }
}

pub fn accepted(position: u64, repeated: bool) -> Answer {
    Answer::Accepted { position, events: 1, repeated }
}

pub fn party_registered(n: u32) -> NewCommit {
    let body = format!(
        r#"{{"facts_at":0,"entries":[{{"command":"p{n}","digest":"00000000000000000000000000000000","by":"x","events":[
        {{"party_registered":{{"id":"p{n}","at":"2025-01-01T00:00:00Z","name":"P","kind":"other"}}}}]}}]}}"#
    );
    NewCommit {
        id: loopledger_journal::CommitId::new(),
        recorded_at: Timestamp::UNIX_EPOCH,
        by: "registry".to_owned(),
        traceparent: None,
        body: body.into(),
    }
}
