//! Rules applied side by side, each more often where prompts are good or bad anyway: a log whose effects are known.

use ndarray::Array2;
use rand::Rng;
use souffleur_core::batch::{SessionRules, TrainingBatch};
use souffleur_core::features::{COMPLEXITY, DOMAIN_START, PROJECT_TYPE_START, TEAM_SIZE, WIDTH};
use souffleur_core::query::Query;

use crate::batch::planted_batch;
use crate::draw::{Generator, generator};

/// Variables that differ from row to row: the first feature columns.
pub const VARIABLES: usize = 10;
/// Rules of a log; the last ones do nothing.
pub const LOG_RULES: usize = 5;
/// How many of them do nothing.
pub const IDLE_RULES: usize = 2;
/// Variables that choose a rule, and how many matter for its effect.
const CAUSES: usize = 3;
const MODIFIERS: usize = 2;
/// The most that a row's variables add to the outcome, and chance.
const VARIABLES_ADD: f64 = 0.2;
const SQUARE_ADDS: f64 = 0.03;
const CHANCE_ADDS: f64 = 0.07;

/// A world of ten variables, of which each depends on some before it, rules that these choose, and an outcome that all of
/// them cause.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleWorld {
    /// What each variable takes from those before it.
    mixing: Vec<[f64; VARIABLES]>,
    /// What the variables add to the outcome.
    outcome: [f64; VARIABLES],
    rules: Vec<PlantedRule>,
}

/// What chooses a rule and what it does.
#[derive(Clone, Debug, PartialEq)]
struct PlantedRule {
    log_odds: [f64; VARIABLES],
    base: f64,
    effect: f64,
    modifiers: [f64; VARIABLES],
}

/// Rows of a world.
#[derive(Clone, Debug)]
pub struct RuleLog {
    /// One row a session.
    pub batch: TrainingBatch,
    /// True effect of each rule on each row, rows x rules.
    pub effects: Array2<f64>,
    /// True probability of each rule in each row.
    pub propensities: Array2<f64>,
}

/// The name of a rule of the log.
#[must_use]
pub fn log_rule(rule: usize) -> String {
    format!("rule_{rule}")
}

impl RuleWorld {
    /// A world drawn from `seed`. What leads to a rule is also what moves the outcome, so that comparing sessions with it to
    /// those without it misleads.
    #[must_use]
    pub fn draw(seed: u64) -> Self {
        let mut rng = generator(seed, 0x5EED);
        let mixing = (0..VARIABLES).map(|variable| mix(&mut rng, variable)).collect();
        let mut outcome = [(); VARIABLES].map(|()| signed(&mut rng, 0.2, 1.0));
        let total: f64 = outcome.iter().map(|w| w.abs()).sum();
        outcome.iter_mut().for_each(|w| *w *= VARIABLES_ADD / total);
        let rules = (0..LOG_RULES).map(|rule| PlantedRule::draw(&mut rng, rule, &outcome)).collect();
        Self { mixing, outcome, rules }
    }

    /// The mean effect of a rule over all rows there might be.
    #[must_use]
    pub fn average_effect(&self, rule: usize) -> f64 {
        // Variables have mean 0.
        self.rules.get(rule).map_or(0.0, |rule| rule.effect)
    }

    /// `rows` sessions drawn from `seed`; a share of `logged` of the applications says with which probability it was chosen.
    #[must_use]
    pub fn log(&self, seed: u64, rows: usize, logged: f64) -> RuleLog {
        let mut features = Array2::from_elem((rows, WIDTH), 0.5);
        let mut effects = Array2::zeros((rows, LOG_RULES));
        let mut propensities = Array2::zeros((rows, LOG_RULES));
        let mut rules = SessionRules {
            rule_ids: (0..LOG_RULES).map(|rule| log_rule(rule).into()).collect(),
            ..SessionRules::default()
        };
        let mut success = Vec::with_capacity(rows);
        for row in 0..rows {
            let mut rng = generator(seed, row as u64);
            let z = self.variables(&mut rng);
            for column in PROJECT_TYPE_START..COMPLEXITY {
                features[[row, column]] = f32::from(u8::from(column == PROJECT_TYPE_START || column == DOMAIN_START));
            }
            features[[row, TEAM_SIZE]] = 0.25;
            z.iter().enumerate().for_each(|(column, z)| features[[row, column]] = (0.5 + 0.5 * z) as f32);
            let mut quality = 0.5 + dot(&self.outcome, &z) + SQUARE_ADDS * (z[0] * z[0] - 1.0 / 3.0);
            for (index, rule) in self.rules.iter().enumerate() {
                let (p, effect) = (rule.propensity(&z), rule.effect + dot(&rule.modifiers, &z));
                (effects[[row, index]], propensities[[row, index]]) = (effect, p);
                if rng.gen_bool(p) {
                    quality += effect;
                    rules.rule.push(index as u32);
                    rules.improvement_score.push(f32::NAN);
                    rules.propensity.push(if rng.gen_bool(logged) { p as f32 } else { f32::NAN });
                }
            }
            rules.starts.push(rules.rule.len() as u32);
            quality += rng.gen_range(-CHANCE_ADDS..CHANCE_ADDS);
            success.push(quality.clamp(0.0, 1.0) as f32);
        }
        RuleLog { batch: planted_batch(Query::default(), features, success, rules), effects, propensities }
    }

