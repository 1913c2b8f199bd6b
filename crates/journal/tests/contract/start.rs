//! What the start refuses: brokers that do not keep their side.

use std::time::Duration;

use loopledger_journal::{
    Config, ConnectError, ContractError, JetStreamJournal, Nats, NatsConfig, check_fsync,
};
use loopledger_model::{Context, Partitions};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::broker::Broker;
use crate::journal;

async fn refusal(broker: &Broker, config: Config) -> ContractError {
    let nats = Nats::connect(&broker.url(), "start").await.unwrap();
    JetStreamJournal::open(nats, config).await.expect_err("the broker must be refused")
}

#[tokio::test]
async fn a_stream_that_differs_from_what_the_ledger_relies_on_is_refused() {
    let good = json!({
        "name": "LEDGER", "subjects": ["ledger.>"], "retention": "limits", "storage": "file",
        "max_msgs": -1, "max_bytes": -1, "max_msgs_per_subject": -1, "max_msg_size": -1,
        "max_consumers": -1, "discard": "new", "deny_delete": true, "deny_purge": true,
        "allow_direct": true, "duplicate_window": 120_000_000_000_u64, "num_replicas": 1,
        "max_age": 0, "no_ack": false, "republish": null,
    });
    let wrong = [
        ("subjects", json!(["ledger.voucher.>"])),
        ("retention", json!("interest")),
        ("storage", json!("memory")),
        ("discard", json!("old")),
        ("deny_delete", json!(false)),
        ("deny_purge", json!(false)),
        ("max_age", json!(3_600_000_000_000_u64)),
        ("max_msgs_per_subject", json!(10)),
        ("duplicate_window", json!(1_000_000_000)),
        ("no_ack", json!(true)),
        ("republish", json!({ "src": ">", "dest": "copy.>" })),
    ];
    let broker = Broker::start();
    let context = async_nats::jetstream::new(broker.client().await);
    for (wrong_field, value) in wrong {
        let mut stream = good.clone();
        stream[wrong_field] = value.clone();
        // The server may still be tidying up behind the stream before.
        crate::eventually("the stream is made", async || {
            let made: Value = context.request("STREAM.CREATE.LEDGER", &stream).await.unwrap();
            made["error"].is_null()
        })
        .await;
        let error = refusal(&broker, Config::default()).await;
        let ContractError::StreamMismatch { field, expected, found, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!(*field, wrong_field, "{error}");
        assert_eq!(*expected, good[wrong_field].to_string(), "{error}");
        assert!(!found.is_empty() && found != expected, "{error}");
        let _: Value = context.request("STREAM.DELETE.LEDGER", &json!({})).await.unwrap();
    }
    let _: Value = context.request("STREAM.CREATE.LEDGER", &good).await.unwrap();
    journal(&broker.url(), Config::default()).await;
}

#[tokio::test]
async fn more_replicas_than_the_broker_has_are_refused() {
    let broker = Broker::start();
    let three = Config { replicas: 3, ..Config::default() };
    let error = refusal(&broker, three).await;
    assert!(matches!(error, ContractError::NotCreated { .. }), "{error}");
    journal(&broker.url(), Config::default()).await;
    let error = refusal(&broker, three).await;
    assert!(
        matches!(error, ContractError::StreamMismatch { field: "num_replicas", .. }),
        "{error}"
    );
}

#[tokio::test]
async fn the_counts_of_partitions_are_recorded_once_and_others_are_refused() {
    let broker = Broker::start();
    let of = |text: &str| Config { partitions: text.parse().unwrap(), ..Config::default() };
    let made = journal(&broker.url(), of("voucher=4,purchase=2")).await.partitions();
    assert_eq!((made.count(Context::Voucher), made.count(Context::Fund)), (4, 1));
    for same in [Config::default(), of("voucher=4"), of("fund=1,purchase=2")] {
        assert_eq!(journal(&broker.url(), same).await.partitions(), made);
    }
    for (other, context, recorded, stated) in
        [("voucher=2", Context::Voucher, 4, 2), ("voucher=4,fund=3", Context::Fund, 1, 3)]
    {
        let stream = "LEDGER".to_owned();
        let expected = ContractError::OtherPartitions { stream, context, recorded, stated };
        assert_eq!(refusal(&broker, of(other)).await, expected);
    }
    let text = refusal(&broker, of("voucher=2")).await.to_string();
    assert!(text.contains("recorded with 4 partitions of voucher, and 2 are asked for"), "{text}");
}

#[tokio::test]
async fn a_log_that_records_no_partitions_has_one_of_each_and_a_garbled_record_is_refused() {
    let broker = Broker::start();
    journal(&broker.url(), Config::default()).await;
    let context = async_nats::jetstream::new(broker.client().await);
    let info: Value = context.request("STREAM.INFO.LEDGER", &json!({})).await.unwrap();
    let mut stream = info["config"].clone();
    stream["metadata"] = json!({});
    let _: Value = context.request("STREAM.UPDATE.LEDGER", &stream).await.unwrap();
    let unsplit = journal(&broker.url(), Config::default()).await.partitions();
    assert_eq!(unsplit, Partitions::default());
    stream["metadata"] = json!({ "loopledger.partitions": "some" });
    let _: Value = context.request("STREAM.UPDATE.LEDGER", &stream).await.unwrap();
    let error = refusal(&broker, Config::default()).await;
    assert!(matches!(error, ContractError::UnreadablePartitions { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn services_that_start_together_agree_on_one_stream() {
    let broker = Broker::start();
    let url = broker.url();
    let starts = (0..8).map(|_| journal(&url, Config::default()));
    assert_eq!(futures::future::join_all(starts).await.len(), 8);
}

#[tokio::test]
async fn a_server_without_jetstream_is_refused() {
    let broker = Broker::start();
    let nats = Nats::connect(&broker.url_of("system"), "start").await.unwrap();
    let error = JetStreamJournal::open(nats, Config::default()).await.unwrap_err();
    assert!(matches!(error, ContractError::Unavailable { .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_acknowledges_before_the_disk_has_it_is_refused() {
    let durable = Broker::start();
    let system = Nats::connect(&durable.url_of("system"), "start").await.unwrap();
    assert_eq!(check_fsync(&system).await, Ok(()));
    let lazy = Broker::with_sync("2m");
    let system = Nats::connect(&lazy.url_of("system"), "start").await.unwrap();
    let refused = ContractError::NotDurable { server: "test".into(), found: "120s".into() };
    assert_eq!(check_fsync(&system).await, Err(refused));
    let ordinary = Nats::connect(&lazy.url(), "start").await.unwrap();
    assert_eq!(check_fsync(&ordinary).await, Err(ContractError::FsyncUnknown));
}

#[tokio::test]
async fn an_old_server_is_refused_by_its_version() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let info = json!({
            "server_id": "x", "server_name": "x", "version": "2.9.10", "go": "x", "proto": 1,
            "host": "127.0.0.1", "port": port, "headers": true, "max_payload": 1_048_576,
            "jetstream": true, "client_id": 1,
        });
        client.write_all(format!("INFO {info}\r\nPONG\r\n").as_bytes()).await.unwrap();
        let mut heard = [0; 1024];
        while matches!(client.read(&mut heard).await, Ok(1..)) {}
    });
    let nats = Nats::connect(&format!("nats://127.0.0.1:{port}"), "start").await.unwrap();
    let error = JetStreamJournal::open(nats, Config::default()).await.unwrap_err();
    assert_eq!(error, ContractError::ServerTooOld { found: "2.9.10".into() });
}

#[tokio::test]
async fn an_absent_server_is_named_without_its_password() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mut config = NatsConfig::new(format!("nats://ledger:hush@127.0.0.1:{port}"), "start");
    config.connect_within = Duration::from_millis(300);
    let error = Nats::connect_with(config).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(&format!("127.0.0.1:{port}")) && !text.contains("hush"), "{text}");
}

#[tokio::test]
async fn a_wrong_password_and_a_wrong_address_are_told() {
    let broker = Broker::start();
    let url = broker.url().replace("secret", "guess");
    let error = Nats::connect(&url, "start").await.unwrap_err();
    assert!(matches!(error, ConnectError::Refused { .. }), "{error}");
    assert!(error.to_string().contains("authorization violation"), "{error}");
    let error = Nats::connect("nats://local host", "start").await.unwrap_err();
    assert!(matches!(error, ConnectError::Address(_)), "{error}");
}
