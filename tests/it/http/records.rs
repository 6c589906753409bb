//! Recording sessions, feedback, rules and results.

use serde_json::{Value, json};

use crate::service::{Service, start};

const JSON: (&str, &str) = ("Content-Type", "application/json");
const LINES: (&str, &str) = ("Content-Type", "application/x-ndjson");

fn sessions_stored(service: &Service) -> u64 {
    service.runtime.store().counts().unwrap().sessions
}

#[test]
fn one_session_a_list_and_lines_are_kept() {
    let service = start(&[]);
    let one = json!({"session_id": "a", "original_prompt": "Write a test.", "quality_score": 0.5});
    let kept = service.post("/v1/sessions", &one).expect(201).json();
    assert_eq!(kept["kept"], 1);
    assert_eq!(kept["receipts"][0]["id"], "a");
    let two = json!([{"original_prompt": "b"}, {"original_prompt": "c"}]);
    assert_eq!(service.post("/v1/sessions", &two).expect(201).json()["kept"], 2);
    let lines = b"{\"original_prompt\":\"d\"}\r\n\n{\"original_prompt\":\"e\"}\n";
    let kept = service.send("POST", "/v1/sessions", &[LINES], lines).expect(201).json();
    assert_eq!(kept["kept"], 2);
    let named = kept["receipts"][0]["id"].as_str().unwrap();
    assert_eq!(uuid::Uuid::parse_str(named).unwrap().get_version_num(), 7);
    assert_eq!(sessions_stored(&service), 5);
}

#[test]
fn a_session_of_the_same_name_is_kept_once() {
    let service = start(&[]);
    let session = json!({"session_id": "a", "original_prompt": "x"});
    let first = service.post("/v1/sessions", &session).expect(201).json();
    let again = service.post("/v1/sessions", &session).expect(200).json();
    assert_eq!((again["kept"].clone(), again["duplicates"].clone()), (json!(0), json!(1)));
    assert_eq!(first["receipts"][0]["seq"], again["receipts"][0]["seq"]);
}

#[test]
fn a_repeated_request_is_answered_with_the_first_result() {
    let service = start(&[]);
    let headers = [LINES, ("Idempotency-Key", "2026-11-23 batch 7")];
    let lines = b"{\"original_prompt\":\"a\"}\n{\"original_prompt\":\"b\"}";
    let first = service.send("POST", "/v1/sessions", &headers, lines).expect(201).json();
    let again = service.send("POST", "/v1/sessions", &headers, lines).expect(200).json();
    assert_eq!(again["duplicates"], 2);
    let names = |kept: &Value| [0, 1].map(|i| (kept["receipts"][i]["id"].clone(), kept["receipts"][i]["seq"].clone()));
    assert_eq!(names(&first), names(&again));
    assert_eq!(sessions_stored(&service), 2);
    // The same key elsewhere is another request.
    let session = first["receipts"][0]["id"].clone();
    let opinion = json!({"session_id": session, "rating": 5}).to_string();
    let headers = [JSON, headers[1]];
    let kept = service.send("POST", "/v1/feedback", &headers, opinion.as_bytes()).expect(201).json();
    assert_eq!((kept["kept"].clone(), kept["duplicates"].clone()), (json!(1), json!(0)));
    service.send("POST", "/v1/feedback", &headers, opinion.as_bytes()).expect(200);
    assert_eq!(service.runtime.store().counts().unwrap().feedback, 1);
}

const MIXED: &[u8] =
    b"{\"session_id\":\"good\",\"original_prompt\":\"a\"}\n{\"original_prompt\":\n{\"original_prompt\":\"b\",\"quality_score\":7}\n";

#[test]
fn one_bad_record_and_nothing_is_kept() {
    let service = start(&[]);
    let problem = service.send("POST", "/v1/sessions", &[LINES], MIXED).expect(422).json();
    insta::assert_json_snapshot!(problem);
    assert_eq!(sessions_stored(&service), 0);
}

#[test]
fn the_good_records_are_kept_where_that_is_asked_for() {
    let service = start(&[]);
    let kept = service.send("POST", "/v1/sessions?on_error=skip", &[LINES], MIXED).expect(201).json();
    insta::assert_json_snapshot!(kept);
    assert_eq!(sessions_stored(&service), 1);
    let none = service.send("POST", "/v1/sessions?on_error=skip", &[LINES], b"{}").expect(422).json();
    assert_eq!(none["type"], "/problems/invalid-records");
}

#[test]
fn feedback_on_a_session_that_is_not_there_is_refused_or_left_out() {
    let service = start(&[]);
    service.post("/v1/sessions", &json!({"session_id": "a", "original_prompt": "x"})).expect(201);
    let opinions = json!([{"session_id": "a", "rating": 4}, {"session_id": "b", "rating": 4}]);
    let problem = service.post("/v1/feedback", &opinions).expect(422).json();
    assert_eq!(problem["type"], "/problems/unknown-record");
    assert_eq!(service.runtime.store().counts().unwrap().feedback, 0);
    let kept = service.post("/v1/feedback?on_error=skip", &opinions).expect(201).json();
    assert_eq!((kept["kept"].clone(), kept["refused"].clone()), (json!(1), json!(1)));
    assert_eq!(kept["errors"][0]["at"], "[1].session_id");
}

#[test]
fn rules_are_defined_and_listed() {
    let service = start(&[]);
    let rules = json!([{"rule_id": "clarity", "description": "Be plain.", "priority": 1}, {"rule_id": "few_shot"}]);
    service.post("/v1/rules", &rules).expect(201);
    let listed = service.get("/v1/rules").expect(200).json();
    assert_eq!(listed["rules"][0], rules[0]);
    assert_eq!(listed["rules"][1]["rule_id"], "few_shot");
}

#[test]
fn results_are_kept_once_and_listed_by_component() {
    let service = start(&[]);
    let result = json!({"component": "mean_success", "results": {"score": 0.5}, "metadata": {"by": "me"}});
    let headers = [JSON, ("Idempotency-Key", "r")];
    service.send("POST", "/v1/results", &headers, result.to_string().as_bytes()).expect(201);
    service.send("POST", "/v1/results", &headers, result.to_string().as_bytes()).expect(200);
    service.post("/v1/results", &json!({"component": "other", "results": 1})).expect(201);
    let listed = service.get("/v1/results?component=mean_success&limit=5").expect(200).json();
    assert_eq!(listed["results"].as_array().unwrap().len(), 1);
    assert_eq!(listed["results"][0]["body"], json!({"results": {"score": 0.5}, "metadata": {"by": "me"}}));
    assert_eq!(service.get("/v1/results").json()["results"].as_array().unwrap().len(), 2);
}
