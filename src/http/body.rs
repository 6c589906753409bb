//! Reads records from a request body: one object, a list, or one object per line.
//!
//! Pure: bytes in, records and refusals out, so that it can be tested with any bytes.

use std::ops::Range;

use serde::de::{DeserializeOwned, IgnoredAny};
use souffleur_core::records::{Feedback, Rule, Session, Validate};

use super::problem::{Detail, INVALID_RECORDS, MALFORMED_BODY, PAYLOAD_TOO_LARGE, Problem, UNSUPPORTED_MEDIA_TYPE};

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON value.
    Json,
    /// One JSON value per line.
    Lines,
}

impl Format {
    /// The format a `Content-Type` names. A body without one counts as JSON.
    ///
    /// # Errors
    /// 415 for any other media type.
    pub fn of(content_type: Option<&str>) -> Result<Self, Problem> {
        let Some(content_type) = content_type else { return Ok(Self::Json) };
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/json" => Ok(Self::Json),
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Ok(Self::Lines),
            _ => {
                let shown: String = essence.chars().take(100).collect();
                let detail = format!("`{shown}` is not read here; send application/json or application/x-ndjson");
                Err(Problem::new(UNSUPPORTED_MEDIA_TYPE, detail))
            }
        }
    }
}

/// What a body held.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed<T> {
    /// The records that are right, each with its place in the body, from 0.
    pub good: Vec<(usize, T)>,
    /// What is wrong with the others, in order.
    pub bad: Vec<Detail>,
    /// How many records there were.
    pub total: usize,
}

/// A record's place in a body.
struct Element {
    bytes: Range<usize>,
    /// Where its first byte stands, both from 1.
    line: usize,
    column: usize,
    /// How an error calls the record; empty for a body of one.
    name: String,
}

/// Reads sessions.
///
/// # Errors
/// 415 for an unknown content type, 400 with line and column for what is no JSON, 413 for too many records.
pub fn parse_sessions(content_type: Option<&str>, body: &[u8], most: usize) -> Result<Parsed<Session>, Problem> {
    parse_records(content_type, body, most)
}

/// Reads feedback. See [`parse_sessions`].
///
/// # Errors
/// As [`parse_sessions`].
pub fn parse_feedback(content_type: Option<&str>, body: &[u8], most: usize) -> Result<Parsed<Feedback>, Problem> {
    parse_records(content_type, body, most)
}

/// Reads rules. See [`parse_sessions`].
///
/// # Errors
/// As [`parse_sessions`].
pub fn parse_rules(content_type: Option<&str>, body: &[u8], most: usize) -> Result<Parsed<Rule>, Problem> {
    parse_records(content_type, body, most)
}

fn parse_records<T: DeserializeOwned + Validate>(
    content_type: Option<&str>,
    body: &[u8],
    most: usize,
) -> Result<Parsed<T>, Problem> {
    let elements = match Format::of(content_type)? {
        Format::Lines => lines(body),
        Format::Json => {
            serde_json::from_slice::<IgnoredAny>(body).map_err(|e| malformed(&e))?;
            items(body)
        }
    };
    if elements.len() > most {
        let detail = format!("{} records are too many for one request: at most {most} are taken", elements.len());
        return Err(Problem::new(PAYLOAD_TOO_LARGE, detail));
    }
    let mut parsed = Parsed { good: Vec::new(), bad: Vec::new(), total: elements.len() };
    for (index, element) in elements.iter().enumerate() {
        match parse_one(body, element, index) {
            Ok(record) => parsed.good.push((index, record)),
            Err(detail) => parsed.bad.push(detail),
        }
    }
    Ok(parsed)
}

fn parse_one<T: DeserializeOwned + Validate>(body: &[u8], element: &Element, index: usize) -> Result<T, Detail> {
    let bytes = body.get(element.bytes.clone()).unwrap_or_default();
    let at_field = |field: &str| match (element.name.as_str(), field) {
        ("", field) => field.to_owned(),
        (name, "") => name.to_owned(),
        (name, field) => format!("{name}.{field}"),
    };
    let record: T = serde_json::from_slice(bytes).map_err(|e| {
        let (problem, expected) = explained(&e);
        let column = if e.line() <= 1 { element.column + e.column().saturating_sub(1) } else { e.column() };
        let line = element.line + e.line().saturating_sub(1);
        let at = at_field("");
        Detail { at, problem, expected, index: Some(index), line: Some(line), column: Some(column.max(1)) }
    })?;
    record.validate().map_err(|invalid| {
        let at = at_field(&invalid.at);
        Detail { at, index: Some(index), line: Some(element.line), ..Detail::from(invalid) }
    })?;
    Ok(record)
}

