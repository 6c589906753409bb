//! Health: read from published snapshots, so that these answers wait for nobody.

use actix_web::{HttpResponse, web};

use super::components::Named;
use super::problem::{NOT_READY, Problem};
use super::state::State;

pub(super) async fn live() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("alive\n")
}

pub(super) async fn ready(state: web::Data<State>) -> Result<HttpResponse, Problem> {
    if state.runtime.is_ready() && !*state.stopping.borrow() {
        return Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ready\n"));
    }
    Err(Problem::new(NOT_READY, "the runtime is starting or shutting down").retry_after_ms(1000))
}

pub(super) async fn whole(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok().json(state.runtime.health())
}

pub(super) async fn component(state: web::Data<State>, named: Named) -> Result<HttpResponse, Problem> {
    let health =
        state.runtime.component_health(&named.entry.name).ok_or_else(|| Named::unknown(&state, &named.entry.name))?;
    Ok(HttpResponse::Ok().json(health))
}
