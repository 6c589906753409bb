//! Every operation there is, once: both the service and its OpenAPI document are made from this table.

use actix_web::Route;
use schemars::generate::SchemaGenerator;
use schemars::{JsonSchema, Schema};
use souffleur_actors::health::{ComponentHealth, Health};
use souffleur_actors::{Frequent, Reproduction, RuntimeEvent, TrainOutcome};
use souffleur_contracts::Report;
use souffleur_core::query::Query;
use souffleur_core::records::{Feedback, Rule, Session};
use souffleur_core::store::{Inventory, VersionRow};

use super::batches::BatchBody;
use super::components::{Component, Components, Model, Runs};
use super::problem::{
    self, BUSY, CANCELLED, COMPONENT_FAILED, CONFLICT, INTERNAL, INVALID_QUERY, INVALID_RECORDS, INVALID_REQUEST, Kind,
    MALFORMED_BODY, NOT_ACCEPTABLE, NOT_READY, NOT_TRAINED, PAUSED, PAYLOAD_TOO_LARGE, QUARANTINED, SHUTTING_DOWN,
    STORE_FAILED, TOO_FEW_ROWS, UNKNOWN_COMPONENT, UNKNOWN_RECORD, UNSUPPORTED_MEDIA_TYPE,
};
use super::records::{Kept, ResultsList, RulesList};
use super::{batches, components, data, erasures, events, frequent, health, manual, metrics, models, records};
use crate::erasure::ErasureReport;
use crate::registry::{ModelList, ModelShown, Verified};
use crate::runtime::Results;

/// Who may call an operation, and what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Anybody, uncounted.
    Open,
    /// Whoever has a key, uncounted: for watching.
    Watch,
    /// Whoever has a key, under the rate limit.
    Work,
    /// As `Work`, with the time limit of training.
    Train,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Method {
    Get,
    Post,
    Delete,
}

/// What stands in a body.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// JSON of a type.
    Json(fn(&mut SchemaGenerator) -> Schema),
    /// JSON of one of these: a record, a list of them; or lines of them.
    Records(fn(&mut SchemaGenerator) -> Schema),
    /// A batch, as JSON or CSV.
    Batch(fn(&mut SchemaGenerator) -> Schema),
    /// What the component takes as a question.
    Question,
    /// What the component answers.
    Answer,
    /// Any JSON.
    AnyJson,
    /// Events of a type, for as long as the client listens.
    Events(fn(&mut SchemaGenerator) -> Schema),
    /// A text of a media type.
    Text(&'static str),
}

/// A parameter in the query string: its name, its JSON type, what it does.
pub(super) type Parameter = (&'static str, &'static str, &'static str);

pub(super) struct Operation {
    pub(super) method: Method,
    /// The path, as the router takes it.
    pub(super) path: &'static str,
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) access: Access,
    pub(super) parameters: &'static [Parameter],
    pub(super) body: Option<Shape>,
    pub(super) answer: Shape,
    /// The status of success.
    pub(super) status: u16,
    /// The problems it has of its own.
    pub(super) problems: &'static [Kind],
    pub(super) attach: fn(Route) -> Route,
}

const fn json<T: JsonSchema>() -> Shape {
    Shape::Json(SchemaGenerator::subschema_for::<T>)
}

const fn get(path: &'static str, id: &'static str, summary: &'static str, answer: Shape) -> Operation {
    Operation {
        method: Method::Get,
        path,
        id,
        summary,
        access: Access::Work,
        parameters: &[],
        body: None,
        answer,
        status: 200,
        problems: &[],
        attach: |route| route,
    }
}

const fn post(path: &'static str, id: &'static str, summary: &'static str, answer: Shape) -> Operation {
    Operation { method: Method::Post, ..get(path, id, summary, answer) }
}

const fn delete(path: &'static str, id: &'static str, summary: &'static str, answer: Shape) -> Operation {
    Operation { method: Method::Delete, ..get(path, id, summary, answer) }
}

impl Operation {
    const fn to(mut self, attach: fn(Route) -> Route) -> Self {
        self.attach = attach;
        self
    }

    const fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    const fn parameters(mut self, parameters: &'static [Parameter]) -> Self {
        self.parameters = parameters;
        self
    }

    const fn body(mut self, body: Shape) -> Self {
        self.body = Some(body);
        self
    }

    const fn created(mut self) -> Self {
        self.status = 201;
        self
    }

