//! Which rule lowers the probability of failure, for whom, by how much, and how sure that is.

pub(super) mod certificate;
mod choices;
mod learn;
mod replay;
mod report;

use ndarray::{Array2, ArrayView1, Axis};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_algorithms::multiple_testing::Z_95;
use souffleur_core::batch::TrainingBatch;
use souffleur_core::error::ComponentError;
use souffleur_core::job::Job;

use super::params::Params;
use super::train::Labelled;
use crate::bridge::Phases;
use choices::Choices;
use learn::{Cases, Effect, HALVES, MeanEffect, Trust, helpful, no_terms, terms};
pub(super) use replay::Replay;
use replay::Log;
pub use report::{AdviceReport, Evidence, Preventable, Refused, RuleEffect};

/// Rules an answer names.
const SUGGESTIONS: usize = 3;

/// What may be done against a failure.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Advice {
    /// The rules that lower the probability of failure for sure, the surest first; each against what is usually done.
    pub rules: Vec<Suggestion>,
    /// What this rests on, or why there is no advice.
    pub note: String,
}

/// A rule that helps.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Suggestion {
    /// The rule.
    pub rule_id: String,
    /// The probability of failure if it is applied first.
    pub p_failure: f64,
    /// By how much it lowers the probability of failure, on average over sessions judged like this one; taken back by as
    /// much as replayed advice fell short of what it had said.
    pub reduction: f64,
    /// Lower end of the 95 % interval of that, as far as the fitted effects go: how well they fit is no part of it.
    pub low: f64,
    /// Upper end of the 95 % interval of that.
    pub high: f64,
    /// Where the probability with which it was chosen in the past comes from.
    pub evidence: Evidence,
}

/// What was learnt of rules.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Advisor {
    effects: Vec<Effect>,
    /// How far these can be trusted.
    trust: Trust,
    /// Why there is none, if so.
    reason: Option<String>,
}

/// All that a run learns of rules.
pub(super) struct Learnt {
    pub(super) advisor: Advisor,
    pub(super) report: AdviceReport,
    /// The replayed log; nothing if it could not be replayed.
    pub(super) replay: Option<Replay>,
}

impl Learnt {
    fn nothing(reason: &str, refused: Vec<Refused>) -> Self {
        let advisor = Advisor { reason: Some(reason.to_owned()), ..Advisor::default() };
        let report = AdviceReport { refused, reason: Some(reason.to_owned()), ..AdviceReport::default() };
        Self { advisor, report, replay: None }
    }
}

/// Learns from the rules of the labelled sessions; `p` is their probability of failure by models that did not see them.
pub(super) fn learn(
    params: &Params,
    batch: &TrainingBatch,
    data: &Labelled,
    inputs: &Array2<f32>,
    p: &[f64],
    phases: &mut Phases<'_>,
    job: &Job,
) -> Result<Learnt, ComponentError> {
    let Some(rules) = batch.session_rules.as_ref().filter(|rules| !rules.rule.is_empty()) else {
        return Ok(Learnt::nothing("no rule was applied in any session", Vec::new()));
    };
    let choices = Choices::of(rules, &data.kept, &data.features, params.rule_uses_minimum, phases)?;
    if choices.candidates.is_empty() {
        return Ok(Learnt::nothing("no rule was applied often enough to be judged", choices.refused));
    }
    phases.next()?;
    // Not the hash of the folds: halves must not follow them.
    let prompt = data.hashes(!job.seed());
    let half: Vec<usize> = prompt.iter().map(|hash| (hash % HALVES as u64) as usize).collect();
    let rows: Vec<usize> = (0..p.len()).collect();
    let features = data.features.view();
    let cases = Cases { features, failed: &data.failed, choices: &choices, rows: &rows, p, half: &half };
    let learnt = (0..choices.candidates.len()).map(|rule| cases.effect(rule, job)).collect::<Result<Vec<_>, _>>()?;
    phases.next()?;
    let log = Log { params, data, inputs, choices: &choices, prompt: &prompt };
    let (replay, reason) = match log.replay(phases, job)? {
        Ok(replay) => (Some(replay), None),
        Err(reason) => (None, Some(reason)),
    };
    let report = AdviceReport {
        rules: effects(&choices, &learnt, replay.as_ref(), p.len()),
        preventable: replay.as_ref().map(|replay| replay.figures),
        refused: choices.refused,
        reason,
    };
    let trust = replay.as_ref().map_or_else(Trust::default, |replay| replay.trust);
    let advisor = Advisor { effects: learnt.into_iter().map(|(effect, _)| effect).collect(), trust, reason: None };
    Ok(Learnt { advisor, report, replay })
}

/// What each rule does on average, the most helpful first.
fn effects(choices: &Choices, learnt: &[(Effect, MeanEffect)], replay: Option<&Replay>, sessions: usize) -> Vec<RuleEffect> {
    let advised = |rule: usize| replay.map_or(0, |r| r.advised.iter().filter(|a| **a == Some(rule)).count());
    let mut found: Vec<RuleEffect> = choices
        .candidates
        .iter()
        .zip(learnt)
        .enumerate()
        .map(|(rule, (candidate, (_, mean)))| RuleEffect {
            rule_id: candidate.rule_id.to_string(),
            uses: candidate.uses,
            evidence: candidate.evidence,
            overlap: mean.rows as f64 / sessions as f64,
            effect: mean.effect,
            low: mean.effect - Z_95 * mean.deviation,
            high: mean.effect + Z_95 * mean.deviation,
            advised_share: advised(rule) as f64 / sessions as f64,
        })
        .collect();
    found.sort_by(|a, b| a.effect.total_cmp(&b.effect).then(a.rule_id.cmp(&b.rule_id)));
    found
}

impl Advisor {
    /// What may be done for a session with these features that fails with probability `p`.
    pub(super) fn advise(&self, params: &Params, row: ArrayView1<'_, f32>, p: f64) -> Result<Advice, ComponentError> {
        let mut of_row = no_terms();
        terms(row.iter().copied(), p, &mut of_row);
        let mut known = Vec::new();
        for (rule, effect) in self.effects.iter().enumerate() {
            if effect.overlaps(row.insert_axis(Axis(0)))? {
                known.push(effect.estimate(rule, &of_row));
            }
        }
        let mut helpful = helpful(known, params.advice_reduction_minimum);
        helpful.truncate(SUGGESTIONS);
        let note = match (&self.reason, helpful.first()) {
            (Some(reason), _) => format!("nothing is known to help: {reason}"),
            (None, None) => "nothing is known to help: no rule surely lowers the probability of failure here".to_owned(),
            (None, Some(best)) => {
                let effect = &self.effects[best.rule];
                let basis = match effect.evidence {
                    Evidence::Logged => "judged by the logged probabilities of its choice",
                    Evidence::Estimated => "judged by estimated probabilities of its choice: unmeasured reasons may explain it",
                };
                format!("{} helps most surely, {basis}", effect.rule_id)
            }
        };
        let rules = helpful.iter().map(|estimate| self.suggestion(estimate, p)).collect();
        Ok(Advice { rules, note })
    }

    fn suggestion(&self, estimate: &learn::Estimate, p: f64) -> Suggestion {
        let effect = &self.effects[estimate.rule];
        let (change, deviation) = self.trust.apply(estimate);
        Suggestion {
            rule_id: effect.rule_id.clone(),
            p_failure: (p + change).clamp(0.0, 1.0),
            reduction: -change,
            low: -change - Z_95 * deviation,
            high: -change + Z_95 * deviation,
            evidence: effect.evidence,
        }
    }
}

#[cfg(test)]
mod tests;
