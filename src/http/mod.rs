//! The HTTP service: mounted in an application of yours, or served by itself.
//!
//! Every operation stands in one table, `routes.rs`; the service and its OpenAPI document are made from it. The manual
//! is `docs/http.md`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method as HttpMethod;
use actix_web::middleware::from_fn;
use actix_web::web::{Data, PayloadConfig, ServiceConfig};
use actix_web::{App, HttpRequest, HttpServer, guard as guards, web};

mod batches;
mod body;
mod components;
mod data;
mod erasures;
mod events;
mod frequent;
mod guard;
mod health;
mod manual;
mod metrics;
mod models;
mod openapi;
mod problem;
mod records;
mod request;
mod routes;
mod state;

pub use batches::{BatchFormat, BatchPieces, batch_pieces};
pub use body::{Format, Parsed, parse_feedback, parse_rules, parse_sessions};
pub use problem::{Detail, KINDS, Kind, MEDIA_TYPE, Problem};

use crate::runtime::Runtime;
use crate::settings::Http;
use guard::Guard;
use routes::{Method, OPERATIONS, Operation};
use state::State;

/// Seconds a connection may take to send a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The service, ready to be mounted. Clones share their limits and counters: make one, clone it for each worker.
#[derive(Clone)]
pub struct Api {
    state: Arc<State>,
}

impl Api {
    /// The service of a runtime, under these limits.
    #[must_use]
    pub fn new(runtime: Runtime, limits: &Http) -> Self {
        Self { state: Arc::new(State::new(runtime, limits)) }
    }

    /// Mounts the service: `App::new().service(web::scope("/souffleur").configure(api.configure()))`.
    ///
    /// Give it a scope of its own: it answers for every address below it that is not there.
    pub fn configure(&self) -> impl FnOnce(&mut ServiceConfig) + use<> {
        let state = Arc::clone(&self.state);
        move |config| mount(config, &state)
    }

    /// Ends the event streams. Call it before your server stops, which would wait for them otherwise.
    pub fn stop_events(&self) {
        self.state.stopping.send_replace(true);
    }

    /// The OpenAPI document.
    #[must_use]
    pub fn document(&self) -> &serde_json::Value {
        &self.state.document
    }
}

fn mount(config: &mut ServiceConfig, state: &Arc<State>) {
    config.app_data(Data::from(Arc::clone(state)));
    config.app_data(PayloadConfig::new(state.limits.body_limit_bytes));
    let mut resources: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    for operation in OPERATIONS {
        resources.entry(operation.path).or_default().push(operation);
    }
    for (path, operations) in resources {
        let mut resource = web::resource(path);
        let mut allow = Vec::new();
        for operation in &operations {
            let route = match operation.method {
                Method::Get => {
                    allow.extend(["GET", "HEAD"]);
                    web::route().guard(guards::Any(guards::Get()).or(guards::Head()))
                }
                Method::Post => {
                    allow.push("POST");
                    web::route().method(HttpMethod::POST)
                }
                Method::Delete => {
                    allow.push("DELETE");
                    web::route().method(HttpMethod::DELETE)
                }
            };
            resource = resource.route((operation.attach)(route));
        }
        // Every operation of a path is guarded alike: the strictest counts.
        let access = operations.iter().map(|operation| operation.access).next_back().unwrap_or(routes::Access::Work);
        let guard = Guard { state: Arc::clone(state), access, path, allow: allow.join(", ") };
        config.service(resource.wrap(from_fn(move |request, next| guard.clone().serve(request, next))));
    }
    config.default_service(web::route().to(nothing));
}

async fn nothing(request: HttpRequest) -> Problem {
    Problem::new(problem::NOT_FOUND, format!("there is nothing at `{}`; see /openapi.json", request.path()))
        .at(request.path())
}

impl actix_web::Responder for Problem {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> actix_web::HttpResponse {
        self.response()
    }
}

/// Serves until `until` is done, then stops: open requests get `http.shutdown_timeout_ms` to end. Blocks.
///
/// `listening` is told the address, which matters where the port is 0. Installs no signal handlers: let `until` wait
/// for a signal where that is wanted.
///
/// # Errors
/// If the address cannot be bound.
pub fn serve(
    runtime: Runtime,
    settings: &Http,
    listening: impl FnOnce(SocketAddr),
    until: impl Future<Output = ()>,
) -> std::io::Result<()> {
    let api = Api::new(runtime, settings);
    let mounted = api.clone();
    let server = HttpServer::new(move || App::new().configure(mounted.configure()))
        .workers(settings.workers)
        .max_connections(settings.connections_max)
        .client_request_timeout(HEAD_TIMEOUT)
        // A client that hangs up is gone: what it holds (an event stream, a half-read body) is given back at once.
        .h1_allow_half_closed(false)
        .shutdown_timeout(settings.shutdown_timeout_ms.div_ceil(1000))
        .disable_signals()
        .bind(settings.address())?;
    let address = server.addrs().first().copied().unwrap_or_else(|| settings.address());
    actix_web::rt::System::new().block_on(async move {
        let server = server.run();
        let handle = server.handle();
        listening(address);
        let stop = async {
            until.await;
            api.stop_events();
            handle.stop(true).await;
            // The server ends by itself now; this arm must not end before it.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            ended = server => ended,
            () = stop => Ok(()),
        }
    })
}
