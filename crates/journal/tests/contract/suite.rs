//! The contract itself: each test takes two handles of one empty log.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures::{FutureExt, StreamExt, TryStreamExt, future};
use loopledger_journal::{
    AppendError, Commit, CommitHash, CommitId, Commits, Filter, Head, Heads, Journal, NewCommit,
    ReadError,
};
use loopledger_model::{Context, Partition, Position};
use tokio::time::timeout;

use crate::PATIENCE;

pub const VOUCHER: Partition = Partition { context: Context::Voucher, number: 0 };
pub const VOUCHER_1: Partition = Partition { context: Context::Voucher, number: 1 };
pub const FUND: Partition = Partition { context: Context::Fund, number: 0 };
pub const PURCHASE: Partition = Partition { context: Context::Purchase, number: 0 };

pub fn new_commit(body: impl Into<Bytes>) -> NewCommit {
    NewCommit {
        id: CommitId::new(),
        recorded_at: "2026-03-01T09:00:00.123456Z".parse().unwrap(),
        by: "voucher@host 1, 一号".to_owned(),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        body: body.into(),
    }
}

/// Appends at the partition's end.
pub async fn add(journal: &impl Journal, partition: Partition, body: &'static str) -> Position {
    let last = journal.last(&Filter::partition(partition)).await.unwrap();
    let mut end = journal.read(&Filter::partition(partition), last.max(1));
    let end = end.next().await.transpose().unwrap();
    let after = end.as_ref().map_or(Head::none(), Commit::head);
    journal.append(partition, after, new_commit(body)).await.unwrap().position
}

/// An append where the chain does not matter: a journal goes by the position, readers by the hash.
pub trait AppendAt: Journal {
    fn append_at(
        &self,
        partition: Partition,
        position: Position,
        commit: NewCommit,
    ) -> impl Future<Output = Result<Position, AppendError>> + Send {
        let after = Head { position, hash: CommitHash::NONE };
        let stored = self.append(partition, after, commit);
        async { stored.await.map(|head| head.position) }
    }
}

impl<J: Journal> AppendAt for J {}

pub async fn read_all(journal: &impl Journal, of: &Filter, from: Position) -> Vec<Commit> {
    timeout(PATIENCE, journal.read(of, from).try_collect()).await.expect("it ends").unwrap()
}

/// The next commits of an endless stream, of which there must be enough.
pub async fn next(commits: &mut Commits, count: usize) -> Vec<Commit> {
    let taken = commits.by_ref().take(count).try_collect();
    timeout(PATIENCE, taken).await.expect("the commits come").unwrap()
}

pub fn positions(commits: &[Commit]) -> Vec<Position> {
    commits.iter().map(|commit| commit.position).collect()
}