    const fn problems(mut self, problems: &'static [Kind]) -> Self {
        self.problems = problems;
        self
    }

    /// The path as OpenAPI writes it: without the router's patterns.
    pub(super) fn template(&self) -> String {
        self.path.replace(":.*}", "}")
    }
}

const BODY: &[Kind] = &[MALFORMED_BODY, PAYLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, INVALID_QUERY, BUSY, STORE_FAILED];
const RECORDS: &[Kind] = &[
    INVALID_REQUEST,
    MALFORMED_BODY,
    PAYLOAD_TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    INVALID_RECORDS,
    UNKNOWN_RECORD,
    BUSY,
    STORE_FAILED,
    SHUTTING_DOWN,
];
const CONTROL: &[Kind] = &[UNKNOWN_COMPONENT, SHUTTING_DOWN];
const MODEL: &[Kind] = &[UNKNOWN_RECORD, CONFLICT, BUSY, STORE_FAILED];
const PROMOTION: &[Kind] =
    &[UNKNOWN_RECORD, UNKNOWN_COMPONENT, CONFLICT, COMPONENT_FAILED, BUSY, STORE_FAILED, SHUTTING_DOWN];
const LIMIT: &[Parameter] =
    &[("limit", "integer", "At most this many, the newest ones; 20 unless said, at most 1000.")];
const MODELS: &[Parameter] = &[
    ("component", "string", "Only those of this component."),
    ("stage", "string", "Only those at this stage: `candidate`, `live` or `archived`."),
    ("before", "integer", "Only those before this place: `next` of the page before."),
    LIMIT[0],
];
const RESULTS: &[Parameter] = &[("component", "string", "Only those of this component."), LIMIT[0]];
const ON_ERROR: &[Parameter] = &[(
    "on_error",
    "string",
    "`reject` (unless said): one bad record and nothing is kept. `skip`: the good ones are kept.",
)];

