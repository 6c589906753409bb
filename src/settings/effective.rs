//! Every setting as it is in force, and where it was set.

use config::{Value, ValueKind};
use serde::Serialize;
use serde_json::Value as Json;
use souffleur_core::catalogue::Entry;

use super::{DEFAULTS_NAME, Settings, SettingsError, Sources, layers, merge};

/// One setting in force. Secrets are not shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Effective {
    /// The key, dotted.
    pub key: String,
    /// Its value.
    pub value: Json,
    /// Where it was set: `default`, `file:line`, the variable's name, the flag.
    pub origin: String,
}

/// Every setting in force, sections in order, the components' own defaults included.
///
/// # Errors
/// As [`Settings::load`].
pub fn effective(sources: &Sources, catalogue: &[Entry]) -> Result<Vec<Effective>, SettingsError> {
    let (schema, layers) = layers(sources, catalogue)?;
    let (settings, tree) = merge(layers, &schema, catalogue)?;
    let mut found = Vec::new();
    for entry in catalogue {
        let own = settings.components.get(entry.name.as_ref());
        let mut section = entry.runner.default_params().unwrap_or_default();
        overlay(&mut section, own.unwrap_or(&Json::Null));
        leaves(&format!("components.{}", entry.name), &section, &tree, &mut found);
    }
    let components = std::mem::take(&mut found);
    leaves("", &shown(&settings), &tree, &mut found);
    found.retain(|setting| !setting.key.starts_with("components"));
    found.extend(components);
    Ok(found)
}

fn shown(settings: &Settings) -> Json {
    serde_json::to_value(settings).unwrap_or_default()
}

/// Lays the keys that were set over the defaults.
fn overlay(defaults: &mut Json, set: &Json) {
    match (defaults, set) {
        (Json::Object(defaults), Json::Object(set)) => {
            for (key, value) in set {
                overlay(defaults.entry(key.clone()).or_insert(Json::Null), value);
            }
        }
        (_, Json::Null) => {}
        (defaults, set) => *defaults = set.clone(),
    }
}

fn leaves(at: &str, value: &Json, tree: &Value, found: &mut Vec<Effective>) {
    match value {
        Json::Object(fields) if !fields.is_empty() => {
            for (key, inner) in fields {
                let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                leaves(&path, inner, tree, found);
            }
        }
        _ => found.push(Effective { key: at.to_owned(), value: value.clone(), origin: origin(tree, at) }),
    }
}

/// Where exactly this key was set last; `default` if nobody set it.
fn origin(tree: &Value, key: &str) -> String {
    let leaf = key.split('.').try_fold(tree, |node, part| match &node.kind {
        ValueKind::Table(table) => table.get(part),
        _ => None,
    });
    let origin = leaf.and_then(|leaf| match &leaf.kind {
        ValueKind::Array(items) => leaf.origin().or_else(|| items.first().and_then(Value::origin)),
        _ => leaf.origin(),
    });
    match origin {
        Some(origin) if !origin.starts_with(DEFAULTS_NAME) => origin.to_owned(),
        _ => "default".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_where_each_setting_comes_from_and_keeps_secrets() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.toml");
        std::fs::write(&path, "[http]\nport = 1\napi_keys = [\"0123456789abcdef\"]\n").unwrap();
        let sources =
            Sources::new().file(&path).environment([("SOUFFLEUR__HTTP__BURST", "9")]).set("data.dir", "d", "--set");
        let settings = effective(&sources, &[]).unwrap();
        let of =
            |key: &str| settings.iter().find(|s| s.key == key).map(|s| (s.value.clone(), s.origin.as_str())).unwrap();
        assert_eq!(of("http.port"), (1.into(), format!("{}:2", path.display()).as_str()));
        assert_eq!(of("http.burst"), (9.into(), "SOUFFLEUR__HTTP__BURST"));
        assert_eq!(of("data.dir"), ("d".into(), "--set"));
        assert_eq!(of("http.workers"), (2.into(), "default"));
        assert!(!format!("{settings:?}").contains("0123456789abcdef"));
    }
}
