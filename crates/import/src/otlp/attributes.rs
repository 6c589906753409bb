//! Attributes: names with values of several types.

use serde::Deserialize;
use serde_json::{Map, Number, Value};
use souffleur_core::error::Invalid;

/// Deepest a value may be nested.
const DEPTH: usize = 16;

/// A name and its value, as they are sent.
#[derive(Debug, Deserialize)]
pub(super) struct KeyValue {
    key: String,
    #[serde(default)]
    value: AnyValue,
}

/// A value, wrapped in the name of its type.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AnyValue {
    string_value: Option<String>,
    bool_value: Option<bool>,
    /// A text, as 64-bit integers are in JSON of protocol buffers; some write a number.
    int_value: Option<Value>,
    double_value: Option<Value>,
    array_value: Option<Array>,
    kvlist_value: Option<List>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Array {
    values: Vec<AnyValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct List {
    values: Vec<KeyValue>,
}

impl AnyValue {
    /// The value itself; null beyond [`DEPTH`], and for bytes.
    fn plain(&self, depth: usize) -> Value {
        let number = |value: &Value| match value {
            Value::Number(number) => Some(number.clone()),
            Value::String(text) => {
                let integer = text.parse::<i64>().ok().map(Number::from);
                integer.or_else(|| Number::from_f64(text.parse().ok()?))
            }
            _ => None,
        };
        if let Some(text) = &self.string_value {
            Value::String(text.clone())
        } else if let Some(truth) = self.bool_value {
            Value::Bool(truth)
        } else if let Some(value) = self.int_value.as_ref().or(self.double_value.as_ref()) {
            number(value).map_or(Value::Null, Value::Number)
        } else if depth == DEPTH {
            Value::Null
        } else if let Some(array) = &self.array_value {
            Value::Array(array.values.iter().map(|value| value.plain(depth + 1)).collect())
        } else if let Some(list) = &self.kvlist_value {
            let entry = |entry: &KeyValue| (entry.key.clone(), entry.value.plain(depth + 1));
            Value::Object(list.values.iter().map(entry).collect::<Map<_, _>>())
        } else {
            Value::Null
        }
    }
}

/// The attributes of a span, an event or a resource.
#[derive(Debug)]
pub(super) struct Attributes<'a>(&'a [KeyValue]);

impl<'a> Attributes<'a> {
    pub(super) fn new(list: &'a [KeyValue]) -> Self {
        Self(list)
    }

    fn find(&self, key: &str) -> Option<&'a AnyValue> {
        self.0.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// Whether any name begins so.
    pub(super) fn any_under(&self, prefix: &str) -> bool {
        self.0.iter().any(|entry| entry.key.starts_with(prefix))
    }

    /// A text that is not empty.
    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        self.find(key)?.string_value.as_deref().filter(|text| !text.is_empty())
    }

    /// A number.
    pub(super) fn number(&self, key: &str) -> Option<f64> {
        self.scalar(key)?.as_f64()
    }

    /// A text, number or truth value.
    pub(super) fn scalar(&self, key: &str) -> Option<Value> {
        let value = self.find(key)?.plain(DEPTH);
        Some(value).filter(|value| !value.is_null() && value.as_str() != Some(""))
    }

    /// A list of texts; empty if it is not there.
    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>, Invalid> {
        let wrong = || Invalid::new(format!("attributes.{key}"), "is something else", "write a list of texts");
        let Some(value) = self.find(key) else { return Ok(Vec::new()) };
        let Value::Array(values) = value.plain(0) else { return Err(wrong()) };
        values.into_iter().map(|value| value.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
    }

    /// What the conventions let be sent either as a structure or, where those cannot be, as JSON in a text.
    pub(super) fn structure(&self, key: &str) -> Result<Option<Value>, Invalid> {
        let Some(value) = self.find(key) else { return Ok(None) };
        match value.plain(0) {
            Value::Null => Ok(None),
            Value::String(text) => {
                let parsed = serde_json::from_str(&text);
                parsed.map(Some).map_err(|error| {
                    Invalid::new(format!("attributes.{key}"), format!("is no JSON ({error})"), "write it as JSON")
                })
            }
            other => Ok(Some(other)),
        }
    }
}
