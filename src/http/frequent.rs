//! What is asked for most.

use actix_web::{HttpRequest, HttpResponse, web};

use super::problem::Problem;
use super::request::{Limit, query_string};
use super::state::State;

pub(super) async fn list(state: web::Data<State>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let limit = query_string::<Limit>(&request)?.checked()?;
    Ok(HttpResponse::Ok().json(state.runtime.frequently_accessed(limit).await?))
}