    /// The variables of a row, each in [-1, 1].
    fn variables(&self, rng: &mut Generator) -> [f64; VARIABLES] {
        let mut z = [0.0; VARIABLES];
        for (variable, mixing) in self.mixing.iter().enumerate() {
            let own = 1.0 - mixing.iter().map(|w| w.abs()).sum::<f64>();
            z[variable] = dot(mixing, &z) + own * rng.gen_range(-1.0..1.0);
        }
        z
    }
}

impl PlantedRule {
    fn draw(rng: &mut Generator, rule: usize, outcome: &[f64; VARIABLES]) -> Self {
        let (mut log_odds, mut modifiers) = ([0.0; VARIABLES], [0.0; VARIABLES]);
        // Good prompts get one rule, bad ones the next.
        let side = if rule.is_multiple_of(2) { 1.0 } else { -1.0 };
        for _ in 0..CAUSES {
            let cause = rng.gen_range(0..VARIABLES);
            log_odds[cause] = side * outcome[cause].signum() * rng.gen_range(0.8..1.4);
        }
        for _ in 0..MODIFIERS {
            modifiers[rng.gen_range(0..VARIABLES)] = signed(rng, 0.025, 0.04);
        }
        let idle = rule >= LOG_RULES - IDLE_RULES;
        let effect = signed(rng, 0.01, 0.04);
        if idle {
            modifiers = [0.0; VARIABLES];
        }
        Self { log_odds, base: rng.gen_range(-0.8..0.2), effect: if idle { 0.0 } else { effect }, modifiers }
    }

    fn propensity(&self, z: &[f64; VARIABLES]) -> f64 {
        1.0 / (1.0 + (-self.base - dot(&self.log_odds, z)).exp())
    }
}

/// Up to two variables before this one, that take up to seven tenths of it.
fn mix(rng: &mut Generator, variable: usize) -> [f64; VARIABLES] {
    let mut mixing = [0.0; VARIABLES];
    if variable > 0 {
        for _ in 0..2 {
            mixing[rng.gen_range(0..variable)] = signed(rng, 0.1, 0.35);
        }
    }
    mixing
}

/// A number of either sign whose size is in the range.
fn signed(rng: &mut Generator, low: f64, high: f64) -> f64 {
    let size = rng.gen_range(low..high);
    if rng.gen_bool(0.5) { size } else { -size }
}

fn dot(a: &[f64; VARIABLES], b: &[f64; VARIABLES]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_are_as_stated_and_idle_rules_look_as_if_they_worked() {
        let (mut naive_idle, mut off) = (0.0f64, 0.0f64);
        for seed in 0..10 {
            let world = RuleWorld::draw(seed);
            let log = world.log(seed, 4000, 1.0);
            let rules = log.batch.session_rules.as_ref().unwrap();
            let scores = &log.batch.outcomes.success_score;
            assert!(scores.iter().all(|score| *score > 0.0 && *score < 1.0), "an outcome was cut off");
            for rule in 0..LOG_RULES {
                off = off.max((log.effects.column(rule).mean().unwrap() - world.average_effect(rule)).abs());
                let with = |row: usize| rules.of(row).any(|at| rules.rule[at] == rule as u32);
                let mean = |arm: bool| {
                    let of: Vec<f64> = (0..4000).filter(|r| with(*r) == arm).map(|r| f64::from(scores[r])).collect();
                    of.iter().sum::<f64>() / of.len() as f64
                };
                if rule >= LOG_RULES - IDLE_RULES {
                    naive_idle += (mean(true) - mean(false)).abs() / 20.0;
                }
            }
        }
        assert!(off < 0.005, "{off}");
        assert!(naive_idle > 0.01, "{naive_idle}");
    }

    #[test]
    fn the_same_seed_gives_the_same_rows_and_a_longer_log_begins_alike() {
        let world = RuleWorld::draw(3);
        let (short, long) = (world.log(1, 10, 0.5), world.log(1, 20, 0.5));
        assert_eq!(short.batch.features, long.batch.features.slice(ndarray::s![..10, ..]).to_owned());
        assert_ne!(RuleWorld::draw(4), world);
    }
}
