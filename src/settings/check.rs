//! Holds a tree of settings against a JSON schema: unknown keys, wrong types, values out of range.

use config::{Value, ValueKind};
use serde_json::Value as Json;

use super::Problem;

/// Similarity (Jaro-Winkler) from which on a known name is offered for an unknown one.
const SIMILAR: f64 = 0.75;

/// The known name nearest to `name`, if one is near.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

/// What to write instead of an unknown name.
pub(super) fn instead<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(name, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("write one of {}", known.collect::<Vec<_>>().join(", ")),
    }
}

/// A schema and the document its references point into.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schema<'a> {
    root: &'a Json,
    node: &'a Json,
}

impl<'a> Schema<'a> {
    /// A whole schema document.
    pub(super) fn new(root: &'a Json) -> Self {
        Self { root, node: root }.resolved()
    }

    fn at(self, node: &'a Json) -> Self {
        Self { node, ..self }.resolved()
    }

    fn resolved(mut self) -> Self {
        // A chain of references longer than this is a circle.
        for _ in 0..8 {
            let target = self.node.get("$ref").and_then(Json::as_str).and_then(|r| r.strip_prefix('#'));
            match target.and_then(|pointer| self.root.pointer(pointer)) {
                Some(node) => self.node = node,
                None => break,
            }
        }
        self
    }

    /// The schema's JSON.
    pub(super) fn json(self) -> &'a Json {
        self.node
    }

    /// The schema of a key of an object, if the schema knows it.
    pub(super) fn key(self, name: &str) -> Option<Self> {
        let named = self.node.get("properties").and_then(|properties| properties.get(name));
        let other = || self.node.get("additionalProperties").filter(|schema| schema.is_object());
        named.or_else(other).map(|node| self.at(node))
    }

    /// The keys an object may have.
    pub(super) fn keys(self) -> impl Iterator<Item = &'a str> + Clone {
        self.node.get("properties").and_then(Json::as_object).into_iter().flatten().map(|(name, _)| name.as_str())
    }

    fn open(self) -> bool {
        !matches!(self.node.get("additionalProperties"), Some(Json::Bool(false)))
            && (self.node.get("properties").is_none() || self.node.get("additionalProperties").is_some())
    }

    fn items(self) -> Option<Self> {
        self.node.get("items").map(|node| self.at(node))
    }

    fn variants(self) -> Vec<Self> {
        let of = |word| self.node.get(word).and_then(Json::as_array).into_iter().flatten();
        of("oneOf").chain(of("anyOf")).map(|node| self.at(node)).collect()
    }

    /// The only texts allowed, if they are listed.
    fn words(self) -> Option<Vec<&'a str>> {
        if let Some(listed) = self.node.get("enum").and_then(Json::as_array) {
            return listed.iter().map(Json::as_str).collect();
        }
        if let Some(word) = self.node.get("const") {
            return word.as_str().map(|word| vec![word]);
        }
        let variants = self.variants();
        if variants.is_empty() {
            return None;
        }
        let words: Option<Vec<_>> = variants.into_iter().map(Self::words).collect();
        words.map(|words| words.concat())
    }

    /// Whether a value of this JSON type is allowed; all are if the schema names none.
    pub(super) fn allows(self, kind: &str) -> bool {
        match self.node.get("type") {
            Some(Json::String(one)) => one == kind,
            Some(Json::Array(several)) => several.iter().any(|one| one == kind),
            _ => true,
        }
    }

    /// Whether the schema says a value of this JSON type is what it wants.
    pub(super) fn wants(self, kind: &str) -> bool {
        self.words().is_some() && kind == "string" || self.node.get("type").is_some() && self.allows(kind)
    }

    fn number(self, word: &str) -> Option<f64> {
        self.node.get(word).and_then(Json::as_f64)
    }

    fn secret(self) -> bool {
        self.node.get("writeOnly") == Some(&Json::Bool(true))
    }

    /// What would be right, in words.
    pub(super) fn expected(self) -> String {
        if let Some(words) = self.words() {
            return format!("write one of {}", words.join(", "));
        }
        let what = [
            ("boolean", "true or false"),
            ("integer", "a whole number"),
            ("number", "a number"),
            ("string", "a text"),
            ("array", "a list"),
            ("object", "a section of keys"),
        ];
        let named = what.iter().find(|(kind, _)| self.node.get("type").is_some() && self.allows(kind));
        let what = named.map_or("a value of another kind", |(_, words)| words);
        match (self.number("minimum"), self.number("maximum")) {
            (Some(low), Some(high)) => format!("write {what} from {low} to {high}"),
            (Some(low), None) => format!("write {what} of at least {low}"),
            (None, Some(high)) => format!("write {what} of at most {high}"),
            (None, None) => match self.number("minLength") {
                Some(length) => format!("write {what} of at least {length} characters"),
                None => format!("write {what}"),
            },
        }
    }
}

