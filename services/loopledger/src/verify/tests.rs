//! What the comparison of journal and archive finds, on commits in memory.

use bytes::Bytes;
use loopledger_journal::{CommitHash, CommitId, Head, MemoryJournal, NewCommit};
use loopledger_model::{Context, Partition};

use super::*;

const CONTEXTS: [Context; 4] = [Context::Fund, Context::Voucher, Context::Fund, Context::Fund];

async fn journal() -> MemoryJournal {
    let journal = MemoryJournal::new();
    for (number, context) in (0..).zip(CONTEXTS) {
        let partition = Partition::first(context);
        append(&journal, partition, journal.head(partition), number).await;
    }
    journal
}

async fn append(journal: &MemoryJournal, partition: Partition, after: Head, number: u32) {
    let commit = NewCommit {
        id: CommitId::new(),
        recorded_at: "2026-03-01T09:00:00Z".parse().expect("an instant"),
        by: format!("test {number}"),
        traceparent: None,
        body: Bytes::from_static(br#"{"facts_at":0,"entries":[]}"#),
    };
    journal.append(partition, after, commit).await.expect("in memory");
}

async fn held(journal: &MemoryJournal) -> Vec<Held> {
    let mut reader = JournalReader::new(journal, 1);
    let mut held = Vec::new();
    for _ in 0..journal.last(&Filter::all()).await.expect("in memory") {
        held.push(reader.next().await);
    }
    held
}

fn check(journal: Vec<Held>, archive: Vec<Option<Held>>) -> Findings {
    let mut check = Check::default();
    let end = archive.iter().flatten().count() as Position;
    let last = journal.len() as Position;
    for (position, (journal, archive)) in (1..).zip(journal.into_iter().zip(archive)) {
        check.take(position, journal, archive);
    }
    check.findings(last, end)
}

fn first(findings: &Findings) -> (Position, &str) {
    assert!(!findings.ok);
    let first = findings.problems.first().expect("a problem");
    (first.position, &first.problem)
}

#[tokio::test]
async fn a_whole_journal_is_fine_also_where_the_archive_is_not_so_far_yet() {
    let held = held(&journal().await).await;
    for archived in 0..=4 {
        let archive = (0..4).map(|n| (n < archived).then(|| held[n].clone())).collect();
        let findings = check(held.clone(), archive);
        assert!(findings.ok, "{findings:?}");
        assert_eq!((findings.commits, findings.position), (4, 4));
        let ends: Vec<_> =
            findings.partitions.iter().map(|end| (end.commits, end.position)).collect();
        assert_eq!(ends, [(1, 2), (3, 4)]);
    }
}

#[tokio::test]
async fn each_kind_of_damage_is_told_with_its_position() {
    let good = held(&journal().await).await;
    let archive: Vec<_> = good.iter().cloned().map(Some).collect();
    let mut changed = good[2].clone().expect("read").expect("there");
    changed.by = "somebody else".to_owned();
    let mut unlinked = good[2].clone().expect("read").expect("there");
    unlinked.previous = CommitHash::NONE;
    for (at_three, problem) in [
        (Ok(None), "no commit"),
        (Err("unreadable".to_owned()), "unreadable"),
        (Ok(Some(changed.clone())), "the archive commit"),
        (Ok(Some(unlinked)), "hash of the commit before"),
    ] {
        let mut journal = good.clone();
        journal[2] = at_three.clone();
        let findings = check(journal, archive.clone());
        let (position, text) = first(&findings);
        assert!(position == 3 && text.contains(problem), "{position}: {text}");
    }
    for (at_three, problem) in [
        (Ok(None), "the archive has no commit"),
        (Err("damaged".to_owned()), "damaged"),
        (Ok(Some(changed)), "the archive commit"),
    ] {
        let mut archive = archive.clone();
        archive[2] = Some(at_three);
        let findings = check(good.clone(), archive);
        assert_eq!(findings.problems.len(), 1);
        let (position, text) = first(&findings);
        assert!(position == 3 && text.contains(problem), "{position}: {text}");
    }
}

#[tokio::test]
async fn a_commit_that_is_changed_breaks_the_chain_behind_it_without_an_archive() {
    let mut held = held(&journal().await).await;
    if let Ok(Some(commit)) = &mut held[2] {
        commit.by = "somebody else".to_owned();
    }
    let findings = check(held, vec![None; 4]);
    assert_eq!(first(&findings).0, 4);
}

#[tokio::test]
async fn a_body_that_is_no_commit_is_a_problem() {
    let mut held = held(&journal().await).await;
    held.truncate(1);
    if let Ok(Some(commit)) = &mut held[0] {
        commit.body = Bytes::from_static(b"{");
    }
    assert_eq!(first(&check(held, vec![None])).0, 1);
}
