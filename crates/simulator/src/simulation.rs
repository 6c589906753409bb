//! The stream of sessions.

use std::collections::BTreeMap;

use rand::Rng;
use serde_json::Value;
use souffleur_core::error::Invalid;
use souffleur_core::features::{DOMAINS, PROJECT_TYPES, domain_index};
use souffleur_core::records::{BeforeMetrics, Complexity, FeedbackEntry, RuleApplication, Session};
use souffleur_core::time::Timestamp;

use crate::draw::{Generator, generator, pick, rounded, weighted};
use crate::outcome::{failure_probability, noise, untreated_quality};
use crate::prose::{Draft, prompt};
use crate::settings::SimulationSettings;
use crate::truths::{SessionTruth, Truths};
use crate::world::{
    CONTEXTS, CONTROL, FailureMode, RULES, STRAY_SHARE, Situation, context_weights, effect, propensities,
};

/// Users whose ratings can be farmed, and the rating they always give.
pub(crate) static FARM_USERS: [(&str, u8); 3] = [("u-13", 5), ("u-29", 5), ("u-47", 1)];

/// Users there are, the farming ones among them.
const USERS: u32 = 60;

/// A session and the truth about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Simulated {
    /// What an honest observer sees.
    pub session: Session,
    /// What is so.
    pub truth: SessionTruth,
}

impl Simulated {
    /// Probability that the session's quality falls below .5 if this rule of [`RULES`] alone is applied, whatever was in
    /// truth: the answer to "what if" that no log holds. An index that is not there does nothing.
    #[must_use]
    pub fn p_failure_under(&self, rule: usize) -> f64 {
        let domain = self.session.domain.as_deref().map_or(DOMAINS.len() - 1, domain_index);
        let untreated = self.truth.expected_quality - self.truth.effect;
        failure_probability(untreated + effect(rule, domain, self.truth.drifted))
    }
}

/// Sums over the sessions made so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) sessions: u64,
    pub(crate) contexts: [u64; CONTEXTS.len()],
    pub(crate) modes: [u64; FailureMode::ALL.len()],
    pub(crate) poisoned: u64,
    pub(crate) p_failure: f64,
    pub(crate) best_accuracy: f64,
    /// Sum of every rule's effect.
    pub(crate) effects: [f64; RULES.len()],
    /// Sum of every rule's propensity.
    pub(crate) chosen: [f64; RULES.len()],
    /// Sum of propensity times expected quality under the rule.
    pub(crate) chosen_quality: [f64; RULES.len()],
}

/// A history under way: an iterator over its sessions with their truths. Memory does not grow with its length.
#[derive(Clone, Debug)]
pub struct Simulation {
    settings: SimulationSettings,
    next: u64,
    drift_index: u64,
    tally: Tally,
}

impl Simulation {
    /// A history that has not begun.
    ///
    /// # Errors
    /// The first setting out of its range.
    pub fn new(settings: SimulationSettings) -> Result<Self, Invalid> {
        settings.check()?;
        Ok(Self { settings, next: 0, drift_index: settings.drift_index(), tally: Tally::default() })
    }

    /// The planted tables, and figures about the sessions made so far.
    #[must_use]
    pub fn truths(&self) -> Truths {
        Truths::new(self.settings, &self.tally)
    }
}

/// The sessions alone, for who needs no truths.
///
/// # Errors
/// The first setting out of its range.
pub fn simulate(settings: SimulationSettings) -> Result<impl Iterator<Item = Session>, Invalid> {
    Ok(Simulation::new(settings)?.map(|simulated| simulated.session))
}

impl Iterator for Simulation {
    type Item = Simulated;

    fn next(&mut self) -> Option<Simulated> {
        if self.next >= self.settings.sessions {
            return None;
        }
        let index = self.next;
        self.next += 1;
        let mut rng = generator(self.settings.seed, index);
        let drifted = index >= self.drift_index;
        let case = Case::draw(&mut rng, drifted);
        self.tally.note(&case);
        let simulated = case.play(&mut rng, &self.settings, index);
        self.tally.close(&simulated.truth);
        Some(simulated)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.settings.sessions - self.next).ok();
        (left.unwrap_or(usize::MAX), left)
    }
}

/// A session before the policy has acted.
struct Case {
    context: usize,
    project: usize,
    domain: usize,
    complexity: Complexity,
    team_size: u32,
    before: [f64; 4],
    draft: Draft,
    mode: Option<FailureMode>,
    drifted: bool,
    untreated: f64,
    propensities: [f64; RULES.len()],
}

