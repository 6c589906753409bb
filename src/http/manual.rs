//! The service's own description: the OpenAPI document, pages to read it, and what problems mean.

use std::sync::Arc;

use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;
use utoipa_swagger_ui::Config;

use super::problem::{INTERNAL, KINDS, NOT_FOUND, Problem};
use super::state::State;

pub(super) async fn document(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok().json(&state.document)
}

/// The pages lie one level deeper, so that their relative addresses hold wherever the service is mounted.
pub(super) async fn redirect() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((LOCATION, "docs/")).finish()
}

pub(super) async fn file(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let file = request.match_info().get("file").unwrap_or_default();
    let config = Arc::new(Config::from("../openapi.json"));
    let served = utoipa_swagger_ui::serve(file, config).map_err(|e| Problem::new(INTERNAL, e.to_string()))?;
    let file = served.ok_or_else(|| Problem::new(NOT_FOUND, "the manual has no such file"))?;
    Ok(HttpResponse::Ok().content_type(file.content_type).body(file.bytes.into_owned()))
}

pub(super) async fn problem(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let name = request.match_info().get("name").unwrap_or_default();
    let kind = KINDS.iter().find(|kind| kind.name == name);
    let kind = kind.ok_or_else(|| Problem::new(NOT_FOUND, "there is no such kind of problem"))?;
    let told = json!({ "type": kind.address, "title": kind.title, "status": kind.status, "advice": kind.advice });
    Ok(HttpResponse::Ok().json(told))
}
