//! Every query may say in `after` which position its answer has to rest on, in `wait` how many
//! seconds it waits for that, in `limit` and `cursor` which page of a list it wants, and in `If-None-Match` which
//! answer it has already. `format` or `Accept` says in which form.
//!
//! Invariant: a handler is asked when the views are there, and does not see these parameters.
//! Invariant: two answers of one tag are the same: it names their question, their reader and their position.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, OriginalUri, Request, State};
use axum::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH, VARY};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use loopledger_journal::{Filter, Journal};
use loopledger_model::Position;
use loopledger_model::hex::Hex;
use loopledger_views::Views;
use sha2::{Digest as _, Sha256};

use crate::answered::{LEDGER_POSITION, at_position};
use crate::auth::Caller;
use crate::forms::{Wanted, WantedFile};
use crate::paging::Page;
use crate::problem::Problem;
use crate::seen::optional;
use crate::v1::RESOURCES;

const WAIT_S: u64 = 10;
const LONGEST_WAIT_S: u64 = 60;

/// What says how far the ledger is.
pub struct Progress<J> {
    pub views: Views,
    pub journal: J,
}

impl<J: Journal> Progress<J> {
    /// Waits until answers rest on this position; one that is not recorded yet is not waited for.
    async fn reach(&self, after: Position, within: Duration) -> Result<(), Problem> {
        if self.views.position().await? >= after {
            return Ok(());
        }
        let last = self.journal.last(&Filter::all()).await.map_err(|error| {
            tracing::warn!(%error, "the journal cannot be asked");
            Problem::named("unavailable", error.to_string())
        })?;
        if after > last {
            let detail = format!("after: the journal ends at {last}, before {after}");
            return Err(Problem::named("not-reached", detail));
        }
        self.views.wait_for(after, within).await?;
        Ok(())
    }
}

pub async fn wait<J: Journal>(
    State(progress): State<Arc<Progress<J>>>,
    Extension(caller): Extension<Caller>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let query = request.uri().query().unwrap_or_default();
    let asked = Asked::of(query)?;
    if let Some(after) = asked.after {
        progress.reach(after, asked.wait).await?;
    }
    let path = request.uri().path().to_owned();
    let page = Page::of(asked.limit.as_deref(), asked.cursor.as_deref())?;
    let resource = RESOURCES.iter().find(|resource| resource.path == path);
    let (wanted, form) = match resource.map(|resource| resource.files) {
        None | Some([]) => {
            let wanted = Wanted::of(asked.format.as_deref(), request.headers())?;
            (wanted, wanted.name())
        }
        Some(files) => {
            let file = WantedFile::of(files, asked.format.as_deref(), request.headers())?;
            request.extensions_mut().insert(file);
            (Wanted::DOCUMENT, file.name)
        }
    };
    let tags = Tags::of(&path, &format!("{} {page:?} {form}", asked.others), &caller);
    let has = |headers: &HeaderMap, tag: &HeaderValue| {
        headers.get_all(IF_NONE_MATCH).iter().any(|had| had == tag)
    };
    if request.headers().contains_key(IF_NONE_MATCH)
        && let Some(tags) = &tags
    {
        let position = progress.views.position().await?;
        let tag = tags.at(&position.into());
        if has(request.headers(), &tag) {
            return Ok(tags.put(at_position(position, StatusCode::NOT_MODIFIED.into_response())));
        }
    }
    let path_and_query: PathAndQuery = format!("{path}?{}", asked.others)
        .parse()
        .expect("a part of a query that was well formed is");
    *request.uri_mut() = Uri::from(path_and_query);
    if let Some(page) = &page {
        request.extensions_mut().insert(page.clone());
    }
    let original = request.extensions().get::<OriginalUri>().map(|OriginalUri(uri)| uri.path());
    let shown = original.unwrap_or_default().to_owned();
    let mut response = next.run(request).await;
    if response.status() != StatusCode::OK {
        return Ok(response);
    }
    if let Some(page) = page {
        let Some(list) = resource.and_then(|resource| resource.list) else {
            return Err(Problem::bad_parameter("limit: the answer is no list"));
        };
        response = page.cut(list, response, &shown, &asked.others).await?;
    }
    response = wanted.put(resource.and_then(|resource| resource.shape), response).await?;
    Ok(match tags {
        Some(tags) => tags.put(response),
        None => response,
    })
}

/// What the answers to a question are tagged with, whatever position they rest on.
struct Tags(String);

impl Tags {
    /// Nothing where the answer depends on the time of day: who owns a party *now*, what was known *by now*.
    fn of(path: &str, query: &str, caller: &Caller) -> Option<Self> {
        let now = match path {
            "/owners" => !query.contains("as_of="),
            "/reports/loops" => !query.contains("as_known="),
            _ => false,
        };
        if now {
            return None;
        }
        let reader = serde_json::to_string(caller).expect("a caller is JSON");
        let hash = Sha256::digest(format!("{path}?{query} {reader}"));
        Some(Self(Hex(&hash[..8]).to_string()))
    }

    fn at(&self, position: &HeaderValue) -> HeaderValue {
        let position = position.to_str().expect("a position is a number");
        format!("\"{position}-{}\"", self.0).parse().expect("digits and letters")
    }

    fn put(&self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        if let Some(position) = headers.get(LEDGER_POSITION).cloned() {
            headers.insert(ETAG, self.at(&position));
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
            headers.insert(VARY, HeaderValue::from_static("authorization, accept"));
        }
        response
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Asked {
    after: Option<Position>,
    wait: Duration,
    limit: Option<String>,
    cursor: Option<String>,
    format: Option<String>,
    /// All parameters but these, as they came.
    others: String,
}

impl Asked {
    fn of(query: &str) -> Result<Self, Problem> {
        let (mut after, mut wait, mut others) = (None, None, Vec::new());
        let (mut limit, mut cursor, mut format) = (None, None, None);
        for parameter in query.split('&') {
            match parameter.split_once('=') {
                Some(("after", position)) if after.is_none() => after = Some(position),
                Some(("wait", seconds)) if wait.is_none() => wait = Some(seconds),
                Some(("limit", rows)) if limit.is_none() => limit = Some(rows.to_owned()),
                Some(("cursor", row)) if cursor.is_none() => cursor = Some(row.to_owned()),
                Some(("format", name)) if format.is_none() => format = Some(name.to_owned()),
                Some(_) | None => others.push(parameter),
            }
        }
        let seconds: u64 = optional("wait", wait)?.unwrap_or(WAIT_S);
        if seconds > LONGEST_WAIT_S {
            let detail = format!("wait: {seconds} s are more than {LONGEST_WAIT_S} s");
            return Err(Problem::bad_parameter(&detail));
        }
        let (after, wait) = (optional("after", after)?, Duration::from_secs(seconds));
        Ok(Self { after, wait, limit, cursor, format, others: others.join("&") })
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
            limit: None,
            cursor: None,
            format: None,
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
