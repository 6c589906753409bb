//! Typed settings, merged from several sources and refused with a reason.
//!
//! From the weakest to the strongest: the embedded `config/default.toml`, a file, the environment
//! (`SOUFFLEUR__SECTION__KEY`), single keys set by the caller (flags). Each source is checked by itself, so that
//! an error can say which file and line, variable or flag it is about.

use std::fmt;
use std::path::{Path, PathBuf};

use config::{Value, ValueKind};
use schemars::generate::SchemaSettings;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use souffleur_core::catalogue::Entry;

mod check;
mod effective;
mod layer;
mod lower;
mod reference;
mod sections;

pub use effective::{Effective, effective};
pub use reference::reference;
pub use sections::{
    Analytics, ApiKey, Cache, Contract, Data, DatabaseUrl, Durability, Health, Http, Loader, LogFormat, ModelKey,
    Registry, Retention, Settings, Store, Supervision, Telemetry,
};

use check::{Schema, check};
use layer::{Layer, Shape};

/// The defaults, as shipped.
const DEFAULTS: &str = include_str!("../../config/default.toml");

/// What an error calls the defaults.
const DEFAULTS_NAME: &str = "the defaults";

/// What a variable of the environment that is a setting begins with.
pub const PREFIX: &str = "SOUFFLEUR__";

/// Largest file of settings that is read.
const FILE_LIMIT_BYTES: u64 = 1 << 20;

/// Most problems one error lists.
const PROBLEMS_MAX: usize = 50;

/// One thing wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The key, dotted; empty if the source as a whole is meant.
    pub key: String,
    /// Where it was set: `file:line`, the variable's name, the flag.
    pub origin: String,
    /// What is wrong, with the value.
    pub problem: String,
    /// What would be right.
    pub expected: String,
}

impl Problem {
    fn new(
        key: impl Into<String>,
        origin: impl Into<String>,
        problem: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self { key: key.into(), origin: origin.into(), problem: problem.into(), expected: expected.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, origin, problem, expected } = self;
        if key.is_empty() {
            write!(f, "{origin}: {problem}; {expected}")
        } else {
            write!(f, "{origin}: `{key}` {problem}; {expected}")
        }
    }
}

/// Why settings were refused: everything wrong with the first source that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError {
    /// What is wrong; never empty.
    pub problems: Vec<Problem>,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}

impl From<Problem> for SettingsError {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}

/// Where settings come from, beside the defaults.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    file: Option<PathBuf>,
    environment: Vec<(String, String)>,
    overrides: Vec<(String, String, String)>,
}

impl Sources {
    /// The defaults alone.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a TOML file as well. It must be there.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(path.into());
        self
    }

    /// Reads variables as well, [`std::env::vars_os`] for example; those that do not begin with [`PREFIX`] are passed over.
    #[must_use]
    pub fn environment<K, V>(mut self, variables: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: AsRef<std::ffi::OsStr>,
        V: AsRef<std::ffi::OsStr>,
    {
        let text = |s: &std::ffi::OsStr| s.to_string_lossy().into_owned();
        let ours = variables.into_iter().map(|(name, value)| (text(name.as_ref()), text(value.as_ref())));
        self.environment.extend(ours.filter(|(name, _)| name.starts_with(PREFIX)));
        self.environment.sort();
        self
    }

    /// Sets one key, as a flag does. `origin` is what an error calls it (`--port`).
    #[must_use]
    pub fn set(mut self, key: impl Into<String>, value: impl Into<String>, origin: impl Into<String>) -> Self {
        self.overrides.push((key.into(), value.into(), origin.into()));
        self
    }
}

impl Settings {
    /// Reads, checks and merges settings. `catalogue` says which components there are and what their sections may hold.
    ///
    /// # Errors
    /// A file that cannot be read, and every key that is unknown, of the wrong type or out of range in the first
    /// source that has such a key.
    pub fn load(sources: &Sources, catalogue: &[Entry]) -> Result<Self, SettingsError> {
        let (schema, layers) = layers(sources, catalogue)?;
        merge(layers, &schema, catalogue).map(|(settings, _)| settings)
    }
}

