//! Commands and their answers over a real server.

use std::time::Duration;

use bytes::Bytes;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use loopledger_journal::{AskError, Desk, Nats, RequestError, Requests};
use serde_json::Value;
use tokio::time::timeout;

use crate::broker::Broker;
use crate::suite::{FUND, VOUCHER, VOUCHER_1};
use crate::{PATIENCE, eventually};

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

async fn connect(broker: &Broker) -> Nats {
    Nats::connect(&broker.url(), "requests").await.unwrap()
}

async fn serve(nats: &Nats) -> Requests {
    nats.serve(VOUCHER, "0.1.0", "compute vouchers").await.unwrap()
}

async fn ask(nats: &Nats, body: &'static str) -> Result<Bytes, AskError> {
    nats.request(VOUCHER, Some(TRACE), body.into(), PATIENCE).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_answered_with_a_body_or_a_failure() {
    let broker = Broker::start();
    let (server, client) = (connect(&broker).await, connect(&broker).await);
    let mut requests = serve(&server).await;
    let serving = tokio::spawn(async move {
        while let Some(request) = requests.next().await {
            assert_eq!(request.traceparent.as_deref(), Some(TRACE));
            let answer = match &request.body[..] {
                b"fail" => Err(RequestError { code: 503, message: "later,\r\nplease".into() }),
                b"huge" => Ok(Bytes::from(vec![0; 2 << 20])),
                body => Ok([b"heard ", body].concat().into()),
            };
            request.answer(answer).await;
        }
    });
    assert_eq!(ask(&client, "this").await.unwrap(), "heard this");
    let (partition, description) = (VOUCHER, "later,  please".to_owned());
    let failed = AskError::Failed { partition, code: 503, description };
    assert_eq!(ask(&client, "fail").await, Err(failed));
    let huge = ask(&client, "huge").await;
    assert!(matches!(huge, Err(AskError::Failed { code: 500, .. })), "{huge:?}");
    assert_eq!(ask(&client, "that").await.unwrap(), "heard that");
    serving.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn at_a_desk_a_request_is_answered_without_a_server_and_away_from_it_over_nats() {
    let mut broker = Broker::start();
    let desk = Desk::default();
    let (server, client) = (connect(&broker).await.at(&desk), connect(&broker).await.at(&desk));
    let elsewhere = connect(&broker).await;
    let mut requests = serve(&server).await;
    let serving = tokio::spawn(async move {
        while let Some(request) = requests.next().await {
            assert_eq!(request.traceparent.as_deref(), Some(TRACE));
            match &request.body[..] {
                b"fail" => {
                    let (code, message) = (503, "later".to_owned());
                    request.answer(Err(RequestError { code, message })).await;
                }
                b"drop" => drop(request),
                b"stop" => {
                    requests.stop();
                    request.answer(Ok("stopping".into())).await;
                }
                _ => request.answer(Ok(Bytes::from(vec![0; 2 << 20]))).await,
            }
        }
    });
    let over_nats = ask(&elsewhere, "this").await;
    assert!(matches!(over_nats, Err(AskError::Failed { code: 500, .. })), "{over_nats:?}");
    broker.kill();
    eventually("the loss is known", async || !client.is_connected()).await;
    assert_eq!(ask(&client, "this").await.unwrap().len(), 2 << 20);
    let (partition, description) = (VOUCHER, "later".to_owned());
    let failed = AskError::Failed { partition, code: 503, description };
    assert_eq!(ask(&client, "fail").await, Err(failed));
    let dropped = ask(&client, "drop").await;
    assert!(matches!(dropped, Err(AskError::Unanswered { .. })), "{dropped:?}");
    assert_eq!(ask(&client, "stop").await.unwrap(), "stopping");
    let stopped = ask(&client, "this").await;
    assert!(matches!(stopped, Err(AskError::NotConnected { .. })), "{stopped:?}");
    serving.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_at_a_desk_waits_no_longer_than_it_said() {
    let broker = Broker::start();
    let nats = connect(&broker).await.at(&Desk::default());
    let mut requests = serve(&nats).await;
    let asked = nats.request(VOUCHER, None, "x".into(), Duration::from_millis(50)).await;
    assert!(matches!(asked, Err(AskError::Unanswered { .. })), "{asked:?}");
    requests.next().await.unwrap().answer(Ok("too late".into())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_nobody_serves_is_told_at_once() {
    let broker = Broker::start();
    let nats = connect(&broker).await;
    let _requests = serve(&nats).await;
    for partition in [FUND, VOUCHER_1] {
        let asked = nats.request(partition, None, "x".into(), PATIENCE).await;
        assert_eq!(asked, Err(AskError::NoService { partition }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_answer_leaves_the_outcome_open() {
    let mut broker = Broker::start();
    let nats = connect(&broker).await;
    let mut requests = serve(&nats).await;
    let asked = nats.request(VOUCHER, None, "x".into(), Duration::from_millis(100)).await;
    assert!(matches!(asked, Err(AskError::Unanswered { .. })), "{asked:?}");
    assert_eq!(timeout(PATIENCE, requests.next()).await.unwrap().unwrap().body, "x");

    let client = nats.clone();
    let asking = tokio::spawn(async move { ask(&client, "y").await });
    let taken = timeout(PATIENCE, requests.next()).await.unwrap().unwrap();
    broker.kill();
    let asked = asking.await.unwrap();
    assert!(matches!(asked, Err(AskError::Unanswered { .. })), "{asked:?}");
    eventually("the loss is known", async || !nats.is_connected()).await;
    let asked = ask(&nats, "z").await;
    assert!(matches!(asked, Err(AskError::NotConnected { .. })), "{asked:?}");
    drop(taken);

    broker.restart();
    eventually("the connection is back", async || nats.is_connected()).await;
    let client = nats.clone();
    let asking = tokio::spawn(async move { ask(&client, "again").await });
    let request = timeout(PATIENCE, requests.next()).await.unwrap().unwrap();
    request.answer(Ok("done".into())).await;
    assert_eq!(asking.await.unwrap().unwrap(), "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_larger_than_a_message_is_not_sent() {
    let broker = Broker::start();
    let nats = connect(&broker).await;
    let _requests = serve(&nats).await;
    let (bytes, limit) = (2 << 20, 1 << 20);
    let asked = nats.request(VOUCHER, None, vec![0; bytes].into(), PATIENCE).await;
    assert_eq!(asked, Err(AskError::TooLarge { partition: VOUCHER, bytes, limit }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_stops_gives_what_has_arrived_and_ends() {
    let broker = Broker::start();
    let (server, client) = (connect(&broker).await, connect(&broker).await);
    let mut requests = serve(&server).await;
    let mut asking: FuturesUnordered<_> = (0..20).map(|_| ask(&client, "x")).collect();
    assert!(asking.next().now_or_never().is_none(), "all are sent, none is answered");
    // Answers arrive in order on a connection, so the requests have arrived before these two have.
    for nats in [&client, &server] {
        let nobody = nats.request(FUND, None, Bytes::new(), PATIENCE).await;
        assert_eq!(nobody, Err(AskError::NoService { partition: FUND }));
    }
    let taken = requests.by_ref().take(10).collect();
    let taken: Vec<_> = timeout(PATIENCE, taken).await.expect("they have arrived");
    requests.stop();
    let left: Vec<_> = timeout(PATIENCE, requests.collect()).await.expect("it ends");
    assert_eq!(left.len(), 10);
    for request in taken.into_iter().chain(left) {
        request.answer(Ok("y".into())).await;
    }
    assert!(server.flush(PATIENCE).await);
    while let Some(answer) = asking.next().await {
        assert_eq!(answer.unwrap(), "y");
    }
    assert_eq!(ask(&client, "x").await, Err(AskError::NoService { partition: VOUCHER }));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_is_listed_by_its_context_version_and_subject() {
    let broker = Broker::start();
    let nats = connect(&broker).await;
    let mut requests = serve(&nats).await;
    let client = broker.client().await;
    let get = async |subject: &'static str| -> Value {
        let answer = timeout(PATIENCE, client.request(subject, "".into())).await.unwrap();
        serde_json::from_slice(&answer.unwrap().payload).unwrap()
    };
    let info = get("$SRV.INFO.voucher").await;
    assert_eq!(
        (&info["name"], &info["version"], &info["description"]),
        (&"voucher".into(), &"0.1.0".into(), &"compute vouchers".into())
    );
    assert_eq!(info["endpoints"][0]["subject"], "cmd.voucher.0");
    assert_eq!(get("$SRV.PING").await["name"], "voucher");
    let asker = nats.clone();
    let asking = tokio::spawn(async move { ask(&asker, "x").await });
    requests.next().await.unwrap().answer(Ok(Bytes::new())).await;
    asking.await.unwrap().unwrap();
    assert_eq!(get("$SRV.STATS.voucher").await["endpoints"][0]["num_requests"], 1);
    requests.stop();
    eventually("it is not listed any more", async || {
        client.request("$SRV.PING.voucher", "".into()).await.is_err()
    })
    .await;
}
