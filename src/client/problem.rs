//! What can go wrong between a client and a daemon, and the problem documents (RFC 9457) daemons answer with.

use serde::Deserialize;

/// Why a request came to nothing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum ClientError {
    /// The address cannot be used.
    #[error("`{0}` is no address of a daemon; write one such as http://127.0.0.1:7070")]
    Url(String),
    /// Nobody is there, or the connection broke.
    #[error("no daemon answers at {base}: {why}; start one with `souffleur serve`")]
    Unreachable {
        /// The address.
        base: String,
        /// What happened.
        why: String,
    },
    /// The answer did not come in time.
    #[error("the daemon at {base} did not answer in time")]
    Timeout {
        /// The address.
        base: String,
    },
    /// Something answers there, but it is no daemon of ours.
    #[error("what answers at {base} is no souffleur: {why}")]
    NotOurs {
        /// The address.
        base: String,
        /// What was odd.
        why: String,
    },
    /// The daemon said no.
    #[error("{message}")]
    Refused {
        /// The kind of problem, by its short name.
        kind: String,
        /// What it said.
        message: String,
        /// When to try again.
        retry_after_s: Option<u64>,
    },
}

/// The members of a problem document that are shown.
#[derive(Deserialize)]
struct Problem {
    #[serde(rename = "type")]
    kind: String,
    title: Option<String>,
    detail: Option<String>,
    #[serde(default)]
    errors: Vec<Fault>,
}

/// One thing wrong with a request.
#[derive(Deserialize)]
struct Fault {
    at: Option<String>,
    problem: Option<String>,
    expected: Option<String>,
}

/// Most faults that are shown.
const FAULTS_SHOWN: usize = 5;

/// Reads what a daemon answered instead of success.
pub(super) fn read(base: &str, status: u16, retry_after_s: Option<u64>, body: &[u8]) -> ClientError {
    let Ok(problem) = serde_json::from_slice::<Problem>(body) else {
        return ClientError::NotOurs { base: base.to_owned(), why: format!("status {status} without an explanation") };
    };
    let mut message = problem.detail.or(problem.title).unwrap_or_else(|| format!("refused with status {status}"));
    // A single fault is what the detail tells already.
    let faults = if problem.errors.len() > 1 { problem.errors.as_slice() } else { &[] };
    for fault in faults.iter().take(FAULTS_SHOWN) {
        let parts = [&fault.at, &fault.problem, &fault.expected];
        let words: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        message.push_str(&format!("\n  {}", words.join("; ")));
    }
    let kind = problem.kind.rsplit('/').next().unwrap_or_default().to_owned();
    ClientError::Refused { kind, message, retry_after_s }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_document_is_told_in_its_own_words() {
        let body = br#"{"type":"/problems/invalid-records","title":"bad","detail":"2 records are wrong","status":422,
            "errors":[{"at":"[0].rating","problem":"is 9","expected":"write 1 to 5"},{"at":"[1]","problem":"no"}]}"#;
        let error = read("http://h", 422, Some(2), body);
        let message = "2 records are wrong\n  [0].rating; is 9; write 1 to 5\n  [1]; no".to_owned();
        let kind = "invalid-records".to_owned();
        assert_eq!(error, ClientError::Refused { kind, message, retry_after_s: Some(2) });
    }

    #[test]
    fn a_stranger_is_recognised() {
        let error = read("http://h", 404, None, b"<html>");
        assert_eq!(error.to_string(), "what answers at http://h is no souffleur: status 404 without an explanation");
    }
}
