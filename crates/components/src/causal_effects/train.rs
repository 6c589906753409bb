//! How effects are learnt.

use ndarray::{Array2, Axis};
use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::causal_effects::{
    Basis, CausalEffectError, DoubleMachineLearning, DoubleMachineLearningValidParams, EValue, Effects, Estimand, Estimate,
    FinalStage, OutcomeLearner, PropensityLearner, Refuter, Study, refute,
};
use souffleur_algorithms::logistic::LogisticRegression;
use souffleur_algorithms::multiple_testing::benjamini_hochberg;
use souffleur_core::batch::TrainingBatch;
use souffleur_core::error::ComponentError;
use souffleur_core::features::WIDTH;
use souffleur_core::job::Job;

use super::graph::{self, Node};
use super::model::{KnownRule, Model};
use super::params::{Outcome, Params};
use super::report::{Attempt, Comparison, Effect, Overlap, Refused, Report, RuleEffect, Strength, Verdict};
use super::summary::summary;
use super::treatments::{Treatment, Treatments};
use crate::bridge::Phases;
use crate::bridge::distinct::Distinct;
use crate::bridge::prognosis::prognosis;

/// Fewest sessions with a known outcome.
pub(super) const SESSIONS_MINIMUM: usize = 200;
/// Share of the sessions that the refuter of subsets looks at.
const SUBSET: f64 = 0.8;

/// Sessions whose outcome is known.
struct Sessions {
    /// Where they stand in the batch.
    kept: Vec<usize>,
    features: Array2<f32>,
    outcome: Vec<f64>,
    /// Sessions with equal features share one.
    group: Vec<u64>,
    prompts: usize,
}

impl Sessions {
    fn of(params: &Params, batch: &TrainingBatch, job: &Job) -> Result<Self, ComponentError> {
        let outcomes = &batch.outcomes;
        let value = |row: usize| match params.outcome {
            Outcome::Success => f64::from(outcomes.success_score[row]),
            Outcome::Quality => f64::from(outcomes.quality_score[row]),
            Outcome::Improvement => f64::from(outcomes.improvement_score[row]),
            Outcome::Failure => outcomes.failed(row).map_or(f64::NAN, |failed| f64::from(u8::from(failed))),
        };
        let mut kept: Vec<usize> = (0..batch.len()).filter(|row| value(*row).is_finite()).collect();
        if kept.len() < SESSIONS_MINIMUM {
            let what = "sessions with a known outcome";
            return Err(ComponentError::TooFewRows { what, have: kept.len(), need: SESSIONS_MINIMUM });
        }
        if batch.features.ncols() != WIDTH {
            let have = batch.features.ncols();
            return Err(ComponentError::Data(format!("rows have {have} features; all {WIDTH} are needed")));
        }
        kept.drain(..kept.len().saturating_sub(params.sessions_max));
        let features = batch.features.select(Axis(0), &kept);
        let Distinct { first, of_row } = Distinct::of(features.outer_iter(), job)?;
        let outcome = kept.iter().map(|row| value(*row)).collect();
        let group = of_row.into_iter().map(|number| number as u64).collect();
        Ok(Self { kept, features, outcome, group, prompts: first.len() })
    }

    /// Standard deviation of the outcome.
    fn deviation(&self) -> f64 {
        let count = self.outcome.len() as f64;
        let mean = self.outcome.iter().sum::<f64>() / count;
        (self.outcome.iter().map(|y| (y - mean) * (y - mean)).sum::<f64>() / count).sqrt()
    }

    /// Whether each outcome is above the middle one: what the prognosis foretells.
    fn above_median(&self) -> Vec<bool> {
        let mut sorted = self.outcome.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let median = sorted[sorted.len() / 2];
        let above: Vec<bool> = self.outcome.iter().map(|y| *y > median).collect();
        if above.iter().any(|above| *above) { above } else { self.outcome.iter().map(|y| *y >= median).collect() }
    }
}

/// What all rules share.
struct Setting<'a> {
    params: &'a Params,
    sessions: &'a Sessions,
    treatments: &'a Treatments,
    varying: &'a [usize],
    prognosis: Option<&'a [f64]>,
    /// The 31 features.
    features: Array2<f64>,
    learner: DoubleMachineLearningValidParams,
    deviation: f64,
}

