//! The part of a line that a mapping looks at.
//!
//! A line is parsed once; fields no expression names are skipped without being built.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Most values one line may hold in the fields a mapping looks at: a bound on memory.
pub(crate) const NODES_PER_LINE: u32 = 1 << 16;

/// A value of a line. Texts without escapes are borrowed from it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Node<'a> {
    #[default]
    Null,
    Bool(bool),
    Integer(i64),
    Number(f64),
    Text(Cow<'a, str>),
    List(Vec<Node<'a>>),
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
}

impl Node<'_> {
    /// What it is, in words.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Integer(_) | Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    /// A text, number or boolean as text.
    pub(crate) fn scalar_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Bool(b) => Some(Cow::Borrowed(if *b { "true" } else { "false" })),
            Self::Integer(i) => Some(Cow::Owned(i.to_string())),
            Self::Number(x) => Some(Cow::Owned(x.to_string())),
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Null | Self::List(_) | Self::Object(_) => None,
        }
    }

    /// The same as a JSON value; numbers that JSON cannot write become null.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match self {
            Self::Null => Value::Null,
            Self::Bool(b) => Value::Bool(*b),
            Self::Integer(i) => Value::from(*i),
            Self::Number(x) => Value::from(*x),
            Self::Text(text) => Value::String(text.clone().into_owned()),
            Self::List(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Self::Object(entries) => entries.iter().map(|(k, v)| (k.clone().into_owned(), v.to_json())).collect(),
        }
    }
}

/// Reads the fields named `slots` (sorted) of the object on a line, in their order; absent ones are null.
pub(crate) fn parse_slots<'a>(line: &'a str, slots: &[String]) -> Result<Vec<Node<'a>>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(line);
    let nodes = Slots(slots).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(nodes)
}

struct Slots<'s>(&'s [String]);

impl<'de> DeserializeSeed<'de> for Slots<'_> {
    type Value = Vec<Node<'de>>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Slots<'_> {
    type Value = Vec<Node<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one JSON object per line")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let budget = Cell::new(NODES_PER_LINE);
        let mut found: Vec<Option<Node<'de>>> = vec![None; self.0.len()];
        while let Some(slot) = map.next_key_seed(SlotName(self.0))? {
            match slot.and_then(|i| found.get_mut(i)) {
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
                Some(Some(_)) => {
                    let name = slot.and_then(|i| self.0.get(i)).map_or("", String::as_str);
                    return Err(A::Error::custom(format_args!("the field `{name}` occurs twice; write it once")));
                }
                Some(place) => *place = Some(map.next_value_seed(NodeSeed(&budget))?),
            }
        }
        Ok(found.into_iter().map(Option::unwrap_or_default).collect())
    }
}

/// Which slot a key names, if any.
struct SlotName<'s>(&'s [String]);

impl<'de> DeserializeSeed<'de> for SlotName<'_> {
    type Value = Option<usize>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for SlotName<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.binary_search_by(|slot| slot.as_str().cmp(name)).ok())
    }
}

struct NodeSeed<'b>(&'b Cell<u32>);

impl<'de> DeserializeSeed<'de> for NodeSeed<'_> {
    type Value = Node<'de>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Node<'de>, D::Error> {
        let Some(left) = self.0.get().checked_sub(1) else {
            let message = format_args!("the line holds too many values; at most {NODES_PER_LINE} are read");
            return Err(D::Error::custom(message));
        };
        self.0.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NodeSeed<'_> {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node<'de>, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node<'de>, E> {
        Ok(Node::Integer(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node<'de>, E> {
        Ok(i64::try_from(value).map_or(Node::Number(value as f64), Node::Integer))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node<'de>, E> {
        Ok(Node::Number(value))
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(NodeSeed(self.0))? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node<'de>, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            entries.push((key, map.next_value_seed(NodeSeed(self.0))?));
        }
        Ok(Node::Object(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(names: &[&str]) -> Vec<String> {
        names.iter().map(|&n| n.to_owned()).collect()
    }

    #[test]
    fn reads_only_what_is_asked_for() {
        let line = r#"{"x":{"deep":[1]},"b":[1,"t",null],"a":"pl\u00e4in","n":18446744073709551615}"#;
        let nodes = parse_slots(line, &slots(&["a", "b", "n", "z"])).unwrap();
        assert_eq!(nodes[0], Node::Text("pläin".into()));
        assert_eq!(nodes[1], Node::List(vec![Node::Integer(1), Node::Text("t".into()), Node::Null]));
        assert_eq!(nodes[2], Node::Number(18446744073709551615.0));
        assert_eq!(nodes[3], Node::Null);
    }

    #[test]
    fn refuses_doubles_other_shapes_and_floods() {
        for (line, expected) in [
            (r#"{"a":1,"a":2}"#, "the field `a` occurs twice"),
            ("[1]", "expected one JSON object per line"),
            ("{} {}", "trailing characters"),
            ("{\"a\":1", "EOF"),
        ] {
            let error = parse_slots(line, &slots(&["a"])).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let flood = format!("{{\"a\":[{}0]}}", "0,".repeat(NODES_PER_LINE as usize));
        assert!(parse_slots(&flood, &slots(&["a"])).unwrap_err().to_string().contains("too many values"));
        assert!(parse_slots(&flood, &slots(&["b"])).is_ok());
    }
}
