//! What goes wrong, as RFC 9457 problem documents.
//!
//! Invariant: what a service refuses, or is too busy for, is never told as this API's own failure.

use std::borrow::Cow;

use axum::Json;
use axum::extract::OriginalUri;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use loopledger_service::protocol::Refused;
use loopledger_views::Error;
use serde::Serialize;
use serde_json::{Map, Value};

/// A problem document; `type` is a name of this API, `detail` says what to do.
#[derive(Debug, Serialize)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: Cow<'static, str>,
    title: &'static str,
    status: u16,
    detail: String,
    /// What a refusal names, its code included.
    #[serde(flatten)]
    fields: Map<String, Value>,
}

/// Every problem that this API names, with its status and title. What services refuse has
/// `urn:loopledger:refusal:` and the refusal's code as its type.
pub const PROBLEMS: [(&str, u16, &str); 24] = [
    ("bad-parameter", 400, "a parameter cannot be read"),
    ("bad-body", 400, "the body cannot be read"),
    ("no-idempotency-key", 400, "a command needs a key"),
    ("unauthenticated", 401, "the caller is not known"),
    ("forbidden", 403, "this role may not do this"),
    ("not-known", 404, "the ledger knows no such thing"),
    ("no-such-resource", 404, "there is nothing here"),
    ("no-such-method", 405, "the resource has no such method"),
    ("no-pdf", 406, "no PDF is made here"),
    ("in-progress", 409, "a command with this key is being decided"),
    ("cursor-gone", 409, "the page cannot be continued"),
    ("not-reached", 409, "that position is not reached"),
    ("body-too-large", 413, "the body is too large"),
    ("no-json", 415, "the body is of another media type"),
    ("key-reused", 422, "the key belongs to another command"),
    ("bundle-unreadable", 422, "the bundle cannot be read"),
    ("ids-apart", 422, "ids lie in several partitions"),
    ("too-many-requests", 429, "too many requests"),
    ("busy", 503, "the service is busy"),
    ("unanswered", 503, "the service has not answered"),
    ("unavailable", 503, "the views are unavailable"),
    ("no-keys", 503, "tokens cannot be checked now"),
    ("too-slow", 504, "the answer took too long"),
    ("internal", 500, "this is our mistake"),
];

/// Documented, and a prefix of no other type.
const REFUSED: &str = "urn:loopledger:refusal:";

impl Problem {
    /// One of `PROBLEMS`.
    pub fn named(name: &'static str, detail: impl Into<String>) -> Self {
        let (_, status, title) =
            PROBLEMS.into_iter().find(|(known, ..)| *known == name).expect("a problem in the list");
        let kind = format!("urn:loopledger:problem:{name}").into();
        Self { kind, title, status, detail: detail.into(), fields: Map::new() }
    }

    /// A rule said no. What is not there is 404, what is there already 409, all else 422.
    pub fn refused(refusal: Refused, position: Option<u64>) -> Self {
        let Refused { code, message, fields } = refusal;
        let status = if code.starts_with("unknown_") {
            404
        } else if code.ends_with("_exists") {
            409
        } else {
            422
        };
        let mut members = fields.as_object().cloned().unwrap_or_default();
        members.insert("code".to_owned(), code.as_str().into());
        members.extend(position.map(|position| ("position".to_owned(), position.into())));
        let (kind, title) = (format!("{REFUSED}{code}").into(), "a rule of the ledger says no");
        Self { kind, title, status, detail: message, fields: members }
    }

    pub fn bad_parameter(detail: &(impl ToString + ?Sized)) -> Self {
        Self::named("bad-parameter", detail.to_string())
    }

    pub fn not_known(detail: String) -> Self {
        Self::named("not-known", detail)
    }

    pub fn unauthenticated(detail: &(impl ToString + ?Sized)) -> Self {
        Self::named("unauthenticated", detail.to_string())
    }

    pub fn forbidden(detail: String) -> Self {
        Self::named("forbidden", detail)
    }

    pub fn no_keys() -> Self {
        Self::named("no-keys", "the issuer's keys cannot be read: try again later")
    }

    /// With a further member.
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.fields.insert(name.to_owned(), value);
        self
    }

    /// Of a line of a file.
    pub fn at(mut self, file: &str, line: usize) -> Self {
        self.detail = format!("{file} line {line}: {}", self.detail);
        self.with("file", file.into()).with("line", line.into())
    }

    pub const fn status(&self) -> u16 {
        self.status
    }

    /// As a line of a list has it.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("a problem is JSON")
    }
}

pub async fn no_such_resource(uri: Uri) -> Problem {
    let detail = format!("{} is no resource: /v1/openapi.json lists all", uri.path());
    Problem::named("no-such-resource", detail)
}

pub async fn no_such_method(OriginalUri(uri): OriginalUri) -> Problem {
    let detail = format!("{} has other methods: /v1/openapi.json lists them", uri.path());
    Problem::named("no-such-method", detail)
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad_parameter(&rejection.body_text())
    }
}

impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Self {
        let name = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => "body-too-large",
            _ => "bad-body",
        };
        Self::named(name, rejection.body_text())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        if error.is_retryable() || matches!(error, Error::NoViews { .. }) {
            tracing::warn!(%error, "a query could not be answered");
            return Self::named("unavailable", error.to_string());
        }
        tracing::error!(%error, "a query failed");
        Self::named("internal", "the failure is logged; report it with the time of your request")
    }
}

/// What goes wrong while a file is made.
impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<Error>() {
            Ok(error) => error.into(),
            Err(error) => {
                tracing::error!("an export failed: {error:#}");
                Self::named("internal", "the failure is logged; run `loopledger verify`")
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).expect("a status of ours");
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
        set(header::CONTENT_TYPE, "application/problem+json");
        match status {
            StatusCode::UNAUTHORIZED => drop(set(header::WWW_AUTHENTICATE, "Bearer")),
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                drop(set(header::RETRY_AFTER, "1"));
            }
            _ => {}
        }
        response
    }
}
