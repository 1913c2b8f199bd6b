//! What only a real server and a real network do wrong.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use loopledger_journal::{AppendError, Config, Filter, Journal, MemoryJournal, Nats, ReadError};
use loopledger_journal::{Fault, JetStreamJournal};
use serde_json::json;
use tokio::time::timeout;

use crate::broker::Broker;
use crate::proxy::Proxy;
use crate::suite::{AppendAt, FUND, VOUCHER, add, new_commit, next, positions, read_all};
use crate::{HASTY, PATIENCE, eventually, journal};

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_costs_neither_a_commit_nor_a_reader_its_place() {
    const COMMITS: u64 = 400;
    let mut broker = Broker::start();
    let writer = journal(&broker.url(), Config::default()).await;
    let reader = journal(&broker.url(), Config::default()).await;
    let mut commits = reader.follow(&Filter::partition(VOUCHER), 1);
    let written = writer.clone();
    let writing = tokio::spawn(async move {
        for expected in 0..COMMITS {
            let commit = new_commit(expected.to_string());
            assert_eq!(written.append_at(VOUCHER, expected, commit).await, Ok(expected + 1));
        }
    });
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.extend(next(&mut commits, 60).await);
        broker.restart();
    }
    seen.extend(next(&mut commits, usize::try_from(COMMITS).unwrap() - seen.len()).await);
    writing.await.unwrap();
    for (expected, commit) in (0..).zip(&seen) {
        assert_eq!(
            (commit.position, &commit.body),
            (expected + 1, &Bytes::from(expected.to_string()))
        );
    }
    assert_eq!(read_all(&writer, &Filter::all(), 1).await, seen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_has_waited_for_long_gets_what_comes_at_once() {
    const COMMITS: u64 = 100;
    let broker = Broker::start();
    let journal = journal(&broker.url(), Config::default()).await;
    let mut commits = journal.follow(&Filter::partition(VOUCHER), 1);
    // Longer than the server keeps what it was asked.
    assert!(timeout(Duration::from_secs(12), commits.next()).await.is_err());
    for expected in 0..COMMITS {
        journal.append_at(VOUCHER, expected, new_commit("late")).await.unwrap();
    }
    let read = next(&mut commits, usize::try_from(COMMITS).unwrap());
    let read = timeout(Duration::from_secs(3), read).await.expect("nobody waits for a heartbeat");
    assert_eq!(positions(&read), (1..=COMMITS).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_lost_on_the_way_is_looked_up() {
    let broker = Broker::start();
    let proxy = Proxy::before(broker.port()).await;
    let writer = journal(&proxy.url(), Config::default()).await;
    let witness = journal(&broker.url(), Config::default()).await;
    for overtaken in [false, true] {
        let of = Filter::partition(VOUCHER);
        let expected = witness.last(&of).await.unwrap();
        proxy.lose_answers(true);
        let (handle, commit) = (writer.clone(), new_commit("unanswered"));
        let appending =
            tokio::spawn(async move { handle.append_at(VOUCHER, expected, commit).await });
        eventually("it is stored", async || witness.last(&of).await == Ok(expected + 1)).await;
        if overtaken {
            let successor = new_commit("the next writer's");
            assert_eq!(witness.append_at(VOUCHER, expected + 1, successor).await, Ok(expected + 2));
        }
        proxy.lose_answers(false);
        proxy.cut();
        assert_eq!(appending.await.unwrap(), Ok(expected + 1));
    }
    assert_eq!(read_all(&witness, &Filter::all(), 1).await.len(), 3);
    assert!(writer.append_at(VOUCHER, 2, new_commit("x")).await.is_err(), "the writer is fenced");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_comes_on_a_living_connection_is_looked_up() {
    let broker = Broker::start();
    let proxy = Proxy::before(broker.port()).await;
    let hasty = Config { give_up_after: PATIENCE, ..HASTY };
    let writer = journal(&proxy.url(), hasty).await;
    let witness = journal(&broker.url(), Config::default()).await;
    proxy.lose_answers(true);
    let handle = writer.clone();
    let appending =
        tokio::spawn(async move { handle.append_at(VOUCHER, 0, new_commit("x")).await });
    eventually("it is stored", async || witness.last(&Filter::all()).await == Ok(1)).await;
    proxy.lose_answers(false);
    assert_eq!(appending.await.unwrap(), Ok(1));
    assert_eq!(add(&writer, VOUCHER, "y").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_lost_on_the_way_is_sent_again() {
    let broker = Broker::start();
    let proxy = Proxy::before(broker.port()).await;
    let writer = journal(&proxy.url(), Config { give_up_after: PATIENCE, ..HASTY }).await;
    proxy.lose_requests(true);
    let handle = writer.clone();
    let appending =
        tokio::spawn(async move { handle.append_at(VOUCHER, 0, new_commit("x")).await });
    tokio::task::yield_now().await;
    proxy.cut();
    proxy.lose_requests(false);
    assert_eq!(appending.await.unwrap(), Ok(1));
    assert_eq!(read_all(&writer, &Filter::all(), 1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_resolved_in_time_is_found_by_a_reload() {
    let broker = Broker::start();
    let proxy = Proxy::before(broker.port()).await;
    let writer = journal(&proxy.url(), HASTY).await;
    proxy.lose_answers(true);
    let outcome = writer.append_at(VOUCHER, 0, new_commit("unknown")).await;
    assert!(matches!(outcome, Err(AppendError::Unavailable { .. })), "{outcome:?}");
    assert!(matches!(writer.last(&Filter::all()).await, Err(ReadError::Unavailable { .. })));
    let unread = timeout(PATIENCE, writer.read(&Filter::all(), 1).next()).await.unwrap();
    assert!(matches!(unread, Some(Err(ReadError::Unavailable { .. }))), "{unread:?}");
    proxy.lose_answers(false);
    proxy.cut();
    eventually("the connection is back", async || writer.last(&Filter::all()).await.is_ok()).await;
    assert_eq!(read_all(&writer, &Filter::all(), 1).await[0].body, "unknown");
    assert_eq!(add(&writer, VOUCHER, "next").await, 2);
}

#[tokio::test]
async fn a_late_commit_fences_the_writer_that_had_given_it_up() {
    let journal = MemoryJournal::new();
    journal.fail_next_append(Fault::ArriveLate);
    assert!(journal.append_at(VOUCHER, 0, new_commit("late")).await.is_err());
    assert_eq!(journal.last(&Filter::all()).await, Ok(0));
    let fenced = AppendError::Fenced { partition: VOUCHER, expected: 0, winner: 1 };
    assert_eq!(journal.append_at(VOUCHER, 0, new_commit("decided again")).await, Err(fenced));
    assert_eq!(read_all(&journal, &Filter::all(), 1).await[0].body, "late");
}

#[tokio::test]
async fn the_journal_in_memory_fails_as_it_is_told() {
    let journal = MemoryJournal::new();
    journal.fail_next_append(Fault::Refuse);
    journal.fail_next_append(Fault::LoseAck);
    journal.fail_next_append(Fault::FenceBy(new_commit("another's")));
    for (expected, stored) in [(0, 0), (0, 1)] {
        let outcome = journal.append_at(VOUCHER, expected, new_commit("x")).await;
        assert!(matches!(outcome, Err(AppendError::Unavailable { .. })), "{outcome:?}");
        assert_eq!(journal.last(&Filter::all()).await, Ok(stored));
    }
    let fenced = AppendError::Fenced { partition: VOUCHER, expected: 1, winner: 2 };
    assert_eq!(journal.append_at(VOUCHER, 1, new_commit("x")).await, Err(fenced));
    assert_eq!(add(&journal, VOUCHER, "healthy again").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_went_back_in_time_is_noticed_by_writers_and_readers() {
    let mut broker = Broker::start();
    let writer = journal(&broker.url(), Config::default()).await;
    add(&writer, VOUCHER, "kept").await;
    let take_back = broker.snapshot();
    let mut following = writer.follow(&Filter::all(), 1);
    add(&writer, VOUCHER, "lost").await;
    next(&mut following, 2).await;
    take_back(&mut broker);
    let behind = timeout(PATIENCE, following.next()).await.unwrap();
    assert_eq!(behind, Some(Err(ReadError::LogBehind { from: 3, last: 1 })));
    let behind = AppendError::LogBehind { partition: VOUCHER, expected: 2, last: 1 };
    assert_eq!(writer.append_at(VOUCHER, 2, new_commit("x")).await, Err(behind));
}

async fn raw(broker: &Broker) -> async_nats::jetstream::Context {
    async_nats::jetstream::new(broker.client().await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_no_commit_stops_the_reader_at_its_position() {
    let broker = Broker::start();
    let journal = journal(&broker.url(), Config::default()).await;
    add(&journal, VOUCHER, "good").await;
    for subject in ["ledger.voucher.0", "ledger.voucher.00"] {
        raw(&broker).await.publish(subject, "bad".into()).await.unwrap().await.unwrap();
    }
    add(&journal, FUND, "good").await;
    for mut commits in [journal.read(&Filter::all(), 1), journal.follow(&Filter::all(), 1)] {
        next(&mut commits, 1).await;
        let stopped = timeout(PATIENCE, commits.next()).await.unwrap();
        assert!(
            matches!(stopped, Some(Err(ReadError::Undecodable { position: 2, .. }))),
            "{stopped:?}"
        );
        assert_eq!(timeout(PATIENCE, commits.next()).await.unwrap(), None);
    }
    assert_eq!(read_all(&journal, &Filter::partition(FUND), 1).await.len(), 1);
    let other = timeout(PATIENCE, journal.follow(&Filter::all(), 3).next()).await.unwrap();
    let Some(Err(error @ ReadError::Undecodable { position: 3, .. })) = other else {
        panic!("{other:?}")
    };
    assert!(error.to_string().contains("ledger.voucher.00"), "{error}");
    let outcome = journal.append_at(VOUCHER, 1, new_commit("x")).await;
    assert!(matches!(outcome, Err(AppendError::Fenced { winner: 2, .. })), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hole_in_the_log_stops_the_reader_of_everything() {
    let broker = Broker::start();
    let stream = json!({
        "name": "LEDGER", "subjects": ["ledger.>"], "retention": "limits", "storage": "file",
        "max_msgs": -1, "max_bytes": -1, "max_msgs_per_subject": -1, "max_msg_size": -1,
        "max_consumers": -1, "discard": "new", "deny_delete": true, "deny_purge": true,
        "allow_direct": true, "duplicate_window": 120_000_000_000_u64, "num_replicas": 1,
        "first_seq": 5,
    });
    let _: serde_json::Value =
        raw(&broker).await.request("STREAM.CREATE.LEDGER", &stream).await.unwrap();
    let journal = journal(&broker.url(), Config::default()).await;
    assert_eq!(add(&journal, VOUCHER, "x").await, 5);
    let first = timeout(PATIENCE, journal.read(&Filter::all(), 1).next()).await.unwrap();
    assert_eq!(first, Some(Err(ReadError::Gap { expected: 1, found: 5 })));
    assert_eq!(read_all(&journal, &Filter::all(), 5).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forbidden_subject_is_told_from_a_slow_server() {
    let broker = Broker::start();
    journal(&broker.url(), HASTY).await;
    let nats = Nats::connect(&broker.url_of("reader"), "reader").await.unwrap();
    let reader = JetStreamJournal::open(nats.clone(), HASTY).await.unwrap();
    let outcome = reader.append_at(VOUCHER, 0, new_commit("x")).await;
    let Err(AppendError::Unavailable { cause, .. }) = outcome else { panic!("{outcome:?}") };
    assert!(cause.to_lowercase().contains("permissions violation"), "{cause}");
    assert!(nats.health().permission_violations > 0);
    assert!(nats.health().connected);
    assert_eq!(reader.last(&Filter::all()).await, Ok(0));
}
