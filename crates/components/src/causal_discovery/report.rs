//! What a training run found.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The causal graph of the history, as far as it can be told from what was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// What a person should know, one sentence each.
    pub summary: Vec<String>,
    /// Sessions whose outcome is known.
    pub sessions: usize,
    /// Those of them that were looked at.
    pub sessions_used: usize,
    /// The variables, in time order.
    pub variables: Vec<VariableReport>,
    /// Variables left out because they do not vary.
    pub left_out: Vec<String>,
    /// Variables that the configuration names and that are none here.
    pub unknown: Vec<String>,
    /// The edges, those to the outcome first, then the surest first.
    pub edges: Vec<EdgeReport>,
    /// Independence tests made for the graph.
    pub tests: u64,
    /// Most variables that were held fixed in one.
    pub condition_max: usize,
    /// Resamples that confidence was counted in.
    pub resamples: usize,
    /// The graph in Graphviz' DOT: no arrowhead where the direction is not known, the label is the confidence.
    pub dot: String,
}

/// One variable.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct VariableReport {
    /// Its name.
    pub name: String,
    /// When it is known: `context`, `prompt`, `rules` or `outcome`.
    pub known: String,
    /// What acts on it.
    pub causes: Vec<String>,
    /// What it is joined to, without it being known which acts on which.
    pub undecided: Vec<String>,
}

/// One edge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EdgeReport {
    /// The cause, or of an edge without direction one of both.
    pub from: String,
    /// The effect, or the other.
    pub to: String,
    /// Whether it is known which of both acts on the other.
    pub directed: bool,
    /// Share of the resamples in which both are joined, in [0, 1].
    pub confidence: f64,
    /// Share of the resamples in which the edge points as it does here (of one without direction, has none); in [0, 1].
    pub direction_confidence: f64,
    /// How much of the effect goes with the cause when its other causes are held fixed: a partial correlation, in [-1, 1], above
    /// 0 where more of one is more of the other. None for categories.
    pub strength: Option<f64>,
    /// All of it in words.
    pub words: String,
}