/// Learns the effect of every rule.
///
/// 1. The order of events says what to adjust for: what is known of a prompt before any rule, and the other rules where rules
///    are applied side by side.
/// 2. To this is added how each session would be expected to go by its features, by boosted trees that did not see it
///    (prognostic score, Hansen 2008): lines in it stand for whatever shape the dependence has.
/// 3. Double machine learning gives the effect with its interval, for all and by features; refuters try to break it.
pub(super) fn train(params: &Params, batch: &TrainingBatch, job: &Job) -> Result<(Model, Report), ComponentError> {
    let sessions = Sessions::of(params, batch, job)?;
    let Some(rules) = &batch.session_rules else {
        return Err(ComponentError::Data("the sessions do not say which rules were applied".to_owned()));
    };
    let mut treatments = Treatments::of(params, rules, &sessions.kept, job)?;
    let mut phases = Phases::new(job, treatments.rules.len() as u64 + 1);
    let varying = graph::varying(sessions.features.view());
    let prognosis = prognosis(sessions.features.view(), &sessions.above_median(), &phases)?;
    phases.next()?;
    let mut refused = std::mem::take(&mut treatments.refused);
    let mut found = Vec::new();
    let setting = Setting {
        params,
        sessions: &sessions,
        treatments: &treatments,
        varying: &varying,
        prognosis: prognosis.as_deref(),
        features: sessions.features.mapv(f64::from),
        learner: learner(params, job.seed())?,
        deviation: sessions.deviation(),
    };
    for rule in 0..treatments.rules.len() {
        match setting.judge(rule, &phases)? {
            Ok(judged) => found.push(judged),
            Err(reason) => refused.push(Refused { rule_id: treatments.rules[rule].rule_id.to_string(), reason }),
        }
        phases.next()?;
    }
    conclude(params, &mut found);
    let side_by_side = found.iter().any(|(effect, _)| effect.compared_with == Comparison::WithoutIt);
    let names: Vec<&str> = treatments.rules.iter().map(|rule| rule.rule_id.as_ref()).collect();
    let (rules, known) = found.into_iter().unzip();
    let mut report = Report {
        summary: Vec::new(),
        outcome: params.outcome,
        sessions: sessions.kept.len(),
        prompts: sessions.prompts,
        graph: graph::described(&varying, &names, side_by_side),
        rules,
        refused,
    };
    report.summary = summary(&report);
    Ok((Model { outcome: params.outcome, rules: known, refused: report.refused.clone() }, report))
}

fn learner(params: &Params, seed: u64) -> Result<DoubleMachineLearningValidParams, ComponentError> {
    DoubleMachineLearning::params()
        .folds(params.folds)
        .seed(seed)
        .outcome(OutcomeLearner::Ridge(Basis::Linear))
        .propensity(PropensityLearner::Logistic(Basis::Linear))
        .trim(params.trim)
        .overlap_minimum(params.overlap_minimum)
        .check()
        .map_err(|e| ComponentError::Data(e.to_string()))
}

/// Adjusts the p-values for how many there are, says what may be said, and sorts the surest to the front.
fn conclude(params: &Params, found: &mut [(RuleEffect, KnownRule)]) {
    let p_values: Vec<f64> = found.iter().map(|(effect, _)| effect.p_value).collect();
    for ((effect, known), q) in found.iter_mut().zip(benjamini_hochberg(&p_values)) {
        let withstood = effect.refuters.iter().all(|attempt| attempt.passed);
        let does_good = (effect.debiased.effect > 0.0) != (params.outcome == Outcome::Failure);
        effect.q_value = q;
        effect.verdict = match q <= params.fdr && withstood {
            true if does_good => Verdict::Works,
            true => Verdict::Harms,
            false => Verdict::Unclear,
        };
        (known.q_value, known.verdict) = (q, effect.verdict);
    }
    let order = |a: &RuleEffect, b: &RuleEffect| a.p_value.total_cmp(&b.p_value).then(a.rule_id.cmp(&b.rule_id));
    found.sort_by(|a, b| order(&a.0, &b.0));
}

fn told(estimate: Estimate) -> Effect {
    Effect { effect: estimate.effect, low: estimate.low(), high: estimate.high() }
}