pub async fn a_commit_is_read_back_as_it_was_appended<J: Journal>(journal: J, _: J) {
    let mut bare = new_commit("");
    (bare.traceparent, bare.by) = (None, String::new());
    for (expected, new) in [new_commit(r#"{"a":1}"#), bare].into_iter().enumerate() {
        let expected = expected as Position;
        let position = journal.append_at(VOUCHER, expected, new.clone()).await.unwrap();
        let NewCommit { id, recorded_at, by, traceparent, body } = new;
        let (partition, previous) = (VOUCHER, CommitHash::NONE);
        let commit =
            Commit { position, partition, id, recorded_at, by, traceparent, previous, body };
        assert_eq!(read_all(&journal, &Filter::all(), position).await, [commit]);
    }
}

pub async fn commits_of_a_partition_are_a_hash_chain<J: Journal>(journal: J, other: J) {
    let mut heads = Heads::default();
    for (handle, partition) in
        [(&journal, VOUCHER), (&other, FUND), (&journal, FUND), (&other, VOUCHER), (&other, FUND)]
    {
        let new = new_commit("linked");
        let head = handle.append(partition, heads.of(partition), new.clone()).await.unwrap();
        let again = journal.append(partition, heads.of(partition), new).await;
        assert_eq!(again, Ok(head), "a repeated append has the same answer");
        let stored = read_all(&journal, &Filter::all(), head.position).await;
        heads.follow(&stored[0]).unwrap();
        assert_eq!(heads.of(partition), head);
    }
}

pub async fn positions_are_those_of_one_log<J: Journal>(journal: J, _: J) {
    assert_eq!(add(&journal, VOUCHER, "a").await, 1);
    assert_eq!(add(&journal, FUND, "b").await, 2);
    assert_eq!(add(&journal, VOUCHER, "c").await, 3);
}

pub async fn an_append_behind_another_commit_is_fenced<J: Journal>(journal: J, other: J) {
    add(&journal, FUND, "of another partition").await;
    let winner = add(&other, VOUCHER, "the winner").await;
    add(&other, VOUCHER, "and more").await;
    let fenced = journal.append_at(VOUCHER, 0, new_commit("late")).await;
    assert_eq!(fenced, Err(AppendError::Fenced { partition: VOUCHER, expected: 0, winner }));
    assert_eq!(read_all(&journal, &Filter::all(), 1).await.len(), 3);
}

pub async fn of_sixteen_writers_exactly_one_wins<J: Journal>(journal: J, other: J) {
    for _ in 0..5 {
        let expected = journal.last(&Filter::partition(VOUCHER)).await.unwrap();
        let tries = (0..16).map(|n| {
            let journal = if n % 2 == 0 { journal.clone() } else { other.clone() };
            tokio::spawn(async move {
                journal.append_at(VOUCHER, expected, new_commit(format!("{n}"))).await
            })
        });
        let outcomes = future::try_join_all(tries).await.unwrap();
        let won: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
        let [winner] = won[..] else { panic!("one winner, not {won:?}") };
        let fenced = AppendError::Fenced { partition: VOUCHER, expected, winner: *winner };
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Err(fenced.clone())).count(), 15);
    }
    assert_eq!(read_all(&journal, &Filter::all(), 1).await.len(), 5);
}

pub async fn rivals_on_a_partition_do_not_fence_those_on_another<J: Journal>(journal: J, other: J) {
    let tries = (0..16).map(|n| {
        let journal = if n % 2 == 0 { journal.clone() } else { other.clone() };
        let partition = if n % 4 < 2 { VOUCHER } else { VOUCHER_1 };
        async move {
            let stored = journal.append(partition, Head::none(), new_commit(format!("{n}"))).await;
            (partition, stored)
        }
    });
    let outcomes = future::join_all(tries).await;
    for partition in [VOUCHER, VOUCHER_1] {
        let of = outcomes.iter().filter(|(of, _)| *of == partition);
        let (won, lost): (Vec<_>, Vec<_>) = of.partition(|(_, stored)| stored.is_ok());
        assert_eq!((won.len(), lost.len()), (1, 7), "{partition}");
        let fenced = |lost: &&(_, _)| matches!(lost.1, Err(AppendError::Fenced { .. }));
        assert!(lost.iter().all(fenced), "{lost:?}");
        assert_eq!(read_all(&journal, &Filter::partition(partition), 1).await.len(), 1);
    }
}

pub async fn a_commit_whose_acknowledgement_was_lost_is_stored_once<J: Journal>(
    journal: J,
    other: J,
) {
    add(&journal, VOUCHER, "before").await;
    let commit = new_commit("once");
    for handle in [&journal, &journal, &other] {
        assert_eq!(handle.append_at(VOUCHER, 1, commit.clone()).await, Ok(2));
    }
    assert_eq!(read_all(&journal, &Filter::all(), 1).await.len(), 2);
}

pub async fn a_stored_commit_is_not_fenced_by_its_successors<J: Journal>(journal: J, other: J) {
    let commit = new_commit("acknowledged to nobody");
    assert_eq!(journal.append_at(VOUCHER, 0, commit.clone()).await, Ok(1));
    assert_eq!(other.append_at(VOUCHER, 1, new_commit("next")).await, Ok(2));
    assert_eq!(journal.append_at(VOUCHER, 0, commit).await, Ok(1));
}

