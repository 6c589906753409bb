//! How the graph is found.

use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::causal_discovery::{
    BlockRows, CausalDiscoveryError, CausalDiscoveryParamsError, CausalGraph, Conflicts, EdgeConfidence, EdgeKind, Fci,
    GaussianBlocks, GraphSearch, Knowledge, Mark, MarkedEdge, MarkedGraph, Pc, RandomFeatureRows, RandomFeaturesParams,
    Resample, bootstrap,
};
use souffleur_core::batch::TrainingBatch;
use souffleur_core::error::ComponentError;
use souffleur_core::job::Job;

use super::model::{Graph, Model};
use super::params::{Params, Test};
use super::report::{EdgeReport, Relation, Report, VariableReport};
use super::summary;
use super::variables::{OUTCOME, Variables};
use crate::bridge::Phases;

/// Fewest sessions with a known outcome.
pub(super) const SESSIONS_MINIMUM: usize = 100;

/// Most sessions for tests of dependence of any form: each goes through all of them.
const NONLINEAR_ROWS_MAX: usize = 2000;

/// What is known beforehand: time, and what the configuration says. With the names that are no variables.
fn knowledge(params: &Params, variables: &Variables) -> Result<(Knowledge, Vec<String>), ComponentError> {
    let failed = |e: &dyn std::error::Error| ComponentError::Data(format!("what is known beforehand: {e}"));
    let named = &variables.variables;
    let times: Vec<usize> = named.iter().map(|v| v.time as usize).collect();
    let mut known = Knowledge::none(named.len()).tiers(&times).map_err(|e| failed(&e))?;
    let mut unknown: Vec<String> = Vec::new();
    let mut place = |name: &String| {
        let at = named.iter().position(|v| v.name == *name);
        if at.is_none() && !unknown.contains(name) {
            unknown.push(name.clone());
        }
        at
    };
    for (pairs, required) in [(&params.forbidden, false), (&params.required, true)] {
        for (cause, effect) in pairs {
            if let (Some(a), Some(b)) = (place(cause), place(effect)) {
                let next = if required { known.require(a, b) } else { known.forbid(a, b) };
                known = next.map_err(|e| {
                    ComponentError::Data(format!("what is known beforehand of `{cause}` and `{effect}`: {e}"))
                })?;
            }
        }
    }
    Ok((known, unknown))
}

/// Finds the graph of the sessions of `batch` whose outcome is known.
pub(super) fn train(params: &Params, batch: &TrainingBatch, job: &Job) -> Result<(Model, Report), ComponentError> {
    let mut phases = Phases::new(job, 4);
    let known: Vec<usize> = (0..batch.len())
        .filter(|row| batch.outcomes.success_score.get(*row).is_some_and(|score| !score.is_nan()))
        .collect();
    let have = known.len();
    if have < SESSIONS_MINIMUM {
        let what = "sessions with a known outcome";
        return Err(ComponentError::TooFewRows { what, have, need: SESSIONS_MINIMUM });
    }
    // Evenly over the history, so that old and new ones count.
    let rows_max = match params.test {
        Test::Linear => params.rows_max,
        Test::Nonlinear => params.rows_max.min(NONLINEAR_ROWS_MAX),
    };
    let used: Vec<usize> = known.iter().copied().step_by(have.div_ceil(rows_max)).collect();
    let variables = Variables::of(params, batch, &used, job)?;
    if variables.variables.last().is_none_or(|last| last.name != OUTCOME) {
        return Err(ComponentError::Data("every session went equally well: nothing can be said of causes".to_owned()));
    }
    phases.next()?;
    let (knowledge, unknown) = knowledge(params, &variables)?;
    let widths: Vec<usize> = variables.variables.iter().map(|v| v.width).collect();
    let data = |e: CausalDiscoveryError| ComponentError::Data(e.to_string());
    let rows = BlockRows::new(variables.rows.view(), &widths).map_err(data)?;
    let linear = rows.all(&phases.watch()).map_err(|e| phases.failed(&e))?;
    let finding = match params.test {
        Test::Linear => find(params, &rows, &linear, &knowledge, &mut phases)?,
        Test::Nonlinear => {
            let features = RandomFeaturesParams::default().seed(job.seed());
            let rows = RandomFeatureRows::new(variables.rows.view(), &widths, features).map_err(data)?;
            let test = rows.all(&phases.watch()).map_err(|e| phases.failed(&e))?;
            find(params, &rows, &test, &knowledge, &mut phases)?
        }
    };
    Ok(told(finding, variables, &linear, (have, used.len()), (unknown, params.hidden)))
}

/// Model and report of what was found.
fn told(
    finding: Finding,
    variables: Variables,
    linear: &GaussianBlocks,
    (sessions, sessions_used): (usize, usize),
    (unknown, hidden): (Vec<String>, bool),
) -> (Model, Report) {
    let names: Vec<String> = variables.variables.iter().map(|v| v.name.clone()).collect();
    let edges = edges(&finding, &names, linear);
    let named = CausalGraph::new(&finding.graph, &names, Some(&finding.confidence));
    let mut report = Report {
        summary: Vec::new(),
        sessions,
        sessions_used,
        variables: described(&variables, &finding.graph),
        left_out: variables.left_out,
        unknown,
        edges,
        tests: finding.tests,
        condition_max: finding.condition_max,
        hidden,
        resamples: finding.confidence.resamples,
        dot: named.to_dot(),
    };
    report.summary = summary::lines(&report);
    let edges = report.edges.clone();
    (Model { graph: finding.graph, names, edges, named, sessions: sessions_used }, report)
}

