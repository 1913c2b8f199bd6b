//! The shell over an in-memory journal: what it answers, when, and what it stores.

mod pipeline;
mod till;

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use loopledger_journal::{
    AppendError, Commits, Fault, Filter, Head, Journal, MemoryJournal, NewCommit, ReadError,
};
use loopledger_model::{Context, Partition, Position};
use loopledger_service::Limits;
use loopledger_service::protocol::{Answer, Asked};
use till::{Command, accepted, asked, party_registered, start, till};
use tokio::sync::oneshot;

#[tokio::test]
async fn a_command_is_answered_with_the_position_of_its_commit() {
    let till = till().await;
    assert_eq!(till.ask_one("a", Command::PayIn(5)).await, accepted(1, false));
    assert_eq!(till.ask_one("b", Command::TakeOut(3)).await, accepted(2, false));
    assert_eq!(till.commits().await, 2);
}

#[tokio::test]
async fn a_repeated_command_gets_its_first_answer_and_stores_nothing() {
    let till = till().await;
    till.ask_one("a", Command::PayIn(5)).await;
    assert_eq!(till.ask_one("a", Command::PayIn(5)).await, accepted(1, true));
    assert_eq!(till.commits().await, 1);
}

#[tokio::test]
async fn an_id_used_for_another_command_is_refused_as_such() {
    let till = till().await;
    till.ask_one("a", Command::PayIn(5)).await;
    let answer = till.ask_one("a", Command::PayIn(6)).await;
    assert!(matches!(answer, Answer::IdReused { .. }), "{answer:?}");
    assert_eq!(till.ask_one("b", Command::TakeOut(5)).await, accepted(2, false));
}

#[tokio::test]
async fn a_refusal_is_recorded_and_stays_even_when_its_cause_has_gone() {
    let till = till().await;
    let Answer::Refused { position: 1, refusal, repeated: false } =
        till.ask_one("a", Command::TakeOut(5)).await
    else {
        panic!("an empty till has nothing to take out");
    };
    assert_eq!(refusal.code, "short");
    assert_eq!(refusal.message, "only 0 are there");
    assert_eq!(refusal.fields["cash"], 0);
    till.ask_one("b", Command::PayIn(9)).await;
    let again = till.ask_one("a", Command::TakeOut(5)).await;
    assert_eq!(again, Answer::Refused { position: 1, refusal, repeated: true });
}

#[tokio::test]
async fn answers_survive_a_restart() {
    let first = till().await;
    first.ask_one("a", Command::PayIn(5)).await;
    let refused = first.ask_one("b", Command::TakeOut(9)).await;
    let journal = first.stop().await;
    let second = start(&journal, Limits::default()).await;
    assert_eq!(second.ask_one("a", Command::PayIn(5)).await, accepted(1, true));
    let Answer::Refused { position, refusal, .. } = refused else { panic!("it was refused") };
    let again = Answer::Refused { position, refusal, repeated: true };
    assert_eq!(second.ask_one("b", Command::TakeOut(9)).await, again);
    assert_eq!(second.ask_one("c", Command::TakeOut(5)).await, accepted(3, false));
}

#[tokio::test]
async fn commands_of_one_request_see_each_other_and_share_a_commit() {
    let till = till().await;
    let answers = till
        .ask(vec![
            asked("a", Command::PayIn(5)),
            asked("b", Command::TakeOut(5)),
            asked("b", Command::TakeOut(5)),
            asked("c", Command::PayIn(0)),
        ])
        .await;
    let nothing = Answer::Accepted { position: 1, events: 0, repeated: false };
    assert_eq!(answers[..2], [accepted(1, false), accepted(1, false)]);
    assert_eq!(answers[2], accepted(1, true));
    assert_eq!(answers[3], nothing);
    assert_eq!(till.commits().await, 1);
}

#[tokio::test]
async fn commands_that_arrive_during_an_append_go_together_into_the_next_commit() {
    let till = till().await;
    let mut answers = Vec::new();
    for n in 0..500 {
        answers.push(till.send(vec![asked(&format!("c{n}"), Command::PayIn(1))], false));
    }
    for answer in answers {
        answer.await.expect("every call is answered");
    }
    assert!(till.commits().await < 50, "{} commits for 500 commands", till.commits().await);
    assert!(matches!(till.ask_one("all", Command::TakeOut(500)).await, Answer::Accepted { .. }));
}

