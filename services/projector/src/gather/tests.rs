//! What is gathered is all that is there, in order, within the limits.

use bytes::Bytes;
use futures::{StreamExt, stream};
use loopledger_journal::{CommitId, Filter, Journal, MemoryJournal, NewCommit};
use loopledger_model::{Context, Partition, Position};
use loopledger_testkit::at;

use super::*;

async fn journal(commits: u64) -> MemoryJournal {
    let journal = MemoryJournal::new();
    for _ in 0..commits {
        let commit = NewCommit {
            id: CommitId::new(),
            recorded_at: at("2025-01-01"),
            by: "test".to_owned(),
            traceparent: None,
            body: Bytes::from_static(b"0123456789"),
        };
        let partition = Partition::first(Context::Fund);
        journal.append(partition, journal.head(partition), commit).await.expect("an append");
    }
    journal
}

fn positions(commits: &[Commit]) -> Vec<Position> {
    commits.iter().map(|commit| commit.position).collect()
}

#[tokio::test]
async fn all_that_is_there_is_taken_without_waiting_for_more() {
    let commits = journal(3).await.follow(&Filter::all(), 1);
    let mut reader = Reader::new(commits, Limits { commits: 10, bytes: 1000 });
    assert_eq!(positions(&reader.next().await.expect("commits")), [1, 2, 3]);
}

#[tokio::test]
async fn no_more_than_the_limits_is_taken_at_once() {
    let all = Filter::all();
    let by_number = Limits { commits: 2, bytes: 1000 };
    let mut reader = Reader::new(journal(5).await.read(&all, 1), by_number);
    for expected in [&[1, 2][..], &[3, 4], &[5], &[]] {
        assert_eq!(positions(&reader.next().await.expect("commits")), expected);
    }
    let by_bytes = Limits { commits: 10, bytes: 15 };
    let mut reader = Reader::new(journal(3).await.read(&all, 1), by_bytes);
    for expected in [&[1, 2][..], &[3], &[]] {
        assert_eq!(positions(&reader.next().await.expect("commits")), expected);
    }
}

#[tokio::test]
async fn who_waits_is_given_what_comes_too_until_the_end() {
    let slow = journal(3).await.read(&Filter::all(), 1).then(|commit| async {
        tokio::task::yield_now().await;
        commit
    });
    let mut reader = Reader::new(slow.boxed(), Limits { commits: 2, bytes: 1000 });
    for expected in [&[1, 2][..], &[3], &[], &[]] {
        assert_eq!(positions(&reader.next_full().await.expect("commits")), expected);
    }
}

#[tokio::test]
async fn what_comes_before_an_error_is_handed_out_first() {
    let gap = ReadError::Gap { expected: 2, found: 4 };
    let broken = journal(1).await.read(&Filter::all(), 1).chain(stream::iter([Err(gap.clone())]));
    let mut reader = Reader::new(broken.boxed(), Limits { commits: 10, bytes: 1000 });
    assert_eq!(positions(&reader.next().await.expect("commits")), [1]);
    assert_eq!(reader.next().await, Err(gap));
}
