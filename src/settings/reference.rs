//! Renders the manual of the settings: every key with its meaning, its kind and its default.

use serde_json::Value as Json;
use souffleur_core::catalogue::Entry;
use souffleur_core::error::ComponentError;

use super::check::Schema;
use super::{Settings, schema};

const HEAD: &str = "\
# Every setting there is, with its default. Written by `souffleur config reference`; do not edit.
#
# A file needs only the keys it changes. A variable `SOUFFLEUR__SECTION__KEY` is stronger than the file,
# a flag is stronger than both.
";

/// Widest line of a comment.
const WIDTH: usize = 110;

/// The reference as TOML: `config/reference.toml`.
///
/// # Errors
/// If a component's defaults cannot be written.
pub fn reference(catalogue: &[Entry]) -> Result<String, ComponentError> {
    let schema = schema(catalogue);
    let defaults = serde_json::to_value(Settings::default())
        .map_err(|e| ComponentError::Data(format!("the defaults cannot be written: {e}")))?;
    let mut out = HEAD.to_owned();
    let root = Schema::new(&schema);
    for name in root.keys().filter(|name| *name != "components") {
        if let (Some(section), Some(values)) = (root.key(name), defaults.get(name)) {
            table(&mut out, name, section, values, description(section));
        }
    }
    let Some(components) = root.key("components") else { return Ok(out) };
    for entry in catalogue {
        if let Some(section) = components.key(&entry.name) {
            let name = format!("components.{}", entry.name);
            table(&mut out, &name, section, &entry.runner.default_params()?, entry.spec().summary);
        }
    }
    Ok(out)
}

fn description(schema: Schema<'_>) -> &str {
    schema.json().get("description").and_then(Json::as_str).unwrap_or_default()
}

/// One section: first its keys, then the sections inside it.
fn table(out: &mut String, name: &str, schema: Schema<'_>, values: &Json, summary: &str) {
    out.push('\n');
    comment(out, summary);
    out.push_str(&format!("[{name}]\n"));
    let sections: Vec<_> = schema.keys().filter_map(|key| Some((key, schema.key(key)?))).collect();
    let is_section = |inner: Schema<'_>| inner.keys().next().is_some();
    for (key, inner) in sections.iter().filter(|(_, inner)| !is_section(*inner)) {
        comment(out, description(*inner));
        comment(out, &kind(key, *inner));
        match values.get(key) {
            None | Some(Json::Null) => out.push_str(&format!("# {key} = (not set)\n")),
            Some(value) => out.push_str(&format!("{key} = {}\n", inline(value))),
        }
    }
    for (key, inner) in sections.iter().filter(|(_, inner)| is_section(*inner)) {
        let values = values.get(key).unwrap_or(&Json::Null);
        table(out, &format!("{name}.{key}"), *inner, values, description(*inner));
    }
}

/// What kind of value a key takes, and in which unit.
fn kind(key: &str, schema: Schema<'_>) -> String {
    let units = [("_ms", "milliseconds"), ("_bytes", "bytes"), ("_per_s", "per second"), ("_percent", "per cent")];
    let unit = units.iter().find(|(suffix, _)| key.ends_with(suffix)).map_or("", |(_, unit)| unit);
    let expected = schema.expected();
    let what = expected.strip_prefix("write ").unwrap_or(&expected);
    let mut text = what.to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    if unit.is_empty() { format!("{text}.") } else { format!("{text}, in {unit}.").replace(", in per", ", per") }
}

fn comment(out: &mut String, text: &str) {
    for paragraph in text.lines() {
        let mut line = String::from("#");
        for word in paragraph.split_whitespace() {
            if line.len() + 1 + word.len() > WIDTH {
                out.push_str(&line);
                out.push_str("\n#");
                line.clear();
            }
            line.push(' ');
            line.push_str(word);
        }
        out.push_str(&line);
        out.push('\n');
    }
}

/// A value as TOML, on one line.
fn inline(value: &Json) -> String {
    match value {
        Json::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Json::Object(fields) => {
            let known = fields.iter().filter(|(_, value)| !value.is_null());
            let fields: Vec<_> = known.map(|(key, value)| format!("{} = {}", inline_key(key), inline(value))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Json::String(text) => toml::Value::String(text.clone()).to_string(),
        other => other.to_string(),
    }
}

fn inline_key(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { key.to_owned() } else { toml::Value::String(key.to_owned()).to_string() }
}
