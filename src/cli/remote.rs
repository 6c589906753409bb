//! A daemon's runtime, behind HTTP.

use std::time::Duration;

use serde_json::Value;
use souffleur_core::store::{Append, Receipt};

use super::backend::{Backend, BatchRequest};
use super::describe;
use super::exit::{Failure, Outcome};
use crate::client::{Client, ClientError};

/// Longest wait for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// Longest wait for a training run; the daemon's own limit is usually shorter.
const TRAIN_WITHIN: Duration = Duration::from_secs(86_400);

/// A daemon.
pub(crate) struct Remote {
    client: Client,
}

impl Remote {
    /// The daemon at `url`.
    pub(crate) fn new(url: &str, api_key: Option<&str>) -> Outcome<Self> {
        Ok(Self { client: Client::new(url, api_key)? })
    }

    /// One component, in full.
    pub(crate) fn component(&self, name: &str) -> Outcome<Value> {
        Ok(describe::with_details(&self.get(&format!("/api/v1/components/{}", segment(name)))?))
    }

    fn get(&self, path: &str) -> Outcome<Value> {
        Ok(self.client.get(path, ANSWER_WITHIN)?)
    }
}

impl Backend for Remote {
    fn components(&self) -> Outcome<Vec<Value>> {
        let list = self.get("/api/v1/components")?;
        let items = list.as_array().or_else(|| list["components"].as_array());
        Ok(items.into_iter().flatten().map(describe::as_listed).collect())
    }

    fn health(&self) -> Outcome<Value> {
        self.get("/api/v1/health")
    }

    fn component_health(&self, name: &str) -> Outcome<Value> {
        self.get(&format!("/api/v1/components/{}/health", segment(name)))
    }

    fn train(&self, name: &str, _: &dyn Fn(u64, u64)) -> Outcome<Value> {
        let path = format!("/api/v1/components/{}/train", segment(name));
        Ok(self.client.post(&path, &Value::Object(serde_json::Map::new()), TRAIN_WITHIN)?)
    }

    fn query(&self, name: &str, question: Value) -> Outcome<Value> {
        Ok(self.client.post(&format!("/api/v1/components/{}/query", segment(name)), &question, ANSWER_WITHIN)?)
    }

    fn batch(&self, request: &BatchRequest) -> Outcome<Value> {
        let _ = request;
        Err(Failure::failed("batch"))
    }

    fn append(&self, records: Vec<Append>) -> Outcome<Vec<Receipt>> {
        let _ = records;
        Err(Failure::failed("append"))
    }

    fn close(&self) -> Outcome {
        Ok(())
    }
}

/// A name as one segment of a path.
fn segment(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let message = error.to_string();
        match error {
            ClientError::Timeout { .. } | ClientError::Refused { status: 408 | 429 | 503 | 504, .. } => {
                Self::busy(message)
            }
            ClientError::Url(_) | ClientError::Refused { status: 400 | 404 | 413 | 415 | 422, .. } => {
                Self::usage(message)
            }
            _ => Self::failed(message),
        }
    }
}
