//! Tokens that count and tokens that do not, and who may ask what.

use std::collections::BTreeSet;
use std::fs;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use loopledger_journal::MemoryJournal;
use loopledger_model::{Partition, Partitions};
use loopledger_service::AskFailure;
use loopledger_service::protocol::{Request as Asked, Response as Answers};
use loopledger_service::trace::TraceContext;
use loopledger_views::{Database, Schema};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde::Serialize;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;
use crate::{Api, Limits, Services};

mod commands;
mod issuer;
mod table;

/// As if no service ran.
#[derive(Clone)]
struct Nobody;

impl Services for Nobody {
    fn partitions(&self) -> Partitions {
        Partitions::default()
    }

    async fn ask<C: Serialize + Sync>(
        &self,
        partition: Partition,
        _: &Asked<C>,
        _: TraceContext,
    ) -> Result<Answers, AskFailure> {
        Err(AskFailure::Busy(format!("nobody serves {partition}")))
    }
}

const RSA: &str = include_str!("tests/rsa.json");
const RSA_TOKEN: &str = include_str!("tests/rsa.jwt");

fn pair() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed")
}

fn signed(header: &Value, claims: &Value) -> String {
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let signed = format!("{header}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode(pair().sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn header() -> Value {
    json!({ "alg": "EdDSA", "kid": "ed-1" })
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

fn with(changes: &Value) -> Value {
    let mut claims = json!({
        "iss": "https://id.example", "aud": "loopledger", "sub": "someone", "exp": 4_000_000_000_u64,
        "role": "provider", "party": "provider-a",
    });
    for (name, value) in changes.as_object().expect("an object") {
        claims[name] = value.clone();
    }
    claims
}

fn terms() -> Terms {
    Terms { issuer: "https://id.example".to_owned(), audience: "loopledger".to_owned() }
}

fn verifier() -> Verifier {
    let public = pair().public_key().as_ref().try_into().expect("32 bytes");
    Verifier::new(Keys::new(KeySource::Fixed { id: "ed-1".to_owned(), public }), terms())
}

#[tokio::test]
async fn a_token_says_who_calls() {
    let token = signed(&header(), &with(&json!({ "aud": ["other", "loopledger"] })));
    let caller = verifier().verify(&token, second(1_000)).await.expect("admitted");
    assert_eq!((caller.role, caller.subject.as_str()), (Role::Provider, "someone"));
    assert_eq!(caller.party, Some("provider-a".parse().expect("an id")));
}

#[tokio::test]
async fn a_token_counts_from_its_time_to_its_time_and_a_minute_of_skew() {
    let token = signed(&header(), &with(&json!({ "nbf": 1_000, "exp": 2_000 })));
    let at = async |time| verifier().verify(&token, second(time)).await;
    assert!(matches!(at(939).await, Err(NotAdmitted::Early)));
    assert!(at(940).await.is_ok());
    assert!(at(2_059).await.is_ok());
    assert!(matches!(at(2_060).await, Err(NotAdmitted::Expired)));
}

#[tokio::test]
async fn a_token_that_is_wrong_in_any_part_is_refused() {
    let refused = async |header: &Value, changes: Value| {
        let token = signed(header, &with(&changes));
        verifier().verify(&token, second(1_000)).await.expect_err("refused")
    };
    let good = header();
    assert!(matches!(refused(&good, json!({ "iss": "x" })).await, NotAdmitted::Issuer(_)));
    assert!(matches!(refused(&good, json!({ "aud": "x" })).await, NotAdmitted::Audience(_)));
    assert!(matches!(refused(&good, json!({ "exp": null })).await, NotAdmitted::Malformed));
    assert!(matches!(refused(&good, json!({ "role": "king" })).await, NotAdmitted::Claims(_)));
    assert!(matches!(refused(&good, json!({ "party": "a b" })).await, NotAdmitted::Claims(_)));
    let with_header = async |header: Value| refused(&header, json!({})).await;
    let other_algorithm = with_header(json!({ "alg": "RS256", "kid": "ed-1" })).await;
    assert!(matches!(other_algorithm, NotAdmitted::Signature));
    let unsigned = with_header(json!({ "alg": "none", "kid": "ed-1" })).await;
    assert!(matches!(unsigned, NotAdmitted::Signature));
    let other_key = with_header(json!({ "alg": "EdDSA", "kid": "ed-2" })).await;
    assert!(matches!(other_key, NotAdmitted::UnknownKey(_)));
    let critical = with_header(json!({ "alg": "EdDSA", "kid": "ed-1", "crit": ["b64"] })).await;
    assert!(matches!(critical, NotAdmitted::Malformed));
}

#[tokio::test]
async fn a_token_is_refused_when_any_character_of_it_changes() {
    let token = signed(&header(), &with(&json!({})));
    let verifier = verifier();
    assert!(verifier.verify(&token, second(1_000)).await.is_ok());
    for place in 0..token.len() {
        let other = if token.as_bytes()[place] == b'A' { "B" } else { "A" };
        let mut changed = token.clone();
        changed.replace_range(place..=place, other);
        assert!(verifier.verify(&changed, second(1_000)).await.is_err(), "{place}");
        assert!(verifier.verify(&token[..place], second(1_000)).await.is_err(), "{place}");
    }
    let long = signed(&header(), &with(&json!({ "sub": "x".repeat(9_000) })));
    assert!(verifier.verify(&long, second(1_000)).await.is_err());
}

#[tokio::test]
async fn a_token_of_openssl_is_checked_with_the_rsa_key_of_a_file() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let file = folder.path().join("jwks.json");
    let rsa: Value = serde_json::from_str(RSA).expect("JSON");
    let others = json!({ "kty": "EC", "crv": "P-256", "kid": "ec-1", "x": "AA", "y": "AA" });
    fs::write(&file, json!({ "keys": [others, rsa] }).to_string()).expect("our own folder");
    let verifier = Verifier::new(Keys::new(KeySource::File(file.clone())), terms());
    let before_its_end = second(1_767_225_000);
    let caller = verifier.verify(RSA_TOKEN.trim(), before_its_end).await.expect("admitted");
    assert_eq!((caller.role, caller.subject.as_str()), (Role::Regulator, "auditor-7"));
    // What was read counts on while the file is gone.
    fs::remove_file(&file).expect("our own folder");
    assert!(verifier.verify(RSA_TOKEN.trim(), before_its_end).await.is_ok());
    let later = second(1_767_226_000);
    assert!(matches!(verifier.verify(RSA_TOKEN.trim(), later).await, Err(NotAdmitted::Expired)));
    let unread = Verifier::new(Keys::new(KeySource::File(file)), terms());
    let refused = unread.verify(RSA_TOKEN.trim(), before_its_end).await;
    assert!(matches!(refused, Err(NotAdmitted::NoKeys(_))));
}

#[tokio::test(start_paused = true)]
async fn a_new_key_of_a_file_counts_after_seconds_and_a_removed_one_no_more_after_minutes() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let file = folder.path().join("jwks.json");
    let set = |kid: &str| {
        let x = URL_SAFE_NO_PAD.encode(pair().public_key().as_ref());
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x });
        fs::write(&file, json!({ "keys": [key] }).to_string()).expect("our own folder");
    };
    set("old");
    let keys = Keys::new(KeySource::File(file.clone()));
    assert!(keys.find("old").await.expect("read").is_some());
    set("new");
    assert!(keys.find("new").await.expect("read").is_none());
    tokio::time::advance(std::time::Duration::from_secs(6)).await;
    assert!(keys.find("new").await.expect("read").is_some());
    assert!(keys.find("old").await.expect("read").is_none());
    set("newer");
    tokio::time::advance(std::time::Duration::from_secs(301)).await;
    assert!(keys.find("new").await.expect("read").is_none());
}
