//! The model registry: every model is a version of its component, with a stage, a manifest and perhaps aliases.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Commit, Metrics, ModelRow, StoreError};
use crate::ids::{DataVersion, Seq};
use crate::time::Timestamp;

/// Where a model stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Committed, and not (yet) promoted.
    Candidate,
    /// The one that answers. A component has one at most.
    Live,
    /// Was live once, or has lost its snapshot.
    Archived,
}

impl Stage {
    /// The stage's name, as stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Candidate => "candidate",
            Self::Live => "live",
            Self::Archived => "archived",
        }
    }

    /// Reads a stage's name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Candidate, Self::Live, Self::Archived].into_iter().find(|stage| stage.name() == name)
    }
}

/// What a model was made with, beside its data and its seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    /// Name and version of the program.
    pub program: String,
    /// The component's configuration section; null for all defaults.
    pub params: Value,
    /// Version of the snapshot's layout.
    pub snapshot_version: u32,
    /// The model it started from.
    pub previous: Option<String>,
    /// The run whose report it was handed, by producer.
    pub products: BTreeMap<String, String>,
    /// Whether it passes the gate and is to be live at once.
    pub promote: bool,
    /// What the gate said.
    pub gate: String,
}

impl Default for Origin {
    fn default() -> Self {
        Self {
            program: String::new(),
            params: Value::Null,
            snapshot_version: 0,
            previous: None,
            products: BTreeMap::new(),
            promote: true,
            gate: String::new(),
        }
    }
}

/// What a model is and what it was made from: enough to make it again, to the byte.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// Version of this list's layout.
    pub format: u32,
    /// The model's name.
    pub model_id: String,
    /// Whose model.
    pub component: String,
    /// Its number among the component's models, from 1.
    pub version: i64,
    /// The run that made it.
    pub run_id: String,
    /// Name and version of the program that made it.
    pub program: String,
    /// The component's configuration section; null for all defaults.
    pub params: Value,
    /// SHA-256 of the section as compact JSON with sorted keys.
    pub params_sha256: String,
    /// The seed.
    pub seed: u64,
    /// The data.
    pub data: DataVersion,
    /// How many rows.
    pub rows: u64,
    /// SHA-256 of the row numbers as they are stored.
    pub rows_sha256: String,
    /// Figures about the model.
    #[schemars(with = "Vec<crate::component::Measurement>")]
    #[serde(deserialize_with = "figures")]
    pub metrics: Metrics,
    /// SHA-256 of the snapshot.
    pub snapshot_sha256: String,
    /// Size of the snapshot.
    pub snapshot_bytes: u64,
    /// Version of the snapshot's layout.
    pub snapshot_version: u32,
    /// The model it started from.
    pub previous: Option<String>,
    /// The run whose report it was handed, by producer.
    pub products: BTreeMap<String, String>,
    /// What the gate said.
    pub gate: String,
    /// When it was committed.
    pub created: Timestamp,
}

/// Reads figures; one that is not finite is null in JSON.
fn figures<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Metrics, D::Error> {
    #[derive(Deserialize)]
    struct Figure {
        metric: String,
        value: Option<f64>,
    }
    let figures = Vec::<Figure>::deserialize(deserializer)?;
    let number = |figure: Figure| crate::component::Measurement::new(figure.metric, figure.value.unwrap_or(f64::NAN));
    Ok(figures.into_iter().map(number).collect())
}

/// One model in a listing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VersionRow {
    /// Its place in the global order.
    pub seq: Seq,
    /// Its name.
    pub model_id: String,
    /// Whose.
    pub component: String,
    /// Its number among the component's models, from 1.
    pub version: i64,
    /// Where it stands.
    pub stage: Stage,
    /// Why it stands there.
    pub reason: String,
    /// When it was committed.
    pub created: Timestamp,
    /// The data it was trained on.
    pub data: DataVersion,
    /// Size of its snapshot when it was committed.
    pub snapshot_bytes: u64,
    /// Whether its snapshot is still kept.
    pub kept: bool,
    /// Whether rows it was made from were erased: it is never served again.
    pub erased: bool,
    /// Its other names.
    pub aliases: Vec<String>,
}

