//! What a service remembers over restarts: snapshots, old answers on disk, and both lost or damaged.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use loopledger_journal::{CommitId, Filter, Head, Journal, MemoryJournal, NewCommit};
use loopledger_model::{Body, Context, Fact, FromJson, Partition, Position, Recorded, Routed};
use loopledger_service::protocol::{Answer, Asked, Request};
use loopledger_service::{Call, Decider, Decision, Limits, Memory, Shell, Status};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

/// A till that is never overdrawn. `FORMAT` is that of its state.
enum Till<const FORMAT: u32> {}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Command {
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
enum Event {
    PaidIn(u64),
    TakenOut(u64),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
enum Refusal {
    #[error("only {cash} are there")]
    Short { cash: u64 },
}

impl Recorded for Event {
    type Refusal = Refusal;

    fn read(body: &[u8]) -> Result<Body<Self, Refusal>, serde_json::Error> {
        Body::read(Context::Fund, body)
    }
}

impl<const FORMAT: u32> Decider for Till<FORMAT> {
    const CONTEXT: Context = Context::Fund;
    const READS: &'static [Context] = &[Context::Registry];
    const STATE_FORMAT: u32 = FORMAT;
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
    type State = u64;
    type Facts = u64;

    fn decide(cash: &u64, parties: &u64, command: &Command) -> Result<Decision<Event>, Refusal> {
        match command {
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

const PARTITION: Partition = Partition::first(Context::Fund);

/// So tight that almost everything is on disk.
fn tight(folder: &Path) -> Memory {
    let folder = Some(folder.to_owned());
    Memory { folder, answers: 4, filter_bytes: 64, snapshot_every: 7 }
}

/// One run of a service, from its start to its clean end.
struct Run<const FORMAT: u32 = 1> {
    calls: mpsc::Sender<Call<Till<FORMAT>>>,
    shutdown: CancellationToken,
    task: tokio::task::JoinHandle<Result<(), loopledger_service::ShellError>>,
    _status: watch::Receiver<Status>,
}

impl<const FORMAT: u32> Run<FORMAT> {
    async fn start(journal: &MemoryJournal, memory: Memory) -> Self {
        Self::start_on(PARTITION, journal, memory).await
    }

    async fn start_on(partition: Partition, journal: &MemoryJournal, memory: Memory) -> Self {
        let (calls, queue) = mpsc::channel(1_000);
        let (sender, status) = watch::channel(Status::Loading);
        let (writer, limits) = (format!("{partition}@test"), Limits::default());
        let shell =
            Shell::load(journal.clone(), partition, writer, limits, memory, queue, sender).await;
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(shell.expect("it loads").run(shutdown.clone()));
        Self { calls, shutdown, task, _status: status }
    }

    async fn ask(&self, id: &str, command: Command, after: Position) -> Answer {
        let (answer, answered) = oneshot::channel();
        let by = "cashier".parse().expect("text");
        let asked = Asked { id: id.parse().expect("an id"), by, after, command };
        let request = Request { commands: vec![asked], stop_at_refusal: false, dry_run: false };
        let call = Call::new(request, None, answer);
        assert!(self.calls.try_send(call).is_ok(), "the queue has room");
        answered.await.expect("every call is answered").answers.remove(0)
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.expect("no panic").expect("a clean end");
    }

    /// As a killed process: nothing is saved at its end.
    async fn kill(self) {
        self.task.abort();
        drop(self.task.await);
    }
}

async fn register(journal: &MemoryJournal, head: Head, n: usize) -> Head {
    let body = format!(
        r#"{{"facts_at":0,"entries":[{{"command":"p{n}","digest":"00000000000000000000000000000000","by":"x","events":[
        {{"party_registered":{{"id":"p{n}","at":"2025-01-01T00:00:00Z","name":"P","kind":"other"}}}}]}}]}}"#
    );
    let commit = NewCommit {
        id: CommitId::new(),
        recorded_at: Timestamp::UNIX_EPOCH,
        by: "registry".to_owned(),
        traceparent: None,
        body: body.into(),
    };
    let registry = Partition::first(Context::Registry);
    journal.append(registry, head, commit).await.expect("stored")
}

