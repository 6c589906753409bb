//! What is so, beside what an honest observer would see.

use serde::{Deserialize, Serialize};
use souffleur_core::features::DOMAINS;

use crate::outcome::{BASE_QUALITY, MODE_PENALTY, NOISE_SD, QUALITY_SLOPE};
use crate::settings::SimulationSettings;
use crate::simulation::{FARM_USERS, Tally};
use crate::world::{CONTEXTS, CONTROL, DRIFTING_CONTEXT, DRIFTING_RULE, FailureMode, RULES, STRAY_SHARE};
use crate::world::{context_weights, effect};

/// The truth about one session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionTruth {
    /// Which session.
    pub session_id: String,
    /// Its context, by index into [`Truths::contexts`].
    pub context: usize,
    /// The failure mode at work.
    pub mode: Option<FailureMode>,
    /// Probability that its quality falls below .5, given the rules applied.
    pub p_failure: f64,
    /// The same before the policy has chosen: what the 31 features can tell at best.
    pub p_failure_before: f64,
    /// Expected quality, given the rules applied.
    pub expected_quality: f64,
    /// Sum of the true effects of the rules applied.
    pub effect: f64,
    /// Probability of every rule under the policy, in the order of [`Truths::rules`].
    pub propensities: Vec<f64>,
    /// Whether it happened in the changed world.
    pub drifted: bool,
    /// Whether its rating is farmed.
    pub poisoned: bool,
}

/// The truth about the whole history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Truths {
    /// What was asked for.
    pub settings: SimulationSettings,
    /// Sessions made so far; the figures marked "in this run" are about them.
    pub sessions: u64,
    /// The planted context clusters.
    pub contexts: Vec<ContextTruth>,
    /// The rules, the control first.
    pub rules: Vec<RuleTruth>,
    /// The planted failure modes.
    pub modes: Vec<ModeTruth>,
    /// What changes, if anything does.
    pub drift: Option<DriftTruth>,
    /// Users whose ratings are farmed (some of their sessions have none).
    pub farm_users: Vec<String>,
    /// Sessions with a farmed rating in this run.
    pub poisoned: u64,
    /// Expected share of failures in this run.
    pub failure_rate: f64,
    /// Accuracy nobody can beat in this run who knows the 31 features but not the rules applied.
    pub best_accuracy: f64,
    /// Quality of an average prompt without any rule.
    pub base_quality: f64,
    /// Quality per unit of overall score before improvement.
    pub quality_slope: f64,
    /// Standard deviation of the quality's noise.
    pub noise_sd: f64,
}

/// The truth about a context.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContextTruth {
    /// Its name.
    pub name: String,
    /// Its project type.
    pub project_type: String,
    /// Its domain.
    pub domain: String,
    /// Its frequency at first.
    pub share: f64,
    /// Its sessions in this run.
    pub sessions: u64,
    /// The mean effect of every rule in it, in the order of [`Truths::rules`], before the drift.
    pub effects: Vec<f64>,
    /// The best rule in it before the drift, by index into [`Truths::rules`].
    pub best_rule: usize,
}

/// The truth about a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleTruth {
    /// Its name.
    pub rule_id: String,
    /// Its effect on the quality, by domain (finance, healthcare, education, ecommerce, gaming, social, other).
    pub effects: Vec<f64>,
    /// Its mean effect over all sessions of this run, against the control.
    pub mean_effect: f64,
    /// What comparing its sessions with those of the control shows, in expectation: effect and confounding together.
    pub naive_effect: f64,
}

/// The truth about a failure mode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModeTruth {
    /// Which.
    pub mode: FailureMode,
    /// When it is at work.
    pub condition: String,
    /// What it takes from the quality.
    pub penalty: f64,
    /// Sessions of this run in which it is at work.
    pub sessions: u64,
}

/// What changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DriftTruth {
    /// The first session of the changed world, counted from 0.
    pub from_session: u64,
    /// The rule whose effect changes.
    pub rule_id: String,
    /// Its effects afterwards, by domain.
    pub effects: Vec<f64>,
    /// The context whose frequency changes.
    pub context: String,
    /// Its frequency before.
    pub share_before: f64,
    /// Its frequency afterwards.
    pub share_after: f64,
}

fn share(context: usize, drifted: bool) -> f64 {
    let weights = context_weights(drifted);
    weights[context] / weights.iter().sum::<f64>()
}

/// The mean effect of a rule in a context: mostly that of its domain, sometimes that of another.
fn context_effect(rule: usize, context: usize) -> f64 {
    let own = CONTEXTS[context].domain;
    let others = (0..DOMAINS.len()).filter(|&d| d != own).map(|d| effect(rule, d, false)).sum::<f64>();
    (1.0 - STRAY_SHARE) * effect(rule, own, false) + STRAY_SHARE * others / (DOMAINS.len() - 1) as f64
}

fn context_truth(context: usize, tally: &Tally) -> ContextTruth {
    let effects: Vec<f64> = (0..RULES.len()).map(|rule| context_effect(rule, context)).collect();
    let best_rule = (0..RULES.len()).max_by(|&a, &b| effects[a].total_cmp(&effects[b])).unwrap_or(CONTROL);
    let spec = &CONTEXTS[context];
    ContextTruth {
        name: spec.name.to_owned(),
        project_type: spec.project_type.to_owned(),
        domain: DOMAINS[spec.domain].to_owned(),
        share: share(context, false),
        sessions: tally.contexts[context],
        effects,
        best_rule,
    }
}

impl Truths {
    pub(crate) fn new(settings: SimulationSettings, tally: &Tally) -> Self {
        let n = tally.sessions.max(1) as f64;
        let naive = |rule: usize| tally.chosen_quality[rule] / tally.chosen[rule].max(f64::MIN_POSITIVE);
        let rule_truth = |rule: usize| RuleTruth {
            rule_id: RULES[rule].name.to_owned(),
            effects: RULES[rule].effects.to_vec(),
            mean_effect: tally.effects[rule] / n,
            naive_effect: naive(rule) - naive(CONTROL),
        };
        let drift = settings.drift_from.map(|_| DriftTruth {
            from_session: settings.drift_index(),
            rule_id: RULES[DRIFTING_RULE].name.to_owned(),
            effects: (0..DOMAINS.len()).map(|domain| effect(DRIFTING_RULE, domain, true)).collect(),
            context: CONTEXTS[DRIFTING_CONTEXT].name.to_owned(),
            share_before: share(DRIFTING_CONTEXT, false),
            share_after: share(DRIFTING_CONTEXT, true),
        });
        let mode_truth = |(i, &mode): (usize, &FailureMode)| ModeTruth {
            mode,
            condition: mode.condition().to_owned(),
            penalty: MODE_PENALTY,
            sessions: tally.modes[i],
        };
        Self {
            settings,
            sessions: tally.sessions,
            contexts: (0..CONTEXTS.len()).map(|context| context_truth(context, tally)).collect(),
            rules: (0..RULES.len()).map(rule_truth).collect(),
            modes: FailureMode::ALL.iter().enumerate().map(mode_truth).collect(),
            drift,
            farm_users: FARM_USERS.iter().map(|&(user, _)| user.to_owned()).collect(),
            poisoned: tally.poisoned,
            failure_rate: tally.p_failure / n,
            best_accuracy: tally.best_accuracy / n,
            base_quality: BASE_QUALITY,
            quality_slope: QUALITY_SLOPE,
            noise_sd: NOISE_SD,
        }
    }
}
