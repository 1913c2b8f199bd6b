//! What rows come to does not depend on how commits are cut into transactions.

use futures::{StreamExt, stream};
use loopledger_journal::{
    AppendError, Commit, Commits, Filter, Head, Journal, MemoryJournal, NewCommit, ReadError,
};
use loopledger_model::{Partition, Position};
use loopledger_projector::{Deps, Limits, catch_up};

use crate::history::{lp_loop, market};
use crate::stage::{Stage, start};

#[tokio::test]
async fn batches_of_any_size_give_the_same_rows() {
    let stage = Stage::set().await;
    for (name, journal) in [("lp_loop", lp_loop().await), ("market", market(60).await)] {
        let mut all = Vec::new();
        for commits in [1, 7, 1000] {
            let schema = format!("{name}_{commits}");
            let limits = Limits { commits, ..Limits::LIVE };
            stage.project(&journal, &schema, limits).await.unwrap();
            all.push(stage.views(&schema).digests().await.unwrap());
        }
        let last = journal.last(&Filter::all()).await.unwrap();
        assert_eq!(all[0].position, last);
        assert_eq!(all[0].tables[0].rows, last, "every commit is archived");
        assert_eq!(all[0], all[1]);
        assert_eq!(all[0], all[2]);
    }
}

#[tokio::test]
async fn a_projector_that_starts_again_and_again_comes_to_the_same_rows() {
    let stage = Stage::set().await;
    let journal = market(40).await;
    stage.project(&journal, "at_once", Limits::LIVE).await.unwrap();
    for until in [1, 2, 13, 40] {
        let reached = catch_up(&stage.deps(&journal, "in_parts"), Some(until)).await.unwrap();
        assert_eq!(reached, until);
    }
    let [at_once, in_parts] = [stage.views("at_once"), stage.views("in_parts")];
    assert_eq!(at_once.digests().await.unwrap(), in_parts.digests().await.unwrap());
}

/// A log that gives every commit twice, and the first ones again and again.
#[derive(Clone)]
struct Repeating(MemoryJournal);

impl Journal for Repeating {
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

    fn follow(&self, of: &Filter, from: Position) -> Commits {
        let (log, all) = (self.0.clone(), of.clone());
        let twice_and_more = move |commit: Result<Commit, ReadError>| {
            stream::iter([commit.clone(), commit]).chain(log.read(&all, 1).take(5))
        };
        self.0.follow(of, from).flat_map(twice_and_more).boxed()
    }

    async fn last(&self, of: &Filter) -> Result<Position, ReadError> {
        self.0.last(of).await
    }

    fn body_limit(&self) -> usize {
        self.0.body_limit()
    }
}

#[tokio::test]
async fn what_is_delivered_again_changes_nothing() {
    let stage = Stage::set().await;
    let journal = market(40).await;
    stage.project(&journal, "once", Limits::LIVE).await.unwrap();
    let limits = Limits { commits: 3, ..Limits::LIVE };
    let deps = Deps { limits, ..stage.deps(&Repeating(journal), "again") };
    let mut projector = start(deps);
    projector.reaches(40).await;
    projector.stop().await;
    assert_eq!(
        stage.views("again").digests().await.unwrap(),
        stage.views("once").digests().await.unwrap()
    );
}
