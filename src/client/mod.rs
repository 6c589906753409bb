//! Speaks HTTP to a daemon.

mod problem;

use std::time::Duration;

use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body};

pub(crate) use problem::ClientError;

/// Longest wait for a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Largest answer that is read.
const ANSWER_LIMIT_BYTES: u64 = 1 << 30;

/// A daemon's address and the key to it.
pub(crate) struct Client {
    agent: Agent,
    base: String,
    authorization: Option<String>,
}

impl Client {
    /// A client of the daemon at `url`. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ClientError::Url`] for what is no plain HTTP address.
    pub(crate) fn new(url: &str, api_key: Option<&str>) -> Result<Self, ClientError> {
        let base = url.trim_end_matches('/');
        let host = base.strip_prefix("http://").filter(|host| !host.is_empty());
        if host.is_none() || base.contains(char::is_whitespace) {
            return Err(ClientError::Url(url.to_owned()));
        }
        let config = Agent::config_builder().http_status_as_error(false).timeout_connect(Some(CONNECT_WITHIN)).build();
        let authorization = api_key.map(|key| format!("Bearer {key}"));
        Ok(Self { agent: config.into(), base: base.to_owned(), authorization })
    }

    /// Asks for a document.
    ///
    /// # Errors
    /// [`ClientError`].
    pub(crate) fn get(&self, path: &str, within: Duration) -> Result<Value, ClientError> {
        let mut request = self.agent.get(self.address(path)).config().timeout_global(Some(within)).build();
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        self.document(&self.read(request.call())?)
    }

    /// Has something deleted and gives the answer.
    ///
    /// # Errors
    /// [`ClientError`].
    pub(crate) fn delete(&self, path: &str, within: Duration) -> Result<Value, ClientError> {
        let mut request = self.agent.delete(self.address(path)).config().timeout_global(Some(within)).build();
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        self.document(&self.read(request.call())?)
    }

    /// Sends a document and gives the answer.
    ///
    /// # Errors
    /// [`ClientError`].
    pub(crate) fn post(&self, path: &str, body: &Value, within: Duration) -> Result<Value, ClientError> {
        self.send(path, "application/json", &[], body.to_string().as_bytes(), within)
    }

    /// Sends bytes of a content type, with more headers, and gives the answer.
    ///
    /// # Errors
    /// [`ClientError`].
    pub(crate) fn send(
        &self,
        path: &str,
        content_type: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        within: Duration,
    ) -> Result<Value, ClientError> {
        self.document(&self.exchange(path, content_type, headers, body, within)?)
    }

    /// Sends bytes and gives the answer's.
    ///
    /// # Errors
    /// [`ClientError`].
    pub(crate) fn exchange(
        &self,
        path: &str,
        content_type: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        within: Duration,
    ) -> Result<Vec<u8>, ClientError> {
        let mut request = self.agent.post(self.address(path)).config().timeout_global(Some(within)).build();
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.read(request.content_type(content_type).send(body))
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn document(&self, bytes: &[u8]) -> Result<Value, ClientError> {
        let strange =
            |error: serde_json::Error| ClientError::NotOurs { base: self.base.clone(), why: error.to_string() };
        serde_json::from_slice(bytes).map_err(strange)
    }

    fn read(&self, response: Result<Response<Body>, ureq::Error>) -> Result<Vec<u8>, ClientError> {
        let failed = |error: ureq::Error| match error {
            ureq::Error::Timeout(_) => ClientError::Timeout { base: self.base.clone() },
            other => ClientError::Unreachable { base: self.base.clone(), why: lower(&other) },
        };
        let mut response = response.map_err(failed)?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get("retry-after").and_then(|v| v.to_str().ok()?.parse().ok());
        let bytes = response.body_mut().with_config().limit(ANSWER_LIMIT_BYTES).read_to_vec().map_err(failed)?;
        if (200..300).contains(&status) {
            return Ok(bytes);
        }
        Err(problem::read(&self.base, status, retry_after, &bytes))
    }
}

/// The cause as it fits into a sentence of ours.
fn lower(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(io) => io.to_string().to_lowercase(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_plain_http_address() {
        for url in ["", "127.0.0.1:7070", "https://host", "http://", "http://a b"] {
            assert!(matches!(Client::new(url, None), Err(ClientError::Url(_))), "{url}");
        }
        assert!(Client::new("http://127.0.0.1:7070/", None).is_ok());
    }

    #[test]
    fn nobody_there_is_told_with_the_address() {
        // Port 9 of this machine: nobody listens there.
        let client = Client::new("http://127.0.0.1:9", None).unwrap();
        let error = client.get("/", Duration::from_secs(5)).unwrap_err().to_string();
        assert!(error.starts_with("no daemon answers at http://127.0.0.1:9: "), "{error}");
    }
}
