//! What goes wrong, as RFC 9457 problem documents.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use loopledger_views::Error;
use serde::Serialize;

/// A problem document; `type` is a name of this API, `detail` says what to do.
#[derive(Debug, Serialize)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
}

impl Problem {
    pub fn bad_parameter(detail: &(impl ToString + ?Sized)) -> Self {
        let (kind, title) = ("urn:loopledger:problem:bad-parameter", "a parameter cannot be read");
        Self { kind, title, status: 400, detail: detail.to_string() }
    }

    pub fn not_known(detail: String) -> Self {
        let (kind, title) = ("urn:loopledger:problem:not-known", "the ledger knows no such thing");
        Self { kind, title, status: 404, detail }
    }

    pub fn unauthenticated(detail: &(impl ToString + ?Sized)) -> Self {
        let (kind, title) = ("urn:loopledger:problem:unauthenticated", "the caller is not known");
        Self { kind, title, status: 401, detail: detail.to_string() }
    }

    pub fn forbidden(detail: String) -> Self {
        let (kind, title) = ("urn:loopledger:problem:forbidden", "this role may not do this");
        Self { kind, title, status: 403, detail }
    }

    pub fn no_keys() -> Self {
        let (kind, title) = ("urn:loopledger:problem:no-keys", "tokens cannot be checked now");
        let detail = "the issuer's keys cannot be read: try again later".to_owned();
        Self { kind, title, status: 503, detail }
    }
}

pub async fn no_such_resource(uri: Uri) -> Problem {
    let (kind, title) = ("urn:loopledger:problem:no-such-resource", "there is nothing here");
    let detail = format!(
        "{} is no resource: ask /v1/loops, /v1/parties, /v1/owners, /v1/flows, /v1/utilization, \
         /v1/implied, /v1/findings, /v1/vouchers, /v1/programme, /v1/claims or /v1/statement",
        uri.path()
    );
    Problem { kind, title, status: 404, detail }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad_parameter(&rejection.body_text())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        if error.is_retryable() || matches!(error, Error::NoViews { .. }) {
            tracing::warn!(%error, "a query could not be answered");
            let (kind, title) = ("urn:loopledger:problem:unavailable", "the views are unavailable");
            return Self { kind, title, status: 503, detail: error.to_string() };
        }
        tracing::error!(%error, "a query failed");
        let (kind, title) = ("urn:loopledger:problem:internal", "this is our mistake");
        let detail = "the failure is logged; report it with the time of your request".to_owned();
        Self { kind, title, status: 500, detail }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).expect("a status of ours");
        let mut response = (status, Json(self)).into_response();
        let kind = header::HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        if status == StatusCode::UNAUTHORIZED {
            let scheme = header::HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
        }
        response
    }
}