/// Reads every source, from the weakest to the strongest, and the schema they are held against.
fn layers(sources: &Sources, catalogue: &[Entry]) -> Result<(Json, Vec<Layer>), SettingsError> {
    let schema = schema(catalogue);
    let mut layers = vec![layer::from_toml(DEFAULTS_NAME, DEFAULTS)?];
    if let Some(path) = &sources.file {
        layers.push(layer::from_toml(&path.display().to_string(), &read(path)?)?);
    }
    for (name, value) in &sources.environment {
        let key = name.strip_prefix(PREFIX).unwrap_or_default().to_lowercase().replace("__", ".");
        layers.push(single(&schema, &key, value, name));
    }
    for (key, value, origin) in &sources.overrides {
        layers.push(single(&schema, key, value, origin));
    }
    Ok((schema, layers))
}

fn single(schema: &Json, key: &str, value: &str, origin: &String) -> Layer {
    let path: Vec<String> = key.split('.').map(|part| part.replace('-', "_")).collect();
    let leaf = path.iter().try_fold(Schema::new(schema), |schema, part| schema.key(part));
    let shape = match leaf {
        Some(leaf) if leaf.wants("array") => Shape::List,
        Some(leaf) if leaf.wants("string") => Shape::Text,
        _ => Shape::Other,
    };
    layer::from_text(&path, value, shape, origin)
}

fn read(path: &Path) -> Result<String, Problem> {
    let name = path.display().to_string();
    let refused =
        |e: std::io::Error| Problem::new("", &name, format!("cannot be read: {e}"), "name a file of settings");
    let length = std::fs::metadata(path).map_err(refused)?.len();
    if length > FILE_LIMIT_BYTES {
        let expected = format!("at most {FILE_LIMIT_BYTES} are read");
        return Err(Problem::new("", &name, format!("has {length} bytes"), expected));
    }
    std::fs::read_to_string(path).map_err(refused)
}

/// Lays the sources over each other: the settings, and the tree that knows where each of them was set.
fn merge(layers: Vec<Layer>, schema: &Json, catalogue: &[Entry]) -> Result<(Settings, Value), SettingsError> {
    let mut builder = config::Config::builder();
    for layer in layers {
        let mut problems = Vec::new();
        check("", &layer.0, Schema::new(schema), &mut problems);
        if !problems.is_empty() {
            problems.truncate(PROBLEMS_MAX);
            return Err(SettingsError { problems });
        }
        builder = builder.add_source(layer);
    }
    let unmerged = |e: config::ConfigError| Problem::new("", "all sources", e.to_string(), "correct the value");
    let merged = builder.build().map_err(unmerged)?;
    let tree = merged.cache.clone();
    let settings: Settings = merged.try_deserialize().map_err(unmerged)?;
    let mut problems = together(&settings, &tree);
    problems.extend(components(&settings, &tree, catalogue));
    if problems.is_empty() { Ok((settings, tree)) } else { Err(SettingsError { problems }) }
}

/// Checks what no single key can be blamed for.
fn together(settings: &Settings, tree: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    let http = &settings.http;
    if !http.bind.is_loopback() && http.api_keys.is_empty() {
        let problem = format!("is {}, which others can reach, and there is no API key", http.bind);
        let expected = "set `http.api_keys`, or bind to 127.0.0.1";
        problems.push(Problem::new("http.bind", origin(tree, "http.bind"), problem, expected));
    }
    if let Some(url) = settings.store.url.reveal() {
        let wrong = if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            Some(("is no address of a PostgreSQL database", "write postgres://user@host/database"))
        } else if cfg!(not(feature = "postgres")) {
            Some((
                "names a PostgreSQL database, which this program was built without",
                "build it with --features postgres",
            ))
        } else {
            None
        };
        if let Some((problem, expected)) = wrong {
            problems.push(Problem::new("store.url", origin(tree, "store.url"), problem, expected));
        }
    }
    if let Some(url) = settings.cache.redis_url.reveal()
        && let Err((problem, expected)) = redis(url)
    {
        problems.push(Problem::new("cache.redis_url", origin(tree, "cache.redis_url"), problem, expected));
    }
    if let Err(invalid) = settings.contract().check() {
        let key = format!("contract.{}", invalid.at);
        problems.push(Problem::new(&key, origin(tree, &key), invalid.problem, invalid.expected));
    }
    if let Err(invalid) = settings.kernel().check() {
        let key = lower::key(&invalid.at);
        problems.push(Problem::new(&key, origin(tree, &key), invalid.problem, invalid.expected));
    }
    problems
}

