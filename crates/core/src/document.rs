//! Records whose body is a JSON document: experiments, adversarial examples, patterns, insights, results.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::Seq;
use crate::time::Timestamp;

/// Which table a document stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// A designed experiment.
    Experiments,
    /// One unit's assignment and outcome in an experiment.
    ExperimentUnits,
    /// A known attack.
    AdversarialExamples,
    /// What a component submitted.
    Results,
    /// A pattern a component found.
    Patterns,
    /// An insight a component derived.
    Insights,
    /// A change of a component's health.
    HealthEvents,
    /// Where a component left off.
    Checkpoints,
}

impl DocumentKind {
    /// All kinds, in table order.
    pub const ALL: [DocumentKind; 8] = [
        Self::Experiments,
        Self::ExperimentUnits,
        Self::AdversarialExamples,
        Self::Results,
        Self::Patterns,
        Self::Insights,
        Self::HealthEvents,
        Self::Checkpoints,
    ];

    /// The table's name.
    #[must_use]
    pub fn table(self) -> &'static str {
        match self {
            Self::Experiments => "experiments",
            Self::ExperimentUnits => "experiment_units",
            Self::AdversarialExamples => "adversarial_examples",
            Self::Results => "results",
            Self::Patterns => "patterns",
            Self::Insights => "insights",
            Self::HealthEvents => "health_events",
            Self::Checkpoints => "checkpoints",
        }
    }
}

/// A document to be appended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDocument {
    /// The component (or other subject) it belongs to.
    pub subject: String,
    /// When it happened; the time of arrival if absent.
    #[serde(default)]
    pub event_time: Option<Timestamp>,
    /// The document itself.
    pub body: Value,
}

/// A stored document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Document {
    /// Its place in the global order.
    pub seq: Seq,
    /// The component (or other subject) it belongs to.
    pub subject: String,
    /// When it happened.
    pub event_time: Timestamp,
    /// When the hub learnt it.
    pub known_time: Timestamp,
    /// The document itself.
    pub body: Value,
}
