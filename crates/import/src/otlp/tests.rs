use serde_json::json;

use super::*;

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

fn span(attributes: Vec<Value>, events: Vec<Value>) -> Value {
    json!({
        "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "chat",
        "startTimeUnixNano": "1544712660000001000", "attributes": attributes, "events": events,
    })
}

fn request(spans: Vec<Value>) -> Vec<u8> {
    let resource = json!({"attributes": [text("service.name", "shop")]});
    let spans =
        json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "x"}, "spans": spans}]}]});
    serde_json::to_vec(&spans).unwrap()
}

fn read_all(bytes: &[u8]) -> (Vec<Session>, Vec<String>, u64) {
    let (mut sessions, mut faults) = (Vec::new(), Vec::new());
    let passed_over = read(3, bytes, |result| match result {
        Ok(read) => sessions.push(read.session),
        Err(fault) => {
            assert_eq!(fault.line, 3);
            faults.push(fault.message);
        }
    });
    (sessions, faults, passed_over)
}

fn prompt_of(attributes: Vec<Value>, events: Vec<Value>) -> Option<String> {
    let (mut sessions, faults, _) = read_all(&request(vec![span(attributes, events)]));
    assert_eq!(faults, Vec::<String>::new());
    sessions.pop().map(|session| session.original_prompt)
}

const MESSAGES: &str = r#"[{"role":"user","parts":[{"type":"text","content":"Hello"}]},
    {"role":"assistant","parts":[{"type":"text","content":"Hi."}]},
    {"role":"user","parts":[{"type":"text","content":"Sort"},{"type":"blob","content":"AA=="},{"type":"text","content":"this."}]}]"#;