#[tokio::test]
async fn a_request_larger_than_a_commit_is_answered_whole() {
    let limits = Limits { commit_entries: 3, ..Limits::default() };
    let till = start(&MemoryJournal::default(), limits).await;
    let answers = till.ask((0..10).map(|n| asked(&format!("c{n}"), Command::PayIn(1))).collect());
    let positions: Vec<u64> = answers
        .await
        .iter()
        .map(|answer| {
            let Answer::Accepted { position, .. } = answer else { panic!("{answer:?}") };
            *position
        })
        .collect();
    assert_eq!(positions, [1, 1, 1, 2, 2, 2, 3, 3, 3, 4]);
}

#[tokio::test]
async fn what_follows_a_refusal_is_skipped_when_the_request_says_so() {
    let till = till().await;
    let commands = vec![
        asked("a", Command::PayIn(1)),
        asked("b", Command::TakeOut(2)),
        asked("c", Command::PayIn(1)),
    ];
    let answers = till.send(commands, true).await.expect("every call is answered");
    assert!(matches!(
        answers[..],
        [Answer::Accepted { .. }, Answer::Refused { .. }, Answer::Skipped]
    ));
    assert_eq!(till.ask_one("c", Command::PayIn(1)).await, accepted(2, false));
}

#[tokio::test]
async fn a_lost_acknowledgement_neither_loses_nor_doubles_a_command() {
    let till = till().await;
    till.ask_one("a", Command::PayIn(5)).await;
    till.journal.fail_next_append(Fault::LoseAck);
    assert!(matches!(
        till.ask_one("b", Command::PayIn(5)).await,
        Answer::Accepted { events: 1, .. }
    ));
    till.journal.fail_next_append(Fault::Refuse);
    assert!(matches!(
        till.ask_one("c", Command::PayIn(5)).await,
        Answer::Accepted { events: 1, .. }
    ));
    assert!(matches!(till.ask_one("d", Command::TakeOut(15)).await, Answer::Accepted { .. }));
    assert!(matches!(till.ask_one("e", Command::TakeOut(1)).await, Answer::Refused { .. }));
}

#[tokio::test]
async fn a_repeat_in_a_commit_that_is_lost_to_another_writer_is_decided_again() {
    let till = till().await;
    till.ask_one("a", Command::PayIn(5)).await;
    // Another writer takes the 5 out first: what was drafted on them is void, the repeats too.
    let other = NewCommit {
        body: r#"{"facts_at":0,"entries":[{"command":"x","digest":"00000000000000000000000000000000","by":"x","events":[{"taken_out":5}]}]}"#
            .into(),
        ..party_registered(1)
    };
    till.journal.fail_next_append(Fault::FenceBy(other));
    let first = till.send(vec![asked("b", Command::TakeOut(5))], false);
    let repeat = till.send(vec![asked("b", Command::TakeOut(5))], false);
    let reused = till.send(vec![asked("b", Command::TakeOut(4))], false);
    let answer =
        async |answers: oneshot::Receiver<Vec<Answer>>| answers.await.expect("answered").remove(0);
    let Answer::Refused { position: 3, refusal, .. } = answer(first).await else {
        panic!("there is nothing left to take out");
    };
    let again = Answer::Refused { position: 3, refusal, repeated: true };
    assert_eq!(answer(repeat).await, again);
    assert!(matches!(answer(reused).await, Answer::IdReused { .. }));
}

