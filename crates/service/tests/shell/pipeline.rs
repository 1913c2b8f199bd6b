//! One append in flight and the next commit decided meanwhile: what rests on which, and what becomes of both.

use std::sync::Arc;

use loopledger_journal::{
    AppendError, Commits, Fault, Filter, Head, Journal, MemoryJournal, NewCommit, ReadError,
};
use loopledger_model::{Context, Partition, Position};
use loopledger_service::Limits;
use loopledger_service::protocol::{Answer, Asked, Outcome};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::sync::oneshot::Receiver;

use crate::till::{Command, PARTITION, Running, accepted, asked, party_registered, start};

/// A journal that stores a commit of the till only when it is let.
#[derive(Clone)]
struct Gated {
    journal: MemoryJournal,
    gate: Arc<Semaphore>,
}

impl Gated {
    fn closed() -> Self {
        Self { journal: MemoryJournal::default(), gate: Arc::new(Semaphore::new(0)) }
    }

    fn let_through(&self, commits: usize) {
        self.gate.add_permits(commits);
    }
}

impl Journal for Gated {
    async fn append(
        &self,
        partition: Partition,
        after: Head,
        commit: NewCommit,
    ) -> Result<Head, AppendError> {
        if partition == PARTITION {
            self.gate.acquire().await.expect("the gate stays").forget();
        }
        self.journal.append(partition, after, commit).await
    }

    fn read(&self, of: &Filter, from: Position) -> Commits {
        self.journal.read(of, from)
    }

    fn follow(&self, of: &Filter, from: Position) -> Commits {
        self.journal.follow(of, from)
    }

    async fn last(&self, of: &Filter) -> Result<Position, ReadError> {
        self.journal.last(of).await
    }

    fn body_limit(&self) -> usize {
        self.journal.body_limit()
    }
}

/// Lets the shell take in what was sent to it.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

async fn sent(till: &Running<Gated>, id: &str, command: Command) -> Receiver<Vec<Answer>> {
    let answers = till.send(vec![asked(id, command)], false);
    settle().await;
    answers
}

async fn answer(answers: Receiver<Vec<Answer>>) -> Answer {
    answers.await.expect("every call is answered").remove(0)
}

#[tokio::test]
async fn what_is_decided_during_an_append_is_stored_behind_it_and_answered_after_it() {
    let till = start(&Gated::closed(), Limits::default()).await;
    let first = sent(&till, "a", Command::PayIn(5)).await;
    let mut second = sent(&till, "b", Command::TakeOut(5)).await;
    let third = sent(&till, "c", Command::TakeOut(1)).await;
    till.journal.let_through(1);
    assert_eq!(answer(first).await, accepted(1, false));
    settle().await;
    assert!(second.try_recv().is_err(), "its own commit is not stored yet");
    till.journal.let_through(1);
    assert_eq!(answer(second).await, accepted(2, false));
    assert!(matches!(answer(third).await, Answer::Refused { position: 2, .. }));
}

#[tokio::test]
async fn a_repeat_of_what_is_in_flight_is_answered_with_the_position_of_its_first() {
    let till = start(&Gated::closed(), Limits::default()).await;
    let first = sent(&till, "a", Command::PayIn(5)).await;
    let repeat = sent(&till, "a", Command::PayIn(5)).await;
    let together =
        till.send(vec![asked("b", Command::PayIn(1)), asked("a", Command::PayIn(5))], false);
    settle().await;
    till.journal.let_through(1);
    assert_eq!(answer(first).await, accepted(1, false));
    till.journal.let_through(1);
    assert_eq!(answer(repeat).await, accepted(1, true));
    let together = together.await.expect("every call is answered");
    assert_eq!(together, [accepted(2, false), accepted(1, true)]);
}

#[tokio::test]
async fn a_request_over_several_commits_is_answered_with_the_position_of_each() {
    let limits = Limits { commit_entries: 2, ..Limits::default() };
    let till = start(&Gated::closed(), limits).await;
    let commands = (0..7).map(|n| asked(&format!("c{n}"), Command::PayIn(1))).collect();
    let answers = till.send(commands, false);
    till.journal.let_through(4);
    let answers = answers.await.expect("every call is answered");
    let positions = [1, 1, 2, 2, 3, 3, 4].map(|position| accepted(position, false));
    assert_eq!(answers, positions);
}

#[tokio::test]
async fn what_was_decided_behind_a_commit_that_is_fenced_out_is_decided_again() {
    let till = start(&Gated::closed(), Limits::default()).await;
    let other = NewCommit {
        body:
            r#"{"facts_at":0,"entries":[{"command":"x","digest":"00000000000000000000000000000000",
            "by":"x","events":[{"paid_in":3}]}]}"#
                .into(),
        ..party_registered(1)
    };
    till.journal.journal.fail_next_append(Fault::FenceBy(other));
    let first = sent(&till, "a", Command::PayIn(5)).await;
    let behind = sent(&till, "b", Command::TakeOut(8)).await;
    let repeat = sent(&till, "a", Command::PayIn(5)).await;
    till.journal.let_through(3);
    assert_eq!(answer(first).await, accepted(2, false));
    assert_eq!(answer(behind).await, accepted(2, false), "3 of the other's and 5 of its own");
    assert_eq!(answer(repeat).await, accepted(2, true));
}

