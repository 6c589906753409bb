//! What stands around every operation: the key, the rate, the time limit, the fence against panics, and the last
//! word on how an error looks.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest};
use futures_util::FutureExt;
use souffleur_core::runner::panic_text;

use super::problem::{
    INTERNAL, INVALID_REQUEST, MEDIA_TYPE, METHOD_NOT_ALLOWED, NOT_FOUND, PAYLOAD_TOO_LARGE, Problem, RATE_LIMITED,
    TIMEOUT, UNAUTHORIZED,
};
use super::routes::Access;
use super::state::State;

/// Added to the longest wait for a training run, so that the runtime's own answer comes first.
const TRAIN_MARGIN: Duration = Duration::from_secs(2);

/// How a resource is guarded.
#[derive(Clone)]
pub(super) struct Guard {
    pub(super) state: Arc<State>,
    pub(super) access: Access,
    /// The resource's path in the table, by which it is counted.
    pub(super) path: &'static str,
    /// The methods it takes.
    pub(super) allow: String,
}

impl Guard {
    /// Serves one request.
    pub(super) async fn serve<B: MessageBody + 'static>(
        self,
        request: ServiceRequest,
        next: Next<B>,
    ) -> Result<ServiceResponse<BoxBody>, Error> {
        let clock = Arc::clone(self.state.runtime.clock());
        let began = clock.monotonic();
        let http = request.request().clone();
        let response = match self.admit(&http) {
            Ok(()) => self.fenced(request, next).await,
            Err(problem) => ServiceResponse::new(http.clone(), problem.at(http.path()).response()),
        };
        let status = response.status().as_u16();
        let took = clock.monotonic().saturating_sub(began);
        self.state.counters.count(self.path, status, took);
        tracing::debug!(method = %http.method(), path = http.path(), status, took_us = took.as_micros(), "served");
        Ok(response)
    }

    fn admit(&self, request: &HttpRequest) -> Result<(), Problem> {
        if self.access != Access::Open && !self.state.opens(key(request)) {
            return Err(Problem::new(UNAUTHORIZED, "the request carries no API key that is known here"));
        }
        if matches!(self.access, Access::Open | Access::Watch) {
            return Ok(());
        }
        self.state.admit().map_err(|wait| {
            let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
            Problem::new(RATE_LIMITED, format!("try again in {wait_ms} ms")).retry_after_ms(wait_ms)
        })
    }

    fn limit(&self) -> Duration {
        match self.access {
            Access::Train => Duration::from_millis(self.state.limits.train_timeout_ms).saturating_add(TRAIN_MARGIN),
            _ => Duration::from_millis(self.state.limits.request_timeout_ms),
        }
    }

    async fn fenced<B: MessageBody + 'static>(
        &self,
        request: ServiceRequest,
        next: Next<B>,
    ) -> ServiceResponse<BoxBody> {
        let http = request.request().clone();
        let limit = self.limit();
        let served = tokio::time::timeout(limit, AssertUnwindSafe(next.call(request)).catch_unwind()).await;
        let problem = match served {
            Ok(Ok(Ok(response))) => match self.problem(&response) {
                None => return response.map_into_boxed_body(),
                Some(problem) => problem,
            },
            Ok(Ok(Err(error))) => self.of_error(&error),
            Ok(Err(payload)) => {
                let text = panic_text(payload.as_ref());
                std::mem::forget(payload);
                tracing::error!(path = self.path, panic = text, "a handler panicked");
                Problem::new(INTERNAL, "the request was given up; the service goes on")
            }
            Err(_) => Problem::new(TIMEOUT, format!("no answer within {} ms", limit.as_millis())),
        };
        let mut response = problem.at(http.path()).response();
        if response.status() == StatusCode::METHOD_NOT_ALLOWED
            && let Ok(methods) = HeaderValue::from_str(&self.allow)
        {
            response.headers_mut().insert(ALLOW, methods);
        }
        ServiceResponse::new(http, response)
    }

    /// The problem a response stands for, unless it is fine as it is.
    fn problem<B>(&self, response: &ServiceResponse<B>) -> Option<Problem> {
        if let Some(error) = response.response().error() {
            return Some(self.of_error(error));
        }
        let status = response.status();
        let told = response.headers().get(CONTENT_TYPE).is_some_and(|value| value.as_bytes() == MEDIA_TYPE.as_bytes());
        if told || !(status.is_client_error() || status.is_server_error()) {
            return None;
        }
        Some(self.of_status(status))
    }

    fn of_error(&self, error: &Error) -> Problem {
        match error.as_error::<Problem>() {
            Some(problem) => problem.clone(),
            None => {
                let status = error.as_response_error().status_code();
                let problem = self.of_status(status);
                if status.is_client_error() { problem.because(&error.to_string()) } else { problem }
            }
        }
    }

    fn of_status(&self, status: StatusCode) -> Problem {
        match status.as_u16() {
            404 => Problem::new(NOT_FOUND, "there is nothing at this address"),
            405 => Problem::new(METHOD_NOT_ALLOWED, format!("use {}", self.allow)),
            413 => {
                let limit = self.state.limits.body_limit_bytes;
                Problem::new(PAYLOAD_TOO_LARGE, format!("a body may have at most {limit} bytes"))
            }
            status if status < 500 => Problem::new(INVALID_REQUEST, "the request cannot be read"),
            _ => Problem::new(INTERNAL, "the request was given up; the service goes on"),
        }
    }
}

/// The key a request carries.
fn key(request: &HttpRequest) -> Option<&str> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let bearer = header(AUTHORIZATION.as_str()).and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    bearer.or_else(|| header("x-api-key"))
}
