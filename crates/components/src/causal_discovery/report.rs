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
    /// Whether something unrecorded may act on two variables.
    pub hidden: bool,
    /// Resamples that confidence was counted in.
    pub resamples: usize,
    /// The graph in Graphviz' DOT; the label is the confidence. A line without arrowhead: the direction is not known. Where something unrecorded
    /// may act on two variables, an arrow with two heads: it does, and neither acts on the other; a circle at an end: it cannot be told
    /// whether what is there acts on the other.
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
    /// What it is joined to, without it being known which acts on which, or, where something unrecorded may act on both, whether either does.
    pub undecided: Vec<String>,
    /// What it is joined to because something unrecorded acts on both; neither acts on the other.
    pub hidden: Vec<String>,
}

/// What an edge says. "Acts" means directly or by way of something unrecorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// The first acts on the second: an arrow.
    Acts,
    /// One acts on the other, and it cannot be told which: a line.
    Either,
    /// The first acts on the second, or something unrecorded acts on both, or both is true; the second does not act on the first: an arrow that
    /// begins with a circle.
    ActsOrHidden,
    /// Something unrecorded acts on both, and neither acts on the other: an arrow with two heads.
    Hidden,
    /// One acts on the other, or something unrecorded acts on both, and it cannot be told which: a line with a circle at each end.
    Open,
}

/// One edge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EdgeReport {
    /// The cause, if there is one; otherwise one of both.
    pub from: String,
    /// The effect, or the other.
    pub to: String,
    /// What the edge says of them.
    pub relation: Relation,
    /// Whether it is known that the first acts on the second.
    pub directed: bool,
    /// Share of the resamples in which both are joined, in [0, 1].
    pub confidence: f64,
    /// Share of the resamples in which the edge says the same as here; in [0, 1].
    pub direction_confidence: f64,
    /// How much of the effect goes with the cause when its other causes, and what may be one, are held fixed: a partial correlation, in
    /// [-1, 1], above 0 where more of one is more of the other. None for categories.
    pub strength: Option<f64>,
    /// All of it in words.
    pub words: String,
}
