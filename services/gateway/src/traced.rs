//! Every request under `/v1` is a span: of the trace that its `traceparent` names, or of a new one.
//!
//! Invariant: behind it the request's `traceparent` names that span, whatever its caller sent.

use axum::extract::{MatchedPath, OriginalUri, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use loopledger_service::trace::{self, TraceContext};
use loopledger_service::traced;
use tracing::Instrument as _;
use tracing::field::Empty;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

pub async fn request(mut request: Request, next: Next) -> Response {
    let context = trace::of_asker(stated(request.headers()));
    let matched = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let route = matched.unwrap_or_default().to_owned();
    let original = request.extensions().get::<OriginalUri>();
    let path = original.map_or(request.uri(), |OriginalUri(uri)| uri).path().to_owned();
    let method = request.method().clone();
    let span = traced!(
        context,
        "server",
        format!("{method} {route}"),
        http.request.method = method.as_str(),
        http.route = route,
        url.path = path,
        http.response.status_code = Empty,
    );
    let named = HeaderValue::try_from(context.to_string()).expect("hexadecimal digits");
    request.headers_mut().insert(TRACEPARENT, named);
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status();
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("error", status.as_str());
    }
    response
}

/// The span that a request belongs to.
pub fn span_of(headers: &HeaderMap) -> TraceContext {
    stated(headers).and_then(|text| text.parse().ok()).unwrap_or_else(TraceContext::start)
}

fn stated(headers: &HeaderMap) -> Option<&str> {
    headers.get(TRACEPARENT)?.to_str().ok()
}