/// A body that is no JSON at all: says where it stops being so.
fn malformed(error: &serde_json::Error) -> Problem {
    let (problem, expected) = explained(error);
    let (line, column) = (error.line(), error.column());
    let detail = format!("line {line}, column {column}: {problem}; {expected}");
    let at = String::new();
    let error = Detail { at, problem, expected, index: None, line: Some(line), column: Some(column) };
    Problem::new(MALFORMED_BODY, detail).errors([error])
}

/// Reads one JSON value of a type.
///
/// # Errors
/// 400 for what is no JSON, 422 for JSON of another shape; both say where.
pub(super) fn parse_json<T: DeserializeOwned>(content_type: Option<&str>, body: &[u8]) -> Result<T, Problem> {
    if Format::of(content_type)? != Format::Json {
        return Err(Problem::new(UNSUPPORTED_MEDIA_TYPE, "one JSON value is read here; send application/json"));
    }
    serde_json::from_slice(body).map_err(|e| {
        if e.classify() != serde_json::error::Category::Data {
            return malformed(&e);
        }
        let (problem, expected) = explained(&e);
        let (line, column) = (Some(e.line()), Some(e.column()));
        let detail = format!("line {}, column {}: {problem}; {expected}", e.line(), e.column());
        let error = Detail { at: String::new(), problem, expected, index: None, line, column };
        Problem::new(super::problem::INVALID_QUERY, detail).errors([error])
    })
}

/// serde's message without its place, parted into what is wrong and what would be right.
fn explained(error: &serde_json::Error) -> (String, String) {
    const LONGEST: usize = 400;
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let text = text.strip_suffix(&place).unwrap_or(&text);
    let text: String = text.chars().take(LONGEST).collect();
    let (problem, expected) = text.split_once(", expected ").unwrap_or((&text, ""));
    let expected = match expected {
        "" if error.is_data() => "see the schema in `/openapi.json`".to_owned(),
        "" => "send valid JSON".to_owned(),
        expected => format!("expected {expected}"),
    };
    (problem.to_owned(), expected)
}

/// The lines that are not blank.
fn lines(body: &[u8]) -> Vec<Element> {
    let mut start = 0;
    let mut elements = Vec::new();
    for (i, line) in body.split(|byte| *byte == b'\n').enumerate() {
        let bytes = start..start + line.len();
        start = bytes.end + 1;
        if !line.iter().all(u8::is_ascii_whitespace) {
            let line = i + 1;
            elements.push(Element { bytes, line, column: 1, name: format!("line {line}") });
        }
    }
    elements
}

/// The elements of a list, or the one value. `body` is known to be valid JSON, so that brackets outside texts match.
fn items(body: &[u8]) -> Vec<Element> {
    let first = body.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
    if body.get(first) != Some(&b'[') {
        return vec![Element { bytes: 0..body.len(), line: 1, column: 1, name: String::new() }];
    }
    let mut elements: Vec<Element> = Vec::new();
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    let (mut line, mut line_start) = (1, 0);
    let mut open: Option<Element> = None;
    for (i, &byte) in body.iter().enumerate() {
        if byte == b'\n' {
            line += 1;
            line_start = i + 1;
        }
        let ends = depth == 1 && !in_text && (byte == b',' || byte == b']');
        if ends && let Some(mut element) = open.take() {
            element.bytes.end = i;
            elements.push(element);
        }
        let begins = depth == 1 && open.is_none() && !ends && !in_text && !byte.is_ascii_whitespace();
        if begins {
            let name = format!("[{}]", elements.len());
            open = Some(Element { bytes: i..body.len(), line, column: i - line_start + 1, name });
        }
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    elements
}

/// The problem of a body with bad records, of which nothing was kept.
pub(super) fn refused<T>(parsed: Parsed<T>) -> Problem {
    let (bad, total) = (parsed.bad.len(), parsed.total);
    let first = parsed.bad.first().map_or_else(String::new, |d| {
        let place = if d.at.is_empty() { String::new() } else { format!("{}: ", d.at) };
        format!("; the first: {place}{}; {}", d.problem, d.expected)
    });
    let detail = format!("{bad} of {total} records are wrong, nothing was kept{first}");
    Problem::new(INVALID_RECORDS, detail).errors(parsed.bad)
}

#[cfg(test)]
mod tests;
