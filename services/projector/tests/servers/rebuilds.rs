//! Rows are rebuilt beside the live ones, compared with them and put in their place, and back.

use std::time::Duration;

use loopledger_journal::MemoryJournal;
use loopledger_projector::{Deps, Error, Limits, Rebuilt, Step, catch_up, rebuild, rollback};
use loopledger_views::{Batch, Error as ViewsError, Writer, discard};

use crate::history::{extend_market, lp_loop, market};
use crate::stage::{DEADLINE, Stage, name, start, within};

const PATIENCE: Duration = Duration::from_secs(5);

fn rebuilding(stage: &Stage, journal: &MemoryJournal) -> Deps<MemoryJournal> {
    // Of one commit each, so that batches overtake each other where they can.
    let limits = Limits { commits: 1, ..Limits::REBUILD };
    Deps { limits, patience: PATIENCE, ..stage.deps(journal, "live") }
}

async fn rebuilt(deps: &Deps<MemoryJournal>) -> Rebuilt {
    rebuild(deps, false, &mut |_| {}).await.unwrap()
}

/// Takes the position back by one and leaves the rows: they are not those of the position then.
async fn tamper(stage: &Stage, position: u64) {
    let mut writer = Writer::open(&stage.database(), name("live"), PATIENCE).await.unwrap();
    let batch = Batch { after: position, position: position - 1, ..Batch::default() };
    writer.store(&batch).await.unwrap();
}

#[tokio::test]
async fn a_rebuild_gives_the_rows_of_the_live_projector_and_takes_their_place_while_it_runs() {
    let stage = Stage::set().await;
    for (schema, journal) in [("lp", lp_loop().await), ("live", market(40).await)] {
        let last = stage.project(&journal, schema, Limits::LIVE).await.unwrap();
        let deps = Deps { schema: name(schema), ..rebuilding(&stage, &journal) };
        let mut projector = start(Deps { limits: Limits::LIVE, ..deps.clone() });
        projector.reaches(last).await;
        let views = stage.views(schema);
        let before = views.digests().await.unwrap();

        let rebuilt = rebuilt(&deps).await;
        assert_eq!(rebuilt.comparison.position, last);
        assert_eq!(rebuilt.comparison.differing().next(), None);
        assert_eq!(rebuilt.exchanged_at, Some(last));
        let live: Vec<_> =
            rebuilt.comparison.tables.iter().map(|table| table.rebuilt.clone()).collect();
        assert_eq!(live, before.tables);
        assert_eq!(views.digests().await.unwrap(), before);
        assert_eq!(stage.views(name(schema).replaced().as_str()).digests().await.unwrap(), before);

        extend_market(&journal, 100, 105).await;
        projector.reaches(last + 5).await;
        projector.stop().await;
        catch_up(&stage.deps(&journal, "afresh"), None).await.unwrap();
        let afresh = stage.views("afresh").digests().await.unwrap();
        assert_eq!(views.digests().await.unwrap(), afresh);
        discard(&stage.database(), &name("afresh"), PATIENCE).await.unwrap();
    }
}

#[tokio::test]
async fn rebuilds_and_rollbacks_in_the_middle_of_work_lose_and_double_nothing() {
    let stage = Stage::set().await;
    let journal = market(1).await;
    let mut projector = start(stage.deps(&journal, "live"));
    projector.reaches(1).await;
    let working = tokio::spawn({
        let (journal, views) = (journal.clone(), stage.views("live"));
        async move {
            for commit in 1..120 {
                extend_market(&journal, commit, commit + 1).await;
                views.wait_for(u64::from(commit), DEADLINE).await.unwrap();
            }
        }
    });
    // Positions never go back for whoever asks, nor for whoever waits for an exchange to end.
    let asking = [(); 4].map(|()| {
        let views = stage.views("live");
        tokio::spawn(async move {
            let mut last = 0;
            while last < 100 {
                let position = views.position().await.unwrap();
                assert!(position >= last, "{position} after {last}");
                last = position;
            }
        })
    });
    let deps = rebuilding(&stage, &journal);
    for _ in 0..2 {
        assert!(rebuilt(&deps).await.exchanged_at.is_some());
        rollback(&deps).await.unwrap();
    }
    within(working).await.unwrap();
    for asking in asking {
        within(asking).await.unwrap();
    }
    projector.reaches(120).await;
    projector.stop().await;
    catch_up(&stage.deps(&journal, "afresh"), None).await.unwrap();
    let [live, afresh] = [stage.views("live"), stage.views("afresh")];
    assert_eq!(live.digests().await.unwrap(), afresh.digests().await.unwrap());
}

