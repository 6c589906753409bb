//! Training, asking and steering components.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::problems::problem;
use crate::service::{Service, start, wait_until};

const PATH: &str = "/v1/components/mean_success";

/// A service with two sessions whose mean success is 0.5.
fn fed(changes: &[(&str, &str)]) -> Service {
    let service = start(changes);
    let sessions = json!([
        {"session_id": "a", "original_prompt": "Write a test.", "quality_score": 0.25},
        {"session_id": "b", "original_prompt": "Explain the code.", "quality_score": 0.75},
    ]);
    service.post("/v1/sessions", &sessions).expect(201);
    service
}

fn order(service: &Service, what: &str) -> Value {
    service.post(&format!("{PATH}/{what}"), &json!(null)).expect(200).json()
}

fn state(service: &Service) -> Value {
    service.get("/v1/health/mean_success").expect(200).json()["state"].clone()
}

#[test]
fn components_are_listed_and_described() {
    let service = start(&[]);
    let listed = service.get("/v1/components").expect(200).json();
    assert_eq!(listed["components"][0]["name"], "mean_success");
    assert_eq!(listed["components"][0]["trained"], false);
    let mut shown = service.get(PATH).expect(200).json();
    shown["health"] = json!("[redacted]");
    insta::assert_json_snapshot!(shown);
}

#[test]
fn a_component_is_trained_asked_and_remembered() {
    let service = fed(&[]);
    problem(service.post(&format!("{PATH}/query"), &json!({"moved_by": 0.0})), 409, "not-trained");
    problem(service.get(&format!("{PATH}/model")), 409, "not-trained");
    let outcome = order(&service, "train");
    assert_eq!(outcome["report"], json!({"mean": 0.5, "sessions": 2}));
    let answer = service.post(&format!("{PATH}/query"), &json!({"moved_by": 0.25})).expect(200).json();
    assert_eq!(answer, json!({"value": 0.75}));
    let runs = service.get(&format!("{PATH}/reports?limit=5")).expect(200).json();
    assert_eq!(runs["runs"][0]["run_id"], outcome["run_id"]);
    assert_eq!(runs["runs"][0]["state"], "succeeded");
    assert_eq!(runs["runs"][0]["report"], outcome["report"]);
    let model = service.get(&format!("{PATH}/model")).expect(200).json();
    assert_eq!(model["model_id"], outcome["model_id"]);
    assert!(model["size_bytes"].as_u64().unwrap() > 0);
    let health = service.get("/v1/health/mean_success").expect(200).json();
    assert_eq!((health["trained"].clone(), health["runs"]["succeeded"].clone()), (json!(true), json!(1)));
}

#[test]
fn what_a_component_cannot_do_is_told_as_a_problem() {
    let service = start(&[]);
    service.post("/v1/sessions", &json!({"original_prompt": "x", "quality_score": 1})).expect(201);
    problem(service.post(&format!("{PATH}/train"), &json!(null)), 409, "too-few-rows");
    service.post("/v1/sessions", &json!({"original_prompt": "y", "quality_score": 0})).expect(201);
    order(&service, "train");
    let ask = |question: Value| service.post(&format!("{PATH}/query"), &question);
    problem(ask(json!({"moved_by": 7})), 422, "invalid-query");
    problem(ask(json!({"moved": 7})), 422, "invalid-query");
    problem(ask(json!(null)), 422, "invalid-query");
    let broken = problem(ask(json!("panic")), 500, "component-failed");
    assert!(broken["detail"].as_str().unwrap().contains("asked to"), "{broken}");
    ask(json!({"moved_by": 0})).expect(200);
}

#[test]
fn a_paused_component_answers_and_does_not_train() {
    let service = fed(&[]);
    order(&service, "train");
    order(&service, "pause");
    wait_until("it is paused", || state(&service) == "paused");
    problem(service.post(&format!("{PATH}/train"), &json!(null)), 409, "paused");
    service.post(&format!("{PATH}/query"), &json!({"moved_by": 0})).expect(200);
    order(&service, "resume");
    wait_until("it is ready", || state(&service) == "ready");
    order(&service, "train");
    order(&service, "restart");
    wait_until("it is ready again", || state(&service) == "ready");
    service.post(&format!("{PATH}/query"), &json!({"moved_by": 0})).expect(200);
}

#[test]
fn a_run_that_takes_too_long_is_given_up() {
    let service = fed(&[("components.mean_success.work_ms", "10000")]);
    let began = Instant::now();
    problem(service.post(&format!("{PATH}/train?timeout_ms=200"), &json!(null)), 504, "timeout");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    wait_until("it was cancelled", || state(&service) == "ready");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    problem(service.post(&format!("{PATH}/train?timeout_ms=x"), &json!(null)), 400, "invalid-request");
}

#[test]
fn a_run_is_cancelled_on_request() {
    let service = fed(&[("components.mean_success.work_ms", "10000")]);
    std::thread::scope(|scope| {
        let run = scope.spawn(|| problem(service.post(&format!("{PATH}/train"), &json!(null)), 409, "cancelled"));
        wait_until("it trains", || state(&service) == "training");
        order(&service, "cancel");
        run.join().unwrap();
    });
}

#[test]
fn health_answers_while_everything_trains() {
    let service = fed(&[("components.mean_success.work_ms", "2000")]);
    std::thread::scope(|scope| {
        let run = scope.spawn(|| order(&service, "train"));
        // The run may still wait for its batch, or its first step: progress comes with the work itself.
        wait_until("health shows how far the run has come", || {
            let health = service.get("/v1/health").expect(200).json();
            let component = &health["components"][0];
            component["state"] == "training" && component["progress"]["total"].as_u64().is_some()
        });
        run.join().unwrap();
    });
}

#[test]
fn a_panic_in_a_handler_costs_that_request_only() {
    let service = start(&[]);
    let broken = service.get("/v1/components/broken_description");
    problem(broken, 500, "internal");
    service.get("/v1/components").expect(200);
}
