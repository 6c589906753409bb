//! Reads one source of settings into a tree whose every node remembers where it came from.

use config::{Map, Value, ValueKind};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Problem;

/// Deepest nesting a value may have.
const DEPTH: usize = 32;

/// One source of settings, later to be laid over those below it.
#[derive(Clone, Debug)]
pub(super) struct Layer(pub(super) Value);

impl config::Source for Layer {
    fn clone_into_box(&self) -> Box<dyn config::Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        self.0.clone().into_table()
    }
}

/// A text with its lines counted, and a name to call it by.
struct File<'a> {
    name: &'a str,
    line_starts: Vec<usize>,
}

impl File<'_> {
    fn origin(&self, at: usize) -> String {
        format!("{}:{}", self.name, self.line_starts.partition_point(|&start| start <= at))
    }
}

/// Reads a TOML text. `name` is what an error calls it.
pub(super) fn from_toml(name: &str, text: &str) -> Result<Layer, Problem> {
    let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(i, _)| i + 1);
    let file = File { name, line_starts: std::iter::once(0).chain(newlines).collect() };
    let table = DeTable::parse(text).map_err(|e| {
        let at = e.span().map_or(0, |span| span.start);
        Problem::new("", file.origin(at), e.message().trim(), "write TOML: `[section]`, then `key = value` lines")
    })?;
    let span = table.span().start;
    Ok(Layer(Value::new(Some(&file.origin(span)), table_kind(&file, table.get_ref(), 0)?)))
}

fn table_kind(file: &File<'_>, table: &DeTable<'_>, depth: usize) -> Result<ValueKind, Problem> {
    let mut map = Map::new();
    for (key, value) in table {
        let origin = file.origin(key.span().start);
        map.insert(key.get_ref().to_string(), node(file, &origin, key.get_ref(), value, depth + 1)?);
    }
    Ok(ValueKind::Table(map))
}

fn node(
    file: &File<'_>,
    origin: &String,
    key: &str,
    value: &Spanned<DeValue<'_>>,
    depth: usize,
) -> Result<Value, Problem> {
    if depth > DEPTH {
        return Err(Problem::new(key, origin, "is nested too deeply", format!("nest at most {DEPTH} levels")));
    }
    let kind = match value.get_ref() {
        DeValue::String(text) => ValueKind::String(text.to_string()),
        DeValue::Integer(n) => match i64::from_str_radix(n.as_str(), n.radix()) {
            Ok(n) => ValueKind::I64(n),
            Err(_) => {
                let problem = format!("{n} does not fit into 64 bits");
                return Err(Problem::new(key, origin, problem, "write a smaller number"));
            }
        },
        DeValue::Float(x) => match x.as_str().parse() {
            Ok(x) => ValueKind::Float(x),
            Err(_) => {
                return Err(Problem::new(key, origin, format!("{x} is no number"), "write a number such as 0.5"));
            }
        },
        DeValue::Boolean(b) => ValueKind::Boolean(*b),
        DeValue::Datetime(t) => ValueKind::String(t.to_string()),
        DeValue::Array(items) => {
            let items = items.iter().map(|item| node(file, origin, key, item, depth + 1));
            ValueKind::Array(items.collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => table_kind(file, table, depth)?,
    };
    Ok(Value::new(Some(origin), kind))
}

/// What a setting given as text is meant to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Taken as it stands.
    Text,
    /// A list: TOML, or separated by commas.
    List,
    /// Any other TOML value.
    Other,
}

/// One key given as text: by a variable of the environment, or by a flag.
pub(super) fn from_text(path: &[String], text: &str, shape: Shape, origin: &String) -> Layer {
    let leaf = Value::new(Some(origin), text_kind(text, shape, origin));
    let value = path.iter().rev().fold(leaf, |inner, key| {
        let map = Map::from_iter([(key.clone(), inner)]);
        Value::new(Some(origin), ValueKind::Table(map))
    });
    Layer(value)
}

fn text_kind(text: &str, shape: Shape, origin: &String) -> ValueKind {
    if shape == Shape::Text {
        return ValueKind::String(text.to_owned());
    }
    let file = File { name: origin, line_starts: vec![0] };
    let parsed = DeValue::parse(text.trim()).ok().and_then(|value| node(&file, origin, "", &value, 0).ok());
    match (parsed, shape) {
        (Some(value), Shape::Other) => value.kind,
        (Some(Value { kind: ValueKind::Array(items), .. }), _) => ValueKind::Array(items),
        (_, Shape::List) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            ValueKind::Array(items.map(|s| Value::new(Some(origin), ValueKind::String(s.to_owned()))).collect())
        }
        _ => ValueKind::String(text.to_owned()),
    }
}
