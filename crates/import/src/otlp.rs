//! Spans of generative AI as a source of sessions: OTLP/JSON with the attributes of the OpenTelemetry semantic conventions.
//!
//! A span that asked a model and tells what it asked is a session. What was asked is the system's instructions and the
//! last message of the user. All other spans (tools, embeddings, requests without their text) are counted and passed over.

use serde::Deserialize;
use serde_json::Value;
use souffleur_core::error::Invalid;
use souffleur_core::records::{FeedbackEntry, RuleApplication, Session};
use souffleur_core::time::Timestamp;

use crate::error::Fault;
use crate::record::{Read, json_fault};

mod attributes;
mod messages;

use attributes::{Attributes, KeyValue};

/// What an exporter sends at a time; one stands on a line of its own, or is all of a file.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ResourceSpans {
    resource: Resource,
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resource {
    attributes: Vec<KeyValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ScopeSpans {
    /// Read one by one, so that a bad one costs the others nothing.
    spans: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Span {
    trace_id: String,
    span_id: String,
    #[serde(default)]
    start_time_unix_nano: Nanos,
    #[serde(default)]
    attributes: Vec<KeyValue>,
    #[serde(default)]
    events: Vec<Event>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(default)]
    name: String,
    #[serde(default)]
    time_unix_nano: Nanos,
    #[serde(default)]
    attributes: Vec<KeyValue>,
}

/// A 64-bit number, which JSON of protocol buffers writes as a text and some exporters as a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Nanos(Option<u64>);

impl<'de> Deserialize<'de> for Nanos {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let nanos = match Value::deserialize(deserializer)? {
            Value::Null => return Ok(Self(None)),
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        let wrong = || serde::de::Error::custom("a time is no number of nanoseconds since 1970");
        nanos.map(|nanos| Self(Some(nanos))).ok_or_else(wrong)
    }
}

impl Nanos {
    fn time(self) -> Option<Timestamp> {
        // Zero is how protocol buffers write "not known".
        let us = i64::try_from(self.0.filter(|nanos| *nanos > 0)? / 1_000).ok()?;
        Some(Timestamp(us))
    }
}

/// Operations that ask a model something.
const OPERATIONS: [&str; 3] = ["chat", "text_completion", "generate_content"];

/// The event that carries an evaluation.
const EVALUATION: &str = "gen_ai.evaluation.result";

/// Whether a text begins as a request of an exporter does.
pub(crate) fn begins(first: &[u8]) -> bool {
    let inside = first.trim_ascii_start().strip_prefix(b"{");
    inside.is_some_and(|inside| inside.trim_ascii_start().starts_with(b"\"resourceSpans\""))
}

/// Hands on the sessions of a request that begins on `line`, and what is wrong with its other spans. Gives the number
/// of spans passed over.
pub(crate) fn read(line: u64, bytes: &[u8], mut take: impl FnMut(Result<Read, Fault>)) -> u64 {
    let request: Request = match serde_json::from_slice(bytes) {
        Ok(request) => request,
        Err(error) => {
            take(Err(json_fault(line, &error)));
            return 0;
        }
    };
    let mut passed_over = 0;
    for (r, resource_spans) in request.resource_spans.into_iter().enumerate() {
        let resource = Attributes::new(&resource_spans.resource.attributes);
        for (s, scope_spans) in resource_spans.scope_spans.into_iter().enumerate() {
            for (i, span) in scope_spans.spans.into_iter().enumerate() {
                let at = || format!("resourceSpans[{r}].scopeSpans[{s}].spans[{i}]");
                let span: Span = match serde_json::from_value(span) {
                    Ok(span) => span,
                    Err(error) => {
                        take(Err(Fault::at(line, format!("{}: {error}; write a span as OTLP does", at()))));
                        continue;
                    }
                };
                match session(&span, &resource) {
                    Ok(None) => passed_over += 1,
                    Ok(Some(session)) => take(
                        Read::checked(line, session, None)
                            .map_err(|fault| Fault { message: format!("{}: {}", at(), fault.message), ..fault }),
                    ),
                    Err(invalid) => take(Err(Fault::at(line, format!("{}.{invalid}", at())))),
                }
            }
        }
    }
    passed_over
}

/// The session of a span; `None` if it asked no model, or does not tell what.
fn session(span: &Span, resource: &Attributes<'_>) -> Result<Option<Session>, Invalid> {
    let attributes = Attributes::new(&span.attributes);
    if !attributes.any_under("gen_ai.") {
        return Ok(None);
    }
    let operation = attributes.text("gen_ai.operation.name");
    if operation.is_some_and(|operation| !OPERATIONS.contains(&operation)) {
        return Ok(None);
    }
    let events: Vec<(&Event, Attributes<'_>)> =
        span.events.iter().map(|event| (event, Attributes::new(&event.attributes))).collect();
    let Some(original_prompt) = messages::prompt(&attributes, &events)? else { return Ok(None) };
    for (name, id) in [("traceId", &span.trace_id), ("spanId", &span.span_id)] {
        if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b)) {
            return Err(Invalid::new(name, format!("is `{id}`"), "write it in hexadecimal digits"));
        }
    }
    let mut session = Session {
        session_id: Some(format!("{}-{}", span.trace_id, span.span_id)),
        original_prompt,
        event_time: span.start_time_unix_nano.time(),
        project_type: attributes.text("souffleur.project_type").map(str::to_owned),
        domain: attributes.text("souffleur.domain").map(str::to_owned),
        rules: rules(&attributes)?,
        ..Session::default()
    };
    for (tag, names) in TAGS {
        if let Some(value) = names.iter().find_map(|name| attributes.scalar(name)) {
            session.tags.insert((*tag).to_owned(), value);
        }
    }
    if let Some(service) = resource.scalar("service.name") {
        session.tags.insert("service".to_owned(), service);
    }
    evaluate(&mut session, &events);
    Ok(Some(session))
}

