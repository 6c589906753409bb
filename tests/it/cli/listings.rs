//! Listings: for people as tables, for programs as JSON.

use serde_json::Value;

use crate::process::run;

#[test]
fn components_are_listed_shown_and_drawn() {
    let list = run(["components", "--json"]).succeeded().json();
    assert_eq!(list, run(["components", "list", "--json"]).succeeded().json());
    let names: Vec<&str> = list.as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"failure_analyzer"));
    let table = run(["components"]).succeeded().out;
    assert_eq!(table.lines().count(), names.len() + 1);
    for name in &names {
        assert!(table.contains(name));
        let shown = run(["components", "show", name, "--json"]).succeeded().json();
        assert_eq!(shown["name"], **name);
        assert!(shown["schemas"]["query"].is_object());
    }
    let graph = run(["components", "graph", "--format", "json"]).succeeded().json();
    assert_eq!(graph["nodes"].as_array().unwrap().len(), names.len());
    assert_eq!(graph["order"].as_array().unwrap().len(), names.len());
    let dot = run(["components", "graph", "--format", "dot"]).succeeded().out;
    assert!(dot.starts_with("digraph components {") && dot.contains("\"failure_analyzer\""));
    assert!(run(["components", "graph"]).succeeded().out.contains("failure_analyzer"));
}

#[test]
fn settings_say_where_they_come_from_and_keep_secrets() {
    let set = |key: &str| run(["config", "show", "--json", "--set", key]).succeeded();
    let secret = set("http.api_keys=0123456789abcdef");
    assert!(!secret.out.contains("0123456789abcdef"));
    let settings = set("http.port=1").json();
    let of = |key: &str| settings.as_array().unwrap().iter().find(|s| s["key"] == key).cloned().unwrap_or(Value::Null);
    assert_eq!(of("http.port")["value"], 1);
    assert_eq!(of("http.port")["origin"], "--set");
    assert_eq!(of("data.dir")["origin"], "default");
    assert!(
        settings
            .as_array()
            .unwrap()
            .iter()
            .any(|s| s["key"].as_str().unwrap().starts_with("components.failure_analyzer."))
    );
    assert!(run(["config", "show"]).succeeded().out.contains("http.port"));
}

#[test]
fn the_reference_is_a_file_of_settings_itself() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("reference.toml");
    std::fs::write(&file, run(["config", "reference"]).succeeded().out).unwrap();
    run(["config", "check", file.to_str().unwrap()]).succeeded();
}
