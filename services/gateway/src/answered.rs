//! An answer says which position it rests on, in `Ledger-Position`.

use axum::Json;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use loopledger_model::Position;
use loopledger_views::Rests;
use serde::Serialize;

pub const LEDGER_POSITION: HeaderName = HeaderName::from_static("ledger-position");

/// A file of another format.
pub struct File {
    pub bytes: Vec<u8>,
    pub media_type: &'static str,
    pub position: Position,
}

impl IntoResponse for File {
    fn into_response(self) -> Response {
        let media_type = HeaderValue::from_static(self.media_type);
        let mut response = at_position(self.position, self.bytes.into_response());
        response.headers_mut().insert(CONTENT_TYPE, media_type);
        response
    }
}

/// An answer of the views.
pub struct Answered<T>(pub T);

impl<T: Serialize + Rests> IntoResponse for Answered<T> {
    fn into_response(self) -> Response {
        at_position(self.0.position(), Json(self.0).into_response())
    }
}

pub fn at_position(position: Position, mut response: Response) -> Response {
    response.headers_mut().insert(LEDGER_POSITION, HeaderValue::from(position));
    response
}
