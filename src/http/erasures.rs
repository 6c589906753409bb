//! Tracing and erasing sessions.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use souffleur_core::store::StoreError;

use super::problem::Problem;
use super::request::query_string;
use super::state::State;
use crate::erasure::ErasureReport;

/// Refuses a session nobody has.
fn known(report: ErasureReport) -> Result<HttpResponse, Problem> {
    match report.unknown.first() {
        Some(name) => Err(StoreError::Unknown { what: "session", name: name.clone() }.into()),
        None => Ok(HttpResponse::Ok().json(report)),
    }
}

pub(super) async fn traces(state: web::Data<State>, session: web::Path<String>) -> Result<HttpResponse, Problem> {
    known(state.runtime.traces(vec![session.into_inner()]).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct How {
    compact: Option<bool>,
}

pub(super) async fn erase(
    state: web::Data<State>,
    request: HttpRequest,
    session: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let How { compact } = query_string(&request)?;
    let train_within = Duration::from_millis(state.limits.train_timeout_ms);
    let sessions = vec![session.into_inner()];
    known(state.runtime.erase(sessions, "asked for", compact.unwrap_or(true), train_within).await?)
}
