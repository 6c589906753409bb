//! What an answer is kept under: everything it depends on.

use std::io::{self, Write};

use serde_json::Value;

/// Longest question, as JSON, whose answer is kept.
pub const QUESTION_BYTES_MAX: usize = 64 << 10;

/// Between scope and question. Neither JSON nor a scope holds it.
const BETWEEN: char = '\n';

/// A scope, which names who answers and from what, and the question. Kept as text and compared as text: two questions
/// never share a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key(String);

impl Key {
    /// The key of `question` within `scope`; `None` where it cannot have one: the question is longer than
    /// [`QUESTION_BYTES_MAX`], or the scope has a line break. O(bytes).
    ///
    /// Everything the answer depends on beside the question must be in the scope.
    #[must_use]
    pub fn new(scope: &str, question: &Value) -> Option<Self> {
        if scope.contains(BETWEEN) {
            return None;
        }
        let mut text = Vec::with_capacity(scope.len() + 256);
        text.extend_from_slice(scope.as_bytes());
        text.push(BETWEEN as u8);
        let limit = text.len() + QUESTION_BYTES_MAX;
        serde_json::to_writer(Limited { text: &mut text, limit }, question).ok()?;
        String::from_utf8(text).ok().map(Self)
    }

    /// Scope and question as one text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The scope.
    #[must_use]
    pub fn scope(&self) -> &str {
        self.0.split_once(BETWEEN).map_or("", |(scope, _)| scope)
    }

    /// The question; null if it is none.
    #[must_use]
    pub fn question(&self) -> Value {
        let question = self.0.split_once(BETWEEN).map_or("", |(_, question)| question);
        serde_json::from_str(question).unwrap_or_default()
    }
}

/// Stops writing at a limit, so that a long question costs no more than one that just fits.
struct Limited<'a> {
    text: &'a mut Vec<u8>,
    limit: usize,
}

impl Write for Limited<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.text.len() + bytes.len() > self.limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn scope_and_question_can_be_told_apart() {
        let key = Key::new("a b", &json!({ "prompt": "one\ntwo" })).unwrap();
        assert_eq!((key.scope(), key.question()), ("a b", json!({ "prompt": "one\ntwo" })));
        assert_eq!(Key::new("a\nb", &json!(1)), None);
        assert_eq!(Key::new("a", &json!("x".repeat(QUESTION_BYTES_MAX))), None);
        assert!(Key::new("a", &json!("x".repeat(QUESTION_BYTES_MAX - 2))).is_some());
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".*", inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn two_keys_are_the_same_only_for_the_same_question(a in json_value(), b in json_value(), scope in "[ -~]*") {
            let (one, other) = (Key::new(&scope, &a).unwrap(), Key::new(&scope, &b).unwrap());
            prop_assert_eq!(one == other, a == b);
            prop_assert_eq!(one.question(), a);
            prop_assert_eq!(one.scope(), scope);
        }
    }
}
