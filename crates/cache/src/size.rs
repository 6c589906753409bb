//! The memory a JSON value takes.

use serde_json::Value;

/// What a node of a map costs beside its key's text and its value: links and the unused part of half-full nodes.
const MAP_ENTRY_BYTES: usize = 64;

/// About how many bytes `value` takes in memory, allocations included. O(nodes).
pub(crate) fn bytes(value: &Value) -> usize {
    let held = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.capacity(),
        Value::Array(items) => items.iter().map(bytes).sum::<usize>(),
        Value::Object(fields) => {
            fields.iter().map(|(name, field)| MAP_ENTRY_BYTES + name.capacity() + bytes(field)).sum()
        }
    };
    size_of::<Value>() + held
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn grows_with_what_is_held() {
        assert!(bytes(&json!("x".repeat(1_000))) >= 1_000);
        assert!(bytes(&json!(vec![1; 1_000])) >= 1_000 * size_of::<Value>());
        assert!(bytes(&json!({ "a": [1, 2] })) > bytes(&json!([1, 2])));
    }
}
