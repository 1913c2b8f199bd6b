//! A list page by page: `limit` rows at a time, each page after the key of the last row before it.
//!
//! Invariants: without `limit` an answer is as it always was. A page begins after a row that is still there, by its key
//! and not its place, so rows that came before it since then shift nothing.

use axum::body::{Body, to_bytes};
use axum::http::HeaderValue;
use axum::http::header::LINK;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::problem::Problem;
use crate::seen::optional;

const MOST: usize = 10_000;

/// The member of an answer that is a list, and what no two of its rows have in common.
#[derive(Debug, Clone, Copy)]
pub struct List {
    pub member: &'static str,
    pub key: &'static [&'static str],
}

/// What of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    limit: usize,
    after: Option<Vec<Value>>,
}

impl Page {
    pub fn of(limit: Option<&str>, cursor: Option<&str>) -> Result<Option<Self>, Problem> {
        let Some(limit) = optional::<usize>("limit", limit)? else {
            return match cursor {
                Some(_) => Err(Problem::bad_parameter("cursor: name the limit of a page too")),
                None => Ok(None),
            };
        };
        if !(1..=MOST).contains(&limit) {
            return Err(Problem::bad_parameter(&format!("limit: {limit} is not 1 to {MOST}")));
        }
        let wrong = || Problem::bad_parameter("cursor: take it from the link to the next page");
        let read = |text: &str| -> Option<Vec<Value>> {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
        };
        let after = cursor.map(|text| read(text).ok_or_else(wrong)).transpose()?;
        Ok(Some(Self { limit, after }))
    }

    /// For a handler that can look up part of its list: the key of the row to begin with, which is the one before the
    /// page, and how many rows to answer from there, so that it shows whether more follow.
    pub fn around(&self) -> (Option<&[Value]>, usize) {
        let before = usize::from(self.after.is_some());
        (self.after.as_deref(), before + self.limit + 1)
    }

    /// The same where the key is one value.
    pub fn around_one<K: DeserializeOwned>(
        &self,
        what: &str,
    ) -> Result<(Option<K>, usize), Problem> {
        let (after, most) = self.around();
        let read = |key: &[Value]| match key {
            [only] => serde_json::from_value(only.clone()).ok(),
            [] | [_, _, ..] => None,
        };
        let wrong = || Problem::bad_parameter(&format!("cursor: it is not of {what}"));
        Ok((after.map(|key| read(key).ok_or_else(wrong)).transpose()?, most))
    }

    /// The page of an answer, with a link to the next one where there is one.
    pub async fn cut(
        self,
        list: List,
        response: Response,
        path: &str,
        query: &str,
    ) -> Result<Response, Problem> {
        let (mut parts, body) = response.into_parts();
        let unread = |reason: String| {
            tracing::error!(reason, "an answer of ours cannot be paged");
            Problem::named("internal", "the failure is logged")
        };
        let bytes = to_bytes(body, usize::MAX).await.map_err(|error| unread(error.to_string()))?;
        let mut answer: Value =
            serde_json::from_slice(&bytes).map_err(|error| unread(error.to_string()))?;
        let rows = answer[list.member].as_array_mut();
        let rows = rows.ok_or_else(|| unread(format!("it has no list {}", list.member)))?;
        if let Some(next) = self.keep(list, rows)? {
            let cursor = URL_SAFE_NO_PAD.encode(Value::Array(next).to_string());
            let before = if query.is_empty() { String::new() } else { format!("{query}&") };
            let limit = self.limit;
            let next = format!("<{path}?{before}limit={limit}&cursor={cursor}>; rel=\"next\"");
            if let Ok(link) = HeaderValue::from_str(&next) {
                parts.headers.insert(LINK, link);
            }
        }
        parts.headers.remove(axum::http::header::CONTENT_LENGTH);
        Ok(Response::from_parts(parts, Body::from(answer.to_string())))
    }

    /// Leaves the page's rows, and tells the key of the last one where more follow.
    fn keep(&self, list: List, rows: &mut Vec<Value>) -> Result<Option<Vec<Value>>, Problem> {
        let key = |row: &Value| -> Vec<Value> {
            list.key.iter().map(|name| row[*name].clone()).collect()
        };
        if let Some(after) = &self.after {
            let place = rows.iter().position(|row| key(row) == *after);
            let gone = "the row before this page is not in the list any more: begin anew";
            let place = place.ok_or_else(|| Problem::named("cursor-gone", gone))?;
            rows.drain(..=place);
        }
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        Ok(rows.last().filter(|_| more).map(key))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LIST: List = List { member: "rows", key: &["id"] };

    fn rows(ids: &[u64]) -> Vec<Value> {
        ids.iter().map(|id| json!({ "id": id })).collect()
    }

    #[test]
    fn pages_follow_each_other_without_gap_or_repetition_whatever_comes_before_them() {
        let page = |after: Option<u64>| Page { limit: 2, after: after.map(|id| vec![json!(id)]) };
        let mut first = rows(&[1, 2, 3, 4, 5]);
        assert_eq!(page(None).keep(LIST, &mut first).ok(), Some(Some(vec![json!(2)])));
        assert_eq!(first, rows(&[1, 2]));
        let mut next = rows(&[0, 1, 2, 3, 4, 5]);
        assert_eq!(page(Some(2)).keep(LIST, &mut next).ok(), Some(Some(vec![json!(4)])));
        assert_eq!(next, rows(&[3, 4]));
        let mut last = rows(&[1, 2, 3, 4, 5]);
        assert_eq!(page(Some(4)).keep(LIST, &mut last).ok(), Some(None));
        assert_eq!(last, rows(&[5]));
        let gone = page(Some(9)).keep(LIST, &mut rows(&[1]));
        assert_eq!(gone.expect_err("it is gone").status(), 409);
    }

    #[test]
    fn a_page_that_cannot_be_read_is_refused() {
        assert_eq!(Page::of(None, None).ok(), Some(None));
        for (limit, cursor) in [
            (Some("0"), None),
            (Some("10001"), None),
            (Some("x"), None),
            (None, Some("W10")),
            (Some("5"), Some("!")),
        ] {
            assert_eq!(Page::of(limit, cursor).expect_err("wrong").status(), 400, "{limit:?}");
        }
        let page = Page::of(Some("5"), Some("WzFd")).expect("a page");
        assert_eq!(page, Some(Page { limit: 5, after: Some(vec![json!(1)]) }));
        assert_eq!(page.as_ref().map(Page::around), Some((Some(&[json!(1)][..]), 7)));
    }
}