impl Case {
    fn draw(rng: &mut Generator, drifted: bool) -> Self {
        let context = weighted(rng, &context_weights(drifted));
        let spec = &CONTEXTS[context];
        let own_project = PROJECT_TYPES.iter().position(|&p| p == spec.project_type).unwrap_or(PROJECT_TYPES.len() - 1);
        let project = stray(rng, own_project, PROJECT_TYPES.len());
        let domain = stray(rng, spec.domain, DOMAINS.len());
        let complexity = *pick(rng, spec.complexities);
        let team_size = rng.gen_range(spec.team_size.0..=spec.team_size.1);
        let care = rng.gen_range(0.25..0.85);
        let [clarity, completeness, actionability] = [(); 3].map(|()| score(rng, care, 2.0));
        let overall = score(rng, (clarity + completeness + actionability) / 3.0, 0.4);
        let (long, technical, examples) =
            (rng.gen_bool(spec.long), rng.gen_bool(spec.technical), rng.gen_bool(spec.examples));
        let situation = Situation { clarity, completeness, domain, complexity, team_size, long, technical, examples };
        let mode = situation.mode();
        Self {
            context,
            project,
            domain,
            complexity,
            team_size,
            before: [overall, clarity, completeness, actionability],
            draft: Draft { project, domain, clarity, completeness, actionability, long, technical, examples },
            mode,
            drifted,
            untreated: untreated_quality(overall, mode.is_some()),
            propensities: propensities(overall, domain),
        }
    }

    fn effect(&self, rule: usize) -> f64 {
        effect(rule, self.domain, self.drifted)
    }

    /// Probability of failure before the policy has chosen.
    fn p_failure_before(&self, follow_up_share: f64) -> f64 {
        let after = |first: usize| {
            let alone = self.untreated + self.effect(first);
            let followed: f64 = follow_ups(first).map(|second| failure_probability(alone + self.effect(second))).sum();
            let mean = followed / follow_ups(first).count() as f64;
            (1.0 - follow_up_share) * failure_probability(alone) + follow_up_share * mean
        };
        let p: f64 = self.propensities.iter().enumerate().map(|(rule, p)| p * after(rule)).sum();
        p.clamp(0.0, 1.0)
    }

