//! Every query may say in `after` which position its answer has to rest on, and in `wait` how many
//! seconds it waits for that.
//!
//! Invariant: a handler is asked when the views are there, and does not see these parameters.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::Uri;
use axum::http::uri::PathAndQuery;
use axum::middleware::Next;
use axum::response::Response;
use loopledger_model::Position;
use loopledger_views::Views;

use crate::problem::Problem;
use crate::seen::optional;

const WAIT_S: u64 = 10;
const LONGEST_WAIT_S: u64 = 60;

pub async fn wait(
    State(views): State<Arc<Views>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let query = request.uri().query().unwrap_or_default();
    let asked = Asked::of(query)?;
    if let Some(after) = asked.after {
        views.wait_for(after, asked.wait).await?;
    }
    let path = request.uri().path().to_owned();
    let path_and_query: PathAndQuery = format!("{path}?{}", asked.others)
        .parse()
        .expect("a part of a query that was well formed is");
    *request.uri_mut() = Uri::from(path_and_query);
    Ok(next.run(request).await)
}

#[derive(Debug, PartialEq, Eq)]
struct Asked {
    after: Option<Position>,
    wait: Duration,
    /// All parameters but these two, as they came.
    others: String,
}

impl Asked {
    fn of(query: &str) -> Result<Self, Problem> {
        let (mut after, mut wait, mut others) = (None, None, Vec::new());
        for parameter in query.split('&') {
            match parameter.split_once('=') {
                Some(("after", position)) if after.is_none() => after = Some(position),
                Some(("wait", seconds)) if wait.is_none() => wait = Some(seconds),
                Some(_) | None => others.push(parameter),
            }
        }
        let seconds: u64 = optional("wait", wait)?.unwrap_or(WAIT_S);
        if seconds > LONGEST_WAIT_S {
            let detail = format!("wait: {seconds} s are more than {LONGEST_WAIT_S} s");
            return Err(Problem::bad_parameter(&detail));
        }
        let (after, wait) = (optional("after", after)?, Duration::from_secs(seconds));
        Ok(Self { after, wait, others: others.join("&") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_divided_into_what_it_waits_for_and_what_it_asks() {
        let asked = |after, wait_s, others: &str| Asked {
            after,
            wait: Duration::from_secs(wait_s),
            others: others.to_owned(),
        };
        let of = |query| Asked::of(query).expect("a query that can be read");
        assert_eq!(of(""), asked(None, 10, ""));
        assert_eq!(of("party=a&from=2025"), asked(None, 10, "party=a&from=2025"));
        assert_eq!(of("after=7&party=a%26b&wait=0"), asked(Some(7), 0, "party=a%26b"));
        // A second one is the handler's to refuse.
        assert_eq!(of("after=7&after=8"), asked(Some(7), 10, "after=8"));
        for wrong in ["after=x", "after=-1", "after=", "wait=61", "wait=1.5"] {
            assert!(Asked::of(wrong).is_err(), "{wrong}");
        }
    }
}
