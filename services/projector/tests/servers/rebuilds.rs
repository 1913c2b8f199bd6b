//! A rebuild stands beside the live views until it takes their place.

use loopledger_projector::{Limits, rebuild};
use loopledger_views::{Error as ViewsError, discard, swap};

use crate::history::{extend_market, market};
use crate::stage::{DEADLINE, Stage, name, start, within};

#[tokio::test]
async fn a_rebuilt_schema_takes_the_live_ones_place_while_the_projector_runs() {
    let stage = Stage::set().await;
    let (live, anew) = (name("live"), name("anew"));
    let journal = market(20).await;
    let mut projector = start(stage.deps(&journal, "live"));
    projector.reaches(20).await;
    rebuild(&stage.deps(&journal, "anew"), Some(15)).await.unwrap();
    let early = swap(&stage.database(), &live, &anew).await.unwrap_err();
    assert!(matches!(early, ViewsError::NotLevel { live_at: 20, rebuilt_at: 15, .. }), "{early}");

    stage.project(&journal, "anew", Limits::REBUILD).await.unwrap();
    let before = stage.views("live").digests().await.unwrap();
    assert_eq!(stage.views("anew").digests().await.unwrap(), before);
    let views = stage.views("live");
    assert_eq!(views.position().await.unwrap(), 20);
    assert_eq!(swap(&stage.database(), &live, &anew).await.unwrap(), 20);
    assert_eq!(views.digests().await.unwrap(), before);

    extend_market(&journal, 20, 25).await;
    projector.reaches(25).await;
    projector.stop().await;
    let replaced = stage.views(live.replaced().as_str());
    assert_eq!(replaced.digests().await.unwrap(), before);
    stage.project(&journal, "anew", Limits::REBUILD).await.unwrap();
    let [after, afresh] =
        [views.digests().await.unwrap(), stage.views("anew").digests().await.unwrap()];
    assert_eq!((after.position, &after), (25, &afresh));

    discard(&stage.database(), &live.replaced()).await.unwrap();
    let gone = replaced.position().await.unwrap_err();
    assert!(matches!(gone, ViewsError::NoViews { .. }), "{gone}");
}

#[tokio::test]
async fn swaps_in_the_middle_of_work_lose_and_double_nothing() {
    let stage = Stage::set().await;
    let (live, anew) = (name("live"), name("anew"));
    let journal = market(1).await;
    let mut projector = start(stage.deps(&journal, "live"));
    projector.reaches(1).await;
    let working = tokio::spawn({
        let (journal, views) = (journal.clone(), stage.views("live"));
        async move {
            for commit in 1..60 {
                extend_market(&journal, commit, commit + 1).await;
                views.wait_for(u64::from(commit), DEADLINE).await.unwrap();
            }
        }
    });
    let mut swaps = 0;
    while swaps < 3 {
        rebuild(&stage.deps(&journal, "anew"), None).await.unwrap();
        match swap(&stage.database(), &live, &anew).await {
            Ok(_) => swaps += 1,
            Err(ViewsError::NotLevel { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    within(working).await.unwrap();
    projector.reaches(60).await;
    projector.stop().await;
    rebuild(&stage.deps(&journal, "afresh"), None).await.unwrap();
    let [live, afresh] = [stage.views("live"), stage.views("afresh")];
    assert_eq!(live.digests().await.unwrap(), afresh.digests().await.unwrap());
}

#[tokio::test]
async fn what_a_projector_writes_is_not_discarded() {
    let stage = Stage::set().await;
    let journal = market(3).await;
    let mut projector = start(stage.deps(&journal, "live"));
    projector.reaches(3).await;
    let refusal = discard(&stage.database(), &name("live")).await.unwrap_err();
    assert!(matches!(refusal, ViewsError::AnotherProjector { .. }), "{refusal}");
    assert_eq!(stage.views("live").position().await.unwrap(), 3);
    projector.stop().await;
}
