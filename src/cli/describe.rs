//! Components as documents: what the catalogue says of them, in the form of the HTTP interface.

use serde_json::{Map, Value, json};
use souffleur_core::catalogue::Entry;

use super::exit::{Failure, Outcome};

/// What a listing tells of a component, out of its spec.
const LISTED: [&str; 7] = ["tier", "summary", "inputs", "consumes", "cadence", "minimum_rows", "budgets"];

/// What is told of one component.
const DETAILS: [&str; 5] = ["name", "spec", "bars", "default_params", "schemas"];

/// One component in full.
pub(crate) fn component(entry: &Entry) -> Outcome<Value> {
    let default_params = entry.runner.default_params().map_err(|error| Failure::failed(error.to_string()))?;
    Ok(json!({
        "name": entry.name,
        "spec": serde_json::to_value(entry.spec())?,
        "bars": serde_json::to_value(entry.runner.bars())?,
        "default_params": default_params,
        "schemas": serde_json::to_value(entry.runner.schemas())?,
    }))
}

/// A component in a listing, out of its full document.
pub(crate) fn listed(component: &Value) -> Value {
    let mut fields = Map::new();
    fields.insert("name".to_owned(), component["name"].clone());
    for key in LISTED {
        fields.insert(key.to_owned(), component["spec"][key].clone());
    }
    Value::Object(fields)
}

/// What does not change from moment to moment in a daemon's document of a component.
pub(crate) fn lasting(component: &Value) -> Value {
    Value::Object(DETAILS.iter().map(|&key| (key.to_owned(), component[key].clone())).collect())
}
