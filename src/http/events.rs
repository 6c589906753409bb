//! What happens in the runtime, as server-sent events.

use std::time::Duration;

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};
use futures_util::stream;
use serde_json::json;
use souffleur_actors::RuntimeEvent;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::problem::{BUSY, Problem};
use super::state::State;

/// What a client who found all streams taken is told to wait.
const RETRY_AFTER_MS: u64 = 5000;

struct Stream {
    events: Receiver<RuntimeEvent>,
    stopping: watch::Receiver<bool>,
    keep_alive: Duration,
    greeted: bool,
    _permit: OwnedSemaphorePermit,
}

pub(super) async fn stream(state: web::Data<State>) -> Result<HttpResponse, Problem> {
    let permit = state.streams.clone().try_acquire_owned().map_err(|_| {
        let detail = format!("all {} event streams are taken", state.limits.event_streams_max);
        Problem::new(BUSY, detail).retry_after_ms(RETRY_AFTER_MS)
    })?;
    let stream = Stream {
        events: state.runtime.events(),
        stopping: state.stopping.subscribe(),
        keep_alive: Duration::from_millis(state.limits.event_keep_alive_ms),
        greeted: false,
        _permit: permit,
    };
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        .streaming(stream::unfold(stream, next)))
}

async fn next(mut stream: Stream) -> Option<(Result<web::Bytes, actix_web::Error>, Stream)> {
    let text = if stream.greeted {
        tokio::select! {
            _ = stream.stopping.wait_for(|stopping| *stopping) => return None,
            received = tokio::time::timeout(stream.keep_alive, stream.events.recv()) => match received {
                Err(_) => ": still here\n\n".to_owned(),
                Ok(Ok(event)) => written(&event),
                Ok(Err(RecvError::Lagged(missed))) => {
                    format!("event: lagged\ndata: {}\n\n", json!({ "missed": missed }))
                }
                Ok(Err(RecvError::Closed)) => return None,
            },
        }
    } else {
        // Sent at once, so that a client knows it listens before anything happens.
        stream.greeted = true;
        ": listening\n\n".to_owned()
    };
    Some((Ok(web::Bytes::from(text)), stream))
}

fn written(event: &RuntimeEvent) -> String {
    let data = serde_json::to_value(event).unwrap_or_default();
    let name = data.get("type").and_then(|name| name.as_str()).unwrap_or("event");
    format!("event: {name}\ndata: {data}\n\n")
}
