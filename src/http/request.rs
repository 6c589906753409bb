//! The parts of a request handlers ask for: the body, the query string, single headers.

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpRequest, web};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::problem::{INVALID_REQUEST, Problem};

/// Longest `Idempotency-Key`.
const KEY_BYTES: usize = 200;

/// Most entries a list answers.
const LIMIT_MAX: usize = 1000;
/// Entries a list answers unless asked otherwise.
const LIMIT: usize = 20;

/// A whole body, within the limit.
pub(super) struct Body {
    pub(super) bytes: web::Bytes,
    content_type: Option<String>,
}

impl Body {
    pub(super) fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }
}

impl FromRequest for Body {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        // A header that is no text is shown with its strange bytes replaced, and refused by whoever reads it.
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let content_type = request.headers().get(CONTENT_TYPE).map(|value| text(value.as_bytes()));
        let bytes = web::Bytes::from_request(request, payload);
        Box::pin(async move { Ok(Self { bytes: bytes.await?, content_type }) })
    }
}

/// Reads the query string.
pub(super) fn query_string<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, Problem> {
    let read = web::Query::<T>::from_query(request.query_string());
    read.map(web::Query::into_inner).map_err(|e| {
        let text = e.to_string();
        let why = text.strip_prefix("Query deserialize error: ").unwrap_or(&text);
        Problem::new(INVALID_REQUEST, format!("the query string cannot be read: {why}"))
    })
}

/// The `Idempotency-Key`, if the request has one.
pub(super) fn idempotency_key(request: &HttpRequest) -> Result<Option<String>, Problem> {
    let Some(value) = request.headers().get("idempotency-key") else { return Ok(None) };
    let refused = |why: String| Problem::new(INVALID_REQUEST, format!("the header `Idempotency-Key` {why}"));
    let printable = |text: &&str| !text.trim().is_empty() && text.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    let key = value.to_str().ok().filter(printable);
    let key = key.ok_or_else(|| refused("must be printable ASCII and not empty".to_owned()))?;
    if key.len() > KEY_BYTES {
        return Err(refused(format!("has {} bytes; at most {KEY_BYTES} are allowed", key.len())));
    }
    Ok(Some(key.to_owned()))
}

/// How many entries a list is to answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limit {
    limit: Option<usize>,
}

impl Limit {
    pub(super) fn of(limit: Option<usize>) -> Self {
        Self { limit }
    }

    pub(super) fn checked(&self) -> Result<usize, Problem> {
        match self.limit.unwrap_or(LIMIT) {
            limit @ 1..=LIMIT_MAX => Ok(limit),
            other => Err(Problem::new(INVALID_REQUEST, format!("`limit` is {other}; it must lie in [1, {LIMIT_MAX}]"))),
        }
    }
}