#[tokio::test]
async fn facts_that_arrive_while_a_commit_is_decided_count_from_the_next_one_on() {
    let till = start(&Gated::closed(), Limits::default()).await;
    let first = sent(&till, "a", Command::PayIn(1)).await;
    let second = sent(&till, "b", Command::PayPerParty).await;
    let registry = Partition::first(Context::Registry);
    let head = till.journal.append(registry, Head::none(), party_registered(1)).await;
    let after = head.expect("stored").position;
    let late = till.send(vec![Asked { after, ..asked("c", Command::PayPerParty) }], false);
    settle().await;
    till.journal.let_through(3);
    let (first, second, late) = (answer(first).await, answer(second).await, answer(late).await);
    let Answer::Accepted { position, .. } = second else { panic!("{second:?}") };
    assert_eq!((first, late), (accepted(2, false), accepted(position + 1, false)));
    let all = sent(&till, "all", Command::TakeOut(2)).await;
    till.journal.let_through(1);
    assert_eq!(answer(all).await, accepted(position + 2, false), "1 paid in, 0 and 1 per party");
    let mut stored = till.journal.read(&Filter::partition(PARTITION), 1);
    let mut known = Vec::new();
    while let Some(commit) = futures::StreamExt::next(&mut stored).await {
        let body = commit.expect("in memory").body;
        let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        known.push(body["facts_at"].as_u64());
    }
    assert_eq!(known, [Some(0), Some(0), Some(after), Some(after)]);
}

fn would(position: u64, facts_at: u64, events: &serde_json::Value) -> Answer {
    let events = events.as_array().expect("a list").clone();
    Answer::DryRun { position, facts_at, outcome: Outcome::Events(events) }
}

#[tokio::test]
async fn a_dry_run_is_what_would_be_recorded_and_records_nothing() {
    let till = start(&MemoryJournal::default(), Limits::default()).await;
    till.ask_one("a", Command::PayIn(5)).await;
    let dry = |id: &str, command| till.dry_run(asked(id, command));
    let taken = answer(dry("b", Command::TakeOut(5))).await;
    assert_eq!(taken, would(1, 0, &json!([{ "taken_out": 5 }])));
    let again = answer(dry("b", Command::TakeOut(5))).await;
    assert_eq!(again, taken, "the first one took nothing out");
    assert_eq!(answer(dry("b", Command::PayIn(0))).await, would(1, 0, &json!([])));
    let Answer::DryRun { position: 1, facts_at: 0, outcome: Outcome::Refused(refused) } =
        answer(dry("b", Command::TakeOut(6))).await
    else {
        panic!("only 5 are there");
    };
    assert_eq!((refused.code.as_str(), &refused.fields["cash"]), ("short", &json!(5)));
    assert_eq!(till.commits().await, 1);
    assert_eq!(till.ask_one("b", Command::PayIn(1)).await, accepted(2, false), "b is unused");
}

#[tokio::test]
async fn a_dry_run_rests_on_what_is_stored_and_holds_up_nothing_for_long() {
    let till = start(&Gated::closed(), Limits::default()).await;
    let first = sent(&till, "a", Command::PayIn(5)).await;
    let second = sent(&till, "b", Command::PayIn(2)).await;
    let mut dry = till.dry_run(asked("c", Command::TakeOut(7)));
    settle().await;
    let third = sent(&till, "d", Command::TakeOut(7)).await;
    till.journal.let_through(1);
    assert_eq!(answer(first).await, accepted(1, false));
    settle().await;
    assert!(dry.try_recv().is_err(), "what is decided behind the first is not stored yet");
    till.journal.let_through(1);
    assert_eq!(answer(second).await, accepted(2, false));
    assert_eq!(answer(dry).await, would(2, 0, &json!([{ "taken_out": 7 }])));
    till.journal.let_through(1);
    assert_eq!(answer(third).await, accepted(3, false));
}

#[tokio::test]
async fn a_dry_run_waits_for_the_facts_that_it_depends_on() {
    let journal = MemoryJournal::default();
    let till = start(&journal, Limits::default()).await;
    let registry = Partition::first(Context::Registry);
    let head = journal.append(registry, Head::none(), party_registered(1)).await;
    let after = head.expect("in memory").position;
    let dry = till.dry_run(Asked { after, ..asked("a", Command::PayPerParty) });
    assert_eq!(answer(dry).await, would(0, 1, &json!([{ "paid_in": 1 }])));
}
