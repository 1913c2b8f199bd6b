//! What a journal promises, checked on the journal in memory and on a real NATS server alike; then
//! what only a server can do wrong.

#![expect(clippy::unwrap_used, reason = "a test fails where the world fails it")]

mod broker;
mod faults;
mod proxy;
mod requests;
mod restore;
mod start;
mod suite;

use std::time::Duration;

use loopledger_journal::{Config, JetStreamJournal, Nats};
use loopledger_model::StatedPartitions;

/// Longer than anything here takes on a slow machine, shorter than a test runner's patience.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Gives up soon enough for a test to wait for it.
pub const HASTY: Config = Config {
    replicas: 1,
    partitions: StatedPartitions::NONE,
    ack_wait: Duration::from_millis(300),
    give_up_after: Duration::from_secs(1),
};

pub async fn journal(url: &str, config: Config) -> JetStreamJournal {
    let nats = Nats::connect(url, "contract").await.unwrap();
    JetStreamJournal::open(nats, config).await.unwrap()
}

/// Waits for something that happens soon.
pub async fn eventually(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let looked = async {
        while !check().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, looked).await.is_ok(), "never: {what}");
}

macro_rules! contract {
    ($($name:ident),+ $(,)?) => {
        mod memory {
            $(#[tokio::test]
            async fn $name() {
                let journal = loopledger_journal::MemoryJournal::new();
                crate::suite::$name(journal.clone(), journal).await;
            })+
        }

        mod jetstream {
            use crate::broker::Broker;

            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let broker = Broker::start();
                let one = crate::journal(&broker.url(), Default::default()).await;
                let other = crate::journal(&broker.url(), Default::default()).await;
                crate::suite::$name(one, other).await;
            })+
        }
    };
}

contract! {
    a_commit_is_read_back_as_it_was_appended,
    commits_of_a_partition_are_a_hash_chain,
    positions_are_those_of_one_log,
    an_append_behind_another_commit_is_fenced,
    of_sixteen_writers_exactly_one_wins,
    rivals_on_a_partition_do_not_fence_those_on_another,
    a_commit_whose_acknowledgement_was_lost_is_stored_once,
    a_stored_commit_is_not_fenced_by_its_successors,
    an_id_that_names_another_commit_is_refused,
    a_writer_that_has_seen_more_than_the_log_is_refused,
    a_reader_that_has_seen_more_than_the_log_is_refused,
    a_body_of_the_limit_fits_and_a_larger_one_is_refused,
    reading_ends_at_the_last_commit,
    a_filter_that_lets_nothing_through_ends_at_once,
    filters_keep_the_order_and_leave_out_the_rest,
    the_last_position_is_the_filters_own,
    following_gives_what_is_there_and_then_what_comes,
    following_resumes_where_it_is_told,
    another_handle_finds_the_same,
}