pub async fn an_id_that_names_another_commit_is_refused<J: Journal>(journal: J, _: J) {
    let first = new_commit("first");
    assert_eq!(journal.append_at(VOUCHER, 0, first.clone()).await, Ok(1));
    let taken = Err(AppendError::IdTaken { id: first.id, position: 1 });
    let namesake = NewCommit { id: first.id, ..new_commit("second") };
    assert_eq!(journal.append_at(VOUCHER, 0, namesake.clone()).await, taken);
    assert_eq!(journal.append_at(VOUCHER, 1, namesake.clone()).await, taken);
    assert_eq!(journal.append_at(FUND, 0, namesake).await, taken);
    assert_eq!(journal.append_at(FUND, 0, first).await, taken);
    assert_eq!(read_all(&journal, &Filter::all(), 1).await.len(), 1);
}

pub async fn a_writer_that_has_seen_more_than_the_log_is_refused<J: Journal>(journal: J, _: J) {
    add(&journal, VOUCHER, "seen").await;
    add(&journal, FUND, "of another partition").await;
    let behind = AppendError::LogBehind { partition: VOUCHER, expected: 2, last: 1 };
    assert_eq!(journal.append_at(VOUCHER, 2, new_commit("next")).await, Err(behind));
    assert_eq!(read_all(&journal, &Filter::all(), 1).await.len(), 2);
}

pub async fn a_reader_that_has_seen_more_than_the_log_is_refused<J: Journal>(journal: J, _: J) {
    add(&journal, VOUCHER, "seen").await;
    for of in [Filter::all(), Filter::partition(FUND)] {
        assert_eq!(read_all(&journal, &of, 2).await, []);
        let behind = Some(Err(ReadError::LogBehind { from: 3, last: 1 }));
        for mut commits in [journal.read(&of, 3), journal.follow(&of, 3)] {
            assert_eq!(timeout(PATIENCE, commits.next()).await.expect("it ends"), behind);
            assert_eq!(timeout(PATIENCE, commits.next()).await.expect("it has ended"), None);
        }
    }
}

pub async fn a_body_of_the_limit_fits_and_a_larger_one_is_refused<J: Journal>(
    journal: J,
    other: J,
) {
    let limit = journal.body_limit();
    assert!(limit >= 1_000_000, "{limit}");
    let largest = new_commit(vec![b'x'; limit]);
    for handle in [&journal, &other] {
        assert_eq!(handle.append_at(VOUCHER, 0, largest.clone()).await, Ok(1));
    }
    assert_eq!(read_all(&journal, &Filter::all(), 1).await[0].body, largest.body);
    assert_eq!(journal.last(&Filter::all()).await, Ok(1));

    let bytes = limit + 4096;
    let refused = journal.append_at(VOUCHER, 1, new_commit(vec![b'x'; bytes])).await;
    assert_eq!(refused, Err(AppendError::TooLarge { partition: VOUCHER, bytes, limit }));
    assert_eq!(add(&journal, VOUCHER, "as if nothing had happened").await, 2);
}

pub async fn reading_ends_at_the_last_commit<J: Journal>(journal: J, _: J) {
    assert_eq!(read_all(&journal, &Filter::all(), 0).await, []);
    for _ in 0..200 {
        add(&journal, VOUCHER, "x").await;
    }
    for from in [0, 1, 100, 200] {
        let expected: Vec<_> = (from.max(1)..=200).collect();
        assert_eq!(positions(&read_all(&journal, &Filter::all(), from).await), expected);
    }
    assert_eq!(read_all(&journal, &Filter::all(), 201).await, []);
}