/// What is wrong with the address of a Redis server, and what would be right.
#[cfg(feature = "redis")]
fn redis(url: &str) -> Result<(), (String, &'static str)> {
    let expected = "write redis://:password@host:6379/0 or redis+unix:///path/of/its/socket";
    souffleur_cache::check_url(url).map_err(|error| (error.to_string(), expected))
}

#[cfg(not(feature = "redis"))]
fn redis(_: &str) -> Result<(), (String, &'static str)> {
    let problem = "names a Redis server, which this program was built without";
    Err((problem.to_owned(), "build it with --features redis"))
}

/// Lets every component check its own section.
fn components(settings: &Settings, tree: &Value, catalogue: &[Entry]) -> Vec<Problem> {
    let refusal = |entry: &Entry| {
        let section = settings.components.get(entry.name.as_ref())?;
        let error = entry.runner.params(section).err()?;
        let own = format!("components.{}", entry.name);
        let (key, problem, expected) = match error {
            souffleur_core::error::ComponentError::Params(invalid) => {
                let inside = invalid.at.strip_prefix(&own).unwrap_or(&invalid.at).trim_start_matches('.');
                let key = if inside.is_empty() { own } else { format!("{own}.{inside}") };
                (key, invalid.problem, invalid.expected)
            }
            other => (own, other.to_string(), "see `souffleur config reference`".to_owned()),
        };
        Some(Problem::new(&key, origin(tree, &key), problem, expected))
    };
    catalogue.iter().filter_map(refusal).collect()
}

/// Where the value at `key` was set last; for a section, where its first value was.
fn origin(tree: &Value, key: &str) -> String {
    let mut node = tree;
    for part in key.split('.') {
        match &node.kind {
            ValueKind::Table(table) if table.contains_key(part) => node = &table[part],
            _ => break,
        }
    }
    first_origin(node).unwrap_or("the settings taken together").to_owned()
}

fn first_origin(node: &Value) -> Option<&str> {
    node.origin().or_else(|| match &node.kind {
        ValueKind::Table(table) => table.values().find_map(first_origin),
        _ => None,
    })
}

/// The JSON schema of the settings, the components' sections included.
#[must_use]
pub fn schema(catalogue: &[Entry]) -> Json {
    let generator = SchemaSettings::draft2020_12().with(|s| s.inline_subschemas = true).into_generator();
    let mut schema = generator.into_root_schema_for::<Settings>().to_value();
    let mut definitions = serde_json::Map::new();
    let mut sections = serde_json::Map::new();
    for entry in catalogue {
        let mut params = entry.runner.schemas().params;
        let base = format!("#/$defs/{}.", entry.name);
        if let Some(Json::Object(own)) = params.as_object_mut().and_then(|params| params.remove("$defs")) {
            for (name, mut definition) in own {
                point_into(&mut definition, &base);
                definitions.insert(format!("{}.{name}", entry.name), definition);
            }
        }
        point_into(&mut params, &base);
        if let Some(params) = params.as_object_mut() {
            params.remove("$schema");
        }
        sections.insert(entry.name.to_string(), params);
    }
    if let Some(components) = schema.pointer_mut("/properties/components").and_then(Json::as_object_mut) {
        components.insert("properties".to_owned(), Json::Object(sections));
        components.insert("additionalProperties".to_owned(), Json::Bool(false));
    }
    if !definitions.is_empty() {
        schema["$defs"] = Json::Object(definitions);
    }
    schema
}

/// Makes the references inside a schema, to `#/$defs/NAME`, point to `{base}NAME`.
pub(crate) fn point_into(schema: &mut Json, base: &str) {
    match schema {
        Json::Object(object) => {
            if let Some(Json::String(reference)) = object.get_mut("$ref")
                && let Some(name) = reference.strip_prefix("#/$defs/")
            {
                *reference = format!("{base}{name}");
            }
            object.values_mut().for_each(|inner| point_into(inner, base));
        }
        Json::Array(items) => items.iter_mut().for_each(|inner| point_into(inner, base)),
        _ => {}
    }
}

/// Settings without a catalogue: the defaults.
impl Default for Settings {
    fn default() -> Self {
        let table = toml::from_str::<toml::Table>(DEFAULTS);
        #[expect(clippy::expect_used, reason = "the text is part of the program, and a test reads it")]
        Settings::deserialize(table.expect("the defaults are TOML")).expect("the defaults are settings")
    }
}

#[cfg(test)]
mod tests;
