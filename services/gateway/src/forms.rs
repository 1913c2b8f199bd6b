//! The form of an answer: JSON, or its list as CSV, JSON Lines or Parquet, as `format` or `Accept` asks for; of a report
//! its page or its PDF.
//!
//! Invariants: a list has the bytes that the command line writes; `format` counts more than `Accept`, and where
//! nothing of `Accept` can be had the answer is JSON, and of a report its first form.

use axum::body::{Body, to_bytes};
use axum::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use loopledger_exports::lists::{Form, Shape};

use crate::problem::Problem;

/// The document itself, and the forms in which it is a list.
pub const JSON: &str = "json";

/// The forms of a file: their names and media types. Unless another is asked for it is the first.
pub type Files = &'static [(&'static str, &'static str)];

/// The form of a file that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WantedFile {
    pub name: &'static str,
    pub media_type: &'static str,
}

impl WantedFile {
    pub fn of(files: Files, format: Option<&str>, headers: &HeaderMap) -> Result<Self, Problem> {
        let found = match format {
            Some(name) => files.iter().find(|(known, _)| *known == name),
            None => {
                let essence = |media: &'static str| media.split(';').next().unwrap_or_default();
                best(headers, |asked| match asked {
                    "*/*" | "text/*" => Some(&files[0]),
                    asked => files.iter().find(|(_, media)| essence(media) == asked),
                })
                .or(files.first())
            }
        };
        let Some((name, media_type)) = found else {
            let known: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
            let detail = format!("format: it is none: write {}", known.join(" or "));
            return Err(Problem::bad_parameter(&detail));
        };
        Ok(Self { name, media_type })
    }
}

/// What is asked for; nothing is the JSON document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    form: Option<Form>,
    /// Whoever names a form has to get it.
    named: bool,
}

impl Wanted {
    /// Whatever the handler answers.
    pub const DOCUMENT: Self = Self { form: None, named: false };

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
    best(headers, |media| match media {
        "*/*" | "application/*" | "application/json" => Some(None),
        "text/*" => Some(Some(Form::Csv)),
        media => Form::ALL.into_iter().find(|form| form.media_type() == media).map(Some),
    })
    .flatten()
}

/// What is known under the media type that the header likes best, the first of several.
fn best<T>(headers: &HeaderMap, known: impl Fn(&str) -> Option<T>) -> Option<T> {
    let mut best: (u16, Option<T>) = (0, None);
    let texts = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    for range in texts.flat_map(|text| text.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let Some(found) = known(&media) else { continue };
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1_000, thousandths);
        if weight > best.0 {
            best = (weight, Some(found));
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
        let files: Files = &[("html", "text/html; charset=utf-8"), ("pdf", "application/pdf")];
        let file = |format, accept: &str| {
            let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().expect("a header"))]);
            WantedFile::of(files, format, &headers).ok().map(|file| file.name)
        };
        for (accept, name) in [
            ("*/*", "html"),
            ("application/pdf", "pdf"),
            ("text/html, application/pdf", "html"),
            ("text/html;q=0.9, application/pdf", "pdf"),
            ("application/json", "html"),
        ] {
            assert_eq!(file(None, accept), Some(name), "{accept}");
        }
        assert_eq!(file(Some("pdf"), "text/html"), Some("pdf"));
        assert_eq!(file(Some("csv"), "text/html"), None);
        assert_eq!(wanted(Some("parquet"), "text/csv"), Ok(Some(Form::Parquet)));
        assert_eq!(wanted(Some("json"), "text/csv"), Ok(None));
        assert_eq!(wanted(Some("xml"), "text/csv"), Err(400));
    }
}
