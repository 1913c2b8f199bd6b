//! Keys, and what a service's answers come to over HTTP.

use axum::http::HeaderValue;
use loopledger_service::protocol::{Outcome, Refused};
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn with_keys(keys: &[&'static str]) -> HeaderMap {
    keys.iter()
        .map(|key| (header::HeaderName::from_static(KEY), HeaderValue::from_static(key)))
        .collect()
}

#[test]
fn a_key_is_stated_once_bare_or_as_a_string() {
    assert_eq!(key(&with_keys(&["abc"])).ok().as_deref(), Some("abc"));
    assert_eq!(key(&with_keys(&["\"abc\""])).ok().as_deref(), Some("abc"));
    for wrong in [&[][..], &["a", "a"]] {
        assert_eq!(key(&with_keys(wrong)).expect_err("no key").status(), 400);
    }
}

#[test]
fn keys_of_two_callers_are_two_keys() {
    let caller = |subject: &str| Caller { subject: subject.to_owned(), ..Caller::operator() };
    let id = |subject: &str, key| command_id(&caller(subject), key);
    assert_eq!(id("ann", "k-1").expect("an id").to_string(), "ann:k-1");
    let odd = ["auth0|ann", "auth0|bob", "", &"x".repeat(300), &"y".repeat(48)];
    let ids: BTreeSet<_> =
        odd.into_iter().map(|subject| id(subject, "k-1").expect("an id")).collect();
    assert_eq!(ids.len(), odd.len());
    for wrong in ["", "a b", "é", &"k".repeat(200)] {
        assert_eq!(id("ann", wrong).expect_err("no key").status(), 400, "{wrong}");
    }
}

fn status(answer: Answer) -> u16 {
    match answer::respond(answer) {
        Ok(response) => response.status().as_u16(),
        Err(problem) => problem.status(),
    }
}

fn refused(code: &str) -> Refused {
    let fields = json!({ "code": code, "party": "p" });
    Refused { code: code.to_owned(), message: "because".to_owned(), fields }
}

#[test]
fn each_answer_of_a_service_has_its_status() {
    let accepted = |events| Answer::Accepted { position: 7, events, repeated: false };
    assert_eq!(status(accepted(1)), 201);
    assert_eq!(status(accepted(0)), 200);
    for (code, expected) in [("unknown_party", 404), ("party_exists", 409), ("above_free", 422)] {
        let refusal = refused(code);
        assert_eq!(status(Answer::Refused { position: 7, refusal, repeated: false }), expected);
        let outcome = Outcome::Refused(refused(code));
        assert_eq!(status(Answer::DryRun { position: 7, facts_at: 7, outcome }), expected);
    }
    let outcome = Outcome::Events(Vec::new());
    assert_eq!(status(Answer::DryRun { position: 7, facts_at: 7, outcome }), 200);
    assert_eq!(status(Answer::IdReused { message: String::new() }), 422);
    assert_eq!(status(Answer::NotCaughtUp { after: 9, reached: 7 }), 503);
    assert_eq!(status(Answer::WrongPartition { expected: None, message: String::new() }), 422);
    assert_eq!(status(Answer::TooLarge { bytes: 9, limit: 7 }), 413);
    for (failure, expected) in
        [(AskFailure::Busy(String::new()), 503), (AskFailure::Rejected(String::new()), 400)]
    {
        assert_eq!(answer::failed(failure).status(), expected);
    }
}

#[test]
fn a_refusal_s_fields_are_members_of_its_problem() {
    let refusal = refused("unknown_party");
    let problem = Problem::refused(refusal, Some(7)).to_value();
    assert_eq!(
        problem,
        json!({
            "type": "urn:loopledger:refusal:unknown_party", "title": "a rule of the ledger says no",
            "status": 404, "detail": "because", "code": "unknown_party", "party": "p", "position": 7,
        })
    );
}

#[test]
fn what_the_path_names_is_not_in_the_body() {
    let endpoint = ENDPOINTS.iter().find(|endpoint| endpoint.tag == "lock_voucher").expect("one");
    let path = || BTreeMap::from([("voucher".to_owned(), "v-1".to_owned())]);
    let merged = with_path(endpoint, Map::new(), path()).expect("fields");
    assert_eq!(merged, json!({ "voucher": "v-1" }));
    let twice = Map::from_iter([("voucher".to_owned(), json!("v-1"))]);
    assert_eq!(with_path(endpoint, twice, path()).expect_err("twice").status(), 400);
}

proptest! {
    /// Whatever a body holds, it is read as a command or refused with 400.
    #[test]
    fn any_body_is_a_command_or_a_problem(which in 0..ENDPOINTS.len(), text in "\\PC{0,200}") {
        let endpoint = &ENDPOINTS[which];
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Err(problem) = fields(&headers, text.as_bytes()) {
            prop_assert_eq!(problem.status(), 400);
        }
        let json = Value::Object(Map::from_iter([(endpoint.tag.to_owned(), json!({ "id": text }))]));
        prop_assert!(ContextCommand::read(endpoint.context, &json.to_string()).is_err());
    }
}
