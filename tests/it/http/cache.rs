//! Questions that are asked again.

use serde_json::{Value, json};

use super::problems::problem;
use crate::service::{Service, start};

const QUERY: &str = "/v1/components/mean_success/query";

/// Sessions whose mean success is 0.5.
fn sessions() -> Value {
    json!([
        {"session_id": "a", "original_prompt": "Write a test.", "quality_score": 0.25},
        {"session_id": "b", "original_prompt": "Explain the code.", "quality_score": 0.75},
    ])
}

/// A service with a model whose mean is 0.5.
fn trained(changes: &[(&str, &str)]) -> Service {
    let service = start(changes);
    service.post("/v1/sessions", &sessions()).expect(201);
    service.post("/v1/components/mean_success/train", &json!(null)).expect(200);
    service
}

fn ask(service: &Service, moved_by: f64) -> Value {
    service.post(QUERY, &json!({ "moved_by": moved_by })).expect(200).json()["value"].clone()
}

fn cache(service: &Service) -> Value {
    service.get("/v1/health").expect(200).json()["cache"].clone()
}

#[test]
fn a_question_that_is_asked_again_is_answered_from_memory_and_known() {
    let service = trained(&[]);
    for moved_by in [0.25, 0.25, 0.125, 0.25] {
        assert_eq!(ask(&service, moved_by), 0.5 + moved_by);
    }
    let status = cache(&service);
    let figures = ["hits", "misses", "loads", "entries"].map(|name| status[name].clone());
    assert_eq!(figures, [json!(2), json!(2), json!(2), json!(2)]);
    assert_eq!(status["second_level"]["state"], "off");
    let metrics = service.get("/metrics").expect(200).text();
    for line in ["souffleur_cache_hits_total{} 2.0", "souffleur_cache_second_level_state{state=\"off\"} 1.0"] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    let query = json!({});
    for _ in 0..2 {
        service.post("/v1/batches", &query).expect(200);
    }
    let frequent = service.get("/v1/frequent?limit=1").expect(200).json();
    let most = json!([{ "component": "mean_success", "question": { "moved_by": 0.25 }, "asked": 3 }]);
    assert_eq!(frequent["questions"], most);
    assert_eq!(frequent["batches"].as_array().unwrap().len(), 1);
    problem(service.get("/v1/frequent?limit=0"), 400, "invalid-request");
}

#[test]
fn without_room_nothing_is_kept() {
    let service = trained(&[("cache.capacity_bytes", "0")]);
    for _ in 0..2 {
        assert_eq!(ask(&service, 0.25), 0.75);
    }
    assert_eq!(cache(&service), Value::Null);
    assert_eq!(service.get("/v1/frequent").expect(200).json()["questions"], json!([]));
    assert!(!service.get("/metrics").expect(200).text().contains("souffleur_cache"));
}

#[cfg(feature = "redis")]
mod redis {
    use std::path::Path;

    use souffleur::settings::Sources;
    use souffleur::{Runtime, Settings};
    use souffleur_cluster::Redis;

    use super::*;
    use crate::sample;
    use crate::service::{block_on, wait_until};

    #[test]
    fn a_redis_that_is_not_there_fails_no_request_and_health_says_so() {
        let service = trained(&[("cache.redis_url", "redis+unix:///nowhere/socket")]);
        for _ in 0..2 {
            assert_eq!(ask(&service, 0.25), 0.75);
        }
        wait_until("it was tried", || cache(&service)["second_level"]["reason"].as_str().unwrap().contains("os error"));
        let status = cache(&service);
        assert_eq!((&status["second_level"]["state"], &status["hits"]), (&json!("gone"), &json!(1)), "{status}");
        assert_eq!(service.get("/v1/health").expect(200).json()["components"][0]["trained"], true);
    }

    fn runtime(dir: &Path, server: &Redis, prior_weight: &str) -> Runtime {
        let catalogue = vec![sample::entry()];
        let sources = Sources::new()
            .set("cache.redis_url", server.url(), "test")
            .set("cache.redis_timeout_ms", "500", "test")
            .set("components.mean_success.prior_weight", prior_weight, "test");
        let settings = Settings::load(&sources, &catalogue).unwrap();
        let runtime =
            Runtime::builder().settings(settings).components(catalogue).data_dir(dir).start_blocking().unwrap();
        wait_until("the runtime is ready", || runtime.is_ready());
        wait_until("the server answers", || second_level(&runtime)["state"] == "ok");
        runtime
    }

    fn second_level(runtime: &Runtime) -> Value {
        serde_json::to_value(runtime.health().cache.unwrap().second_level).unwrap()
    }

    #[test]
    fn answers_outlive_the_runtime_and_other_parameters_do_not_see_them() {
        let Some(server) = Redis::for_test() else { return };
        let dir = tempfile::tempdir().unwrap();
        let question = json!({ "moved_by": 0.25 });
        let ask = |runtime: &Runtime| {
            assert_eq!(block_on(runtime.query("mean_success", question.clone())).unwrap()["value"], 0.75);
            let status = runtime.health().cache.unwrap();
            block_on(runtime.shutdown());
            (status.loads, status.second_level_hits)
        };
        let first = runtime(dir.path(), &server, "0");
        block_on(first.ingest(serde_json::from_value(sessions()).unwrap())).unwrap();
        block_on(first.train("mean_success", crate::service::PATIENCE)).unwrap();
        assert_eq!(ask(&first), (1, 0));
        drop(first);
        wait_until("it is kept", || server.ask(&["DBSIZE"]).unwrap() == "1");
        assert_eq!(ask(&runtime(dir.path(), &server, "0")), (0, 1));
        assert_eq!(ask(&runtime(dir.path(), &server, "1")), (1, 0));
    }
}