/// What happens to the folder between two runs.
#[derive(Debug, Clone, Copy)]
enum Mishap {
    None,
    LoseSnapshots,
    LoseRuns,
    LoseAll,
    DamageSnapshots,
    DamageRuns,
}

fn suffer(folder: &Path, mishap: Mishap) {
    let (suffixes, damage): (&[&str], bool) = match mishap {
        Mishap::None => return,
        Mishap::LoseSnapshots => (&[".snapshot"], false),
        Mishap::LoseRuns => (&[".answers"], false),
        Mishap::LoseAll => (&[".snapshot", ".answers"], false),
        Mishap::DamageSnapshots => (&[".snapshot"], true),
        Mishap::DamageRuns => (&[".answers"], true),
    };
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("the folder can be read").path();
        if !suffixes.iter().any(|suffix| path.to_string_lossy().ends_with(suffix)) {
            continue;
        }
        if damage {
            let mut bytes = fs::read(&path).expect("it can be read");
            let place = bytes.len() * 2 / 3;
            bytes[place] ^= 0x10;
            fs::write(&path, bytes).expect("it can be written");
        } else {
            fs::remove_file(&path).expect("it can be removed");
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Ask(u8, Command),
    Register,
    Restart(Mishap),
    Kill(Mishap),
}

fn step() -> impl Strategy<Value = Step> {
    let command = prop_oneof![
        (1..9_u64).prop_map(Command::PayIn),
        (1..9_u64).prop_map(Command::TakeOut),
        Just(Command::PayPerParty),
    ];
    let mishap = || {
        prop_oneof![
            3 => Just(Mishap::None),
            1 => Just(Mishap::LoseSnapshots),
            1 => Just(Mishap::LoseRuns),
            1 => Just(Mishap::LoseAll),
            1 => Just(Mishap::DamageSnapshots),
            1 => Just(Mishap::DamageRuns),
        ]
    };
    prop_oneof![
        30 => (0..60_u8, command).prop_map(|(id, command)| Step::Ask(id, command)),
        3 => Just(Step::Register),
        2 => mishap().prop_map(Step::Restart),
        1 => mishap().prop_map(Step::Kill),
    ]
}

/// A service that never forgets and never stops.
#[derive(Default)]
struct Model {
    cash: u64,
    parties: u64,
    answered: BTreeMap<u8, (Command, Answer)>,
}

impl Model {
    fn check(&mut self, id: u8, command: Command, answer: &Answer) {
        if let Some((first, known)) = self.answered.get(&id) {
            if *first == command {
                assert_eq!(answer, known, "command {id} gets its first answer");
            } else {
                assert!(matches!(answer, Answer::IdReused { .. }), "{answer:?}");
            }
            return;
        }
        let repeated = match answer {
            Answer::Accepted { position, events: 1, repeated: false } => {
                match command {
                    Command::PayIn(amount) => self.cash += amount,
                    Command::TakeOut(amount) => {
                        self.cash = self.cash.checked_sub(amount).expect("never overdrawn");
                    }
                    Command::PayPerParty => self.cash += self.parties,
                }
                Answer::Accepted { position: *position, events: 1, repeated: true }
            }
            Answer::Refused { position, refusal, repeated: false } => {
                assert!(matches!(command, Command::TakeOut(amount) if amount > self.cash));
                assert_eq!(refusal.fields["cash"], self.cash);
                Answer::Refused { position: *position, refusal: refusal.clone(), repeated: true }
            }
            Answer::Accepted { .. }
            | Answer::Refused { .. }
            | Answer::IdReused { .. }
            | Answer::Skipped
            | Answer::NotCaughtUp { .. }
            | Answer::WrongPartition { .. }
            | Answer::TooLarge { .. }
            | Answer::DryRun { .. } => panic!("{answer:?} to a new command"),
        };
        self.answered.insert(id, (command, repeated));
    }
}

/// A process of its own: when it is dropped, nothing of it goes on.
fn process() -> Runtime {
    let builder = &mut tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().expect("a runtime")
}

/// A partition's service, and what it is to answer.
struct Desk {
    partition: Partition,
    model: Model,
    running: Option<(Runtime, Run)>,
}

impl Desk {
    fn start(&mut self, journal: &MemoryJournal, folder: &Path) {
        let process = process();
        let run = process.block_on(Run::start_on(self.partition, journal, tight(folder)));
        self.running = Some((process, run));
    }

    fn ask(&self, id: u8, command: Command, after: Position) -> Answer {
        let (process, run) = self.running.as_ref().expect("it runs");
        process.block_on(run.ask(&format!("c{id}"), command, after))
    }

    fn end(&mut self, is_killed: bool) {
        let (process, run) = self.running.take().expect("it runs");
        process.block_on(async { if is_killed { run.kill().await } else { run.stop().await } });
    }
}

/// Each step befalls one of so many partitions, which share a journal and a folder.
fn play(partitions: u32, steps: Vec<(u32, Step)>) {
    let (journal, folder) = (MemoryJournal::default(), tempfile::tempdir().expect("a folder"));
    let folder = folder.path();
    let desk = |number| {
        let partition = Partition { context: Context::Fund, number };
        Desk { partition, model: Model::default(), running: None }
    };
    let mut desks: Vec<Desk> = (0..partitions).map(desk).collect();
    desks.iter_mut().for_each(|desk| desk.start(&journal, folder));
    let (outside, mut registry, mut parties) = (process(), Head::none(), 0);
    for (number, step) in steps {
        let number = (number % partitions) as usize;
        let (mishap, is_killed) = match step {
            Step::Ask(id, command) => {
                let desk = &mut desks[number];
                let answer = desk.ask(id, command, registry.position);
                desk.model.check(id, command, &answer);
                continue;
            }
            Step::Register => {
                parties += 1;
                registry = outside.block_on(register(&journal, registry, parties));
                desks.iter_mut().for_each(|desk| desk.model.parties += 1);
                continue;
            }
            Step::Restart(mishap) => (mishap, false),
            Step::Kill(mishap) => (mishap, true),
        };
        // What befalls the folder befalls all who use it.
        let befallen = if matches!(mishap, Mishap::None) {
            &mut desks[number..=number]
        } else {
            &mut desks[..]
        };
        befallen.iter_mut().for_each(|desk| desk.end(is_killed));
        suffer(folder, mishap);
        befallen.iter_mut().for_each(|desk| desk.start(&journal, folder));
    }
    for desk in &mut desks {
        for (id, (command, known)) in &desk.model.answered {
            let again = desk.ask(*id, *command, 0);
            assert_eq!(again, *known, "command {id} gets its first answer");
        }
        desk.end(false);
        outside.block_on(compare(desk.partition, &journal, desk.model.cash));
    }
}

/// The whole journal, read without any memory, comes to the same.
async fn compare(partition: Partition, journal: &MemoryJournal, cash: u64) {
    let fresh: Run = Run::start_on(partition, journal, Memory::default()).await;
    if cash > 0 {
        let answer = fresh.ask("all", Command::TakeOut(cash), 0).await;
        assert!(matches!(answer, Answer::Accepted { .. }), "{answer:?}");
    }
    let answer = fresh.ask("more", Command::TakeOut(1), 0).await;
    assert!(matches!(answer, Answer::Refused { .. }), "{answer:?}");
    fresh.stop().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_to_its_memory_a_service_answers_as_if_it_had_never_stopped(
        steps in proptest::collection::vec((Just(0), step()), 1..160)
    ) {
        play(1, steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn partitions_that_share_a_journal_and_a_folder_each_remember_their_own(
        steps in proptest::collection::vec((0..3_u32, step()), 1..200)
    ) {
        play(3, steps);
    }
}

/// A journal of `commands` payments of 1, and the memory that its service has left.
async fn history(commands: u64) -> (MemoryJournal, TempDir) {
    let (journal, folder) = (MemoryJournal::default(), tempfile::tempdir().expect("a folder"));
    for half in [0..commands / 2, commands / 2..commands] {
        let run: Run = Run::start(&journal, tight(folder.path())).await;
        for n in half {
            run.ask(&format!("c{n}"), Command::PayIn(1), 0).await;
        }
        run.stop().await;
    }
    (journal, folder)
}

fn snapshots(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "snapshot"));
    paths.sort();
    paths
}

/// Puts other cash into the newest snapshot, with a checksum that fits.
fn falsify(folder: &Path) {
    let path = snapshots(folder).pop().expect("a snapshot");
    let mut bytes = fs::read(&path).expect("it can be read");
    let cash = bytes.windows(2).rposition(|pair| pair == [20, 0]).expect("the state is in it");
    bytes[cash] = 21;
    write_sealed(&path, bytes);
}

/// Writes a snapshot whose checksum, its last 32 bytes, is made to fit what lies between it and the file's mark.
fn write_sealed(path: &Path, mut bytes: Vec<u8>) {
    let (content, checksum) = bytes.split_last_chunk_mut::<32>().expect("a checksum");
    *checksum = <sha2::Sha256 as sha2::Digest>::digest(&content[8..]).into();
    fs::write(path, bytes).expect("it can be written");
}

async fn cash<const FORMAT: u32>(journal: &MemoryJournal, memory: Memory) -> u64 {
    let run: Run<FORMAT> = Run::start(journal, memory).await;
    let count = journal.last(&Filter::all()).await.expect("in memory");
    let answer = run.ask(&format!("ask-{count}"), Command::TakeOut(1_000), 0).await;
    run.kill().await;
    let Answer::Refused { refusal, .. } = answer else { panic!("{answer:?}") };
    refusal.fields["cash"].as_u64().expect("a number")
}

#[tokio::test]
async fn a_start_rests_on_the_newest_snapshot_and_two_are_kept() {
    let (journal, folder) = history(20).await;
    assert_eq!(snapshots(folder.path()).len(), 2);
    falsify(folder.path());
    assert_eq!(cash::<1>(&journal, tight(folder.path())).await, 21, "the snapshot is used");
}

#[tokio::test]
async fn a_snapshot_of_another_format_is_left_aside() {
    let (journal, folder) = history(20).await;
    falsify(folder.path());
    assert_eq!(cash::<2>(&journal, tight(folder.path())).await, 20);
}

#[tokio::test]
async fn a_snapshot_of_another_partition_is_left_aside() {
    let (journal, folder) = history(20).await;
    falsify(folder.path());
    let path = snapshots(folder.path()).pop().expect("a snapshot");
    let mut bytes = fs::read(&path).expect("it can be read");
    let name = bytes.windows(6).position(|text| text == b"fund.0").expect("the partition");
    bytes[name + 5] = b'1';
    write_sealed(&path, bytes);
    assert_eq!(cash::<1>(&journal, tight(folder.path())).await, 20);
}

#[tokio::test]
async fn the_memory_of_another_or_longer_journal_is_left_aside() {
    let (_, folder) = history(20).await;
    for commands in [3, 30] {
        let (other, _) = history(commands).await;
        assert_eq!(cash::<1>(&other, tight(folder.path())).await, commands);
        let run: Run = Run::start(&other, tight(folder.path())).await;
        let answer = run.ask("c2", Command::PayIn(1), 0).await;
        assert_eq!(answer, Answer::Accepted { position: 3, events: 1, repeated: true });
        run.stop().await;
    }
}

#[tokio::test]
async fn answers_that_could_not_be_written_stay_in_memory_until_they_can() {
    let (journal, around) =
        (MemoryJournal::default(), tempfile::tempdir().expect("a folder around it"));
    let folder = around.path().join("memory");
    let run: Run = Run::start(&journal, tight(&folder)).await;
    fs::write(&folder, "a file in the folder's place").expect("it can be written");
    for n in 0..20 {
        run.ask(&format!("c{n}"), Command::PayIn(1), 0).await;
        // Time for a try at writing, which is on a thread of its own.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    fs::remove_file(&folder).expect("it can be removed");
    for n in 20..40 {
        run.ask(&format!("c{n}"), Command::PayIn(1), 0).await;
    }
    run.stop().await;
    let run: Run = Run::start(&journal, tight(&folder)).await;
    for n in 0..40 {
        let answer = run.ask(&format!("c{n}"), Command::PayIn(1), 0).await;
        assert_eq!(answer, Answer::Accepted { position: n + 1, events: 1, repeated: true });
    }
    run.stop().await;
}
