//! The discovery.

use std::collections::BTreeMap;

use ndarray::{Array2, Axis};
use souffleur_algorithms::multiple_testing::{benjamini_hochberg, two_sided_z};
use souffleur_algorithms::stratified_tables::{RiskDifference, Table, risk_difference};
use souffleur_core::batch::{SessionRules, TrainingBatch};
use souffleur_core::error::ComponentError;
use souffleur_core::job::{Interrupted, Job};

use super::{Known, Pattern};
use crate::bridge::Phases;
use crate::bridge::matched::{Bits, Circumstance, Layout, Outcomes};
use crate::bridge::prognosis::prognosis;
use crate::clustering_optimizer::params::Params;

/// Two patterns whose sessions have at least this Jaccard index say the same: the less sure one is left out.
const SAME_JACCARD: f64 = 0.5;
/// Most rules, and pairs of rules, that are looked at: those applied most often.
const ACTIONS_MAX: usize = 200;

/// Rows between two signs of life.
const ROWS_PER_CHECK: usize = 4096;

/// What was found.
pub(in super::super) struct Discovered {
    pub(in super::super) sessions: usize,
    pub(in super::super) compared: usize,
    /// The surest first.
    pub(in super::super) found: Vec<Known>,
    pub(in super::super) found_by_baseline: Vec<String>,
    pub(in super::super) reason: Option<String>,
}

/// A rule or two, and the sessions in which they were applied.
struct Action {
    rules: Vec<u32>,
    with: Bits,
}

/// A comparison with enough sessions.
struct Comparison {
    action: usize,
    circumstance: usize,
    effect: RiskDifference,
}

/// Compares every rule, and every two rules often applied together, under every circumstance. `cluster` names the cluster of
/// each row, -1 for none; `clusters` describes each.
pub(in super::super) fn discover(
    params: &Params,
    batch: &TrainingBatch,
    outcomes: &Outcomes,
    cluster: &[i32],
    clusters: &[String],
    phases: &Phases<'_>,
) -> Result<Discovered, ComponentError> {
    let Outcomes { rows, success } = outcomes;
    let nothing = |reason: String| {
        let (found, found_by_baseline) = (Vec::new(), Vec::new());
        Ok(Discovered { sessions: rows.len(), compared: 0, found, found_by_baseline, reason: Some(reason) })
    };
    let Some(session_rules) = &batch.session_rules else {
        return nothing("the sessions do not say which rules were applied".to_owned());
    };
    if rows.len() < 2 * params.support_minimum {
        let need = 2 * params.support_minimum;
        return nothing(format!("{} sessions have a known outcome; at least {need} are needed", rows.len()));
    }
    let features: Array2<f32> = batch.features.select(Axis(0), rows);
    let Some(prognosis) = prognosis(features.view(), success, phases)? else {
        return nothing("sessions that failed, or that succeeded, are missing".to_owned());
    };
    let layout = Layout::new(&prognosis);
    let succeeded = layout.bits(|i| success[i]);
    let job = phases.job();
    let actions = actions(params, &layout, rows, session_rules, job)?;
    let circumstances = Circumstance::all(features.view(), clusters.len(), job)?;
    let mut held: Vec<Bits> = Vec::with_capacity(circumstances.len());
    for circumstance in &circumstances {
        job.check()?;
        held.push(layout.bits(|i| circumstance.holds(features.row(i), cluster[rows[i]])));
    }
    let mut comparisons = Vec::new();
    for (action, Action { with, .. }) in actions.iter().enumerate() {
        for (circumstance, under) in held.iter().enumerate() {
            job.check()?;
            let effect = risk_difference(&layout.tables(under, with, &succeeded));
            let minimum = params.support_minimum as u64;
            let enough = |e: &RiskDifference| e.first_compared >= minimum && e.second_compared >= minimum;
            comparisons.extend(effect.filter(enough).map(|effect| Comparison { action, circumstance, effect }));
        }
    }
    let p_values: Vec<f64> = comparisons.iter().map(|comparison| comparison.effect.p_value).collect();
    let rates = benjamini_hochberg(&p_values);
    let kept = novel(params, &comparisons, &rates, |c| held[c.circumstance].and(&actions[c.action].with), job)?;
    let names = |rules: &[u32]| -> Vec<String> {
        rules.iter().filter_map(|rule| Some(session_rules.rule_ids.get(*rule as usize)?.to_string())).collect()
    };
    // Intervals of what was selected among many are the wider, the fewer were selected.
    let z = two_sided_z(params.fdr * kept.len() as f64 / comparisons.len().max(1) as f64);
    let known = |i: usize| {
        let Comparison { action, circumstance, effect } = &comparisons[i];
        let circumstance = circumstances[*circumstance];
        let pattern = pattern(names(&actions[*action].rules), circumstance.words(clusters), effect, rates[i], z);
        Known { pattern, circumstance }
    };
    Ok(Discovered {
        sessions: rows.len(),
        compared: comparisons.len(),
        found: kept.into_iter().map(known).collect(),
        found_by_baseline: baseline(params, &layout, &actions, &succeeded).iter().flat_map(|a| names(&a.rules)).collect(),
        reason: comparisons.is_empty().then(|| "no rule was applied, and left out, often enough".to_owned()),
    })
}

