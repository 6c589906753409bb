//! Components as documents: what the catalogue says of them.

use serde_json::{Map, Value};
use souffleur_core::catalogue::Entry;

use super::exit::Outcome;

/// What a listing tells of a component.
const LISTED: [&str; 8] = ["name", "tier", "summary", "inputs", "consumes", "cadence", "minimum_rows", "budgets"];

/// What is told of one component beside that.
const DETAILS: [&str; 3] = ["snapshot_version", "bars", "schemas"];

/// A component in a listing.
pub(crate) fn listed(entry: &Entry) -> Outcome<Value> {
    Ok(narrowed(&whole(entry)?, &LISTED))
}

/// One component with its bars and schemas.
pub(crate) fn detailed(entry: &Entry) -> Outcome<Value> {
    Ok(with_details(&whole(entry)?))
}

/// A daemon's document of a component, narrowed to what a listing tells.
pub(crate) fn as_listed(document: &Value) -> Value {
    narrowed(document, &LISTED)
}

/// A daemon's document of a component, narrowed to what is told of one component.
pub(crate) fn with_details(document: &Value) -> Value {
    let keys: Vec<&str> = LISTED.into_iter().chain(DETAILS).collect();
    narrowed(document, &keys)
}

fn whole(entry: &Entry) -> Outcome<Value> {
    let mut document = serde_json::to_value(entry.spec())?;
    if let Some(fields) = document.as_object_mut() {
        fields.insert("name".to_owned(), entry.name.as_ref().into());
        fields.insert("bars".to_owned(), serde_json::to_value(entry.runner.bars())?);
        fields.insert("schemas".to_owned(), serde_json::to_value(entry.runner.schemas())?);
    }
    Ok(document)
}

fn narrowed(document: &Value, keys: &[&str]) -> Value {
    let fields = keys.iter().filter_map(|&key| Some((key.to_owned(), document.get(key)?.clone())));
    Value::Object(fields.collect::<Map<_, _>>())
}
