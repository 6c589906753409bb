//! The OpenAPI document, the manual, and the plain addresses.

use serde_json::Value;

use crate::service::start;

fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get("$ref") {
                found.push(reference);
            }
            object.values().for_each(|inner| references(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| references(inner, found)),
        _ => {}
    }
}

#[test]
fn the_document_holds_together() {
    let service = start(&[]);
    let document = service.get("/openapi.json").expect(200).json();
    assert_eq!(document["openapi"], "3.1.0");
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 50, "only {} references", found.len());
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} points elsewhere"));
        assert!(document.pointer(pointer).is_some(), "{reference} points nowhere");
    }
    let question = &document["paths"]["/v1/components/{name}/query"]["post"]["requestBody"]["content"];
    let reference = &question["application/json"]["schema"]["anyOf"][0]["$ref"];
    assert_eq!(reference, "#/components/schemas/mean_success.query");
}

#[test]
fn every_operation_of_the_document_is_served_and_no_other_method() {
    let service = start(&[]);
    let document = service.get("/openapi.json").json();
    let mut ids = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let address = path.replace("{name}", "mean_success").replace("{file}", "index.html");
        let answer = service.send("PATCH", &address, &[], b"").expect(405);
        let allow = answer.header("allow").unwrap();
        let mut methods: Vec<_> = allow.split(", ").filter(|method| *method != "HEAD").map(str::to_lowercase).collect();
        methods.sort();
        let described: Vec<_> = item.as_object().unwrap().keys().cloned().collect();
        assert_eq!(methods, described, "{path}");
        for operation in item.as_object().unwrap().values() {
            ids.push(operation["operationId"].as_str().unwrap().to_owned());
            assert!(operation["summary"].as_str().is_some_and(|s| !s.is_empty()), "{path}");
        }
    }
    let operations = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), operations, "an operation id is used twice");
    insta::assert_json_snapshot!(ids);
}

#[test]
fn the_manual_shows_the_document() {
    let service = start(&[]);
    let redirect = service.get("/docs").expect(308);
    assert_eq!(redirect.header("location"), Some("docs/"));
    let page = service.get("/docs/").expect(200);
    assert!(page.header("content-type").is_some_and(|kind| kind.starts_with("text/html")));
    let script = service.get("/docs/swagger-initializer.js").expect(200).text();
    assert!(script.contains("../openapi.json"), "{script}");
    service.get("/docs/swagger-ui-bundle.js").expect(200);
}

#[test]
fn a_head_is_answered_like_a_get_without_its_body() {
    let service = start(&[]);
    let head = service.send("HEAD", "/v1/health", &[], b"").expect(200);
    assert_eq!(head.header("content-type"), Some("application/json"));
}

#[test]
fn metrics_name_every_component() {
    let service = start(&[]);
    service.get("/v1/rules").expect(200);
    let metrics = service.get("/metrics").expect(200);
    assert!(metrics.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    let text = metrics.text();
    for line in [
        "souffleur_http_requests_total{path=\"/v1/rules\",status=\"200\"} 1",
        "souffleur_component_state{component=\"mean_success\",state=\"ready\"} 1.0",
        "souffleur_ready{} 1.0",
        "# EOF",
    ] {
        assert!(text.contains(line), "no line `{line}` in\n{text}");
    }
    let count = |name: &str| text.lines().filter(|line| line.starts_with(&format!("# TYPE {name} "))).count();
    assert_eq!(count("souffleur_component_runs"), 1, "{text}");
}
