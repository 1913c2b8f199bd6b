//! Keys as an issuer serves them over HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::KeyPair as _;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::super::{KeySource, Keys, Spans};
use super::pair;

const AT_ONCE: Duration = Duration::ZERO;
const LATER: Duration = Duration::from_secs(1_000);

struct Issuer {
    source: KeySource,
    asked: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Issuer {
    /// Serves other keys each time; the last ones for good.
    async fn serving(answers: Vec<String>) -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let answer = move || {
            let time = count.fetch_add(1, Ordering::Relaxed);
            let answer = answers[time.min(answers.len() - 1)].clone();
            async move { answer }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it has one");
        let source = format!("http://{address}/jwks.json").parse().expect("a loopback address");
        let routes = Router::new().route("/jwks.json", get(answer));
        let serving = tokio::spawn(async move {
            axum::serve(listener, routes).await.expect("it serves");
        });
        Self { source, asked, serving }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn keys(&self, old_after: Duration, try_again_after: Duration, counts_for: Duration) -> Keys {
        Keys::counting(self.source.clone(), Spans { old_after, try_again_after, counts_for })
    }
}

fn set(kid: &str) -> String {
    let x = URL_SAFE_NO_PAD.encode(pair().public_key().as_ref());
    json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x }] }).to_string()
}

#[tokio::test]
async fn an_issuer_is_not_asked_again_for_keys_that_are_known_or_were_missing_just_now() {
    let issuer = Issuer::serving(vec![set("old")]).await;
    let keys = issuer.keys(LATER, LATER, LATER);
    for _ in 0..100 {
        assert!(keys.find("old").await.expect("read").is_some());
        assert!(keys.find("unheard-of").await.expect("read").is_none());
    }
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn an_issuer_is_asked_for_a_key_that_is_new_and_its_old_one_counts_no_more() {
    let issuer = Issuer::serving(vec![set("old"), set("new")]).await;
    let keys = issuer.keys(LATER, AT_ONCE, LATER);
    assert!(keys.find("old").await.expect("read").is_some());
    assert!(keys.find("new").await.expect("read").is_some());
    assert!(keys.find("old").await.expect("read").is_none());
    assert_eq!(issuer.asked(), 3);
}

#[tokio::test]
async fn keys_count_on_while_their_issuer_is_down_or_talks_nonsense_but_not_for_ever() {
    let issuer = Issuer::serving(vec![set("kept"), "no JSON".to_owned()]).await;
    let keys = issuer.keys(AT_ONCE, AT_ONCE, LATER);
    assert!(keys.find("kept").await.expect("read").is_some());
    assert!(keys.find("kept").await.expect("known").is_some(), "though it talks nonsense");
    assert_eq!(issuer.asked(), 2);
    issuer.serving.abort();
    assert!(issuer.serving.await.is_err());
    let source = issuer.source.clone();
    assert!(keys.find("kept").await.expect("known").is_some(), "though it is down");
    let spans = Spans { old_after: AT_ONCE, try_again_after: AT_ONCE, counts_for: AT_ONCE };
    let error = Keys::counting(source, spans).find("kept").await.expect_err("nobody there");
    assert!(error.to_string().contains("/jwks.json cannot be read"), "{error}");
}

#[tokio::test]
async fn an_answer_without_end_is_not_read() {
    let issuer = Issuer::serving(vec![" ".repeat(2 << 20)]).await;
    assert!(issuer.keys(LATER, AT_ONCE, LATER).find("any").await.is_err());
}

#[test]
fn an_address_that_others_could_answer_for_is_refused() {
    for address in ["http://id.example/jwks.json", "ftp://id.example/x", "https://a:b@id.example/"]
    {
        assert!(address.parse::<KeySource>().is_err(), "{address}");
    }
    for address in ["https://id.example/jwks.json", "http://[::1]:1/jwks.json", "jwks.json"] {
        assert!(address.parse::<KeySource>().is_ok(), "{address}");
    }
}
