//! A history is whole, and the same for the same seed.

use super::*;
use loopledger_journal::{Heads, MemoryJournal};
use loopledger_model::facts;

#[tokio::test]
async fn a_history_can_be_read_is_chained_and_is_the_same_for_the_same_seed() {
    let mut told = Vec::new();
    for seed in [7, 7, 8] {
        let mut history = History::new(Shape { seed, per_commit: 50, ..Shape::default() });
        let journal = MemoryJournal::new();
        let last = history.append(&journal, 2_000).await.expect("an append");
        let shape = Shape { seed, per_commit: 50, ..Shape::default() };
        let mut resumed = History::resume(shape, &journal).await.expect("what is stored");
        assert_eq!(resumed.events(), history.events());
        let last = last.max(resumed.append(&journal, 1_000).await.expect("an append"));
        let history = resumed;
        let commits: Vec<_> = journal.read(&Filter::all(), 1).collect().await;
        let (mut heads, mut events) = (Heads::default(), Vec::new());
        for commit in &commits {
            let commit = commit.as_ref().expect("a commit");
            heads.follow(commit).expect("a chain");
            let (context, position) = (commit.partition.context, commit.position);
            let read = facts(context, position, commit.recorded_at, &commit.body);
            events.extend(read.expect("facts"));
        }
        assert_eq!((commits.len() as u64, events.len() as u64), (last, history.events()));
        assert!(events.len() >= 3_000);
        told.push(events);
    }
    assert!(told[0] == told[1] && told[0] != told[2]);
}
