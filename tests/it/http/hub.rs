//! Asking the data hub.

use arrow_array::cast::AsArray;
use arrow_array::{Array, Float32Array};
use serde_json::{Value, json};

use super::problems::problem;
use crate::service::{Service, start, wait_until};

const JSON: (&str, &str) = ("Content-Type", "application/json");

fn ask(service: &Service, query: &Value, accept: &str) -> crate::service::Answer {
    service.send("POST", "/v1/batches", &[JSON, ("Accept", accept)], query.to_string().as_bytes())
}

/// A service with 600 sessions and one rule application each, all of them usable in a batch.
fn filled() -> Service {
    let service = start(&[("http.batch_limit_rows", "500")]);
    let session = |i: u32| {
        json!({
            "session_id": format!("s{i}"), "original_prompt": format!("Write test {i}."), "team_size": 10,
            "quality_score": f64::from(i % 10) / 10.0, "event_time": "2026-01-31T12:00:00Z",
            "rules": [{"rule_id": "say \"why\", plainly", "improvement_score": 0.1, "propensity": 0.5}],
        })
    };
    let sessions: Vec<_> = (0..600).map(session).collect();
    service.post("/v1/sessions", &json!(sessions)).expect(201);
    let last = json!({"filter": {"session_id": "s599"}});
    wait_until("the last session is usable", || {
        ask(&service, &last, "*/*").expect(200).json()["rows"].as_array().is_some_and(|rows| rows.len() == 1)
    });
    service
}

fn column(batch: &Value, name: &str) -> usize {
    batch["columns"].as_array().unwrap().iter().position(|column| column == name).unwrap()
}