/// Which models a listing shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionPage {
    /// Only this component's.
    pub component: Option<String>,
    /// Only those at this stage.
    pub stage: Option<Stage>,
    /// Only those before this place in the global order: the last one of the page before.
    pub before: Option<Seq>,
    /// At most this many, the newest ones.
    pub limit: usize,
}

/// Whether a model is what was committed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Manifest, rows and snapshot are what was signed with this key.
    Intact,
    /// Something is not what was signed.
    Changed {
        /// What, and how.
        what: String,
    },
    /// It was signed with another key: nothing can be said.
    OtherKey {
        /// The fingerprint of that key.
        signed_by: String,
    },
    /// It was made before there was a registry, or by a program without a key.
    Unsigned,
    /// What is left is as it was signed; the snapshot was given up.
    Incomplete {
        /// Why.
        why: String,
    },
}

/// A stored model and whether it may be served.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredModel {
    /// The model.
    pub model: ModelRow,
    /// What is wrong with it.
    pub flaw: Option<String>,
}

/// The registry of models.
pub trait Registry: Send + Sync {
    /// The models of a page, newest first.
    ///
    /// # Errors
    /// If the database fails.
    fn versions(&self, page: &VersionPage) -> Result<Vec<VersionRow>, StoreError>;

    /// The model of this name: its own, `component@alias`, `component@live`, `component@newest` or `component@NUMBER`.
    ///
    /// # Errors
    /// [`StoreError::Unknown`], or if the database fails.
    fn version(&self, name: &str) -> Result<VersionRow, StoreError>;

    /// The model at a place in the global order.
    ///
    /// # Errors
    /// [`StoreError::Unknown`], or if the database fails.
    fn at(&self, seq: Seq) -> Result<VersionRow, StoreError>;

    /// The manifest of the model at a place; `None` if there is no model, or it was made before there was a registry.
    ///
    /// # Errors
    /// If the database fails.
    fn manifest(&self, seq: Seq) -> Result<Option<Manifest>, StoreError>;

    /// Checks a model against its manifest, and the manifest against its signature.
    ///
    /// # Errors
    /// If there is none at this place, or the database fails.
    fn verify(&self, seq: Seq) -> Result<Verdict, StoreError>;

    /// The models a component may serve, best first: the live one, then the newest others that were live before it.
    ///
    /// # Errors
    /// If the database fails.
    fn servable(&self, component: &str, limit: usize) -> Result<Vec<Seq>, StoreError>;

    /// A model with its snapshot, checked against the hash it was committed with.
    ///
    /// # Errors
    /// [`StoreError::Unknown`], or if the database fails.
    fn stored(&self, seq: Seq) -> Result<StoredModel, StoreError>;

    /// Whether these bytes are a model's snapshot, as it was committed. Of one without a manifest that is not known.
    ///
    /// # Errors
    /// If the database fails.
    fn is_snapshot(&self, seq: Seq, snapshot: &[u8]) -> Result<bool, StoreError>;

    /// The report of a run that succeeded; `None` if there is none (any more).
    ///
    /// # Errors
    /// If the database fails.
    fn report(&self, run_id: &str) -> Result<Option<Value>, StoreError>;

    /// Makes a model the live one. The one before is archived, its snapshot kept. Others on the same database are told.
    /// Refused for one whose snapshot is gone.
    fn promote(&self, seq: Seq, reason: &str) -> Commit<VersionRow>;

    /// Gives a model another name within its component; takes it from the one that had it.
    fn set_alias(&self, seq: Seq, alias: &str) -> Commit<VersionRow>;

    /// Takes a name away. `false` if nothing had it.
    fn drop_alias(&self, component: &str, alias: &str) -> Commit<bool>;
}
