//! Souffleur inside an actix-web application of your own.
//!
//! The application keeps its own routes, its own signal handling and its own log. It records what its users improve,
//! asks the components directly, and shows Souffleur's whole service below `/souffleur`.
//!
//! ```sh
//! cargo run --example embed_actix
//! curl -d '{"text": "Write a test."}' -H 'Content-Type: application/json' http://127.0.0.1:8080/improve
//! curl http://127.0.0.1:8080/souffleur/v1/health
//! ```

use std::net::{SocketAddr, TcpListener};

use actix_web::dev::Server;
use actix_web::{App, HttpResponse, HttpServer, Responder, web};
use serde::Deserialize;
use souffleur::http::Api;
use souffleur::query::Query;
use souffleur::records::Session;
use souffleur::{Runtime, Settings};

/// What this application's own users send.
#[derive(Deserialize)]
struct Prompt {
    text: String,
}

/// The application's own work: it improves a prompt and has the runtime remember it.
async fn improve(runtime: web::Data<Runtime>, prompt: web::Json<Prompt>) -> impl Responder {
    let improved = format!("{} Show one example.", prompt.text.trim());
    let session = Session {
        original_prompt: prompt.into_inner().text,
        improved_prompt: Some(improved.clone()),
        ..Session::default()
    };
    match runtime.ingest(vec![session]).await {
        Ok(receipts) => HttpResponse::Ok().json(serde_json::json!({ "improved": improved, "recorded": receipts })),
        Err(error) => HttpResponse::BadRequest().body(error.to_string()),
    }
}

/// How many prompts are ready to be learnt from.
async fn remembered(runtime: web::Data<Runtime>) -> impl Responder {
    match runtime.batch(Query::all_features()).await {
        Ok(batch) => HttpResponse::Ok().json(serde_json::json!({ "prompts": batch.len() })),
        Err(error) => HttpResponse::ServiceUnavailable().body(error.to_string()),
    }
}

/// The application, served on `listener`.
pub fn app(runtime: Runtime, settings: &Settings, listener: TcpListener) -> std::io::Result<(SocketAddr, Server)> {
    let address = listener.local_addr()?;
    // One of each for all workers: clones share limits, counters and the runtime itself.
    let api = Api::new(runtime.clone(), &settings.http);
    let runtime = web::Data::new(runtime);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(runtime.clone())
            .route("/improve", web::post().to(improve))
            .route("/remembered", web::get().to(remembered))
            .service(web::scope("/souffleur").configure(api.configure()))
    })
    .workers(2)
    .listen(listener)?
    .run();
    Ok((address, server))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let settings = Settings::default();
    let runtime = Runtime::builder().settings(settings.clone()).data_dir("embedded-data").start().await?;
    let (_, server) = app(runtime.clone(), &settings, TcpListener::bind("127.0.0.1:8080")?)?;
    server.await?;
    // The server first, the runtime second: so every request that was taken is answered.
    runtime.shutdown().await;
    Ok(())
}