/// What the search found.
struct Finding {
    graph: Graph,
    tests: u64,
    condition_max: usize,
    confidence: EdgeConfidence,
}

/// Finds the graph by the search that fits what may be hidden.
fn find<R: Resample>(
    params: &Params,
    rows: &R,
    test: &R::Test,
    knowledge: &Knowledge,
    phases: &mut Phases<'_>,
) -> Result<Finding, ComponentError> {
    let refused = |e: CausalDiscoveryParamsError| ComponentError::Data(e.to_string());
    if params.hidden {
        let fci = Fci::params().alpha(params.alpha).max_condition(params.condition_max).check().map_err(refused)?;
        return find_by(&fci, Graph::Partial, (rows, test), knowledge, params.resamples, phases);
    }
    let pc = Pc::params()
        .alpha(params.alpha)
        .max_condition(params.condition_max)
        .conflicts(Conflicts::Strongest)
        .check()
        .map_err(refused)?;
    find_by(&pc, Graph::Complete, (rows, test), knowledge, params.resamples, phases)
}

fn find_by<S: GraphSearch, R: Resample>(
    search: &S,
    graph: fn(S::Graph) -> Graph,
    (rows, test): (&R, &R::Test),
    knowledge: &Knowledge,
    resamples: usize,
    phases: &mut Phases<'_>,
) -> Result<Finding, ComponentError> {
    phases.next()?;
    let found = search.search(test, knowledge, &phases.watch()).map_err(|e| phases.failed(&e))?;
    phases.next()?;
    let draws = (resamples, phases.job().seed());
    let confidence = bootstrap(search, rows, knowledge, draws, &phases.watch()).map_err(|e| phases.failed(&e))?;
    let (tests, condition_max) = (found.tests, found.condition_max);
    Ok(Finding { graph: graph(found.graph), tests, condition_max, confidence })
}

fn described(variables: &Variables, graph: &Graph) -> Vec<VariableReport> {
    let names = |of: Vec<usize>| of.into_iter().map(|v| variables.variables[v].name.clone()).collect();
    let each = variables.variables.iter().enumerate();
    each.map(|(number, variable)| VariableReport {
        name: variable.name.clone(),
        known: variable.time.name().to_owned(),
        causes: names(graph.causes(number)),
        undecided: names([graph.possible_causes(number), graph.possible_effects(number)].concat()),
        hidden: names(graph.sharing(number)),
    })
    .collect()
}

/// The edges, those to the outcome first, then the surest first.
fn edges(finding: &Finding, names: &[String], linear: &GaussianBlocks) -> Vec<EdgeReport> {
    let graph = &finding.graph;
    let edge = |edge: MarkedEdge| {
        let share = finding.confidence.of(edge.from, edge.to);
        let mut others = graph.causes(edge.to);
        if let Graph::Partial(_) = graph {
            others.extend(graph.joined_by(edge.to, (Mark::Circle, Mark::Arrow)));
            others.sort_unstable();
        }
        others.retain(|v| *v != edge.from);
        let relation = relation(edge.kind);
        let mut report = EdgeReport {
            from: names[edge.from].clone(),
            to: names[edge.to].clone(),
            relation,
            directed: relation == Relation::Acts,
            confidence: share.adjacent(),
            direction_confidence: share.of_kind(edge.kind),
            strength: linear.partial_correlation(edge.from, edge.to, &others),
            words: String::new(),
        };
        report.words = summary::edge(&report);
        report
    };
    let mut edges: Vec<EdgeReport> = graph.marked_edges().into_iter().map(edge).collect();
    edges.sort_by(|a, b| {
        let first = |edge: &EdgeReport| edge.to != OUTCOME;
        let size = |edge: &EdgeReport| edge.strength.map_or(0.0, f64::abs);
        first(a)
            .cmp(&first(b))
            .then_with(|| b.confidence.total_cmp(&a.confidence))
            .then_with(|| size(b).total_cmp(&size(a)))
            .then_with(|| (&a.from, &a.to).cmp(&(&b.from, &b.to)))
    });
    edges
}

/// What an edge says. Rows are not selected: of the two kinds that would stand for that, neither comes of the search with hidden variables.
fn relation(kind: EdgeKind) -> Relation {
    match kind {
        EdgeKind::Directed => Relation::Acts,
        EdgeKind::PartlyDirected => Relation::ActsOrHidden,
        EdgeKind::Bidirected => Relation::Hidden,
        EdgeKind::Undirected => Relation::Either,
        EdgeKind::Open | EdgeKind::PartlyUndirected => Relation::Open,
    }
}

#[cfg(test)]
#[path = "train_tests.rs"]
mod tests;
