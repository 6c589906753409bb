//! What a client is told when something is wrong: problem details (RFC 9457).

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use schemars::JsonSchema;
use serde::Serialize;
use souffleur_actors::CallError;
use souffleur_core::error::{ComponentError, Invalid};
use souffleur_core::job::Interrupted;
use souffleur_core::store::StoreError;

use crate::runtime::IngestError;

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Most single errors one problem lists.
pub(super) const ERRORS_MAX: usize = 100;

/// A kind of problem. Its address is `/problems/NAME` and does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Kind {
    /// The last part of its address.
    pub name: &'static str,
    /// Its address: what `type` says.
    pub address: &'static str,
    /// The status it comes with.
    pub status: u16,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What to do about it.
    pub advice: &'static str,
}

macro_rules! kinds {
    ($($constant:ident = $name:literal, $status:literal, $title:literal, $advice:literal;)*) => {
        $(pub(super) const $constant: Kind = Kind {
            name: $name,
            address: concat!("/problems/", $name),
            status: $status,
            title: $title,
            advice: $advice,
        };)*

        /// Every kind there is.
        pub static KINDS: &[Kind] = &[$($constant),*];
    };
}

kinds! {
    INVALID_REQUEST = "invalid-request", 400, "the request is wrong",
        "correct the part of the address or the header that is named";
    MALFORMED_BODY = "malformed-body", 400, "the body cannot be read",
        "send valid JSON; line and column say where it stops being so";
    UNAUTHORIZED = "unauthorized", 401, "an API key is needed",
        "send `Authorization: Bearer KEY` or `X-API-Key: KEY`";
    NOT_FOUND = "not-found", 404, "there is nothing at this address",
        "see `/openapi.json` for what there is";
    UNKNOWN_COMPONENT = "unknown-component", 404, "there is no such component",
        "see `/v1/components` for those there are";
    METHOD_NOT_ALLOWED = "method-not-allowed", 405, "this address does not take this method",
        "use a method from the `Allow` header";
    NOT_ACCEPTABLE = "not-acceptable", 406, "the answer cannot be written that way",
        "ask for a media type the operation offers";
    CANCELLED = "cancelled", 409, "the work was cancelled",
        "ask again if it is still wanted";
    NOT_TRAINED = "not-trained", 409, "the component has no model yet",
        "train it first: POST `/v1/components/NAME/train`";
    PAUSED = "paused", 409, "the component is paused",
        "resume it first: POST `/v1/components/NAME/resume`";
    QUARANTINED = "quarantined", 409, "the component was set aside after repeated failures",
        "restart it: POST `/v1/components/NAME/restart`";
    TOO_FEW_ROWS = "too-few-rows", 409, "there is too little data to learn from",
        "record more sessions and train again";
    CONFLICT = "conflict", 409, "somebody else took over meanwhile",
        "ask again";
    PAYLOAD_TOO_LARGE = "payload-too-large", 413, "the request is too large",
        "send less at a time; the limits are settings";
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type", 415, "the body's media type is not known here",
        "send `application/json`, or `application/x-ndjson` where records are taken";
    INVALID_RECORDS = "invalid-records", 422, "some records are wrong",
        "correct the records listed; nothing was kept unless `on_error=skip` was asked for";
    INVALID_QUERY = "invalid-query", 422, "the question cannot be answered",
        "correct the field named; the schema is in `/openapi.json`";
    UNKNOWN_RECORD = "unknown-record", 422, "a record points to something that is not there",
        "send the session first, or correct its name";
    RATE_LIMITED = "rate-limited", 429, "too many requests",
        "wait as long as `Retry-After` says";
    COMPONENT_FAILED = "component-failed", 500, "the component failed",
        "see its health for the reason; its previous model is still in place";
    INTERNAL = "internal", 500, "something went wrong inside",
        "the log says what";
    BUSY = "busy", 503, "the queue is full",
        "wait as long as `Retry-After` says and send the request again";
    STORE_FAILED = "store-failed", 503, "the database failed",
        "nothing of the request was kept; the log says what happened";
    NOT_READY = "not-ready", 503, "the runtime takes no work now",
        "wait: it is starting, or shutting down";
    SHUTTING_DOWN = "shutting-down", 503, "the service is shutting down",
        "send the request again when it is back";
    TIMEOUT = "timeout", 504, "it took too long",
        "ask for less, or raise the limit in the settings";
}

/// One thing wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Detail {
    /// Where: the field, dotted, behind its record's place (`[3].rating`).
    pub at: String,
    /// What is wrong.
    pub problem: String,
    /// What would be right.
    pub expected: String,
    /// The record's place in the request, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
    /// The line of the body it stands on, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The column in that line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
}

impl From<Invalid> for Detail {
    fn from(invalid: Invalid) -> Self {
        let Invalid { at, problem, expected } = invalid;
        Self { at, problem, expected, index: None, line: None, column: None }
    }
}

/// A problem, as the client reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// The kind's address.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The kind in a few words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What happened this time.
    detail: String,
    /// The address that was asked.
    instance: String,
    /// What is wrong with the request, one by one.
    #[serde(skip_serializing_if = "<[Detail]>::is_empty")]
    errors: Box<[Detail]>,
    #[serde(skip)]
    retry_after_ms: Option<u64>,
}