impl Setting<'_> {
    /// What is adjusted for: one column each, and the prognosis.
    fn covariates(&self, nodes: &[Node]) -> Array2<f64> {
        let width = nodes.len() + usize::from(self.prognosis.is_some());
        Array2::from_shape_fn((self.sessions.kept.len(), width), |(row, column)| match nodes.get(column) {
            Some(Node::Feature(feature)) => self.features[[row, *feature]],
            Some(Node::OtherRule(rule)) => f64::from(u8::from(self.treatments.rules[*rule].applied[row])),
            Some(Node::Rule | Node::Outcome) => 0.0,
            None => self.prognosis.map_or(0.0, |prognosis| prognosis[row]),
        })
    }

    /// What the rule does, or why that cannot be told.
    fn judge(
        &self,
        rule: usize,
        phases: &Phases<'_>,
    ) -> Result<Result<(RuleEffect, KnownRule), String>, ComponentError> {
        let treatment = &self.treatments.rules[rule];
        let compared_with = self.treatments.comparison(rule, self.params.rule_uses_minimum);
        let others: Vec<usize> = match compared_with {
            Comparison::WithoutIt => (0..self.treatments.rules.len()).filter(|other| *other != rule).collect(),
            Comparison::WhatElseWasDone => Vec::new(),
        };
        let nodes = match graph::adjusted_for(self.varying, &others) {
            Ok(nodes) => nodes,
            Err(reason) => return Ok(Err(reason.to_string())),
        };
        let x = self.covariates(&nodes);
        match self.estimate(treatment, compared_with, &x, phases) {
            Ok(judged) => Ok(Ok(judged)),
            Err(reason) => {
                phases.job().check()?;
                Ok(Err(reason.to_string()))
            }
        }
    }

    fn estimate(
        &self,
        treatment: &Treatment,
        compared_with: Comparison,
        x: &Array2<f64>,
        phases: &Phases<'_>,
    ) -> Result<(RuleEffect, KnownRule), CausalEffectError> {
        let watch = phases.watch();
        let study = Study::new(x.view(), &treatment.applied, &self.sessions.outcome, &watch)?.with_groups(&self.sessions.group)?;
        let study = match treatment.evidence {
            super::report::Evidence::Logged => study.with_propensities(&treatment.logged)?,
            super::report::Evidence::Estimated => study,
        };
        let effects = self.learner.fit(&study, &watch)?;
        let average = effects.average(Estimand::All);
        let params = LogisticRegression::params().check().map_err(souffleur_algorithms::logistic::LogisticRegressionError::from)?;
        let chosen = params.fit(self.sessions.features.view(), &treatment.applied, &watch)?;
        let conditional = effects.conditional(self.features.view(), FinalStage::default(), &watch)?;
        let strength = EValue::of_difference(&average, self.deviation).ok();
        let effect = RuleEffect {
            rule_id: treatment.rule_id.to_string(),
            uses: treatment.uses,
            compared_with,
            naive: told(study.naive()),
            debiased: told(average),
            on_treated: told(effects.average(Estimand::Treated)),
            p_value: average.p_value(),
            q_value: 1.0,
            verdict: Verdict::Unclear,
            propensities: treatment.evidence,
            overlap: overlap(&effects),
            refuters: self.attempts(&study, &average, phases)?,
            e_value: strength.map(|found| Strength { effect: found.effect, interval: found.interval }),
        };
        let known = KnownRule {
            rule_id: effect.rule_id.clone(),
            compared_with,
            average: effect.debiased,
            q_value: 1.0,
            verdict: Verdict::Unclear,
            evidence: treatment.evidence,
            conditional,
            chosen,
        };
        Ok((effect, known))
    }

    fn attempts(
        &self,
        study: &Study<'_>,
        average: &Estimate,
        phases: &Phases<'_>,
    ) -> Result<Vec<Attempt>, CausalEffectError> {
        let repeats = self.params.refuter_repeats;
        if repeats == 0 {
            return Ok(Vec::new());
        }
        let watch = phases.watch();
        let again = |study: &Study<'_>| Ok(self.learner.fit(study, &watch)?.average(Estimand::All));
        let attempts = [
            ("placebo", Refuter::Placebo),
            ("random_common_cause", Refuter::RandomCommonCause),
            ("subset", Refuter::Subset(SUBSET)),
        ];
        let attempt = |(name, refuter): (&str, Refuter)| {
            let found = refute(study, average, refuter, repeats, self.learner.seed(), &watch, again)?;
            Ok(Attempt { refuter: name.to_owned(), expected: found.expected, found: found.effect, passed: found.passed })
        };
        attempts.into_iter().map(attempt).collect()
    }
}

fn overlap(effects: &Effects) -> Overlap {
    let found = effects.overlap();
    Overlap {
        comparable: found.comparable as f64 / found.rows as f64,
        propensity_least: found.propensity_least,
        propensity_greatest: found.propensity_greatest,
        effective_with: found.effective_treated,
        effective_without: found.effective_untreated,
        imbalance: found.imbalance,
        imbalance_weighted: found.imbalance_weighted,
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