#[tokio::test]
async fn two_writers_on_one_partition_never_lose_double_or_contradict() {
    let journal = MemoryJournal::default();
    let (one, two) =
        (start(&journal, Limits::default()).await, start(&journal, Limits::default()).await);
    let mut answers = Vec::new();
    for n in 0..200 {
        let writer = if n % 3 == 0 { &one } else { &two };
        answers.push(writer.send(vec![asked(&format!("c{n}"), Command::PayIn(1))], false));
        // The other writer is asked the same: the answers must agree.
        let other = if n % 3 == 0 { &two } else { &one };
        answers.push(other.send(vec![asked(&format!("c{n}"), Command::PayIn(1))], false));
        if n % 20 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let mut positions: BTreeMap<usize, u64> = BTreeMap::new();
    for (n, answer) in answers.into_iter().enumerate() {
        let answers = answer.await.expect("every call is answered");
        let Answer::Accepted { position, events: 1, .. } = answers[0] else {
            panic!("{answers:?}");
        };
        assert_eq!(*positions.entry(n / 2).or_insert(position), position);
    }
    drop((one.stop().await, two.stop().await));
    let fresh = start(&journal, Limits::default()).await;
    assert!(matches!(fresh.ask_one("all", Command::TakeOut(200)).await, Answer::Accepted { .. }));
    assert!(matches!(fresh.ask_one("more", Command::TakeOut(1)).await, Answer::Refused { .. }));
}

#[tokio::test]
async fn a_command_waits_for_the_facts_that_it_depends_on() {
    let till = till().await;
    let registry = Partition::first(Context::Registry);
    let head = till.journal.append(registry, Head::none(), party_registered(1)).await;
    let position = head.expect("stored").position;
    let command = Asked { after: position, ..asked("a", Command::PayPerParty) };
    assert_eq!(till.ask(vec![command]).await, [accepted(position + 1, false)]);
    assert!(matches!(till.ask_one("b", Command::TakeOut(1)).await, Answer::Accepted { .. }));
}

#[tokio::test]
async fn a_position_of_a_context_that_is_not_read_is_not_waited_for() {
    let till = till().await;
    till.ask_one("a", Command::PayIn(1)).await;
    let command = Asked { after: 1, ..asked("b", Command::TakeOut(1)) };
    assert_eq!(till.ask(vec![command]).await, [accepted(2, false)]);
}

#[tokio::test]
async fn a_fact_that_cannot_be_read_stops_the_service_with_its_position() {
    let till = till().await;
    let mut unknown = party_registered(1);
    unknown.body = r#"{"facts_at":0,"entries":[{"command":"p","digest":"00000000000000000000000000000000","by":"x",
        "events":[{"party_teleported":{}}]}]}"#
        .into();
    let registry = Partition::first(Context::Registry);
    till.journal.append(registry, Head::none(), unknown).await.expect("stored");
    let error = till.task.await.expect("no panic").expect_err("it stops");
    let text = error.to_string();
    assert!(text.contains("commit 1 of registry") && text.contains("party_teleported"), "{text}");
}

#[tokio::test]
async fn a_stopping_shell_answers_what_has_arrived() {
    let till = till().await;
    let answers: Vec<_> = (0..100)
        .map(|n| till.send(vec![asked(&format!("c{n}"), Command::PayIn(1))], false))
        .collect();
    till.stop().await;
    for answer in answers {
        assert!(matches!(answer.await.expect("answered")[..], [Answer::Accepted { .. }]));
    }
}

/// A journal whose news never arrive.
#[derive(Clone)]
struct Deaf(MemoryJournal);

impl Journal for Deaf {
    async fn append(
        &self,
        partition: Partition,
        after: Head,
        commit: NewCommit,
    ) -> Result<Head, AppendError> {
        self.0.append(partition, after, commit).await
    }

    fn read(&self, of: &Filter, from: Position) -> Commits {
        self.0.read(of, from)
    }

    fn follow(&self, _: &Filter, _: Position) -> Commits {
        futures::stream::pending().boxed()
    }

    async fn last(&self, of: &Filter) -> Result<Position, ReadError> {
        self.0.last(of).await
    }

    fn body_limit(&self) -> usize {
        self.0.body_limit()
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_whose_facts_do_not_come_is_told_so_and_not_decided() {
    let journal = MemoryJournal::default();
    let limits = Limits { patience: Duration::from_millis(50), ..Limits::default() };
    let till = start(&Deaf(journal.clone()), limits).await;
    let registry = Partition::first(Context::Registry);
    let head = journal.append(registry, Head::none(), party_registered(1)).await;
    let after = head.expect("stored").position;
    let command = Asked { after, ..asked("a", Command::PayIn(1)) };
    assert_eq!(till.ask(vec![command]).await, [Answer::NotCaughtUp { after, reached: 0 }]);
    assert_eq!(till.commits().await, 1);
}
