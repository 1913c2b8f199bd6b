//! How much one caller may ask, and for how long.
//!
//! Invariant: what is over a limit is refused before anything is done for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use jiff::Timestamp;
use loopledger_service::clock;

use crate::auth::Caller;
use crate::problem::Problem;

/// Above this many callers, those that have been quiet are forgotten.
const CALLERS: usize = 10_000;

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Requests that a caller may send in a second, in the long run.
    pub a_second: u32,
    /// How many more it may send at once.
    pub at_once: u32,
    /// How long an answer may take to begin.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { a_second: 1_000, at_once: 1_000, time: Duration::from_secs(90) }
    }
}

/// When each caller's requests would all have been answered at the allowed pace.
pub struct Paces {
    limits: Limits,
    until: Mutex<BTreeMap<String, Timestamp>>,
}

impl Paces {
    pub fn new(limits: Limits) -> Self {
        Self { limits, until: Mutex::default() }
    }

    /// Whether one more request of the caller is within its limit; if so it is counted.
    fn admits(&self, caller: &str, now: Timestamp) -> bool {
        let each = Duration::from_secs(1) / self.limits.a_second.max(1);
        let ahead = each * self.limits.at_once;
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        if until.len() > CALLERS {
            until.retain(|_, until| *until > now);
        }
        let due = until.get(caller).map_or(now, |until| now.max(*until));
        if due > now + ahead {
            return false;
        }
        until.insert(caller.to_owned(), due + each);
        true
    }
}

pub async fn within(
    State(paces): State<Arc<Paces>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let caller = request.extensions().get::<Caller>().map(|caller| caller.subject.as_str());
    if !paces.admits(caller.unwrap_or_default(), clock::now()) {
        let a_second = paces.limits.a_second;
        let detail =
            format!("at most {a_second} a second: slow down, or send many commands at once");
        return Err(Problem::named("too-many-requests", detail));
    }
    let time = paces.limits.time;
    tokio::time::timeout(time, next.run(request)).await.map_err(|_| {
        let detail = format!(
            "no answer within {time:?}; ask for less, or send a command again with its key"
        );
        Problem::named("too-slow", detail)
    })
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use serde_json::Value;
    use tower::ServiceExt as _;

    use super::*;

    /// The status of an answer that takes so long where 2 seconds are allowed, and its problem.
    async fn after(taken: Duration) -> (u16, Value) {
        let limits = Limits { time: Duration::from_secs(2), ..Limits::default() };
        let slow = get(move || async move {
            tokio::time::sleep(taken).await;
            "null"
        });
        let paces = Arc::new(Paces::new(limits));
        let served = Router::new().route("/", slow).layer(from_fn_with_state(paces, within));
        let asked = axum::http::Request::get("/").body(Body::empty()).expect("a request");
        let answer = served.oneshot(asked).await.expect("an answer");
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), 10_000).await.expect("a body");
        (status, serde_json::from_slice(&body).expect("JSON"))
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_takes_too_long_is_a_problem_of_its_own() {
        assert_eq!(after(Duration::from_millis(1_999)).await, (200, Value::Null));
        let (status, problem) = after(Duration::from_millis(2_001)).await;
        assert_eq!((status, &problem["type"]), (504, &"urn:loopledger:problem:too-slow".into()));
        let detail = problem["detail"].as_str().expect("a detail");
        assert!(detail.starts_with("no answer within 2s; ask for less, "), "{detail}");
    }

    #[test]
    fn a_caller_may_hurry_for_a_while_and_then_has_to_keep_its_pace() {
        let limits = Limits { a_second: 10, at_once: 3, ..Limits::default() };
        let paces = Paces::new(limits);
        let at = |ms| Timestamp::from_millisecond(ms).expect("a time");
        let admitted = (0..10).filter(|_| paces.admits("a", at(0))).count();
        assert_eq!(admitted, 4);
        assert!(paces.admits("b", at(0)), "another caller has a pace of its own");
        assert!(!paces.admits("a", at(99)));
        assert!(paces.admits("a", at(100)));
        assert!(!paces.admits("a", at(100)));
        let admitted = (0..10).filter(|_| paces.admits("a", at(10_000))).count();
        assert_eq!(admitted, 4, "quiet time is not saved up");
    }
}