#[test]
fn a_batch_is_written_as_json_and_as_csv() {
    let service = filled();
    let query = json!({"view": "applications", "features": {"named": ["team_size"]}, "limit": 3});
    let batch = ask(&service, &query, "application/json").expect(200).json();
    let rows = batch["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[2][column(&batch, "team_size")], 0.5);
    assert_eq!(rows[2][column(&batch, "quality_score")], 0.9);
    assert_eq!(rows[2][column(&batch, "rule_id")], "say \"why\", plainly");
    assert_eq!(rows[2][column(&batch, "confidence")], Value::Null);
    assert_eq!(rows[2][column(&batch, "event_time")], "2026-01-31T12:00:00Z");
    assert!(batch["version"]["watermark"].as_i64().unwrap() > 0);
    let answer = ask(&service, &query, "text/csv").expect(200);
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    let mut table = csv::Reader::from_reader(answer.body.as_slice());
    let header: Vec<_> = table.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(json!(header), batch["columns"]);
    let last = table.records().last().unwrap().unwrap();
    assert_eq!(&last[column(&batch, "rule_id")], "say \"why\", plainly");
    assert_eq!(&last[column(&batch, "confidence")], "");
}

#[test]
fn a_batch_as_arrow_has_the_columns_of_the_others() {
    let service = filled();
    for query in [json!({"view": "applications", "limit": 3}), json!({"session_rules": true, "limit": 500})] {
        let batch = ask(&service, &query, "application/json").expect(200).json();
        let answer = ask(&service, &query, "application/vnd.apache.arrow.stream").expect(200);
        assert_eq!(answer.header("content-type"), Some("application/vnd.apache.arrow.stream"));
        let reader = arrow_ipc::reader::StreamReader::try_new(answer.body.as_slice(), None).unwrap();
        let schema = reader.schema();
        let names: Vec<_> = schema.fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(json!(names), batch["columns"]);
        let version: Value = serde_json::from_str(&schema.metadata()["souffleur.version"]).unwrap();
        assert_eq!(version, batch["version"]);
        let pieces: Vec<_> = reader.map(Result::unwrap).collect();
        let rows = batch["rows"].as_array().unwrap();
        assert_eq!(pieces.iter().map(|piece| piece.num_rows()).sum::<usize>(), rows.len());
        let first: &Float32Array = pieces[0].column_by_name("quality_score").unwrap().as_primitive();
        let known = first.is_valid(0).then(|| f64::from(first.value(0)));
        let expected = rows[0][column(&batch, "quality_score")].as_f64();
        assert!(known.zip(expected).is_none_or(|(a, b)| (a - b).abs() < 1e-6) && known.is_some() == expected.is_some());
        let rules = pieces[0].column_by_name("rules").map(|rules| rules.as_list::<i32>().value(0).len());
        let told = rows[0].get(names.iter().position(|name| name == "rules").unwrap_or(usize::MAX));
        assert_eq!(rules, told.map(|rules| rules.as_array().unwrap().len()));
    }
}

#[test]
fn sessions_carry_their_rules_if_asked() {
    let service = start(&[]);
    let rules = json!([
        {"rule_id": "clarity", "improvement_score": 0.1, "propensity": 0.5},
        {"rule_id": "say \"why\", plainly"}, {"rule_id": "clarity", "improvement_score": -0.3},
    ]);
    let sessions = json!([
        {"session_id": "a", "original_prompt": "Write a test.", "rules": rules},
        {"session_id": "b", "original_prompt": "Write another test."},
    ]);
    service.post("/v1/sessions", &sessions).expect(201);
    let query = json!({"session_rules": true, "features": "none", "limit": 2});
    wait_until("the sessions are usable", || {
        ask(&service, &query, "*/*").expect(200).json()["rows"].as_array().is_some_and(|rows| rows.len() == 2)
    });
    let batch = ask(&service, &query, "application/json").expect(200).json();
    let place = column(&batch, "rules");
    assert_eq!(place + 1, batch["columns"].as_array().unwrap().len(), "the last column");
    let told = json!([
        {"rule_id": "clarity", "improvement_score": 0.1, "propensity": 0.5},
        {"rule_id": "say \"why\", plainly", "improvement_score": null, "propensity": null},
        {"rule_id": "clarity", "improvement_score": -0.3, "propensity": null},
    ]);
    assert_eq!((&batch["rows"][0][place], &batch["rows"][1][place]), (&told, &json!([])));
    let answer = ask(&service, &query, "text/csv").expect(200);
    let mut table = csv::Reader::from_reader(answer.body.as_slice());
    let cells: Vec<_> = table.records().map(|row| row.unwrap()[place].to_owned()).collect();
    assert_eq!(cells, ["clarity+say \"why\", plainly+clarity", ""]);
    let without = ask(&service, &json!({}), "*/*").expect(200).json();
    assert!(!without["columns"].as_array().unwrap().contains(&json!("rules")), "{}", without["columns"]);
    for view in ["applications", "metrics"] {
        let refused =
            problem(ask(&service, &json!({"session_rules": true, "view": view}), "*/*"), 422, "invalid-query");
        assert!(
            refused["detail"].as_str().unwrap().starts_with("session_rules: only sessions carry them"),
            "{refused}"
        );
    }
}

#[test]
fn a_batch_is_limited_and_written_whole() {
    let service = filled();
    let batch = ask(&service, &json!({}), "*/*").expect(200).json();
    assert_eq!(batch["rows"].as_array().unwrap().len(), 500);
    problem(ask(&service, &json!({"limit": 501}), "*/*"), 422, "invalid-query");
    let table = ask(&service, &json!({"features": "none"}), "text/csv").expect(200).text();
    assert_eq!(table.lines().count(), 501);
}

#[test]
fn the_data_itself_is_looked_at() {
    let service = filled();
    let stats = service.get("/v1/data/stats").expect(200).json();
    assert!(stats["tables"].is_array() && stats["watermark"].as_i64() >= Some(1200), "{stats}");
    let checked = service.get("/v1/data/check").expect(200).json();
    assert_eq!((&checked["sessions"], &checked["applications"]), (&600.into(), &600.into()));
    assert_eq!(checked["checks"].as_array().unwrap().len(), 8, "{checked}");
    // All sessions but for a digit are the same one, with outcomes of all kinds.
    let found = |check: &str| checked["findings"].as_array().unwrap().iter().any(|finding| finding["check"] == check);
    assert!(found("duplicates") && found("label_noise"), "{checked}");
}