pub async fn a_filter_that_lets_nothing_through_ends_at_once<J: Journal>(journal: J, _: J) {
    add(&journal, VOUCHER, "x").await;
    for of in [
        Filter::partition(FUND),
        Filter::partition(VOUCHER_1),
        Filter::contexts(&[Context::Registry, Context::Allocation]),
    ] {
        assert_eq!(read_all(&journal, &of, 1).await, []);
        assert_eq!(journal.last(&of).await, Ok(0));
    }
}

pub async fn filters_keep_the_order_and_leave_out_the_rest<J: Journal>(journal: J, _: J) {
    let partitions = [VOUCHER, FUND, VOUCHER_1, PURCHASE];
    for n in 0..40 {
        add(&journal, partitions[n * 7 % 11 % 4], "x").await;
    }
    let all = read_all(&journal, &Filter::all(), 1).await;
    assert_eq!(all.iter().map(|commit| commit.partition).collect::<BTreeSet<_>>().len(), 4);
    for of in [
        Filter::contexts(&[Context::Voucher]),
        Filter::contexts(&[Context::Purchase, Context::Fund, Context::Fund]),
        Filter::contexts(&Context::ALL),
        Filter::partition(VOUCHER_1),
    ] {
        let (mut wanted, from) = (all.clone(), 5);
        wanted.retain(|commit| commit.position >= from && of.lets_through(commit.partition));
        assert_eq!(read_all(&journal, &of, from).await, wanted);
        assert_eq!(next(&mut journal.follow(&of, from), wanted.len()).await, wanted);
    }
}

pub async fn the_last_position_is_the_filters_own<J: Journal>(journal: J, other: J) {
    assert_eq!(journal.last(&Filter::all()).await, Ok(0));
    for partition in [VOUCHER, FUND, VOUCHER_1, FUND] {
        add(&journal, partition, "x").await;
    }
    for (of, last) in [
        (Filter::all(), 4),
        (Filter::partition(VOUCHER), 1),
        (Filter::contexts(&[Context::Voucher]), 3),
        (Filter::contexts(&[Context::Fund, Context::Voucher]), 4),
        (Filter::contexts(&[Context::Purchase]), 0),
    ] {
        assert_eq!(other.last(&of).await, Ok(last), "{of:?}");
    }
}

pub async fn following_gives_what_is_there_and_then_what_comes<J: Journal>(journal: J, other: J) {
    add(&journal, VOUCHER, "there").await;
    let mut all = journal.follow(&Filter::all(), 1);
    let mut fund = other.follow(&Filter::contexts(&[Context::Fund]), 1);
    assert_eq!(positions(&next(&mut all, 1).await), [1]);
    for partition in [VOUCHER, FUND, VOUCHER, FUND] {
        add(&journal, partition, "comes").await;
    }
    assert_eq!(positions(&next(&mut all, 4).await), [2, 3, 4, 5]);
    assert_eq!(positions(&next(&mut fund, 2).await), [3, 5]);
    assert!(all.next().now_or_never().is_none(), "it waits");
    let waiting = tokio::spawn(async move { next(&mut all, 1).await });
    add(&other, PURCHASE, "awaited").await;
    assert_eq!(waiting.await.unwrap()[0].body, "awaited");
}

pub async fn following_resumes_where_it_is_told<J: Journal>(journal: J, other: J) {
    for _ in 0..10 {
        add(&journal, VOUCHER, "x").await;
    }
    let first = next(&mut journal.follow(&Filter::all(), 1), 4).await;
    let from = first.last().unwrap().position + 1;
    assert_eq!(
        positions(&next(&mut other.follow(&Filter::all(), from), 6).await),
        [5, 6, 7, 8, 9, 10]
    );
}

pub async fn another_handle_finds_the_same<J: Journal>(journal: J, other: J) {
    for partition in [VOUCHER, FUND, VOUCHER] {
        add(&journal, partition, "x").await;
    }
    let of = Filter::all();
    assert_eq!(read_all(&other, &of, 1).await, read_all(&journal, &of, 1).await);
    assert_eq!(add(&other, VOUCHER, "y").await, 4);
    assert_eq!(add(&journal, VOUCHER, "z").await, 5);
}
