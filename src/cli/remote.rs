//! A daemon's runtime, behind HTTP.

use std::time::Duration;

use serde_json::{Map, Value};
use souffleur_core::query::Query;

use super::backend::{Backend, BatchFormat, ModelsCall};
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

    /// The client itself.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// One component, in full.
    pub(crate) fn component(&self, name: &str) -> Outcome<Value> {
        Ok(describe::lasting(&self.get(&format!("/v1/components/{}", segment(name)))?))
    }

    /// A document of the daemon's.
    pub(crate) fn get(&self, path: &str) -> Outcome<Value> {
        Ok(self.client.get(path, ANSWER_WITHIN)?)
    }
}

impl Backend for Remote {
    fn components(&self) -> Outcome<Vec<Value>> {
        let list = self.get("/v1/components")?;
        let names = list["components"].as_array().into_iter().flatten().filter_map(|c| c["name"].as_str());
        names.map(|name| Ok(describe::listed(&self.component(name)?))).collect()
    }

    fn health(&self) -> Outcome<Value> {
        self.get("/v1/health")
    }

    fn component_health(&self, name: &str) -> Outcome<Value> {
        self.get(&format!("/v1/health/{}", segment(name)))
    }

    fn train(&self, name: &str, _: &dyn Fn(u64, u64)) -> Outcome<Value> {
        let path = format!("/v1/components/{}/train", segment(name));
        Ok(self.client.post(&path, &Value::Object(Map::new()), TRAIN_WITHIN)?)
    }

    fn query(&self, name: &str, question: Value) -> Outcome<Value> {
        Ok(self.client.post(&format!("/v1/components/{}/query", segment(name)), &question, ANSWER_WITHIN)?)
    }

    fn batch(&self, query: &Query, format: BatchFormat) -> Outcome<Vec<u8>> {
        let headers = [("accept", format.media_type())];
        let body = serde_json::to_vec(query)?;
        Ok(self.client.exchange("/v1/batches", "application/json", &headers, &body, ANSWER_WITHIN)?)
    }

    fn models(&self, call: &ModelsCall) -> Outcome<Value> {
        let of = |model: &str, what: &str| format!("/v1/models/{}{what}", segment(model));
        let post = |path: String, within| Ok(self.client.post(&path, &Value::Object(Map::new()), within)?);
        match call {
            ModelsCall::List(page) => {
                let mut path = format!("/v1/models?limit={}", page.limit);
                if let Some(component) = &page.component {
                    path.push_str(&format!("&component={}", segment(component)));
                }
                if let Some(stage) = page.stage {
                    path.push_str(&format!("&stage={}", stage.name()));
                }
                if let Some(before) = page.before {
                    path.push_str(&format!("&before={before}"));
                }
                self.get(&path)
            }
            ModelsCall::Show(model) => self.get(&of(model, "")),
            ModelsCall::Verify(model) => self.get(&of(model, "/verify")),
            ModelsCall::Promote(model) => post(of(model, "/promote"), ANSWER_WITHIN),
            ModelsCall::Rollback(name) => post(format!("/v1/components/{}/rollback", segment(name)), ANSWER_WITHIN),
            ModelsCall::Alias(model, alias) => {
                post(of(model, &format!("/alias?alias={}", segment(alias))), ANSWER_WITHIN)
            }
            ModelsCall::Reproduce(model) => post(of(model, "/reproduce"), TRAIN_WITHIN),
        }
    }

    fn traces(&self, session_ids: &[String]) -> Outcome<Value> {
        let one = single(session_ids)?;
        self.get(&format!("/v1/sessions/{}/traces", segment(one)))
    }

    fn erase(&self, session_ids: &[String], compact: bool) -> Outcome<Value> {
        let one = single(session_ids)?;
        let path = format!("/v1/sessions/{}?compact={compact}", segment(one));
        Ok(self.client.delete(&path, TRAIN_WITHIN)?)
    }

    fn close(&self) -> Outcome {
        Ok(())
    }
}

/// The one session there is: a daemon erases them one at a time.
fn single(session_ids: &[String]) -> Outcome<&str> {
    match session_ids {
        [one] => Ok(one),
        _ => Err(Failure::usage("name one session at a time with --url; on a data directory there may be many")),
    }
}

/// A name as one segment of a path.
fn segment(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Kinds of problems that pass: the same command may work later.
const PASSING: [&str; 4] = ["busy", "rate-limited", "shutting-down", "timeout"];

/// Kinds of problems that lie in the command itself.
const REFUSED: [&str; 8] = [
    "invalid-request",
    "malformed-body",
    "unauthorized",
    "unknown-component",
    "payload-too-large",
    "invalid-records",
    "invalid-query",
    "unknown-record",
];

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let message = error.to_string();
        match &error {
            ClientError::Timeout { .. } => Self::busy(message),
            ClientError::Url(_) => Self::usage(message),
            ClientError::Refused { kind, .. } if kind == "unauthorized" => {
                Self::usage("the daemon wants an API key; give --api-key or set SOUFFLEUR_API_KEY")
            }
            ClientError::Refused { kind, .. } if PASSING.contains(&kind.as_str()) => Self::busy(message),
            ClientError::Refused { kind, .. } if REFUSED.contains(&kind.as_str()) => Self::usage(message),
            _ => Self::failed(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_one_segment() {
        assert_eq!(segment("failure_analyzer"), "failure_analyzer");
        assert_eq!(segment("../a b?"), "%2E%2E%2Fa%20b%3F");
    }
}
