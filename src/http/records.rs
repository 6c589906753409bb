//! Taking records in: sessions, feedback, rules, results.

use actix_web::{HttpRequest, HttpResponse, web};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_core::document::Document;
use souffleur_core::records::{Feedback, Rule};
use souffleur_core::store::{Receipt, StoreError};

use super::body::{Parsed, parse_feedback, parse_json, parse_rules, parse_sessions, refused};
use super::problem::{Detail, ERRORS_MAX, Problem};
use super::request::{Body, Limit, idempotency_key, query_string};
use super::state::State;
use crate::runtime::{Keyed, Results};

/// What became of the records of a request.
#[derive(Serialize, JsonSchema)]
pub(super) struct Kept {
    /// Records that are new.
    kept: usize,
    /// Records that were there already, under their name or their idempotency key.
    duplicates: usize,
    /// Records that were left out.
    refused: usize,
    /// One for each record that is kept, in the order of the request.
    receipts: Vec<Receipt>,
    /// What is wrong with those that were left out, the first 100 of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Detail>,
}

/// The rules.
#[derive(Serialize, JsonSchema)]
pub(super) struct RulesList {
    /// In order of their names.
    rules: Vec<Rule>,
}

/// The newest results.
#[derive(Serialize, JsonSchema)]
pub(super) struct ResultsList {
    /// Oldest first.
    results: Vec<Document>,
}

/// What a bad record does to the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OnError {
    #[default]
    Reject,
    Skip,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    #[serde(default)]
    on_error: OnError,
}

/// A request's good records, ready to be appended, and what is wrong with the rest.
struct Accepted<T> {
    records: Vec<Keyed<T>>,
    indices: Vec<usize>,
    errors: Vec<Detail>,
}

fn accept<T>(parsed: Parsed<T>, on_error: OnError, kind: &str, request: &HttpRequest) -> Result<Accepted<T>, Problem> {
    if !parsed.bad.is_empty() && (on_error == OnError::Reject || parsed.good.is_empty()) {
        return Err(refused(parsed));
    }
    let key = idempotency_key(request)?;
    // The kind is part of the key: the same key on another address is another request.
    let keyed = |(index, record)| Keyed { key: key.as_ref().map(|key| format!("{kind}/{key}/{index}")), record };
    let indices = parsed.good.iter().map(|(index, _)| *index).collect();
    Ok(Accepted { records: parsed.good.into_iter().map(keyed).collect(), indices, errors: parsed.bad })
}

fn answer(receipts: Vec<Receipt>, mut errors: Vec<Detail>) -> HttpResponse {
    let duplicates = receipts.iter().filter(|receipt| receipt.duplicate).count();
    let refused = errors.len();
    errors.truncate(ERRORS_MAX);
    let kept = receipts.len() - duplicates;
    let mut response = if kept > 0 { HttpResponse::Created() } else { HttpResponse::Ok() };
    response.json(Kept { kept, duplicates, refused, receipts, errors })
}

pub(super) async fn sessions(
    state: web::Data<State>,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let choice: Choice = query_string(&request)?;
    let most = state.limits.records_max;
    let content_type = body.content_type().map(str::to_owned);
    let parsed = state.runtime.offloaded(move || parse_sessions(content_type.as_deref(), &body.bytes, most)).await??;
    let accepted = accept(parsed, choice.on_error, "sessions", &request)?;
    Ok(answer(state.runtime.ingest_keyed(accepted.records).await?, accepted.errors))
}

pub(super) async fn feedback(
    state: web::Data<State>,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let choice: Choice = query_string(&request)?;
    let most = state.limits.records_max;
    let content_type = body.content_type().map(str::to_owned);
    let parsed = state.runtime.offloaded(move || parse_feedback(content_type.as_deref(), &body.bytes, most)).await??;
    let mut accepted = accept(parsed, choice.on_error, "feedback", &request)?;
    if choice.on_error == OnError::Skip {
        accepted = without_unknown(&state, accepted).await?;
    }
    Ok(answer(state.runtime.feedback(accepted.records).await?, accepted.errors))
}

/// Leaves out feedback on sessions that are not there.
async fn without_unknown(state: &State, mut accepted: Accepted<Feedback>) -> Result<Accepted<Feedback>, Problem> {
    let sessions: Vec<String> = accepted.records.iter().map(|keyed| keyed.record.session_id.clone()).collect();
    let known = move |store: &dyn souffleur_core::store::Store| {
        sessions.iter().map(|id| Ok(store.session_seq(id)?.is_some())).collect::<Result<Vec<bool>, StoreError>>()
    };
    let known = state.runtime.read(known).await?;
    let mut records = Vec::with_capacity(accepted.records.len());
    for ((keyed, index), known) in accepted.records.into_iter().zip(&accepted.indices).zip(known) {
        if known {
            records.push(keyed);
            continue;
        }
        accepted.errors.push(Detail {
            at: format!("[{index}].session_id"),
            problem: format!("unknown session `{}`", keyed.record.session_id),
            expected: "send the session first, or correct its name".to_owned(),
            index: Some(*index),
            line: None,
            column: None,
        });
    }
    accepted.errors.sort_by_key(|detail| detail.index);
    accepted.records = records;
    Ok(accepted)
}

pub(super) async fn rules(state: web::Data<State>, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let choice: Choice = query_string(&request)?;
    let parsed = parse_rules(body.content_type(), &body.bytes, state.limits.records_max)?;
    let accepted = accept(parsed, choice.on_error, "rules", &request)?;
    Ok(answer(state.runtime.define_rules(accepted.records).await?, accepted.errors))
}

pub(super) async fn list_rules(state: web::Data<State>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(RulesList { rules: state.runtime.rules().await? }))
}

pub(super) async fn submit_results(
    state: web::Data<State>,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let record: Results = parse_json(body.content_type(), &body.bytes)?;
    let key = idempotency_key(&request)?.map(|key| format!("results/{key}/0"));
    Ok(answer(state.runtime.submit_results(Keyed { key, record }).await?, Vec::new()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    component: Option<String>,
    limit: Option<usize>,
}

pub(super) async fn results(state: web::Data<State>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let which: Which = query_string(&request)?;
    let limit = Limit::of(which.limit).checked()?;
    let results = state.runtime.results(which.component.as_deref(), limit).await?;
    Ok(HttpResponse::Ok().json(ResultsList { results }))
}