/// What becomes of which attributes; of several the first that is there.
const TAGS: &[(&str, &[&str])] = &[
    ("model", &["gen_ai.request.model", "gen_ai.response.model"]),
    ("provider", &["gen_ai.provider.name", "gen_ai.system"]),
    ("operation", &["gen_ai.operation.name"]),
    ("conversation", &["gen_ai.conversation.id"]),
    ("agent", &["gen_ai.agent.name"]),
    ("temperature", &["gen_ai.request.temperature"]),
    ("input_tokens", &["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"]),
    ("output_tokens", &["gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"]),
    ("error", &["error.type"]),
];

/// The rules applied, which no convention knows: `souffleur.rules`, a list of names.
fn rules(attributes: &Attributes<'_>) -> Result<Vec<RuleApplication>, Invalid> {
    let named = |rule_id: String| RuleApplication { rule_id, ..RuleApplication::default() };
    Ok(attributes.texts("souffleur.rules")?.into_iter().map(named).collect())
}

/// Takes up what evaluations found: the mean of the scores in [0, 1] is the quality, a rating from 1 to 5 that is called
/// one is feedback, and each stands as a tag.
fn evaluate(session: &mut Session, events: &[(&Event, Attributes<'_>)]) {
    let (mut sum, mut count) = (0.0, 0.0);
    for (event, attributes) in events.iter().filter(|(event, _)| event.name == EVALUATION) {
        let name = attributes.text("gen_ai.evaluation.name").unwrap_or("result");
        let score = attributes.number("gen_ai.evaluation.score.value");
        let label = attributes.scalar("gen_ai.evaluation.score.label");
        if let Some(value) = attributes.scalar("gen_ai.evaluation.score.value").or(label) {
            session.tags.insert(format!("evaluation.{name}"), value);
        }
        let Some(score) = score else { continue };
        let called_rating = ["rating", "feedback"].iter().any(|word| name.to_ascii_lowercase().contains(word));
        if called_rating && score.fract() == 0.0 && (1.0..=5.0).contains(&score) {
            let time = event.time_unix_nano.time().filter(|time| Some(*time) != session.event_time);
            session.feedback.push(FeedbackEntry {
                rating: score as u8,
                text: attributes.text("gen_ai.evaluation.explanation").map(str::to_owned),
                areas: Vec::new(),
                event_time: time,
            });
        } else if (0.0..=1.0).contains(&score) {
            (sum, count) = (sum + score, count + 1.0);
        }
    }
    if count > 0.0 {
        session.quality_score = Some((sum / count).clamp(0.0, 1.0));
    }
}

#[cfg(test)]
mod tests;
