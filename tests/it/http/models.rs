//! The registry of models, and erasing what they were made from.

use serde_json::{Value, json};
use souffleur_core::query::{FeatureSet, Query};

use super::problems::problem;
use crate::service::{Service, block_on, start, start_with, wait_until};

const PATH: &str = "/v1/components/mean_success";

fn record(service: &Service, sessions: &[(&str, f64)]) {
    let session = |(id, quality): &(&str, f64)| json!({"session_id": id, "original_prompt": format!("Write a test of {id}."), "quality_score": quality});
    service.post("/v1/sessions", &json!(sessions.iter().map(session).collect::<Vec<_>>())).expect(201);
}

fn train(service: &Service) -> Value {
    service.post(&format!("{PATH}/train"), &json!(null)).expect(200).json()
}

fn mean(service: &Service) -> f64 {
    let answer = service.post(&format!("{PATH}/query"), &json!({"moved_by": 0.0})).expect(200).json();
    answer["value"].as_f64().unwrap()
}

fn stages(service: &Service) -> Vec<(i64, String)> {
    let list = service.get("/v1/models?component=mean_success").expect(200).json();
    let models = list["models"].as_array().unwrap().iter();
    models.map(|m| (m["version"].as_i64().unwrap(), m["stage"].as_str().unwrap().to_owned())).collect()
}

/// A service with two models: the first says 0.5, the second 0.25.
fn with_two_models(changes: &[(&str, &str)]) -> Service {
    let service = start(changes);
    record(&service, &[("a", 0.25), ("b", 0.75)]);
    train(&service);
    record(&service, &[("c", 0.0), ("d", 0.0)]);
    train(&service);
    service
}

#[test]
fn a_component_goes_back_and_forth_between_its_models() {
    let service = with_two_models(&[]);
    assert_eq!((mean(&service), stages(&service)), (0.25, vec![(2, "live".into()), (1, "archived".into())]));
    let back = service.post(&format!("{PATH}/rollback"), &json!(null)).expect(200).json();
    assert_eq!((&back["version"], &back["stage"]), (&json!(1), &json!("live")));
    assert_eq!(mean(&service), 0.5, "it answers from the earlier model at once");
    problem(service.post(&format!("{PATH}/rollback"), &json!(null)), 409, "conflict");
    service.post("/v1/models/mean_success@1/alias?alias=stable", &json!(null)).expect(200);
    service.post("/v1/models/mean_success@newest/promote", &json!(null)).expect(200);
    assert_eq!(mean(&service), 0.25);
    let stable = service.get("/v1/models/mean_success@stable").expect(200).json();
    assert_eq!((&stable["model"]["version"], &stable["model"]["aliases"]), (&json!(1), &json!(["stable"])));
    problem(service.post("/v1/models/mean_success@1/alias?alias=live", &json!(null)), 422, "invalid-query");
    problem(service.get("/v1/models/mean_success@9"), 422, "unknown-record");
    problem(service.get("/v1/models?stage=dead"), 400, "invalid-request");
    let page = service.get("/v1/models?limit=1").expect(200).json();
    let rest = service.get(&format!("/v1/models?limit=1&before={}", page["next"])).expect(200).json();
    assert_eq!((&page["models"][0]["version"], &rest["models"][0]["version"]), (&json!(2), &json!(1)));
}

#[test]
fn a_model_is_verified_and_made_again_to_the_byte() {
    let service = with_two_models(&[]);
    for version in [1, 2] {
        let verified = service.get(&format!("/v1/models/mean_success@{version}/verify")).expect(200).json();
        assert_eq!(verified["verdict"], "intact");
        let again = service.post(&format!("/v1/models/mean_success@{version}/reproduce"), &json!(null));
        let again = again.expect(200).json();
        assert_eq!((&again["same"], &again["rows"]), (&json!(true), &json!(2 * version)), "{again}");
    }
    let manifest = service.get("/v1/models/mean_success@2").expect(200).json()["manifest"].clone();
    assert_eq!((&manifest["rows"], &manifest["version"]), (&json!(4), &json!(2)));
    assert!(manifest["previous"].as_str().unwrap().starts_with("mean_success-"), "{manifest}");
}

#[test]
fn the_rows_a_model_was_trained_on_come_back_byte_for_byte() {
    let service = start(&[]);
    record(&service, &[("a", 0.25), ("b", 0.75)]);
    let before = block_on(service.runtime.batch(Query::training_data(FeatureSet::All))).unwrap();
    let model = train(&service)["model_id"].as_str().unwrap().to_owned();
    // What is learnt later of the same sessions, and others.
    record(&service, &[("c", 0.0)]);
    service.post("/v1/feedback", &json!({"session_id": "a", "rating": 1})).expect(201);
    let again = block_on(service.runtime.model_training_data(&model)).unwrap();
    // Every number written so that it can be read back exactly, and `NaN` as such.
    let bytes = |batch: &souffleur_core::batch::TrainingBatch| {
        let features: Vec<u32> = batch.features.iter().map(|value| value.to_bits()).collect();
        format!("{:?} {:?} {:?} {features:?}", batch.version, batch.rows, batch.outcomes)
    };
    assert_eq!((bytes(&again), again.len()), (bytes(&before), 2));
    let sent = service.get(&format!("/v1/models/{model}/data")).expect(200).json();
    assert!(sent.to_string().contains("success_score"), "{sent}");
}

