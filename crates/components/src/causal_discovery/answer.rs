//! Questions to the graph and their answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_algorithms::causal_discovery::MarkedGraph;
use souffleur_core::error::ComponentError;

use super::model::Model;
use super::report::EdgeReport;

/// Most paths told.
const PATHS_MAX: usize = 50;
/// Most arrows of a path.
const PATH_LENGTH_MAX: usize = 6;

/// What is asked: of a variable, or for the whole graph.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Query {
    /// The variable asked about: `outcome`, `rule:NAME`, or the name of a feature; `project_type` and `domain` as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// Only paths that begin here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Whether to answer with the whole graph, as a list of edges and in Graphviz' DOT.
    pub graph: bool,
}

/// What acts on a variable and what it acts on; the whole graph if it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Answer {
    /// The variable asked about.
    pub of: Option<String>,
    /// In words, one sentence each.
    pub summary: Vec<String>,
    /// What acts on it directly.
    pub parents: Vec<Related>,
    /// What is joined to it and may act on it: it may be the other way round, or something unrecorded may act on both, as the words say.
    pub possible_parents: Vec<Related>,
    /// What it acts on directly.
    pub children: Vec<Related>,
    /// What it may act on, unless something unrecorded acts on both.
    pub possible_children: Vec<Related>,
    /// What it is joined to because something unrecorded acts on both; neither acts on the other.
    pub hidden: Vec<Related>,
    /// Everything from which arrows lead to it.
    pub ancestors: Vec<String>,
    /// The ways along which something acts on it, the shortest first; at most 50, of at most six arrows.
    pub paths: Vec<Vec<String>>,
    /// The whole graph, if it was asked for.
    pub graph: Option<WholeGraph>,
}

/// A variable joined to the one asked about.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Related {
    /// Its name.
    pub name: String,
    /// Share of the resamples in which both are joined, in [0, 1].
    pub confidence: f64,
    /// Partial correlation with the other causes held fixed, in [-1, 1]; none for categories.
    pub strength: Option<f64>,
    /// The edge in words.
    pub words: String,
}

/// The graph for other tools.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct WholeGraph {
    /// All variables.
    pub variables: Vec<String>,
    /// All edges.
    pub edges: Vec<EdgeReport>,
    /// In Graphviz' DOT.
    pub dot: String,
}

/// Answers from a trained model.
pub(super) fn answer(model: &Model, query: &Query) -> Result<Answer, ComponentError> {
    let number = |name: &Option<String>| -> Result<Option<usize>, ComponentError> {
        let Some(name) = name else { return Ok(None) };
        let found = model.number(name);
        let known = || format!("there is no variable `{name}`; there are {}", model.names.join(", "));
        Ok(Some(found.ok_or_else(|| ComponentError::Query(known()))?))
    };
    let (of, from) = (number(&query.of)?, number(&query.from)?);
    let mut answer = Answer::default();
    if query.graph {
        let (variables, edges) = (model.names.clone(), model.edges.clone());
        answer.graph = Some(WholeGraph { variables, edges, dot: model.named.to_dot() });
    }
    let Some(of) = of else {
        if query.graph && from.is_none() {
            return Ok(answer);
        }
        let why = "nothing was asked; give the variable `of`, for example \"outcome\", or `graph`: true";
        return Err(ComponentError::Query(why.to_owned()));
    };
    let name = |v: usize| model.names.get(v).cloned().unwrap_or_default();
    let related = |others: Vec<usize>| -> Vec<Related> {
        let edge = |other: usize| model.edge(&name(other), &name(of)).map(|edge| (name(other), edge));
        let mut related: Vec<Related> = others
            .into_iter()
            .filter_map(edge)
            .map(|(name, edge)| Related {
                name,
                confidence: edge.confidence,
                strength: edge.strength,
                words: edge.words.clone(),
            })
            .collect();
        related.sort_by(|a, b| b.confidence.total_cmp(&a.confidence).then_with(|| a.name.cmp(&b.name)));
        related
    };
    answer.of = Some(name(of));
    answer.parents = related(model.graph.causes(of));
    answer.possible_parents = related(model.graph.possible_causes(of));
    answer.children = related(model.graph.effects(of));
    answer.possible_children = related(model.graph.possible_effects(of));
    answer.hidden = related(model.graph.sharing(of));
    answer.ancestors = model.graph.causes_through_others(of).into_iter().map(name).collect();
    answer.paths = paths(model, of, from).into_iter().map(|path| path.into_iter().map(name).collect()).collect();
    answer.summary = sentences(model, &answer);
    Ok(answer)
}

/// The ways along arrows to a variable, the shortest first and otherwise by the variables' numbers.
fn paths(model: &Model, to: usize, from: Option<usize>) -> Vec<Vec<usize>> {
    let mut found = Vec::new();
    let mut open = vec![vec![to]];
    for _ in 0..PATH_LENGTH_MAX {
        let mut longer = Vec::new();
        for path in &open {
            let first = path.first().copied().unwrap_or(to);
            for cause in model.graph.causes(first) {
                if !path.contains(&cause) && longer.len() < PATHS_MAX * PATHS_MAX {
                    longer.push([&[cause], path.as_slice()].concat());
                }
            }
        }
        found.extend(longer.iter().filter(|path| from.is_none_or(|from| path[0] == from)).cloned());
        open = longer;
    }
    found.truncate(PATHS_MAX);
    found
}

fn sentences(model: &Model, answer: &Answer) -> Vec<String> {
    let of = answer.of.as_deref().unwrap_or_default();
    let mut lines = Vec::new();
    if answer.parents.is_empty() {
        lines.push(format!("Nothing was found that acts on {of} directly, in {} sessions.", model.sessions));
    } else {
        let causes: Vec<&str> = answer.parents.iter().map(|cause| cause.name.as_str()).collect();
        lines.push(format!("On {of} act directly: {} (from {} sessions).", causes.join(", "), model.sessions));
    }
    let told = answer.parents.iter().chain(&answer.possible_parents).chain(&answer.hidden);
    lines.extend(told.map(|other| format!("{}.", other.words)));
    lines
}
