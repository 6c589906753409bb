//! The components: what they are, training, questions, control.

use std::future::{Ready, ready};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use souffleur_actors::health::{ComponentHealth, State as ComponentState};
use souffleur_core::catalogue::Entry;
use souffleur_core::component::Tier;
use souffleur_core::ids::DataVersion;
use souffleur_core::store::RunRow;
use souffleur_core::time::Timestamp;

use super::body::parse_json;
use super::problem::{INTERNAL, NOT_TRAINED, Problem, UNKNOWN_COMPONENT};
use super::request::{Body, Limit, query_string};
use super::state::State;

/// Similarity (Jaro-Winkler) from which on a known name is offered for an unknown one.
const SIMILAR: f64 = 0.75;

/// The component a path names.
pub(super) struct Named {
    pub(super) entry: Entry,
}

impl Named {
    pub(super) fn unknown(state: &State, name: &str) -> Problem {
        let known = state.runtime.components().iter().map(|entry| entry.name.as_ref());
        let near = known.map(|known| (strsim::jaro_winkler(known, name), known));
        let near = near.filter(|(similarity, _)| *similarity >= SIMILAR).max_by(|a, b| a.0.total_cmp(&b.0));
        let shown: String = name.chars().take(100).collect();
        let hint = near.map_or_else(|| "see /v1/components".to_owned(), |(_, near)| format!("did you mean `{near}`?"));
        Problem::new(UNKNOWN_COMPONENT, format!("there is no component `{shown}`; {hint}"))
    }
}

impl FromRequest for Named {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let found = || {
            let state = request.app_data::<web::Data<State>>();
            let state = state.ok_or_else(|| Problem::new(INTERNAL, "the service is not set up"))?;
            let name = request.match_info().get("name").unwrap_or_default();
            let entry = state.runtime.components().iter().find(|entry| entry.name == name);
            entry.map(|entry| Self { entry: entry.clone() }).ok_or_else(|| Self::unknown(state, name))
        };
        ready(found())
    }
}

/// The components there are.
#[derive(Serialize, JsonSchema)]
pub(super) struct Components {
    /// In catalogue order.
    components: Vec<Summary>,
}

/// A component in a line.
#[derive(Serialize, JsonSchema)]
struct Summary {
    /// Its name.
    name: String,
    /// The group it belongs to.
    tier: Tier,
    /// What it does.
    summary: String,
    /// What it is doing.
    state: Option<ComponentState>,
    /// Whether it has a model to answer from.
    trained: bool,
}

/// A component in full.
#[derive(Serialize, JsonSchema)]
pub(super) struct Component {
    /// Its name.
    name: String,
    /// Its spec: tier, inputs, budgets.
    spec: Value,
    /// The bars its certificate must clear.
    bars: Value,
    /// Its parameters' defaults.
    default_params: Value,
    /// The JSON schemas of its parameters, report, question and answer.
    schemas: Value,
    /// How it is.
    health: Option<ComponentHealth>,
}

/// Training runs.
#[derive(Serialize, JsonSchema)]
pub(super) struct Runs {
    /// Newest first.
    runs: Vec<RunRow>,
}

/// A stored model.
#[derive(Serialize, JsonSchema)]
pub(super) struct Model {
    /// Its name.
    model_id: String,
    /// Whose.
    component: String,
    /// The run that made it.
    run_id: String,
    /// The data it was trained on.
    version: DataVersion,
    /// When it was committed.
    created: Timestamp,
    /// Size of its snapshot.
    size_bytes: usize,
    /// Version of its snapshot's layout.
    snapshot_version: u32,
}

pub(super) async fn list(state: web::Data<State>) -> HttpResponse {
    let summary = |entry: &Entry| {
        let health = state.runtime.component_health(&entry.name);
        Summary {
            name: entry.name.to_string(),
            tier: entry.spec().tier,
            summary: entry.spec().summary.to_owned(),
            state: health.as_ref().map(|health| health.state),
            trained: health.is_some_and(|health| health.trained),
        }
    };
    HttpResponse::Ok().json(Components { components: state.runtime.components().iter().map(summary).collect() })
}

pub(super) async fn show(state: web::Data<State>, Named { entry }: Named) -> Result<HttpResponse, Problem> {
    let written = |value: serde_json::Result<Value>| value.map_err(|e| Problem::new(INTERNAL, e.to_string()));
    Ok(HttpResponse::Ok().json(Component {
        name: entry.name.to_string(),
        spec: written(serde_json::to_value(entry.spec()))?,
        bars: written(serde_json::to_value(entry.runner.bars()))?,
        default_params: entry.runner.default_params()?,
        schemas: written(serde_json::to_value(entry.runner.schemas()))?,
        health: state.runtime.component_health(&entry.name),
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wait {
    timeout_ms: Option<u64>,
}

pub(super) async fn train(
    state: web::Data<State>,
    request: HttpRequest,
    Named { entry }: Named,
) -> Result<HttpResponse, Problem> {
    let wait: Wait = query_string(&request)?;
    let most = state.limits.train_timeout_ms;
    let deadline = Duration::from_millis(wait.timeout_ms.unwrap_or(most).min(most));
    Ok(HttpResponse::Ok().json(state.runtime.train(&entry.name, deadline).await?))
}

pub(super) async fn query(
    state: web::Data<State>,
    Named { entry }: Named,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let question: Value = parse_json(body.content_type(), &body.bytes)?;
    Ok(HttpResponse::Ok().json(state.runtime.query(&entry.name, question).await?))
}

/// Says that an order was carried out.
fn done(entry: &Entry, done: &str) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "component": entry.name, "done": done }))
}

pub(super) async fn cancel(state: web::Data<State>, Named { entry }: Named) -> Result<HttpResponse, Problem> {
    state.runtime.cancel(&entry.name).await?;
    Ok(done(&entry, "cancel"))
}

pub(super) async fn pause(state: web::Data<State>, Named { entry }: Named) -> Result<HttpResponse, Problem> {
    state.runtime.pause(&entry.name).await?;
    Ok(done(&entry, "pause"))
}

pub(super) async fn resume(state: web::Data<State>, Named { entry }: Named) -> Result<HttpResponse, Problem> {
    state.runtime.resume(&entry.name).await?;
    Ok(done(&entry, "resume"))
}

pub(super) async fn restart(state: web::Data<State>, Named { entry }: Named) -> Result<HttpResponse, Problem> {
    state.runtime.restart(&entry.name).await?;
    Ok(done(&entry, "restart"))
}

pub(super) async fn reports(
    state: web::Data<State>,
    request: HttpRequest,
    Named { entry }: Named,
) -> Result<HttpResponse, Problem> {
    let limit = query_string::<Limit>(&request)?.checked()?;
    Ok(HttpResponse::Ok().json(Runs { runs: state.runtime.runs(&entry.name, limit).await? }))
}

pub(super) async fn model(state: web::Data<State>, Named { entry }: Named) -> Result<HttpResponse, Problem> {
    let name = entry.name.to_string();
    let row = state.runtime.read(move |store| store.latest_model(&name)).await?;
    let untrained = || Problem::new(NOT_TRAINED, format!("`{}` has not been trained; train it first", entry.name));
    let row = row.ok_or_else(untrained)?;
    Ok(HttpResponse::Ok().json(Model {
        size_bytes: row.snapshot.len(),
        model_id: row.model_id,
        component: row.component,
        run_id: row.run_id,
        version: row.version,
        created: row.created,
        snapshot_version: entry.spec().snapshot_version,
    }))
}