/// The operations, by path.
pub(super) static OPERATIONS: &[Operation] = &[
    get("/livez", "livez", "Whether the process answers", Shape::Text("text/plain"))
        .access(Access::Open)
        .to(|r| r.to(health::live)),
    get("/readyz", "readyz", "Whether the runtime takes work", Shape::Text("text/plain"))
        .access(Access::Open)
        .problems(&[NOT_READY])
        .to(|r| r.to(health::ready)),
    get("/metrics", "metrics", "Counters and latencies for Prometheus", Shape::Text(metrics::MEDIA_TYPE))
        .access(Access::Watch)
        .to(|r| r.to(metrics::show)),
    get("/openapi.json", "openapi", "This document", Shape::AnyJson)
        .access(Access::Open)
        .to(|r| r.to(manual::document)),
    get("/docs", "docs", "The manual to click through", Shape::Text("text/html"))
        .access(Access::Open)
        .to(|r| r.to(manual::redirect)),
    get("/docs/{file:.*}", "docs_file", "A file of the manual", Shape::Text("text/html"))
        .access(Access::Open)
        .to(|r| r.to(manual::file)),
    get("/problems/{name}", "problem", "What a kind of problem means", Shape::AnyJson)
        .access(Access::Open)
        .to(|r| r.to(manual::problem)),
    get("/v1/health", "health", "The health of the whole and of each component", json::<Health>())
        .access(Access::Watch)
        .to(|r| r.to(health::whole)),
    get("/v1/health/{name}", "component_health", "The health of one component", json::<ComponentHealth>())
        .access(Access::Watch)
        .problems(&[UNKNOWN_COMPONENT])
        .to(|r| r.to(health::component)),
    get("/v1/components", "components", "The components there are", json::<Components>())
        .to(|r| r.to(components::list)),
    get("/v1/components/{name}", "component", "One component: what it is, takes and answers", json::<Component>())
        .problems(&[UNKNOWN_COMPONENT])
        .to(|r| r.to(components::show)),
    post(
        "/v1/components/{name}/train",
        "train",
        "Train on the newest data and wait for the outcome",
        json::<TrainOutcome>(),
    )
    .access(Access::Train)
    .parameters(&[("timeout_ms", "integer", "Longest wait; at most the setting `http.train_timeout_ms`.")])
    .problems(&[
        UNKNOWN_COMPONENT,
        TOO_FEW_ROWS,
        CANCELLED,
        PAUSED,
        QUARANTINED,
        CONFLICT,
        COMPONENT_FAILED,
        BUSY,
        STORE_FAILED,
        SHUTTING_DOWN,
    ])
    .to(|r| r.to(components::train)),
    post("/v1/components/{name}/cancel", "cancel", "Cancel the running training run", Shape::AnyJson)
        .problems(CONTROL)
        .to(|r| r.to(components::cancel)),
    post("/v1/components/{name}/query", "query", "Ask the component", Shape::Answer)
        .body(Shape::Question)
        .problems(&[
            MALFORMED_BODY,
            UNKNOWN_COMPONENT,
            NOT_TRAINED,
            PAYLOAD_TOO_LARGE,
            UNSUPPORTED_MEDIA_TYPE,
            INVALID_QUERY,
            COMPONENT_FAILED,
            BUSY,
            SHUTTING_DOWN,
        ])
        .to(|r| r.to(components::query)),
    post("/v1/components/{name}/pause", "pause", "Let the component take no more jobs", Shape::AnyJson)
        .problems(CONTROL)
        .to(|r| r.to(components::pause)),
    post("/v1/components/{name}/resume", "resume", "Undo a pause", Shape::AnyJson)
        .problems(CONTROL)
        .to(|r| r.to(components::resume)),
    post("/v1/components/{name}/restart", "restart", "Restart the component; lifts quarantine", Shape::AnyJson)
        .problems(CONTROL)
        .to(|r| r.to(components::restart)),
    get("/v1/components/{name}/reports", "reports", "The newest training runs and what they found", json::<Runs>())
        .parameters(LIMIT)
        .problems(&[INVALID_REQUEST, UNKNOWN_COMPONENT, BUSY, STORE_FAILED])
        .to(|r| r.to(components::reports)),
    get("/v1/components/{name}/model", "model", "The newest model: where it came from", json::<Model>())
        .problems(&[UNKNOWN_COMPONENT, NOT_TRAINED, BUSY, STORE_FAILED])
        .to(|r| r.to(components::model)),
    post(
        "/v1/components/{name}/rollback",
        "rollback",
        "Answer from the model before the live one, at once",
        json::<VersionRow>(),
    )
    .problems(PROMOTION)
    .to(|r| r.to(models::rollback)),
    get("/v1/models", "models", "The models there are, newest first, in pages", json::<ModelList>())
        .parameters(MODELS)
        .problems(&[INVALID_REQUEST, CONFLICT, BUSY, STORE_FAILED])
        .to(|r| r.to(models::list)),
    get("/v1/models/{model}", "model_version", "One model and its manifest", json::<ModelShown>())
        .problems(MODEL)
        .to(|r| r.to(models::show)),
    get("/v1/models/{model}/verify", "verify_model", "Whether a model is what was committed", json::<Verified>())
        .problems(MODEL)
        .to(|r| r.to(models::verify)),
    get("/v1/models/{model}/data", "model_data", "The rows a model was trained on", Shape::AnyJson)
        .problems(&[UNKNOWN_RECORD, INVALID_QUERY, CONFLICT, BUSY, STORE_FAILED, SHUTTING_DOWN])
        .to(|r| r.to(models::data)),
    post("/v1/models/{model}/promote", "promote_model", "Make a model the live one, at once", json::<VersionRow>())
        .problems(PROMOTION)
        .to(|r| r.to(models::promote)),
    post("/v1/models/{model}/alias", "alias_model", "Give a model another name", json::<VersionRow>())
        .parameters(&[("alias", "string", "The name; taken from the model that had it.")])
        .problems(&[INVALID_REQUEST, UNKNOWN_RECORD, INVALID_QUERY, CONFLICT, BUSY, STORE_FAILED])
        .to(|r| r.to(models::alias)),
    post(
        "/v1/models/{model}/reproduce",
        "reproduce_model",
        "Make a model again from its manifest and compare",
        json::<Reproduction>(),
    )
    .access(Access::Train)
    .problems(&[
        UNKNOWN_RECORD,
        UNKNOWN_COMPONENT,
        TOO_FEW_ROWS,
        INVALID_QUERY,
        CONFLICT,
        COMPONENT_FAILED,
        BUSY,
        STORE_FAILED,
        SHUTTING_DOWN,
    ])
    .to(|r| r.to(models::reproduce)),
    post("/v1/sessions", "record_sessions", "Record sessions", json::<Kept>())
        .body(Shape::Records(SchemaGenerator::subschema_for::<Session>))
        .parameters(ON_ERROR)
        .created()
        .problems(RECORDS)
        .to(|r| r.to(records::sessions)),
    get(
        "/v1/sessions/{session}/traces",
        "session_traces",
        "What was made from a session, and what quotes it",
        json::<ErasureReport>(),
    )
    .problems(&[UNKNOWN_RECORD, CONFLICT, BUSY, STORE_FAILED])
    .to(|r| r.to(erasures::traces)),
    delete(
        "/v1/sessions/{session}",
        "erase_session",
        "Erase a session, and everything made from it, for good",
        json::<ErasureReport>(),
    )
    .access(Access::Train)
    .parameters(&[(
        "compact",
        "boolean",
        "Whether the database is rewritten, so that not a byte is left; true unless said.",
    )])
    .problems(&[INVALID_REQUEST, UNKNOWN_RECORD, CONFLICT, BUSY, STORE_FAILED, SHUTTING_DOWN])
    .to(|r| r.to(erasures::erase)),
    post("/v1/feedback", "record_feedback", "Record opinions on stored sessions", json::<Kept>())
        .body(Shape::Records(SchemaGenerator::subschema_for::<Feedback>))
        .parameters(ON_ERROR)
        .created()
        .problems(RECORDS)
        .to(|r| r.to(records::feedback)),
    get("/v1/rules", "rules", "The rules, as last defined", json::<RulesList>())
        .problems(&[BUSY, STORE_FAILED])
        .to(|r| r.to(records::list_rules)),
    post("/v1/rules", "define_rules", "Define rules", json::<Kept>())
        .body(Shape::Records(SchemaGenerator::subschema_for::<Rule>))
        .parameters(ON_ERROR)
        .created()
        .problems(RECORDS)
        .to(|r| r.to(records::rules)),
    post("/v1/batches", "batch", "Ask the data hub", Shape::Batch(SchemaGenerator::subschema_for::<BatchBody>))
        .body(json::<Query>())
        .problems(&[
            MALFORMED_BODY,
            NOT_ACCEPTABLE,
            PAYLOAD_TOO_LARGE,
            UNSUPPORTED_MEDIA_TYPE,
            INVALID_QUERY,
            BUSY,
            STORE_FAILED,
            SHUTTING_DOWN,
        ])
        .to(|r| r.to(batches::show)),
    get("/v1/data/check", "data_check", "Whether the recorded data keeps its contract", json::<Report>())
        .problems(&[BUSY, CANCELLED, STORE_FAILED])
        .to(|r| r.to(data::check)),
    get(
        "/v1/data/stats",
        "data_stats",
        "What there is: rows, bytes, time spans, coverage, models",
        json::<Inventory>(),
    )
    .problems(&[BUSY, STORE_FAILED])
    .to(|r| r.to(data::stats)),
    get("/v1/frequent", "frequent", "What is asked for most: batches, and questions to components", json::<Frequent>())
        .parameters(&[("limit", "integer", "At most this many of each; 20 unless said, at most 1000.")])
        .problems(&[INVALID_REQUEST, BUSY, SHUTTING_DOWN])
        .to(|r| r.to(frequent::list)),
    get("/v1/results", "results", "The newest results, oldest first", json::<ResultsList>())
        .parameters(RESULTS)
        .problems(&[INVALID_REQUEST, BUSY, STORE_FAILED])
        .to(|r| r.to(records::results)),
    post("/v1/results", "submit_results", "Record what a component, or you in its name, found", json::<Kept>())
        .body(json::<Results>())
        .created()
        .problems(BODY)
        .to(|r| r.to(records::submit_results)),
    get(
        "/v1/events",
        "events",
        "What happens, as it happens (server-sent events)",
        Shape::Events(SchemaGenerator::subschema_for::<RuntimeEvent>),
    )
    .access(Access::Watch)
    .problems(&[BUSY])
    .to(|r| r.to(events::stream)),
];

/// The problems any operation may end with.
pub(super) fn common(access: Access) -> Vec<Kind> {
    let mut kinds = vec![problem::METHOD_NOT_ALLOWED, problem::TIMEOUT, INTERNAL];
    if access != Access::Open {
        kinds.push(problem::UNAUTHORIZED);
    }
    if matches!(access, Access::Work | Access::Train) {
        kinds.push(problem::RATE_LIMITED);
    }
    kinds
}
