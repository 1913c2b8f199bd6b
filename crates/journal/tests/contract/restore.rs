//! A log that is written anew takes the old one's place whole or not at all.

use loopledger_journal::{
    Commit, Config, ContractError, Filter, Head, JetStreamJournal, Journal, Nats, Restoration,
    RestoreError, Swapped,
};
use serde_json::{Value, json};

use crate::broker::Broker;
use crate::journal;
use crate::suite::{FUND, VOUCHER, VOUCHER_1, add, new_commit, read_all};

async fn filled(broker: &Broker) -> (Nats, JetStreamJournal, Vec<Commit>) {
    let journal = journal(&broker.url(), Config::default()).await;
    for partition in [VOUCHER, FUND, VOUCHER, VOUCHER] {
        add(&journal, partition, "x").await;
    }
    let commits = read_all(&journal, &Filter::all(), 1).await;
    (Nats::connect(&broker.url(), "restore").await.unwrap(), journal, commits)
}

async fn restored(nats: &Nats, commits: &[Commit]) -> Restoration {
    let mut restoration = Restoration::begin(nats, Config::default()).await.unwrap();
    for commit in commits {
        restoration.write(commit).await.unwrap();
    }
    restoration
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_log_has_the_same_commits_at_the_same_positions_and_goes_on() {
    let broker = Broker::start();
    let (nats, old, commits) = filled(&broker).await;
    // One that is interrupted changes nothing and does not stay.
    drop(restored(&nats, &commits[..2]).await);
    assert_eq!(
        read_all(&journal(&broker.url(), Config::default()).await, &Filter::all(), 1).await,
        commits
    );

    let mut restoration = restored(&nats, &commits[..3]).await;
    let wrong = restoration.write(&commits[2]).await;
    assert!(matches!(wrong, Err(RestoreError::NotStored { position: 3, .. })), "{wrong:?}");
    restoration.write(&commits[3]).await.unwrap();
    assert_eq!(read_all(restoration.journal(), &Filter::all(), 1).await, commits);
    let swapped = restoration.swap().await.unwrap();
    let names = ("LEDGER_R1".to_owned(), Some("LEDGER".to_owned()));
    assert_eq!(swapped, Swapped { current: names.0, kept: names.1 });

    let new = journal(&broker.url(), Config::default()).await;
    assert_eq!(read_all(&new, &Filter::all(), 1).await, commits);
    assert_eq!(read_all(&new, &Filter::partition(VOUCHER), 1).await.len(), 3);
    let head = new.append(VOUCHER, commits[3].head(), new_commit("next")).await.unwrap();
    assert_eq!(head.position, 5);
    assert_eq!(old.last(&Filter::all()).await, Ok(4), "the old stream takes nothing any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swap_that_was_interrupted_is_told_and_finished() {
    let broker = Broker::start();
    let (nats, _, commits) = filled(&broker).await;
    assert!(Restoration::unfinished(&nats, Config::default()).await.unwrap().is_none());
    drop(restored(&nats, &commits).await);
    let context = async_nats::jetstream::new(broker.client().await);
    let mut info: Value = context.request("STREAM.INFO.LEDGER", &json!({})).await.unwrap();
    info["config"]["subjects"] = json!(["retired.LEDGER.>"]);
    let _: Value = context.request("STREAM.UPDATE.LEDGER", &info["config"]).await.unwrap();

    let error = JetStreamJournal::open(nats.clone(), Config::default()).await.unwrap_err();
    assert_eq!(error, ContractError::RepairUnfinished { stream: "LEDGER_R1".to_owned() });
    let restoration = Restoration::unfinished(&nats, Config::default()).await.unwrap().unwrap();
    assert_eq!(restoration.swap().await.unwrap().kept, None);
    let new = journal(&broker.url(), Config::default()).await;
    assert_eq!(read_all(&new, &Filter::all(), 1).await, commits);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_still_written_is_not_replaced() {
    let broker = Broker::start();
    let (nats, old, commits) = filled(&broker).await;
    let restoration = restored(&nats, &commits).await;
    let late = old.append(VOUCHER, commits[3].head(), new_commit("late")).await;
    assert!(late.is_ok_and(|Head { position, .. }| position == 5));
    let refused = restoration.swap().await;
    assert!(matches!(refused, Err(RestoreError::StillWritten { .. })), "{refused:?}");
    assert_eq!(journal(&broker.url(), Config::default()).await.last(&Filter::all()).await, Ok(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_log_has_the_partitions_that_were_recorded() {
    let broker = Broker::start();
    let of = |text: &str| Config { partitions: text.parse().unwrap(), ..Config::default() };
    let old = journal(&broker.url(), of("voucher=2")).await;
    add(&old, VOUCHER_1, "x").await;
    let commits = read_all(&old, &Filter::all(), 1).await;
    let nats = Nats::connect(&broker.url(), "restore").await.unwrap();
    // What is stated changes nothing of a log that holds commits.
    let mut restoration = Restoration::begin(&nats, of("voucher=3")).await.unwrap();
    restoration.write(&commits[0]).await.unwrap();
    restoration.swap().await.unwrap();
    let new = journal(&broker.url(), Config::default()).await;
    assert_eq!(new.partitions(), old.partitions());
    assert_eq!(read_all(&new, &Filter::all(), 1).await, commits);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_log_is_restored_with_the_partitions_that_are_stated_or_not_at_all() {
    let (lost, broker) = (Broker::start(), Broker::start());
    let of = |text: &str| Config { partitions: text.parse().unwrap(), ..Config::default() };
    let old = journal(&lost.url(), of("voucher=2")).await;
    add(&old, VOUCHER_1, "x").await;
    let commits = read_all(&old, &Filter::all(), 1).await;
    // Somebody has started on nothing, without a number.
    journal(&broker.url(), Config::default()).await;
    let nats = Nats::connect(&broker.url(), "restore").await.unwrap();
    let mut wrong = Restoration::begin(&nats, Config::default()).await.unwrap();
    let refused = wrong.write(&commits[0]).await;
    assert!(
        matches!(refused, Err(RestoreError::OutsidePartitions { position: 1, count: 1, .. })),
        "{refused:?}"
    );
    let mut restoration = Restoration::begin(&nats, of("voucher=2")).await.unwrap();
    restoration.write(&commits[0]).await.unwrap();
    restoration.swap().await.unwrap();
    let new = journal(&broker.url(), Config::default()).await;
    assert_eq!(new.partitions(), old.partitions());
}