#[tokio::test]
async fn a_rebuild_that_ends_at_any_step_leaves_the_live_rows_and_the_next_one_cleans_up() {
    let stage = Stage::set().await;
    let journal = market(20).await;
    let mut projector = start(stage.deps(&journal, "live"));
    projector.reaches(20).await;
    let before = stage.views("live").digests().await.unwrap();
    let steps: [fn(Step) -> bool; 4] = [
        |step| matches!(step, Step::Loading { loaded, .. } if loaded.position == 1),
        |step| matches!(step, Step::Loading { loaded, until } if loaded.position == until),
        |step| matches!(step, Step::Comparing { .. }),
        |step| step == Step::Exchanging,
    ];
    for is_it in steps {
        let deps = rebuilding(&stage, &journal);
        let crashing = tokio::spawn(async move {
            let crash = &mut |step| assert!(!is_it(step), "a rebuild that ends here");
            rebuild(&deps, false, crash).await
        });
        assert!(within(crashing).await.unwrap_err().is_panic());
        assert_eq!(stage.views("live").digests().await.unwrap(), before);
    }
    assert_eq!(rebuilt(&rebuilding(&stage, &journal)).await.exchanged_at, Some(20));
    assert_eq!(stage.views("live").digests().await.unwrap(), before);
    projector.stop().await;
}

#[tokio::test]
async fn a_second_rebuild_at_once_is_refused_and_so_is_a_rollback() {
    let stage = Stage::set().await;
    let journal = market(10).await;
    stage.project(&journal, "live", Limits::LIVE).await.unwrap();
    let (begun, second) = (tokio::sync::Notify::new(), async {
        let deps = Deps { patience: Duration::ZERO, ..rebuilding(&stage, &journal) };
        [rebuild(&deps, false, &mut |_| {}).await.unwrap_err(), rollback(&deps).await.unwrap_err()]
    });
    let deps = rebuilding(&stage, &journal);
    let mut told = |_| begun.notify_one();
    let mut first = Box::pin(rebuild(&deps, false, &mut told));
    tokio::select! {
        _ = &mut first => panic!("it tells of its steps before it has ended"),
        () = begun.notified() => {}
    }
    for refusal in second.await {
        assert!(matches!(refusal, Error::Views(ViewsError::AnotherRebuild { .. })), "{refusal}");
    }
    assert_eq!(within(first).await.unwrap().exchanged_at, Some(10));
}

#[tokio::test]
async fn rows_that_differ_stay_unless_that_is_accepted_and_the_first_that_do_are_named() {
    let stage = Stage::set().await;
    let journal = market(12).await;
    stage.project(&journal, "live", Limits::LIVE).await.unwrap();
    tamper(&stage, 12).await;
    let deps = rebuilding(&stage, &journal);
    let found = rebuilt(&deps).await;
    assert_eq!((found.comparison.position, found.exchanged_at), (11, None));
    let commits = found.comparison.differing().next().unwrap();
    assert_eq!(
        (commits.live.table.as_str(), commits.live.rows, commits.rebuilt.rows),
        ("commits", 12, 11)
    );
    let difference = commits.difference.clone().unwrap();
    assert!(difference.live.unwrap().starts_with("12\t") && difference.rebuilt.is_none());
    let flows = found.comparison.differing().find(|table| table.live.table == "flows").unwrap();
    assert!(flows.difference.clone().unwrap().live.unwrap().starts_with("12\t0\t"));
    assert_eq!(stage.views("live").digests().await.unwrap().tables[0].rows, 12);

    let accepted = rebuild(&deps, true, &mut |_| {}).await.unwrap();
    assert_eq!(accepted.exchanged_at, Some(11));
    let mut projector = start(stage.deps(&journal, "live"));
    projector.reaches(12).await;
    projector.stop().await;
    catch_up(&stage.deps(&journal, "afresh"), None).await.unwrap();
    let [live, afresh] = [stage.views("live"), stage.views("afresh")];
    assert_eq!(live.digests().await.unwrap(), afresh.digests().await.unwrap());
}

#[tokio::test]
async fn a_rollback_brings_the_old_rows_back_and_another_one_the_rebuilt_ones() {
    let stage = Stage::set().await;
    let journal = market(10).await;
    stage.project(&journal, "live", Limits::LIVE).await.unwrap();
    let deps = rebuilding(&stage, &journal);
    let refusal = rollback(&deps).await.unwrap_err();
    assert!(matches!(refusal, Error::Views(ViewsError::NothingReplaced { .. })), "{refusal}");
    rebuilt(&deps).await;
    extend_market(&journal, 10, 14).await;
    stage.project(&journal, "live", Limits::LIVE).await.unwrap();
    let before = stage.views("live").digests().await.unwrap();
    for _ in 0..2 {
        assert_eq!(rollback(&deps).await.unwrap(), 14);
        assert_eq!(stage.views("live").digests().await.unwrap(), before);
    }
}

#[tokio::test]
async fn what_a_projector_writes_is_not_discarded() {
    let stage = Stage::set().await;
    let journal = market(3).await;
    let mut projector = start(stage.deps(&journal, "live"));
    projector.reaches(3).await;
    let refusal = discard(&stage.database(), &name("live"), Duration::ZERO).await.unwrap_err();
    assert!(matches!(refusal, ViewsError::AnotherProjector { .. }), "{refusal}");
    assert_eq!(stage.views("live").position().await.unwrap(), 3);
    projector.stop().await;
}
