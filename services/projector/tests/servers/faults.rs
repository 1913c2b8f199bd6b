//! What the world and the log can do to a projector.

use std::time::Duration;

use jiff::Timestamp;
use loopledger_journal::{Filter, Journal, MemoryJournal, ReadError};
use loopledger_model::{Context, PartyId, Period};
use loopledger_projector::{Deps, Error, Limits};
use loopledger_testkit::{at, id};
use loopledger_views::{As, Batch, Error as ViewsError, FlowQuery, LoopQuery, Writer};

use serde_json::json;

use crate::history::{append, extend_market, investment, market, party, payment};
use crate::stage::{Stage, answering, name, start, within};

#[tokio::test]
async fn a_crash_of_the_database_is_waited_out_and_nothing_is_lost_or_doubled() {
    let stage = Stage::set().await;
    let journal = market(10).await;
    let limits = Limits { commits: 2, ..Limits::LIVE };
    let mut projector = start(Deps { limits, ..stage.deps(&journal, "live") });
    let live = stage.views("live");
    for round in 1..4 {
        projector.reaches(10 * u64::from(round)).await;
        answering(&live).await;
        extend_market(&journal, 10 * round, 10 * (round + 1)).await;
        stage.crash_database();
        let crashed = async {
            while stage.recoveries() < round as usize {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        within(crashed).await;
    }
    projector.reaches(40).await;
    projector.stop().await;
    stage.project(&journal, "anew", Limits::REBUILD).await.unwrap();
    let anew = stage.views("anew").digests().await.unwrap();
    assert_eq!(live.digests().await.unwrap(), anew);
}

#[tokio::test]
async fn after_a_killed_database_the_next_projector_goes_on_where_the_rows_are() {
    let stage = Stage::set().await;
    let journal = market(20).await;
    let limits = Limits { commits: 1, ..Limits::LIVE };
    let mut projector = start(Deps { limits, ..stage.deps(&journal, "live") });
    projector.reaches(5).await;
    stage.kill_database();
    projector.stop().await;
    let stage = stage.start_again().await;
    extend_market(&journal, 20, 30).await;
    let mut projector = start(stage.deps(&journal, "live"));
    projector.reaches(30).await;
    projector.stop().await;
    stage.project(&journal, "anew", Limits::REBUILD).await.unwrap();
    let [live, anew] = [stage.views("live"), stage.views("anew")];
    assert_eq!(live.digests().await.unwrap(), anew.digests().await.unwrap());
}

#[tokio::test]
async fn of_two_projectors_at_once_the_second_is_refused() {
    let stage = Stage::set().await;
    let journal = market(4).await;
    let mut first = start(stage.deps(&journal, "live"));
    first.reaches(4).await;
    let second = start(stage.deps(&journal, "live"));
    let refusal = second.fails().await;
    assert!(matches!(refusal, Error::Views(ViewsError::AnotherProjector { .. })), "{refusal}");
    let mut beside = start(stage.deps(&journal, "another"));
    beside.reaches(4).await;
    beside.stop().await;
    first.stop().await;
    let mut successor = start(stage.deps(&journal, "live"));
    successor.reaches(4).await;
    successor.stop().await;
}

#[tokio::test]
async fn a_batch_onto_another_position_is_refused_and_leaves_nothing() {
    let stage = Stage::set().await;
    let journal = market(4).await;
    stage.project(&journal, "live", Limits::LIVE).await.unwrap();
    let before = stage.views("live").digests().await.unwrap();
    let patience = Duration::from_secs(5);
    let mut writer = Writer::open(&stage.database(), name("live"), patience).await.unwrap();
    for after in [0, 3, 5] {
        let batch = Batch { after, position: 6, ..Batch::default() };
        let refusal = writer.store(&batch).await.unwrap_err();
        assert!(matches!(refusal, ViewsError::ProgressMoved { believed, .. } if believed == after));
        assert!(!refusal.is_retryable());
    }
    assert_eq!(stage.views("live").digests().await.unwrap(), before);
}

#[tokio::test]
async fn a_commit_that_cannot_be_read_stops_the_projector_behind_the_one_before() {
    let stage = Stage::set().await;
    let journal = market(3).await;
    append(&journal, Context::Fund, &[json!({"fund_dissolved": {"id": "f"}})]).await;
    extend_market(&journal, 4, 6).await;
    for _ in 0..2 {
        let error = start(stage.deps(&journal, "live")).fails().await;
        assert!(matches!(error, Error::Unreadable(_)), "{error}");
        assert!(error.to_string().starts_with("commit 4 of fund cannot be read"), "{error}");
        assert_eq!(stage.views("live").position().await.unwrap(), 3);
    }
}

#[tokio::test]
async fn a_fact_that_breaks_a_rule_of_the_views_stops_the_projector_and_is_named() {
    let stage = Stage::set().await;
    let journal = MemoryJournal::new();
    append(&journal, Context::Registry, &[party("a", "provider")]).await;
    append(&journal, Context::Registry, &[party("a", "company")]).await;
    let error = start(stage.deps(&journal, "live")).fails().await;
    assert!(error.to_string().contains("(id)=(a) already exists"), "{error}");
    assert_eq!(stage.views("live").position().await.unwrap(), 0);
}

#[tokio::test]
async fn an_instant_at_either_end_of_time_does_not_stop_the_projector() {
    let stage = Stage::set().await;
    let journal = MemoryJournal::new();
    let first = investment("iv", "a", "c", "5", "-009000-01-01");
    let mut last = investment("iw", "a", "c", "5", "2025-01-01");
    last["investment_funded"]["at"] = json!(Timestamp::MAX);
    append(&journal, Context::Fund, &[first, last]).await;
    let back = payment("pm", "k", "c", "a", "3", "-004000-01-01");
    append(&journal, Context::Purchase, &[back]).await;
    stage.project(&journal, "live", Limits::LIVE).await.unwrap();
    let views = stage.views("live");
    let found = views.loops(&LoopQuery::default(), As::default()).await.unwrap();
    assert_eq!(found.loops[0].first_capital_at, at("0001-01-01"));
    for (of, flows) in [(Timestamp::MIN, 2), (at("9999-12-30"), 2), (Timestamp::MAX, 3)] {
        let seen = As { of: Some(of), known: None };
        assert_eq!(views.flows(&FlowQuery::default(), seen).await.unwrap().flows.len(), flows);
    }
    let ends = [Timestamp::MIN, Timestamp::MAX];
    for (from, to) in [(ends[0], ends[1]), (at("9999-12-30T22:00:00.5Z"), ends[1])] {
        let period = Period::new(from, to).unwrap();
        assert_eq!(views.utilization(None, period, As::default()).await.unwrap().pools, []);
    }
}

#[tokio::test]
async fn a_log_that_lost_commits_or_holds_others_stops_the_projector() {
    let stage = Stage::set().await;
    let journal = market(6).await;
    stage.project(&journal, "live", Limits::LIVE).await.unwrap();
    let lost = start(stage.deps(&market(4).await, "live")).fails().await;
    assert!(matches!(lost, Error::Read(ReadError::LogBehind { from: 7, last: 4 })), "{lost}");
    let other = start(stage.deps(&market(8).await, "live")).fails().await;
    assert!(matches!(other, Error::LogDiffers { position: 6 }), "{other}");
    assert_eq!(journal.last(&Filter::all()).await.unwrap(), 6);
    let mut same = start(stage.deps(&journal, "live"));
    same.reaches(6).await;
    same.stop().await;
}

#[tokio::test]
async fn an_asker_is_told_when_there_are_no_views_and_when_they_are_late() {
    let stage = Stage::set().await;
    let views = stage.views("live");
    let none = views.position().await.unwrap_err();
    assert!(matches!(none, ViewsError::NoViews { .. }), "{none}");
    let journal = market(3).await;
    let mut projector = start(stage.deps(&journal, "live"));
    projector.reaches(3).await;
    assert_eq!(views.wait_for(3, Duration::ZERO).await.unwrap(), 3);
    let late = views.wait_for(4, Duration::from_millis(20)).await.unwrap_err();
    assert!(matches!(late, ViewsError::NotReached { asked: 4, reached: 3, .. }), "{late}");
    let waiting = tokio::spawn({
        let views = views.clone();
        async move { views.wait_for(4, Duration::from_secs(30)).await }
    });
    append(&journal, Context::Registry, &[party("a", "provider"), party("b", "fund")]).await;
    assert_eq!(waiting.await.unwrap().unwrap(), 4);
    let asked: Vec<PartyId> = ["b", "c", "a"].map(id).to_vec();
    let known = views.known_parties(&asked).await.unwrap();
    assert_eq!(known.into_iter().collect::<Vec<_>>(), [id("a"), id("b")]);
    projector.stop().await;
}