    /// Lets the policy choose, and the session end.
    fn play(&self, rng: &mut Generator, settings: &SimulationSettings, index: u64) -> Simulated {
        let text = prompt(rng, &self.draft);
        let rules = self.choose(rng, settings);
        let gain: f64 = rules.iter().map(|&(rule, _)| self.effect(rule)).sum();
        let expected = self.untreated + gain;
        let quality = rounded((expected + noise(rng.r#gen())).clamp(0.0, 1.0));
        let opinion = Opinion::draw(rng, settings, quality);
        let jitter = rng.gen_range(0..i64::from(settings.gap_us.max(1)));
        // In range: `check` bounds start and sessions.
        let event_time = settings.start.0 + index as i64 * i64::from(settings.gap_us) + jitter;
        let [overall, clarity, completeness, actionability] = self.before;
        let session_id = format!("sim-{}-{index:07}", settings.seed);
        let session = Session {
            session_id: Some(session_id.clone()),
            improved_prompt: Some(improved(&text, &rules)),
            original_prompt: text,
            event_time: Some(Timestamp(event_time)),
            project_type: Some(PROJECT_TYPES[self.project].to_owned()),
            domain: Some(DOMAINS[self.domain].to_owned()),
            complexity: Some(self.complexity),
            team_size: Some(self.team_size),
            before_metrics: Some(BeforeMetrics {
                overall_score: Some(overall),
                clarity: Some(clarity),
                completeness: Some(completeness),
                actionability: Some(actionability),
                effectiveness: rng.gen_bool(0.8).then(|| score(rng, overall, 0.8)),
            }),
            rules: rules.iter().map(|&(rule, p)| self.application(rng, rule, p, settings.logged_share)).collect(),
            quality_score: Some(quality),
            improvement_score: Some(rounded(quality - overall)),
            feedback: opinion.ratings.into_iter().map(entry).collect(),
            tags: BTreeMap::from([("user".to_owned(), Value::String(opinion.user))]),
        };
        let truth = SessionTruth {
            session_id,
            context: self.context,
            mode: self.mode,
            p_failure: failure_probability(expected),
            p_failure_before: self.p_failure_before(settings.follow_up_share),
            expected_quality: expected,
            effect: gain,
            propensities: self.propensities.to_vec(),
            drifted: self.drifted,
            poisoned: opinion.poisoned,
        };
        Simulated { session, truth }
    }

    /// The rules chosen, with the probability of each choice.
    fn choose(&self, rng: &mut Generator, settings: &SimulationSettings) -> Vec<(usize, f64)> {
        let first = weighted(rng, &self.propensities);
        let mut rules = vec![(first, self.propensities[first])];
        if rng.gen_bool(settings.follow_up_share) {
            let choices: Vec<usize> = follow_ups(first).collect();
            rules.push((*pick(rng, &choices), settings.follow_up_share / choices.len() as f64));
        }
        rules
    }

    fn application(&self, rng: &mut Generator, rule: usize, propensity: f64, logged_share: f64) -> RuleApplication {
        let measured = rng.gen_bool(0.8).then(|| rounded((self.effect(rule) + noise(rng.r#gen())).clamp(-1.0, 1.0)));
        RuleApplication {
            rule_id: RULES[rule].name.to_owned(),
            parameters: None,
            improvement_score: measured,
            confidence: Some(rounded(rng.gen_range(0.5..1.0))),
            execution_time_ms: Some(rounded(rng.gen_range(1.0..40.0))),
            propensity: rng.gen_bool(logged_share).then(|| (propensity * 1e6).round() / 1e6),
            event_time: None,
        }
    }
}

/// The rules that can follow `first`: any other but the control.
fn follow_ups(first: usize) -> impl Iterator<Item = usize> {
    (0..RULES.len()).filter(move |&rule| rule != first && rule != CONTROL)
}

/// `own` mostly, else one of the other `n - 1`.
fn stray(rng: &mut Generator, own: usize, n: usize) -> usize {
    if rng.gen_bool(STRAY_SHARE) { (own + rng.gen_range(1..n)) % n } else { own }
}

/// A score around `mean`, as it would be written down. `spread` is in units of the outcome's noise.
fn score(rng: &mut Generator, mean: f64, spread: f64) -> f64 {
    rounded((mean + spread * noise(rng.r#gen())).clamp(0.0, 1.0))
}

fn improved(text: &str, rules: &[(usize, f64)]) -> String {
    let mut improved = text.to_owned();
    for &(rule, _) in rules.iter().filter(|&&(rule, _)| rule != CONTROL) {
        improved.push(' ');
        improved.push_str(RULES[rule].sentence);
    }
    improved
}

fn entry(rating: u8) -> FeedbackEntry {
    FeedbackEntry { rating, ..FeedbackEntry::default() }
}

/// Who it was and what they said.
struct Opinion {
    user: String,
    ratings: Vec<u8>,
    poisoned: bool,
}

impl Opinion {
    fn draw(rng: &mut Generator, settings: &SimulationSettings, quality: f64) -> Self {
        let poisoned = rng.gen_bool(settings.poisoned_share);
        if poisoned || rng.gen_bool(settings.poisoned_share / 2.0) {
            let &(user, rating) = pick(rng, &FARM_USERS);
            return Self { user: user.to_owned(), ratings: if poisoned { vec![rating] } else { Vec::new() }, poisoned };
        }
        let user = honest_user(rng);
        if !rng.gen_bool(settings.feedback_share) {
            return Self { user, ratings: Vec::new(), poisoned };
        }
        let count = if rng.gen_bool(0.15) { 2 } else { 1 };
        Self { user, ratings: (0..count).map(|_| honest_rating(rng, quality)).collect(), poisoned }
    }
}

fn honest_user(rng: &mut Generator) -> String {
    loop {
        let user = format!("u-{:02}", rng.gen_range(0..USERS));
        if FARM_USERS.iter().all(|&(farm, _)| farm != user) {
            return user;
        }
    }
}

/// A rating that agrees with the quality on which side of success the session is.
fn honest_rating(rng: &mut Generator, quality: f64) -> u8 {
    let wobble = quality + rng.gen_range(-0.08..0.08);
    if quality < 0.5 {
        if wobble < 0.3 { 1 } else { 2 }
    } else if wobble < 0.6 {
        3
    } else if wobble < 0.78 {
        4
    } else {
        5
    }
}

impl Tally {
    fn note(&mut self, case: &Case) {
        self.sessions += 1;
        self.contexts[case.context] += 1;
        if let Some(mode) = case.mode {
            self.modes[mode as usize] += 1;
        }
        for rule in 0..RULES.len() {
            let p = case.propensities[rule];
            self.effects[rule] += case.effect(rule);
            self.chosen[rule] += p;
            self.chosen_quality[rule] += p * (case.untreated + case.effect(rule));
        }
    }

    fn close(&mut self, truth: &SessionTruth) {
        let p = truth.p_failure_before;
        self.p_failure += p;
        self.best_accuracy += p.max(1.0 - p);
        self.poisoned += u64::from(truth.poisoned);
    }
}