/// The rules, and the pairs of rules, that were applied often enough; those applied most often first.
fn actions(
    params: &Params,
    layout: &Layout,
    rows: &[usize],
    session_rules: &SessionRules,
    job: &Job,
) -> Result<Vec<Action>, Interrupted> {
    let mut applied: Vec<Vec<u32>> = Vec::with_capacity(rows.len());
    let mut uses: BTreeMap<Vec<u32>, usize> = BTreeMap::new();
    for (i, row) in rows.iter().enumerate() {
        if i % ROWS_PER_CHECK == 0 {
            job.check()?;
        }
        let mut rules = session_rules.rule[session_rules.of(*row)].to_vec();
        rules.sort_unstable();
        rules.dedup();
        for (i, first) in rules.iter().enumerate() {
            *uses.entry(vec![*first]).or_insert(0) += 1;
            rules[i + 1..].iter().for_each(|second| *uses.entry(vec![*first, *second]).or_insert(0) += 1);
        }
        applied.push(rules);
    }
    let mut often: Vec<(Vec<u32>, usize)> = uses.into_iter().filter(|(_, n)| *n >= params.support_minimum).collect();
    often.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    often.truncate(ACTIONS_MAX);
    let mut actions = Vec::with_capacity(often.len());
    for (rules, _) in often {
        job.check()?;
        actions.push(Action { with: layout.bits(|i| rules.iter().all(|rule| applied[i].contains(rule))), rules });
    }
    Ok(actions)
}

/// The comparisons that are found to succeed more often, without those that mostly say the same of the same sessions as a
/// surer one.
fn novel(
    params: &Params,
    comparisons: &[Comparison],
    rates: &[f64],
    covered: impl Fn(&Comparison) -> Bits,
    job: &Job,
) -> Result<Vec<usize>, ComponentError> {
    let found = |i: &usize| rates[*i] <= params.fdr && comparisons[*i].effect.difference > 0.0;
    let mut sure: Vec<usize> = (0..comparisons.len()).filter(found).collect();
    let p = |i: usize| comparisons[i].effect.p_value;
    sure.sort_by(|a, b| p(*a).total_cmp(&p(*b)).then(a.cmp(b)));
    let mut kept: Vec<(usize, Bits)> = Vec::new();
    for i in sure {
        job.check()?;
        let sessions = covered(&comparisons[i]);
        if kept.iter().all(|(_, other)| sessions.jaccard(other) < SAME_JACCARD) {
            kept.push((i, sessions));
        }
    }
    Ok(kept.into_iter().map(|(i, _)| i).collect())
}

fn pattern(rules: Vec<String>, circumstance: String, effect: &RiskDifference, rate: f64, z: f64) -> Pattern {
    let baseline_rate = (effect.first_rate - effect.difference).clamp(0.0, 1.0);
    let angle = |share: f64| share.clamp(0.0, 1.0).sqrt().asin();
    Pattern {
        rules,
        circumstance,
        sessions: effect.first_compared,
        matched_sessions: effect.second_compared,
        success_rate: effect.first_rate,
        baseline_rate,
        difference: effect.difference,
        low: effect.difference - z * effect.standard_error,
        high: effect.difference + z * effect.standard_error,
        cohens_h: 2.0 * (angle(effect.first_rate) - angle(baseline_rate)),
        p_value: effect.p_value,
        false_discovery_rate: rate,
    }
}

/// The rules that succeed more often than all other sessions taken together, at Bonferroni's level.
fn baseline<'a>(params: &Params, layout: &Layout, actions: &'a [Action], succeeded: &Bits) -> Vec<&'a Action> {
    let all = layout.bits(|_| true);
    let single: Vec<&Action> = actions.iter().filter(|action| action.rules.len() == 1).collect();
    let level = params.fdr / single.len().max(1) as f64;
    let found = |action: &&Action| {
        let strata = layout.tables(&all, &action.with, succeeded);
        let whole = strata.iter().fold(Table::default(), |a, b| Table {
            first: a.first + b.first,
            first_with: a.first_with + b.first_with,
            second: a.second + b.second,
            second_with: a.second_with + b.second_with,
        });
        risk_difference(&[whole]).is_some_and(|effect| effect.difference > 0.0 && effect.p_value <= level)
    };
    single.into_iter().filter(found).collect()
}
