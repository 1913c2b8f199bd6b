//! The form of an answer: JSON, or its list as CSV, JSON Lines or Parquet, as `format` or `Accept` asks for.
//!
//! Invariants: a list has the bytes that the command line writes; `format` counts more than `Accept`, and where
//! nothing of `Accept` can be had the answer is JSON.

use axum::body::{Body, to_bytes};
use axum::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use loopledger_exports::lists::{Form, Shape};

use crate::problem::Problem;

/// The document itself, and the forms in which it is a list.
pub const JSON: &str = "json";

/// What is asked for; nothing is the JSON document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    form: Option<Form>,
    /// Whoever names a form has to get it.
    named: bool,
}

impl Wanted {
    pub fn of(format: Option<&str>, headers: &HeaderMap) -> Result<Self, Problem> {
        let Some(name) = format else {
            return Ok(Self { form: accepted(headers), named: false });
        };
        let form = Form::ALL.into_iter().find(|form| form.name() == name);
        if form.is_none() && name != JSON {
            let known = Form::ALL.map(Form::name).join(", ");
            let detail = format!("format: `{name}` is none: write {JSON}, {known}");
            return Err(Problem::bad_parameter(&detail));
        }
        Ok(Self { form, named: form.is_some() })
    }

    /// What tells answers apart that are of different forms.
    pub fn name(self) -> &'static str {
        self.form.map_or(JSON, Form::name)
    }

    /// The answer in this form, if it is a list.
    pub async fn put(self, shape: Option<Shape>, response: Response) -> Result<Response, Problem> {
        let Some(form) = self.form else { return Ok(response) };
        let Some(shape) = shape else {
            if self.named {
                return Err(Problem::bad_parameter("format: the answer is no list"));
            }
            return Ok(response);
        };
        let (mut parts, body) = response.into_parts();
        let unread = |reason: String| {
            tracing::error!(reason, "an answer of ours is no list");
            Problem::named("internal", "the failure is logged")
        };
        let bytes = to_bytes(body, usize::MAX).await.map_err(|error| unread(error.to_string()))?;
        let document = serde_json::from_slice(&bytes).map_err(|error| unread(error.to_string()))?;
        let told = form.tell_document(shape, document);
        let told = told.map_err(|error| unread(error.to_string()))?;
        parts.headers.remove(CONTENT_LENGTH);
        parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static(form.media_type()));
        Ok(Response::from_parts(parts, Body::from(told.bytes)))
    }
}

/// The form that the header likes best, the first of several.
fn accepted(headers: &HeaderMap) -> Option<Form> {
    let mut best: (u16, Option<Form>) = (0, None);
    let texts = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    for range in texts.flat_map(|text| text.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let form = match media.as_str() {
            "*/*" | "application/*" | "application/json" => None,
            "text/*" => Some(Form::Csv),
            media => match Form::ALL.into_iter().find(|form| form.media_type() == media) {
                Some(form) => Some(form),
                None => continue,
            },
        };
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1_000, thousandths);
        if weight > best.0 {
            best = (weight, form);
        }
    }
    best.1
}

/// A weight as in `0.8`, of at most three decimals; nothing else has any.
fn thousandths(weight: &str) -> u16 {
    let (whole, decimals) = weight.split_once('.').unwrap_or((weight, ""));
    let digits = decimals.len() <= 3 && decimals.bytes().all(|byte| byte.is_ascii_digit());
    let decimals = format!("{decimals:0<3}").parse().ok().filter(|_| digits).unwrap_or(0);
    match whole {
        "1" => 1_000,
        "0" => decimals,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(format: Option<&str>, accept: &str) -> Result<Option<Form>, u16> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().expect("a header"));
        let wanted = Wanted::of(format, &headers);
        wanted.map(|wanted| wanted.form).map_err(|problem| problem.status())
    }

    #[test]
    fn the_header_chooses_by_weight_and_the_parameter_before_it() {
        for (accept, form) in [
            ("*/*", None),
            ("text/csv", Some(Form::Csv)),
            ("text/html, Text/CSV;q=0.5, */*;q=0.1", Some(Form::Csv)),
            ("text/csv;q=0.5, application/json", None),
            ("application/x-ndjson, application/json", Some(Form::JsonLines)),
            ("application/vnd.apache.parquet; q=0.301, text/*;q=0.3", Some(Form::Parquet)),
            ("text/csv;q=0, application/pdf", None),
            ("text/csv;q=2, application/x-ndjson;q=0.0001", None),
            ("nonsense", None),
        ] {
            assert_eq!(wanted(None, accept), Ok(form), "{accept}");
        }
        assert_eq!(wanted(Some("parquet"), "text/csv"), Ok(Some(Form::Parquet)));
        assert_eq!(wanted(Some("json"), "text/csv"), Ok(None));
        assert_eq!(wanted(Some("xml"), "text/csv"), Err(400));
    }
}
