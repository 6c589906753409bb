//! How the graph is found.

use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::causal_discovery::{
    BlockRows, CausalGraph, Conflicts, Discovered, EdgeConfidence, GaussianBlocks, Knowledge, Pc, bootstrap,
};
use souffleur_core::batch::TrainingBatch;
use souffleur_core::error::ComponentError;
use souffleur_core::job::Job;

use super::model::Model;
use super::params::Params;
use super::report::{EdgeReport, Report, VariableReport};
use super::summary;
use super::variables::{OUTCOME, Variables};
use crate::bridge::Phases;

/// Fewest sessions with a known outcome.
pub(super) const SESSIONS_MINIMUM: usize = 100;

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
    let used: Vec<usize> = known.iter().copied().step_by(have.div_ceil(params.rows_max)).collect();
    let variables = Variables::of(params, batch, &used, job)?;
    if variables.variables.last().is_none_or(|last| last.name != OUTCOME) {
        return Err(ComponentError::Data("every session went equally well: nothing can be said of causes".to_owned()));
    }
    phases.next()?;
    let (knowledge, unknown) = knowledge(params, &variables)?;
    let pc = Pc::params()
        .alpha(params.alpha)
        .max_condition(params.condition_max)
        .conflicts(Conflicts::Strongest)
        .check()
        .map_err(|e| ComponentError::Data(e.to_string()))?;
    let widths: Vec<usize> = variables.variables.iter().map(|v| v.width).collect();
    let rows = BlockRows::new(variables.rows.view(), &widths).map_err(|e| ComponentError::Data(e.to_string()))?;
    let test = rows.all(&phases.watch()).map_err(|e| phases.failed(&e))?;
    phases.next()?;
    let found = pc.fit(&test, &knowledge, &phases.watch()).map_err(|e| phases.failed(&e))?;
    phases.next()?;
    let draws = (params.resamples, job.seed());
    let confidence = bootstrap(&pc, &rows, &knowledge, draws, &phases.watch()).map_err(|e| phases.failed(&e))?;
    let names: Vec<String> = variables.variables.iter().map(|v| v.name.clone()).collect();
    let edges = edges(&found, &names, &test, &confidence);
    let named = CausalGraph::new(&found.graph, &names, Some(&confidence));
    let mut report = Report {
        summary: Vec::new(),
        sessions: have,
        sessions_used: used.len(),
        variables: described(&variables, &found),
        left_out: variables.left_out,
        unknown,
        edges,
        tests: found.tests,
        condition_max: found.condition_max,
        resamples: confidence.resamples,
        dot: named.to_dot(),
    };
    report.summary = summary::lines(&report);
    let edges = report.edges.clone();
    Ok((Model { graph: found.graph, names, edges, named, sessions: used.len() }, report))
}

fn described(variables: &Variables, found: &Discovered) -> Vec<VariableReport> {
    let names = |of: Vec<usize>| of.into_iter().map(|v| variables.variables[v].name.clone()).collect();
    let each = variables.variables.iter().enumerate();
    each.map(|(number, variable)| VariableReport {
        name: variable.name.clone(),
        known: variable.time.name().to_owned(),
        causes: names(found.graph.parents(number)),
        undecided: names(found.graph.neighbours(number)),
    })
    .collect()
}

/// The edges, those to the outcome first, then the surest first.
fn edges(
    found: &Discovered,
    names: &[String],
    test: &GaussianBlocks,
    confidence: &EdgeConfidence,
) -> Vec<EdgeReport> {
    let mut edges: Vec<EdgeReport> = found
        .graph
        .edges()
        .into_iter()
        .map(|edge| {
            let share = confidence.of(edge.from, edge.to);
            let mut others = found.graph.parents(edge.to);
            others.retain(|v| *v != edge.from);
            let mut report = EdgeReport {
                from: names[edge.from].clone(),
                to: names[edge.to].clone(),
                directed: edge.directed,
                confidence: share.adjacent(),
                direction_confidence: if edge.directed { share.forward } else { share.undirected },
                strength: test.partial_correlation(edge.from, edge.to, &others),
                words: String::new(),
            };
            report.words = summary::edge(&report);
            report
        })
        .collect();
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
