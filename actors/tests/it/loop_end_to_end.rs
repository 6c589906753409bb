//! Append, train, answer, look at the health, append again.

use serde_json::json;
use souffleur_actors::health::State;
use souffleur_actors::{CallError, ComponentGraph};
use souffleur_core::store::{Append, Record, Store};
use souffleur_core::time::Timestamp;

use crate::components::{CONSUMER, SCRIPTED};
use crate::world::{LIMIT, World, quick, sessions};

#[tokio::test]
async fn what_is_appended_is_learnt_and_answered() {
    let world = World::start(vec![SCRIPTED], &[], quick()).await;
    let untrained = world.handle.query("scripted", json!({})).await;
    assert_eq!(untrained, Err(CallError::NotTrained { name: "scripted".into() }));
    let outcome = world.train("scripted").await;
    assert_eq!((outcome.rows, outcome.report["rows"].as_u64()), (5, Some(5)));
    let answer = world.ask("scripted", 7).await;
    assert_eq!((answer.rows, answer.generation, answer.echo), (5, 0, 7));

    world.handle.append(sessions("second", 3)).await.unwrap();
    assert_eq!(world.handle.component_health("scripted").unwrap().lag_rows, 3);
    assert_eq!(world.train("scripted").await.rows, 8);
    world.until("the way of a row into the image was timed", |h| h.health().feedback_latency.count > 0).await;
    assert_eq!(world.ask("scripted", 1).await.generation, 1, "the second model began with the first");

    let health = world.handle.component_health("scripted").unwrap();
    assert!(health.state == State::Ready && health.trained && health.lag_rows == 0, "{health:?}");
    assert_eq!((health.runs.succeeded, health.answer_latency.count), (2, 2));
    assert_eq!(health.model_id, Some(world.store.latest_model("scripted").unwrap().unwrap().model_id));
    let report = world.handle.shutdown().await;
    assert!(report.clean, "{report:?}");
}

#[tokio::test]
async fn a_consumer_is_handed_its_producers_report() {
    let world = World::start(vec![CONSUMER, SCRIPTED], &[], quick()).await;
    assert_eq!(world.handle.order(), [1, 0]);
    assert_eq!(world.train("consumer").await.report["products"], json!([]));
    world.train("scripted").await;
    assert_eq!(world.train("consumer").await.report["products"], json!(["scripted"]));
}

#[tokio::test]
async fn a_misspelt_component_is_told_the_nearest() {
    let world = World::start(vec![SCRIPTED], &[], quick()).await;
    let error = world.handle.train("scriptd", LIMIT).await.unwrap_err().to_string();
    assert_eq!(error, "unknown component `scriptd`; did you mean `scripted`?");
}

#[test]
fn the_graph_shows_who_feeds_whom() {
    let entries = [CONSUMER, SCRIPTED];
    let graph = ComponentGraph::of(&entries).unwrap();
    let expected = json!({
        "nodes": [
            { "name": "scripted", "tier": "learning", "order": 0 },
            { "name": "consumer", "tier": "learning", "order": 1 },
        ],
        "edges": [{ "producer": "scripted", "consumer": "consumer" }],
    });
    assert_eq!(json!(graph), expected);
    let dot = ComponentGraph::dot(&entries).unwrap();
    assert!(dot.starts_with("digraph") && dot.contains("label = \"scripted\"") && dot.contains("0 -> 1"), "{dot}");
    let error = ComponentGraph::of(&[CONSUMER]).unwrap_err().to_string();
    assert_eq!(error, "consumer.consumes: nothing produces `scripted`; enable that component as well");
}

/// So many sessions of unknown outcome, all alike, with a feature no prompt has.
fn worthless(count: usize) -> Vec<Append> {
    let mut records = sessions("worthless", count);
    for append in &mut records {
        if let Record::Session(featured) = &mut append.record {
            featured.session.quality_score = None;
            featured.features[0] = 2.0;
        }
    }
    records
}

#[tokio::test]
async fn a_wrong_record_is_refused_whichever_way_it_comes() {
    let world = World::start(vec![SCRIPTED], &[], quick()).await;
    let mixed: Vec<Append> = sessions("good", 1).into_iter().chain(worthless(1)).collect();
    let refused = world.handle.append(mixed).await;
    assert!(
        matches!(&refused, Err(CallError::Invalid(wrong)) if wrong.at == "records[1].features.overall_score"),
        "{refused:?}"
    );
    assert_eq!(world.store.session_seq("good-0").unwrap(), None, "nothing of the request is kept");
}

#[tokio::test]
async fn the_quality_of_its_data_is_part_of_a_components_health() {
    let world = World::start(vec![SCRIPTED], &[], quick()).await;
    world.train("scripted").await;
    let flow = || world.handle.component_health("scripted").unwrap().data_flow;
    assert!(flow().passed, "{:?}", flow());
    // Past every check, as another program might write it.
    world.store.append(worthless(95), Timestamp(2)).await.unwrap();
    world.handle.append(sessions("second", 1)).await.unwrap();
    world.train("scripted").await;
    assert!(!flow().passed && flow().reason.contains("of quality 0."), "{:?}", flow());
    assert!(!world.handle.component_health("scripted").unwrap().overall);
}