/// Finds what is wrong with `value`, which stands at the key `at`.
pub(super) fn check(at: &str, value: &Value, schema: Schema<'_>, problems: &mut Vec<Problem>) {
    if let Some(words) = schema.words() {
        return check_word(at, value, schema, &words, problems);
    }
    let variants = schema.variants();
    if !variants.is_empty() {
        return check_variants(at, value, &variants, problems);
    }
    let fits = match &value.kind {
        ValueKind::Nil => schema.allows("null"),
        ValueKind::Boolean(_) => schema.allows("boolean"),
        ValueKind::I64(_) | ValueKind::U64(_) | ValueKind::I128(_) | ValueKind::U128(_) => {
            schema.allows("integer") || schema.allows("number")
        }
        ValueKind::Float(x) => x.is_finite() && schema.allows("number"),
        ValueKind::String(_) => schema.allows("string"),
        ValueKind::Table(_) => schema.allows("object"),
        ValueKind::Array(_) => schema.allows("array"),
    };
    if !fits {
        return refuse(at, value, schema, problems);
    }
    match &value.kind {
        ValueKind::Table(table) => {
            for (key, inner) in table {
                let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                match schema.key(key) {
                    Some(schema) => check(&path, inner, schema, problems),
                    None if schema.open() => {}
                    None => {
                        let origin = inner.origin().unwrap_or("unknown origin");
                        problems.push(Problem::new(path, origin, "is no setting", instead(key, schema.keys())));
                    }
                }
            }
        }
        ValueKind::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                if let Some(schema) = schema.items() {
                    check(&format!("{at}[{i}]"), item, schema, problems);
                }
            }
        }
        ValueKind::String(text) => {
            if schema.number("minLength").is_some_and(|least| (text.chars().count() as f64) < least) {
                refuse(at, value, schema, problems);
            }
        }
        _ => check_range(at, value, schema, problems),
    }
}

fn check_range(at: &str, value: &Value, schema: Schema<'_>, problems: &mut Vec<Problem>) {
    let number = match value.kind {
        ValueKind::I64(n) => n as f64,
        ValueKind::U64(n) => n as f64,
        ValueKind::Float(x) => x,
        _ => return,
    };
    let too_low = schema.number("minimum").is_some_and(|low| number < low)
        || schema.number("exclusiveMinimum").is_some_and(|low| number <= low);
    let too_high = schema.number("maximum").is_some_and(|high| number > high)
        || schema.number("exclusiveMaximum").is_some_and(|high| number >= high);
    if too_low || too_high {
        refuse(at, value, schema, problems);
    }
}

fn check_word(at: &str, value: &Value, schema: Schema<'_>, words: &[&str], problems: &mut Vec<Problem>) {
    match &value.kind {
        ValueKind::String(text) if words.contains(&text.as_str()) => {}
        ValueKind::String(text) => {
            let expected = instead(text, words.iter().copied());
            problems.push(Problem::new(at, origin(value), format!("is {}", shown(value, schema)), expected));
        }
        _ => refuse(at, value, schema, problems),
    }
}

fn check_variants(at: &str, value: &Value, variants: &[Schema<'_>], problems: &mut Vec<Problem>) {
    let mut first = None;
    for variant in variants.iter().filter(|variant| !variant.wants("null")) {
        let mut found = Vec::new();
        check(at, value, *variant, &mut found);
        if found.is_empty() {
            return;
        }
        first.get_or_insert(found);
    }
    problems.extend(first.into_iter().flatten());
}

fn refuse(at: &str, value: &Value, schema: Schema<'_>, problems: &mut Vec<Problem>) {
    problems.push(Problem::new(at, origin(value), format!("is {}", shown(value, schema)), schema.expected()));
}

fn origin(value: &Value) -> &str {
    value.origin().unwrap_or("unknown origin")
}

/// The value as it was written, shortened; never a secret.
fn shown(value: &Value, schema: Schema<'_>) -> String {
    const LONGEST: usize = 64;
    if schema.secret() {
        return "a value that is not shown".to_owned();
    }
    match &value.kind {
        ValueKind::Nil => "absent".to_owned(),
        ValueKind::Table(_) => "a section".to_owned(),
        ValueKind::Array(_) => "a list".to_owned(),
        ValueKind::String(text) if text.chars().count() > LONGEST => {
            format!("\"{} ...\"", text.chars().take(LONGEST).collect::<String>().escape_debug())
        }
        ValueKind::String(text) => format!("\"{}\"", text.escape_debug()),
        other => other.to_string(),
    }
}