#[test]
fn a_model_that_is_worse_waits_and_the_one_before_goes_on_answering() {
    let service = start_with(vec![crate::sample::judged()], &[]);
    let path = "/v1/components/judged_mean";
    let train = || service.post(&format!("{path}/train"), &json!(null)).expect(200).json();
    record(&service, &[("a", 0.25), ("b", 0.75)]);
    assert_eq!(train()["live"], true);
    record(&service, &[("c", 0.0), ("d", 0.0)]);
    let worse = train();
    assert_eq!(worse["live"], false);
    assert!(worse["gate"].as_str().unwrap().contains("mean is 0.25"), "{worse}");
    let answer =
        || service.post(&format!("{path}/query"), &json!({"moved_by": 0.0})).expect(200).json()["value"].clone();
    assert_eq!(answer(), 0.5);
    service.post("/v1/models/judged_mean@newest/promote", &json!(null)).expect(200);
    assert_eq!(answer(), 0.25);
}

#[test]
fn an_erased_session_is_nowhere_any_more() {
    let service = with_two_models(&[]);
    let marked = json!({"component": "mean_success", "results": {"of": ["c"]}});
    service.post("/v1/results", &marked).expect(201);
    let foretold = service.get("/v1/sessions/c/traces").expect(200).json();
    assert_eq!(foretold["models"][0]["tie"], "rows");
    assert_eq!(foretold["documents"].as_array().unwrap().len(), 1);
    let done = service.send("DELETE", "/v1/sessions/c", &[], b"").expect(200).json();
    for part in ["models", "documents", "reports", "rows"] {
        assert_eq!(done[part], foretold[part], "{part}");
    }
    assert_eq!((&done["compacted"], &done["retrained"][0]["component"]), (&json!(true), &json!("mean_success")));
    // Of 0.25, 0.75 and 0.
    assert!((mean(&service) - 1.0 / 3.0).abs() < 1e-6, "{}", mean(&service));
    assert_eq!(stages(&service)[1], (2, "archived".into()));
    let batch = block_on(service.runtime.batch(Query::default())).unwrap();
    assert_eq!(batch.len(), 3);
    let mut pinned = Query::default();
    pinned.as_of.watermark = Some(souffleur_core::ids::Seq(5));
    assert!(block_on(service.runtime.batch(pinned)).unwrap().len() < 4);
    problem(service.get("/v1/sessions/c/traces"), 422, "unknown-record");
    problem(service.get("/v1/models/mean_success@2/data"), 409, "conflict");
    problem(service.post("/v1/models/mean_success@2/promote", &json!(null)), 409, "conflict");
    problem(service.post("/v1/models/mean_success@2/reproduce", &json!(null)), 409, "conflict");
    assert!(service.get("/v1/results").expect(200).json()["results"].as_array().unwrap().is_empty());
}

#[test]
fn without_training_anew_the_newest_model_free_of_it_answers() {
    let service = with_two_models(&[("registry.retrain_erased", "false")]);
    service.send("DELETE", "/v1/sessions/c", &[], b"").expect(200);
    assert_eq!(mean(&service), 0.5);
    service.send("DELETE", "/v1/sessions/a?compact=false", &[], b"").expect(200);
    problem(service.post(&format!("{PATH}/query"), &json!({"moved_by": 0.0})), 409, "not-trained");
}

#[test]
fn a_damaged_model_is_told_and_an_intact_one_answers() {
    let dir = tempfile::tempdir().unwrap();
    let start = || {
        let builder = souffleur::Runtime::builder().components([crate::sample::entry()]).data_dir(dir.path());
        let runtime = builder.start_blocking().unwrap();
        wait_until("the runtime is ready", || runtime.is_ready());
        runtime
    };
    let session = |id: &str, quality| souffleur::records::Session {
        session_id: Some(id.to_owned()),
        original_prompt: "Write a test.".into(),
        quality_score: Some(quality),
        ..Default::default()
    };
    let runtime = start();
    let (damaged, sound) = block_on(async {
        runtime.ingest(vec![session("a", 0.25), session("b", 0.75)]).await.unwrap();
        let sound = runtime.train("mean_success", crate::service::PATIENCE).await.unwrap();
        runtime.ingest(vec![session("c", 0.0)]).await.unwrap();
        let damaged = runtime.train("mean_success", crate::service::PATIENCE).await.unwrap();
        runtime.shutdown().await;
        (damaged, sound)
    });
    drop(runtime);
    damage(&dir.path().join(souffleur::app::DATABASE), &damaged.model_id);
    let runtime = start();
    let health = runtime.component_health("mean_success").unwrap();
    assert!(health.reason.contains(&damaged.model_id) && health.reason.contains(&sound.model_id), "{}", health.reason);
    let answer = block_on(runtime.query("mean_success", json!({"moved_by": 0.0}))).unwrap();
    assert_eq!(*answer, json!({"value": 0.5}));
    let verified = block_on(runtime.verify_model("mean_success@live")).unwrap();
    assert!(matches!(verified.verdict, souffleur_core::store::Verdict::Changed { .. }), "{verified:?}");
    block_on(runtime.shutdown());
}

/// Flips the last byte of a model's snapshot, where it stands in the database's file.
fn damage(database: &std::path::Path, model_id: &str) {
    use souffleur_core::store::Store;
    let store = souffleur_store::SqliteStore::open(database, souffleur_store::StoreSettings::default()).unwrap();
    let registry = store.registry().unwrap();
    let seq = registry.version(model_id).unwrap().seq;
    let snapshot = registry.stored(seq).unwrap().model.snapshot;
    drop(store);
    let mut bytes = std::fs::read(database).unwrap();
    let at = bytes.windows(snapshot.len()).position(|window| window == snapshot).unwrap();
    bytes[at + snapshot.len() - 1] ^= 1;
    std::fs::write(database, bytes).unwrap();
}
