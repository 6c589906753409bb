//! The registry of models.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use souffleur_core::ids::Seq;
use souffleur_core::store::VersionPage;

use super::batches;
use super::components::Named;
use super::problem::{INVALID_REQUEST, Problem};
use super::request::{Limit, query_string};
use super::state::State;
use crate::registry;

/// What a listing is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    component: Option<String>,
    stage: Option<String>,
    before: Option<i64>,
    limit: Option<usize>,
}

/// The model a path names.
type Model = web::Path<String>;

pub(super) async fn list(state: web::Data<State>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let asked: Asked = query_string(&request)?;
    let stage = asked.stage.as_deref().map(registry::stage).transpose();
    let stage = stage.map_err(|expected| Problem::new(INVALID_REQUEST, format!("`stage`: {expected}")))?;
    let limit = Limit::of(asked.limit).checked()?;
    let page = VersionPage { component: asked.component, stage, before: asked.before.map(Seq), limit };
    Ok(HttpResponse::Ok().json(state.runtime.models(page).await?))
}

pub(super) async fn show(state: web::Data<State>, model: Model) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(state.runtime.model(&model).await?))
}

pub(super) async fn verify(state: web::Data<State>, model: Model) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(state.runtime.verify_model(&model).await?))
}

pub(super) async fn data(state: web::Data<State>, request: HttpRequest, model: Model) -> Result<HttpResponse, Problem> {
    let format = batches::accepted(&request)?;
    let shown = state.runtime.model(&model).await?.model;
    let batch = state.runtime.model_training_data(&shown.model_id).await?;
    batches::written(batch, format)
}

pub(super) async fn promote(state: web::Data<State>, model: Model) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(state.runtime.promote(&model).await?))
}

pub(super) async fn reproduce(state: web::Data<State>, model: Model) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(state.runtime.reproduce(&model).await?))
}

pub(super) async fn rollback(state: web::Data<State>, Named { entry }: Named) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(state.runtime.rollback(&entry.name).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Alias {
    alias: String,
}

pub(super) async fn alias(
    state: web::Data<State>,
    request: HttpRequest,
    model: Model,
) -> Result<HttpResponse, Problem> {
    let Alias { alias } = query_string(&request)?;
    Ok(HttpResponse::Ok().json(state.runtime.set_alias(&model, &alias).await?))
}
