//! Mappings: how the fields of somebody else's history become ours.
//!
//! A mapping is a TOML file. Its table `[fields]` names, for every field of ours that is to be filled, the
//! expression that fills it. Everything is checked when the file is loaded; a refusal names line and column.
//!
//! ```text
//! file     = [ format = "jsonl" | "csv" ]  [fields] { target = expr }
//! target   = "session_id" | "original_prompt" | "improved_prompt" | "event_time" | "project_type" | "domain"
//!          | "complexity" | "team_size" | "quality_score" | "improvement_score"
//!          | "before_metrics" = { metric = expr }           a table of scores
//!          | "tags"           = { name = expr }             a table of anything worth keeping
//!          | "rules"          = group | [ group, ... ]      fields as of a rule application
//!          | "feedback"       = group | [ group, ... ]      fields as of a feedback entry
//! group    = { [ each = path, [ split = text ] ] field = expr, ... }
//! expr     = path                                           short for { path = path }
//!          | { path = path | const = scalar | format = text-with-{path}, modifier ... }
//! modifier = absent_if = [ scalar, ... ]                    these values count as absent; null always does
//!          | map = { from = scalar, ... }                   a lookup by the value's text
//!          | others = "refuse" | "keep" | "skip"            what becomes of values `map` does not list
//!          | scale = number | offset = number               value * scale + offset
//!          | clamp = [ low, high ]
//!          | time = "rfc3339" | "unix_s" | "unix_ms" | "unix_us"
//!          | default = scalar                               where the value is absent
//! path     = ( name | "$" ) { "." name | "[" index "]" }
//! name     = characters other than . [ ] { } $ and quotes, or any in double quotes
//! ```
//!
//! A group with `each` makes one entry for every element of that list, in which `$` is the element; `split` cuts a
//! text into a list first. A group without makes at most one entry. An entry without its first field (`rule_id`,
//! `rating`) is left out. Modifiers apply in the order in which the grammar lists them.

use std::borrow::Cow;
use std::path::Path as FilePath;
use std::sync::Arc;

use souffleur_core::error::Invalid;
use souffleur_core::records::Session;

use crate::error::MappingError;
use crate::node::Node;
use crate::source::Format;

mod expr;
mod load;
mod path;
mod targets;

/// A compiled mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapping {
    file: Arc<str>,
    format: Option<Format>,
    /// The fields of a line that are looked at, sorted.
    slots: Vec<String>,
    plan: targets::Plan,
}

impl Mapping {
    /// Compiles the text of a mapping file; `file` is its name in errors.
    ///
    /// # Errors
    /// The first thing wrong with it, with line and column.
    pub fn parse(file: impl Into<Arc<str>>, text: &str) -> Result<Self, MappingError> {
        load::load(&file.into(), text)
    }

    /// Reads and compiles a mapping file.
    ///
    /// # Errors
    /// The file cannot be read, or the first thing wrong with it.
    pub fn read(path: impl AsRef<FilePath>) -> Result<Self, MappingError> {
        let path = path.as_ref();
        let file: Arc<str> = Arc::from(&*path.to_string_lossy());
        let text = std::fs::read_to_string(path).map_err(|e| {
            let message = format!("the mapping cannot be read: {e}");
            MappingError { file: Arc::clone(&file), line: 1, column: 1, message }
        })?;
        Self::parse(file, &text)
    }

    /// A mapping that takes a CSV's columns as what their names say: `domain`, `before_metrics.clarity`, `tags.user`.
    pub(crate) fn of_header(file: &Arc<str>, header: &[String]) -> Result<Self, MappingError> {
        let mut text = String::from("[fields]\n");
        for name in header {
            let target = name.split('.').map(quoted).collect::<Vec<_>>().join(".");
            text.push_str(&format!("{target} = {}\n", quoted(&format!("\"{name}\""))));
        }
        Self::parse(Arc::clone(file), &text).map_err(|e| MappingError {
            file: Arc::clone(file),
            line: 1,
            column: 1,
            message: format!("the header does not name our fields: {}; or write a mapping", e.message),
        })
    }

    /// How files under this mapping are written, if it says so.
    #[must_use]
    pub fn format(&self) -> Option<Format> {
        self.format
    }

    /// The fields of a line it looks at, sorted.
    #[must_use]
    pub fn source_fields(&self) -> &[String] {
        &self.slots
    }

    /// Where in a header every field it looks at stands.
    pub(crate) fn columns(&self, header: &[String]) -> Result<Vec<usize>, MappingError> {
        let place = |slot: &String| {
            header.iter().position(|name| name == slot).ok_or_else(|| {
                let hint = load::nearest(slot, header.iter().map(String::as_str));
                let message = format!("the file has no column `{slot}`; {hint}");
                MappingError { file: Arc::clone(&self.file), line: 1, column: 1, message }
            })
        };
        self.slots.iter().map(place).collect()
    }

    /// The session that the values of its source fields make. It is not validated yet.
    pub(crate) fn session(&self, slots: &[Node<'_>]) -> Result<Session, Invalid> {
        self.plan.session(slots)
    }
}

/// A basic string of TOML.
fn quoted(text: &str) -> Cow<'_, str> {
    Cow::Owned(toml::Value::String(text.to_owned()).to_string())
}
