//! Which rule each session got first, and how probable that was.

use std::sync::Arc;

use ndarray::{Array1, Array2, Axis};
use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::logistic::LogisticRegression;
use souffleur_core::batch::SessionRules;
use souffleur_core::error::ComponentError;

use super::report::{Evidence, Refused};
use crate::bridge::Phases;

/// Rules looked at, the most used ones.
const RULES_MAX: usize = 16;
/// Rows that the probability of a choice is learnt from where none is logged.
const PROPENSITY_ROWS: usize = 20_000;
/// A rule is not judged where it was chosen less often than this: nothing there is like it (Crump et al. 2009).
pub(super) const OVERLAP_MINIMUM: f64 = 0.01;
/// Below this share of logged choices, a rule's probabilities are taken as estimated.
const LOGGED_MINIMUM: f64 = 0.9;

/// A rule whose effect can be learnt.
pub(super) struct Candidate {
    pub(super) rule_id: Arc<str>,
    pub(super) uses: usize,
    pub(super) evidence: Evidence,
    /// How probable it was to be chosen for each row, where that is estimated.
    estimated: Option<Array1<f64>>,
    /// What estimates it.
    pub(super) overlap: Option<LogisticRegression>,
}

/// The choices of all labelled rows.
pub(super) struct Choices {
    pub(super) candidates: Vec<Candidate>,
    pub(super) refused: Vec<Refused>,
    /// The candidate chosen first in each row, and the probability of that.
    pub(super) chosen: Vec<Option<(usize, f64)>>,
}

/// A row's first rule and its logged propensity, `NaN` if there is none.
type First = Option<(u32, f64)>;

impl Choices {
    /// Reads the choices of `kept` rows; their features are `features`.
    pub(super) fn of(
        rules: &SessionRules,
        kept: &[usize],
        features: &Array2<f32>,
        uses_minimum: usize,
        phases: &Phases<'_>,
    ) -> Result<Self, ComponentError> {
        let first = |row: &usize| -> First {
            let at = rules.of(*row).next()?;
            Some((rules.rule[at], f64::from(rules.propensity[at])))
        };
        let firsts: Vec<First> = kept.iter().map(first).collect();
        let mut uses = vec![0usize; rules.rule_ids.len()];
        firsts.iter().flatten().for_each(|(rule, _)| uses[*rule as usize] += 1);
        // The most used first; among equals by name, for indices depend on the order of the rows.
        let mut order: Vec<usize> = (0..uses.len()).filter(|rule| uses[*rule] > 0).collect();
        order.sort_by(|a, b| uses[*b].cmp(&uses[*a]).then(rules.rule_ids[*a].cmp(&rules.rule_ids[*b])));
        let mut found = Self { candidates: Vec::new(), refused: Vec::new(), chosen: vec![None; kept.len()] };
        for rule in order {
            let id = &rules.rule_ids[rule];
            if uses[rule] < uses_minimum || found.candidates.len() == RULES_MAX {
                let reason = format!("it was applied first in {} sessions; at least {uses_minimum} are needed", uses[rule]);
                let reason = if uses[rule] < uses_minimum { reason } else { format!("only the {RULES_MAX} rules used most are judged") };
                found.refused.push(Refused { rule_id: id.to_string(), reason });
                continue;
            }
            match candidate(id, rule as u32, uses[rule], &firsts, features, phases)? {
                Ok(candidate) => found.take(candidate, rule as u32, &firsts),
                Err(reason) => found.refused.push(Refused { rule_id: id.to_string(), reason }),
            }
        }
        Ok(found)
    }

    fn take(&mut self, candidate: Candidate, rule: u32, firsts: &[First]) {
        let index = self.candidates.len();
        for (row, first) in firsts.iter().enumerate() {
            if let Some((_, logged)) = first.filter(|(chosen, _)| *chosen == rule) {
                let estimate = || candidate.estimated.as_ref().map_or(f64::NAN, |p| p[row]);
                let propensity = if is_probability(logged) { logged } else { estimate() };
                self.chosen[row] = (propensity > 0.0).then(|| (index, propensity.clamp(OVERLAP_MINIMUM, 1.0)));
            }
        }
        self.candidates.push(candidate);
    }
}

impl Candidate {
    /// Whether sessions like this row got the rule often enough to say what it does there.
    pub(super) fn overlaps(&self, row: usize) -> bool {
        self.estimated.as_ref().is_none_or(|p| p[row] >= OVERLAP_MINIMUM)
    }
}

fn is_probability(value: f64) -> bool {
    value > 0.0 && value <= 1.0
}

/// Whether the rule can be judged, and how; else why not.
fn candidate(
    id: &Arc<str>,
    rule: u32,
    uses: usize,
    firsts: &[First],
    features: &Array2<f32>,
    phases: &Phases<'_>,
) -> Result<Result<Candidate, String>, ComponentError> {
    let of_rule = || firsts.iter().flatten().filter(|(chosen, _)| *chosen == rule);
    let logged = of_rule().filter(|(_, p)| is_probability(*p)).count();
    if uses == firsts.len() {
        return Ok(Err("it was applied in every session: there is nothing to compare it with".to_owned()));
    }
    if logged == uses {
        let evidence = Evidence::Logged;
        return Ok(Ok(Candidate { rule_id: Arc::clone(id), uses, evidence, estimated: None, overlap: None }));
    }
    let chosen: Vec<bool> = firsts.iter().map(|first| first.is_some_and(|(chosen, _)| chosen == rule)).collect();
    let step = chosen.len().div_ceil(PROPENSITY_ROWS);
    let sample: Vec<usize> = (0..chosen.len()).step_by(step).collect();
    let labels: Vec<bool> = sample.iter().map(|row| chosen[*row]).collect();
    if labels.iter().all(|l| *l) || !labels.iter().any(|l| *l) {
        return Ok(Err("how it was chosen is not logged, and it occurs too rarely to be estimated".to_owned()));
    }
    let model = LogisticRegression::params()
        .check()
        .map_err(|e| ComponentError::Data(e.to_string()))?
        .fit(features.select(Axis(0), &sample).view(), &labels, &phases.watch())
        .map_err(|e| phases.failed(&e))?;
    let p = model.probability(features.view(), &phases.watch()).map_err(|e| phases.failed(&e))?;
    if logged as f64 >= LOGGED_MINIMUM * uses as f64 {
        // The few that are missing are filled in; where it may be advised is settled by the log.
        let evidence = Evidence::Logged;
        return Ok(Ok(Candidate { rule_id: Arc::clone(id), uses, evidence, estimated: Some(p.mapv(|p| p.max(OVERLAP_MINIMUM))), overlap: None }));
    }
    let comparable = p.iter().filter(|p| **p >= OVERLAP_MINIMUM).count();
    let used = chosen.iter().zip(&p).filter(|(chosen, p)| **chosen && **p >= OVERLAP_MINIMUM).count();
    if 2 * used < uses || comparable < uses {
        let share = 100.0 * comparable as f64 / p.len() as f64;
        return Ok(Err(format!("how it was chosen is not logged, and only {share:.1} % of the sessions are like those that got it")));
    }
    let evidence = Evidence::Estimated;
    Ok(Ok(Candidate { rule_id: Arc::clone(id), uses, evidence, estimated: Some(p), overlap: Some(model) }))
}
