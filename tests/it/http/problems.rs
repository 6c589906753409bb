//! Every way to be wrong is told as a problem document.

use serde_json::{Value, json};

use crate::service::{Answer, start};

/// Asserts that an answer is a well-formed problem of a kind, and returns it.
pub fn problem(answer: Answer, status: u16, kind: &str) -> Value {
    let answer = answer.expect(status);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let problem = answer.json();
    assert_eq!(problem["type"], format!("/problems/{kind}"));
    assert_eq!(problem["status"], status);
    for field in ["title", "detail", "instance"] {
        assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {problem}");
    }
    problem
}

#[test]
fn addresses_and_methods_that_are_not_there() {
    let service = start(&[]);
    insta::assert_json_snapshot!(problem(service.get("/v2/x"), 404, "not-found"));
    problem(service.get("/v1/components/mean_success/nothing"), 404, "not-found");
    problem(service.get("/problems/nothing"), 404, "not-found");
    problem(service.get("/docs/nothing"), 404, "not-found");
    let answer = service.send("DELETE", "/v1/rules", &[], b"");
    assert_eq!(answer.header("allow"), Some("GET, HEAD, POST"));
    problem(answer, 405, "method-not-allowed");
    let unknown = problem(service.get("/v1/health/mean_sucess"), 404, "unknown-component");
    assert!(unknown["detail"].as_str().unwrap().contains("did you mean `mean_success`?"), "{unknown}");
    problem(service.post("/v1/components/x/train", &json!(null)), 404, "unknown-component");
}

#[test]
fn bodies_that_cannot_be_read() {
    let service = start(&[]);
    let json = [("Content-Type", "application/json")];
    let broken = service.send("POST", "/v1/sessions", &json, b"[{},\n {]");
    insta::assert_json_snapshot!(problem(broken, 400, "malformed-body"));
    let broken = service.send("POST", "/v1/batches", &json, b"{");
    problem(broken, 400, "malformed-body");
    let csv = service.send("POST", "/v1/sessions", &[("Content-Type", "text/csv")], b"a,b");
    problem(csv, 415, "unsupported-media-type");
    let lines = service.send("POST", "/v1/batches", &[("Content-Type", "application/x-ndjson")], b"{}");
    problem(lines, 415, "unsupported-media-type");
    let gzip = [json[0], ("Content-Encoding", "gzip")];
    problem(service.send("POST", "/v1/sessions", &gzip, b"not gzip"), 400, "invalid-request");
    let deep = vec![b'['; 100_000];
    problem(service.send("POST", "/v1/sessions", &json, &deep), 400, "malformed-body");
}

#[test]
fn questions_that_cannot_be_answered() {
    let service = start(&[]);
    let ask = |query: Value| problem(service.post("/v1/batches", &query), 422, "invalid-query");
    insta::assert_json_snapshot!(ask(json!({"filter": {"domain": "law"}})));
    ask(json!({"limt": 1}));
    ask(json!({"limit": 100_000_000}));
    ask(json!({"features": {"named": ["quality_score"]}}));
    let answer = service.send("POST", "/v1/batches", &[("Accept", "image/png")], b"{}");
    problem(answer, 406, "not-acceptable");
}

#[test]
fn query_strings_and_headers_that_cannot_be_read() {
    let service = start(&[]);
    let body = json!({"original_prompt": "x"});
    insta::assert_json_snapshot!(problem(service.post("/v1/sessions?on_eror=skip", &body), 400, "invalid-request"));
    problem(service.post("/v1/sessions?on_error=maybe", &body), 400, "invalid-request");
    problem(service.get("/v1/results?limit=0"), 400, "invalid-request");
    problem(service.get("/v1/results?limit=-1"), 400, "invalid-request");
    for key in ["", " ", "\u{e9}", &"k".repeat(201)] {
        let headers = [("Content-Type", "application/json"), ("Idempotency-Key", key)];
        let answer = service.send("POST", "/v1/sessions", &headers, body.to_string().as_bytes());
        problem(answer, 400, "invalid-request");
    }
    problem(service.get("/v1/health/%ff"), 404, "unknown-component");
}

#[test]
fn a_kind_of_problem_says_what_it_means() {
    let service = start(&[]);
    for kind in souffleur::http::KINDS {
        let told = service.get(&format!("/problems/{}", kind.name)).expect(200).json();
        assert_eq!((told["status"].clone(), told["title"].clone()), (json!(kind.status), json!(kind.title)));
    }
}
