//! Looks at the data itself.

use actix_web::{HttpResponse, web};

use super::problem::Problem;
use super::state::State;

pub(super) async fn stats(state: web::Data<State>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(state.runtime.data_stats().await?))
}

pub(super) async fn check(state: web::Data<State>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(state.runtime.data_check().await?))
}