#[test]
fn a_question_to_a_model_is_a_session() {
    let evaluation = |name: &str, value: f64| {
        json!({"name": "gen_ai.evaluation.result", "timeUnixNano": "1544712670000000000", "attributes": [
            text("gen_ai.evaluation.name", name), text("gen_ai.evaluation.explanation", "so so"),
            {"key": "gen_ai.evaluation.score.value", "value": {"doubleValue": value}},
        ]})
    };
    let attributes = vec![
        text("gen_ai.operation.name", "chat"),
        text("gen_ai.provider.name", "openai"),
        text("gen_ai.request.model", "gpt-4o"),
        text("gen_ai.conversation.id", "conv_5"),
        json!({"key": "gen_ai.usage.input_tokens", "value": {"intValue": "12"}}),
        text("gen_ai.system_instructions", r#"[{"type":"text","content":"You sort."}]"#),
        text("gen_ai.input.messages", MESSAGES),
        json!({"key": "souffleur.rules", "value": {"arrayValue": {"values": [{"stringValue": "few_shot"}]}}}),
    ];
    let events = vec![evaluation("relevance", 0.5), evaluation("clarity", 1.0), evaluation("user_rating", 4.0)];
    let (sessions, faults, passed_over) = read_all(&request(vec![span(attributes, events)]));
    assert_eq!((faults, passed_over), (Vec::new(), 0));
    let session = &sessions[0];
    assert_eq!(session.session_id.as_deref(), Some("5b8efff798038103d269b633813fc60c-eee19b7ec3c1b174"));
    assert_eq!(session.original_prompt, "You sort.\n\nSort\nthis.");
    assert_eq!(session.event_time, Some(Timestamp(1_544_712_660_000_001)));
    assert_eq!(session.quality_score, Some(0.75), "the mean of what lies in [0, 1]");
    assert_eq!((session.feedback[0].rating, session.feedback[0].text.as_deref()), (4, Some("so so")));
    assert_eq!(session.feedback[0].event_time, Some(Timestamp(1_544_712_670_000_000)));
    assert_eq!(session.rules[0].rule_id, "few_shot");
    let tags = json!({
        "model": "gpt-4o", "provider": "openai", "operation": "chat", "conversation": "conv_5", "input_tokens": 12,
        "service": "shop", "evaluation.relevance": 0.5, "evaluation.clarity": 1.0, "evaluation.user_rating": 4.0,
    });
    assert_eq!(serde_json::to_value(&session.tags).unwrap(), tags);
}

#[test]
fn every_way_the_question_was_ever_written_is_read() {
    let structured = json!({"key": "gen_ai.input.messages", "value": {"arrayValue": {"values": [{"kvlistValue": {"values": [
        text("role", "user"),
        {"key": "parts", "value": {"arrayValue": {"values": [{"kvlistValue": {"values": [
            text("type", "text"), text("content", "Sort.")]}}]}}},
    ]}}]}}});
    assert_eq!(prompt_of(vec![structured.clone()], vec![]).as_deref(), Some("Sort."));
    let details = json!({"name": "gen_ai.client.inference.operation.details", "attributes": [structured]});
    let model = text("gen_ai.request.model", "m");
    assert_eq!(prompt_of(vec![model.clone()], vec![details]).as_deref(), Some("Sort."));
    let numbered = vec![
        text("gen_ai.prompt.0.role", "system"),
        text("gen_ai.prompt.0.content", "Be brief."),
        text("gen_ai.prompt.1.role", "user"),
        text("gen_ai.prompt.1.content", "Sort."),
    ];
    assert_eq!(prompt_of(numbered, vec![]).as_deref(), Some("Be brief.\n\nSort."));
    assert_eq!(prompt_of(vec![text("gen_ai.prompt", "Sort.")], vec![]).as_deref(), Some("Sort."));
    let json = r#"[{"role":"user","content":"Sort."}]"#;
    assert_eq!(prompt_of(vec![text("gen_ai.prompt", json)], vec![]).as_deref(), Some("Sort."));
    let event = json!({"name": "gen_ai.user.message", "attributes": [text("content", "Sort.")]});
    assert_eq!(prompt_of(vec![model], vec![event]).as_deref(), Some("Sort."));
}

#[test]
fn other_spans_are_passed_over_and_counted() {
    let tool = vec![text("gen_ai.operation.name", "execute_tool"), text("gen_ai.prompt", "x")];
    let silent = vec![text("gen_ai.operation.name", "chat"), text("gen_ai.request.model", "m")];
    let http = vec![text("http.request.method", "GET")];
    let spans = [tool, silent, http].map(|attributes| span(attributes, vec![])).to_vec();
    assert_eq!(read_all(&request(spans)), (Vec::new(), Vec::new(), 3));
}

#[test]
fn a_bad_span_is_told_with_its_place_and_costs_the_others_nothing() {
    let good = span(vec![text("gen_ai.prompt", "Sort.")], vec![]);
    let mut nameless = good.clone();
    nameless["spanId"] = json!("not hex!");
    let spans = vec![
        json!({"spanId": "a"}),
        good,
        span(vec![text("gen_ai.input.messages", "[{\"role\":")], vec![]),
        nameless,
        json!(7),
    ];
    let (sessions, faults, _) = read_all(&request(spans));
    assert_eq!(sessions.len(), 1);
    let begins = |n: usize, with: &str| assert!(faults[n].starts_with(with), "{}", faults[n]);
    begins(0, "resourceSpans[0].scopeSpans[0].spans[0]: missing field `traceId`");
    begins(1, "resourceSpans[0].scopeSpans[0].spans[2].attributes.gen_ai.input.messages: is no JSON");
    begins(2, "resourceSpans[0].scopeSpans[0].spans[3].spanId: is `not hex!`");
    begins(3, "resourceSpans[0].scopeSpans[0].spans[4]: invalid type");
    assert_eq!(read_all(b"{\"resourceSpans\": 7}").1.len(), 1);
}

#[test]
fn a_request_is_known_by_its_beginning() {
    assert!(begins(b" {\n \"resourceSpans\": ["));
    for other in [&b"{\"original_prompt\":\"resourceSpans\"}"[..], b"resourceSpans", b""] {
        assert!(!begins(other));
    }
}
