//! Questions and their answers.

use ndarray::ArrayView2;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_algorithms::multiple_testing::Z_95;
use souffleur_core::error::ComponentError;
use souffleur_core::features::{FeatureVector, WIDTH};
use souffleur_core::records::Session;

use super::model::{KnownRule, Model};
use super::params::{Outcome, Params};
use super::report::{Comparison, Effect, Evidence, Verdict};
use crate::bridge::asked;

/// Rules named when an unknown one is asked about.
const NAMED: usize = 8;

/// What does a rule do, on average or for one prompt? At least `rule_id` or one of `prompt`, `session` and `features` must be
/// given, and at most one of the three.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Query {
    /// The rule; if absent, all that are known are told of for the prompt given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<String>,
    /// The prompt's text alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The prompt with its context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
    /// The 31 features themselves, each in [0, 1].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<f32>>,
}

/// What rules do.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Answer {
    /// What the effects are on.
    pub outcome: Outcome,
    /// One for each rule asked about, the most helpful first.
    pub effects: Vec<KnownEffect>,
    /// What is not known, and why.
    pub note: Option<String>,
}

/// What is known of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct KnownEffect {
    /// The rule.
    pub rule_id: String,
    /// What it is compared with.
    pub compared_with: Comparison,
    /// Its effect on average over the comparable sessions.
    pub average: Effect,
    /// Its effect on prompts like the one asked about; nothing if none was, or where such prompts nearly always or nearly
    /// never got the rule.
    pub here: Option<Effect>,
    /// The estimated probability that the rule is chosen for the prompt asked about.
    pub propensity: Option<f64>,
    /// What may be said of the rule on average.
    pub verdict: Verdict,
    /// The p-value adjusted for how many rules were looked at.
    pub q_value: f64,
    /// Where the probabilities of its choice come from.
    pub evidence: Evidence,
}

/// Answers from a trained model.
pub(super) fn answer(params: &Params, model: &Model, query: &Query) -> Result<Answer, ComponentError> {
    let asked = query.prompt.is_some() || query.session.is_some() || query.features.is_some();
    if !asked && query.rule_id.is_none() {
        let why = "nothing to tell of; give `rule_id`, or one of `prompt`, `session` and `features`, or both";
        return Err(ComponentError::Query(why.to_owned()));
    }
    let row = if asked {
        Some(asked::row(query.prompt.as_deref(), query.session.as_ref(), query.features.as_deref())?)
    } else {
        None
    };
    let wanted = |rule: &&KnownRule| query.rule_id.as_ref().is_none_or(|id| *id == rule.rule_id);
    let mut effects = Vec::new();
    for rule in model.rules.iter().filter(wanted) {
        effects.push(known(params, rule, row.as_ref())?);
    }
    if let (Some(id), true) = (&query.rule_id, effects.is_empty()) {
        return unknown(model, id);
    }
    let of = |effect: &KnownEffect| effect.here.unwrap_or(effect.average).effect;
    let sign = if model.outcome == Outcome::Failure { -1.0 } else { 1.0 };
    effects.sort_by(|a, b| (sign * of(b)).total_cmp(&(sign * of(a))).then(a.rule_id.cmp(&b.rule_id)));
    let note = effects.is_empty().then(|| "no rule's effect is known".to_owned());
    Ok(Answer { outcome: model.outcome, effects, note })
}

fn known(params: &Params, rule: &KnownRule, row: Option<&FeatureVector>) -> Result<KnownEffect, ComponentError> {
    let failed = |e: &dyn std::error::Error| ComponentError::Data(e.to_string());
    let (mut here, mut propensity) = (None, None);
    if let Some(row) = row {
        let view = ArrayView2::from_shape((1, WIDTH), row).map_err(|e| failed(&e))?;
        let p = rule.chosen.probability(view, &()).map_err(|e| failed(&e))?[0];
        propensity = Some(p);
        if (params.trim..=1.0 - params.trim).contains(&p) {
            let row = row.map(f64::from);
            let effect = rule.conditional.effect(&row).map_err(|e| failed(&e))?;
            let deviation = rule.conditional.deviation(&row).map_err(|e| failed(&e))?;
            let wide = Z_95 * deviation.unwrap_or(f64::INFINITY);
            here = Some(Effect { effect, low: effect - wide, high: effect + wide });
        }
    }
    Ok(KnownEffect {
        rule_id: rule.rule_id.clone(),
        compared_with: rule.compared_with,
        average: rule.average,
        here,
        propensity,
        verdict: rule.verdict,
        q_value: rule.q_value,
        evidence: rule.evidence,
    })
}

/// A rule that cannot be judged is answered with the reason; one that never occurred is a wrong question.
fn unknown(model: &Model, id: &str) -> Result<Answer, ComponentError> {
    if let Some(refused) = model.refused.iter().find(|refused| refused.rule_id == id) {
        let note = Some(format!("the effect of {id} cannot be told: {}", refused.reason));
        return Ok(Answer { outcome: model.outcome, effects: Vec::new(), note });
    }
    let mut names: Vec<&str> = model.rules.iter().map(|rule| rule.rule_id.as_str()).collect();
    names.truncate(NAMED);
    let known = if names.is_empty() { "no rule".to_owned() } else { names.join(", ") };
    Err(ComponentError::Query(format!("`rule_id` is `{id}`, which was never applied; known are {known}")))
}
