//! The OpenAPI 3.1 document, made from the route table, the records' own schemas and the components'.

use std::collections::BTreeMap;

use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};
use souffleur_core::catalogue::Entry;

use super::problem::{self, Kind, Problem};
use super::routes::{Access, Method, OPERATIONS, Operation, Shape, common};
use crate::settings::point_into;

const BASE: &str = "#/components/schemas/";

/// The document for these components.
pub(super) fn document(entries: &[Entry]) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|s| s.definitions_path = "/components/schemas".into());
    let mut generator = settings.into_generator();
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for operation in OPERATIONS {
        let method = match operation.method {
            Method::Get => "get",
            Method::Post => "post",
            Method::Delete => "delete",
        };
        let described = describe(operation, entries, &mut generator);
        paths.entry(operation.template()).or_default().insert(method.to_owned(), described);
    }
    let mut schemas = generator.take_definitions(true);
    for entry in entries {
        splice(entry, &mut schemas);
    }
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Souffleur",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Machine-learning components around one training-data hub.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": ".", "description": "Wherever this document lies" }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer" },
                "key": { "type": "apiKey", "in": "header", "name": "X-API-Key" },
            },
        },
    })
}

/// The schemas a component brings, under names that begin with its own.
fn splice(entry: &Entry, schemas: &mut Map<String, Value>) {
    let own = entry.runner.schemas();
    let faces = [("params", own.params), ("report", own.report), ("query", own.query), ("answer", own.answer)];
    for (face, mut schema) in faces {
        let name = format!("{}.{face}", entry.name);
        let base = format!("{BASE}{name}.");
        point_into(&mut schema, &base);
        let Some(object) = schema.as_object_mut() else { continue };
        object.remove("$schema");
        if let Some(Value::Object(definitions)) = object.remove("$defs") {
            for (inner, definition) in definitions {
                schemas.insert(format!("{name}.{inner}"), definition);
            }
        }
        schemas.insert(name, schema);
    }
}

fn describe(operation: &Operation, entries: &[Entry], generator: &mut SchemaGenerator) -> Value {
    let mut responses = Map::new();
    let success = json!({
        "description": "Success.",
        "content": content(operation.answer, entries, generator),
    });
    responses.insert(operation.status.to_string(), success);
    let kinds = common(operation.access).into_iter().chain(operation.problems.iter().copied());
    let mut by_status: BTreeMap<u16, Vec<Kind>> = BTreeMap::new();
    kinds.for_each(|kind| by_status.entry(kind.status).or_default().push(kind));
    let problem = generator.subschema_for::<Problem>();
    for (status, kinds) in by_status {
        let told: Vec<_> = kinds.iter().map(|kind| format!("`/problems/{}`: {}.", kind.name, kind.title)).collect();
        let content = json!({ problem::MEDIA_TYPE: { "schema": problem } });
        responses.insert(status.to_string(), json!({ "description": told.join(" "), "content": content }));
    }
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "parameters": parameters(operation),
        "responses": responses,
        "security": if operation.access == Access::Open { json!([]) } else { json!([{}, { "bearer": [] }, { "key": [] }]) },
    });
    if let Some(body) = operation.body {
        described["requestBody"] = json!({ "required": true, "content": content(body, entries, generator) });
    }
    described
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let names = operation.path.split('{').skip(1).filter_map(|part| part.split(['}', ':']).next());
    let in_path =
        names.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
    let in_query = operation.parameters.iter().map(|(name, kind, description)| {
        json!({ "name": name, "in": "query", "description": description, "schema": { "type": kind } })
    });
    let mut parameters: Vec<_> = in_path.chain(in_query).collect();
    if operation.status == 201 {
        parameters.push(json!({
            "name": "Idempotency-Key",
            "in": "header",
            "description": "Makes a repetition harmless: it is answered with the first result.",
            "schema": { "type": "string", "maxLength": 200 },
        }));
    }
    parameters
}

fn content(shape: Shape, entries: &[Entry], generator: &mut SchemaGenerator) -> Value {
    let any_of = |face: &str| {
        let references: Vec<_> =
            entries.iter().map(|e| json!({ "$ref": format!("{BASE}{}.{face}", e.name) })).collect();
        let schema = if references.is_empty() { json!({}) } else { json!({ "anyOf": references }) };
        json!({ "application/json": { "schema": schema } })
    };
    match shape {
        Shape::Json(of) => json!({ "application/json": { "schema": of(generator) } }),
        Shape::Records(of) => {
            let one = of(generator);
            let one_or_many = json!({ "oneOf": [one, { "type": "array", "items": one }] });
            json!({
                "application/json": { "schema": one_or_many },
                "application/x-ndjson": { "schema": one },
            })
        }
        Shape::Batch(of) => json!({
            "application/json": { "schema": of(generator) },
            "text/csv": { "schema": { "type": "string" } },
            "application/vnd.apache.arrow.stream": { "schema": { "type": "string", "format": "binary" } },
        }),
        Shape::Question => any_of("query"),
        Shape::Answer => any_of("answer"),
        Shape::AnyJson => json!({ "application/json": { "schema": {} } }),
        Shape::Events(of) => json!({ "text/event-stream": { "schema": of(generator) } }),
        Shape::Text(media_type) => json!({ media_type: { "schema": { "type": "string" } } }),
    }
}