impl Problem {
    pub(super) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind: kind.address,
            title: kind.title,
            status: kind.status,
            detail: detail.into(),
            instance: String::new(),
            errors: Box::default(),
            retry_after_ms: None,
        }
    }

    /// Lists single errors, the first [`ERRORS_MAX`] of them.
    pub(super) fn errors(mut self, errors: impl IntoIterator<Item = Detail>) -> Self {
        self.errors = errors.into_iter().take(ERRORS_MAX).collect();
        self
    }

    pub(super) fn retry_after_ms(mut self, ms: u64) -> Self {
        self.retry_after_ms = Some(ms);
        self
    }

    /// Adds a reason to what is said.
    pub(super) fn because(mut self, reason: &str) -> Self {
        self.detail = format!("{}: {reason}", self.detail);
        self
    }

    /// Says which address was asked.
    pub(super) fn at(mut self, instance: &str) -> Self {
        self.instance = instance.to_owned();
        self
    }

    /// The response that carries it.
    pub(super) fn response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if let Some(ms) = self.retry_after_ms {
            response.insert_header((RETRY_AFTER, ms.div_ceil(1000).max(1).to_string()));
        }
        if self.status == UNAUTHORIZED.status {
            response.insert_header((WWW_AUTHENTICATE, "Bearer"));
        }
        // Texts, numbers and lists of them can always be written as JSON.
        response.content_type(MEDIA_TYPE).body(serde_json::to_string(self).unwrap_or_default())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.title, self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        self.response()
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        Self::new(INVALID_QUERY, invalid.to_string()).errors([invalid.into()])
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let detail = error.to_string();
        match error {
            StoreError::Busy { retry_after_ms } | StoreError::Held { retry_after_ms, .. } => {
                Self::new(BUSY, detail).retry_after_ms(retry_after_ms)
            }
            StoreError::Fenced { .. } | StoreError::NotDue { .. } | StoreError::Refused(_) => {
                Self::new(CONFLICT, detail)
            }
            StoreError::Unknown { .. } => Self::new(UNKNOWN_RECORD, detail),
            StoreError::Closed => Self::new(SHUTTING_DOWN, detail).retry_after_ms(1000),
            StoreError::Incompatible(_) | StoreError::Database(_) => Self::new(STORE_FAILED, detail),
        }
    }
}

impl From<ComponentError> for Problem {
    fn from(error: ComponentError) -> Self {
        let detail = error.to_string();
        match error {
            ComponentError::Interrupted(Interrupted::Cancelled) => Self::new(CANCELLED, detail),
            ComponentError::Interrupted(Interrupted::DeadlineExceeded) => Self::new(TIMEOUT, detail),
            ComponentError::TooFewRows { .. } => Self::new(TOO_FEW_ROWS, detail),
            ComponentError::Query(_) => Self::new(INVALID_QUERY, detail),
            ComponentError::Params(invalid) => Self::new(COMPONENT_FAILED, detail).errors([invalid.into()]),
            ComponentError::Data(_) | ComponentError::Snapshot(_) | ComponentError::Panicked(_) => {
                Self::new(COMPONENT_FAILED, detail)
            }
        }
    }
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        let detail = error.to_string();
        match error {
            CallError::Busy { retry_after_ms } => Self::new(BUSY, detail).retry_after_ms(retry_after_ms),
            CallError::DeadlineExceeded => Self::new(TIMEOUT, detail),
            CallError::UnknownComponent { .. } => Self::new(UNKNOWN_COMPONENT, detail),
            CallError::NotTrained { .. } => Self::new(NOT_TRAINED, detail),
            CallError::Quarantined { .. } => Self::new(QUARANTINED, detail),
            CallError::Paused { .. } => Self::new(PAUSED, detail),
            CallError::Poisoned { .. } => Self::new(COMPONENT_FAILED, detail),
            CallError::Component(error) => error.into(),
            CallError::Invalid(invalid) => invalid.into(),
            CallError::Store(error) => error.into(),
            CallError::ShuttingDown | CallError::Stopped => Self::new(SHUTTING_DOWN, detail).retry_after_ms(1000),
        }
    }
}

impl From<IngestError> for Problem {
    fn from(error: IngestError) -> Self {
        let detail = error.to_string();
        match error {
            IngestError::Call(error) => error.into(),
            IngestError::Refused(refused) => {
                let errors = refused.into_iter().map(|r| Detail { index: Some(r.index), ..r.invalid.into() });
                Self::new(INVALID_RECORDS, detail).errors(errors)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_named_once_and_documented() {
        let manual = include_str!("../../docs/http.md");
        for (i, kind) in KINDS.iter().enumerate() {
            assert!(KINDS[..i].iter().all(|other| other.name != kind.name), "{} is there twice", kind.name);
            let row = format!("| `/problems/{}` | {} |", kind.name, kind.status);
            assert!(manual.contains(&row), "docs/http.md has no row that begins with {row}");
        }
    }

    #[test]
    fn a_wait_is_rounded_up_to_whole_seconds() {
        let response = Problem::new(BUSY, "x").retry_after_ms(1001).response();
        assert_eq!(response.headers().get(RETRY_AFTER).unwrap(), "2");
    }
}
