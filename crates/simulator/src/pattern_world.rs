//! Sessions in which it is known what succeeds: rules in a context, rules that belong together, orders, neighbours, rules on
//! a kind of prompt, and what shows only to who looks at an order or at neighbours under a circumstance.

use std::sync::Arc;

use ndarray::{Array2, ArrayView1, ArrayViewMut1};
use rand::Rng;
use souffleur_core::batch::{SessionRules, TrainingBatch};
use souffleur_core::features::{COMPLEXITY, DOMAIN_START, PROJECT_TYPE_START, TEAM_SIZE, WIDTH};
use souffleur_core::query::Query;

use crate::batch::planted_batch;
use crate::draw::{Generator, generator, weighted};

/// The rules, by number.
pub static PATTERN_RULES: [&str; 10] = [
    "clarify",
    "add_examples",
    "structure",
    "step_by_step",
    "set_role",
    "shorten",
    "define_terms",
    "name_audience",
    "ask_back",
    "cite_sources",
];
const RULES: usize = PATTERN_RULES.len();
/// How often each domain, and each project type, occurs.
const SHARES: [f64; 7] = [0.3, 0.25, 0.2, 0.1, 0.06, 0.05, 0.04];
/// Probability of success of an average prompt where nothing planted is at work.
const BASE: f64 = 0.4;
/// What the overall score adds to it for each unit above .5.
const SCORE_SLOPE: f64 = 0.3;
/// What a rule in its place adds, and two rules that belong together.
const GAIN: f64 = 0.3;
/// What the right order adds and the wrong one takes: who only sees which rules there are sees nothing.
const ORDER: f64 = 0.2;
/// What neighbours add, and what two rules that are kept apart take: 61 % of all pairs are neighbours.
const NEXT: f64 = 0.15;
const APART: f64 = 0.237;
const HAS_EXAMPLES: usize = 13;
/// How often a prompt shows an example.
const EXAMPLES_SHARE: f64 = 0.4;

/// Where something holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// Anywhere.
    Anywhere,
    /// Where a column is above this value.
    Above(usize, f32),
    /// Where a column is below this value.
    Below(usize, f32),
}

impl Place {
    fn holds(self, row: ArrayView1<'_, f32>) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Above(column, value) => row[column] > value,
            Self::Below(column, value) => row[column] < value,
        }
    }

    /// Share of all sessions where it holds.
    fn share(self) -> f64 {
        match self {
            Self::Anywhere => 1.0,
            Self::Above(HAS_EXAMPLES, _) => EXAMPLES_SHARE,
            Self::Above(TEAM_SIZE, value) => {
                (1..=TEAM_MAX).filter(|size| team(*size) > value).count() as f64 / f64::from(TEAM_MAX)
            }
            Self::Above(column @ PROJECT_TYPE_START..=28, _) => SHARES[(column - PROJECT_TYPE_START) % SHARES.len()],
            Self::Above(_, value) => 1.0 - f64::from(value),
            Self::Below(_, value) => f64::from(value),
        }
    }
}

/// The most people of a team, and the feature of a team's size.
const TEAM_MAX: u32 = 20;

fn team(size: u32) -> f32 {
    size as f32 / TEAM_MAX as f32
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// The rule is applied.
    Apply(u32),
    /// Both rules are applied.
    Both(u32, u32),
    /// The first rule is applied before the second one.
    Order(u32, u32),
    /// Both rules are applied, nothing in between.
    Next(u32, u32),
}

impl Deed {
    /// What it adds to the probability of success where it is planted.
    fn gain(self, rules: &[u32]) -> f64 {
        let place = |rule: u32| rules.iter().position(|r| *r == rule);
        let places = |a: u32, b: u32| place(a).zip(place(b));
        match self {
            Self::Apply(a) => place(a).map_or(0.0, |_| GAIN),
            Self::Both(a, b) => places(a, b).map_or(0.0, |_| GAIN),
            Self::Order(a, b) => places(a, b).map_or(0.0, |(a, b)| if a < b { ORDER } else { -ORDER }),
            Self::Next(a, b) => places(a, b).map_or(0.0, |(a, b)| if a.abs_diff(b) == 1 { NEXT } else { -APART }),
        }
    }
}

/// What succeeds: this, done there. Where an order, or neighbours, are planted in one place, the opposite succeeds a little
/// elsewhere, so that on the whole neither does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Planted {
    /// Where.
    pub place: Place,
    /// What.
    pub deed: Deed,
}

impl Planted {
    /// What it adds to the probability of success of a session.
    fn gain(&self, row: ArrayView1<'_, f32>, rules: &[u32]) -> f64 {
        let gain = self.deed.gain(rules);
        match self.deed {
            _ if self.place.holds(row) => gain,
            Deed::Apply(_) | Deed::Both(..) => 0.0,
            Deed::Order(..) | Deed::Next(..) => -gain * self.place.share() / (1.0 - self.place.share()),
        }
    }
}

const SHORT_SENTENCES: Place = Place::Below(11, 1.0 / 3.0);
const TECHNICAL: Place = Place::Above(10, 2.0 / 3.0);
const EXAMPLES: Place = Place::Above(HAS_EXAMPLES, 0.5);
const COMPLEX: Place = Place::Above(COMPLEXITY, 0.7);
const LARGE_TEAMS: Place = Place::Above(TEAM_SIZE, 0.66);
const FINANCE: Place = Place::Above(DOMAIN_START, 0.5);
const HEALTHCARE: Place = Place::Above(DOMAIN_START + 1, 0.5);
const WEB: Place = Place::Above(PROJECT_TYPE_START, 0.5);

const fn planted(place: Place, deed: Deed) -> Planted {
    Planted { place, deed }
}

/// What succeeds, alike for all rules: six that rules and contexts show, five that orders show, five that the structure of
/// prompt and rules shows, and ten orders and neighbours under a circumstance.
pub static PLANTED: [Planted; 26] = [
    planted(FINANCE, Deed::Apply(0)),
    planted(HEALTHCARE, Deed::Apply(1)),
    planted(LARGE_TEAMS, Deed::Apply(2)),
    planted(COMPLEX, Deed::Apply(7)),
    planted(Place::Anywhere, Deed::Both(3, 9)),
    planted(Place::Anywhere, Deed::Both(4, 8)),
    planted(Place::Anywhere, Deed::Order(0, 1)),
    planted(Place::Anywhere, Deed::Order(3, 2)),
    planted(Place::Anywhere, Deed::Order(4, 5)),
    planted(Place::Anywhere, Deed::Order(7, 6)),
    planted(Place::Anywhere, Deed::Order(8, 9)),
    planted(EXAMPLES, Deed::Apply(5)),
    planted(TECHNICAL, Deed::Apply(6)),
    planted(Place::Anywhere, Deed::Next(7, 2)),
    planted(Place::Anywhere, Deed::Next(1, 6)),
    planted(Place::Anywhere, Deed::Next(0, 5)),
    planted(FINANCE, Deed::Order(3, 0)),
    planted(EXAMPLES, Deed::Order(1, 4)),
    planted(HEALTHCARE, Deed::Order(2, 5)),
    planted(LARGE_TEAMS, Deed::Order(6, 3)),
    planted(TECHNICAL, Deed::Order(4, 7)),
    planted(SHORT_SENTENCES, Deed::Order(8, 5)),
    planted(WEB, Deed::Order(9, 6)),
    planted(FINANCE, Deed::Next(7, 8)),
    planted(LARGE_TEAMS, Deed::Next(8, 1)),
    planted(EXAMPLES, Deed::Next(9, 2)),
];

/// Sessions and what is true of each.
#[derive(Clone, Debug)]
pub struct PatternWorld {
    /// What a component sees: features, rules of [`PATTERN_RULES`] in order, success.
    pub batch: TrainingBatch,
    /// What the planted patterns add to the probability of success of each session.
    pub gain: Vec<f64>,
    /// The probability of success of each session.
    pub probability: Vec<f64>,
    /// The rules applied in each session, in order, by number.
    pub rules: Vec<Vec<u32>>,
}

impl PatternWorld {
    /// Whether a pattern that was planted helped this session; not one that there is not.
    #[must_use]
    pub fn is_helped(&self, session: usize, by: &Planted) -> bool {
        let there = session < self.rules.len() && by.place.holds(self.batch.features.row(session));
        there && by.deed.gain(&self.rules[session]) > 0.0
    }
}

/// `n` sessions drawn from `seed`, with these patterns planted.
///
/// Prompts that score high succeed more often and are given more rules (2 to 4, in random order): who compares sessions with
/// a rule with all others finds that in every rule. Each prompt is tried once.
#[must_use]
pub fn pattern_world(seed: u64, n: usize, planted: &[Planted]) -> PatternWorld {
    let mut features = Array2::zeros((n, WIDTH));
    let (mut gain, mut probability, mut rules, mut success) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (i, mut row) in features.rows_mut().into_iter().enumerate() {
        let mut rng = generator(seed, i as u64);
        draw_features(&mut rng, row.view_mut());
        let applied = draw_rules(&mut rng, row[0]);
        let base = BASE + SCORE_SLOPE * (f64::from(row[0]) - 0.5);
        let gains = planted.iter().map(|one| one.gain(row.view(), &applied));
        let p = (base + gains.sum::<f64>()).clamp(0.0, 1.0);
        gain.push(p - base);
        probability.push(p);
        success.push(if rng.gen_bool(p) { 0.75 } else { 0.25 });
        rules.push(applied);
    }
    let mut applied = SessionRules {
        rule_ids: PATTERN_RULES.iter().map(|rule| Arc::from(*rule)).collect(),
        ..SessionRules::default()
    };
    for rules in &rules {
        applied.rule.extend_from_slice(rules);
        applied.starts.push(applied.rule.len() as u32);
    }
    applied.improvement_score = vec![f32::NAN; applied.rule.len()];
    applied.propensity = vec![f32::NAN; applied.rule.len()];
    let batch = planted_batch(Query::all_features(), features, success, applied);
    PatternWorld { batch, gain, probability, rules }
}

fn draw_features(rng: &mut Generator, mut row: ArrayViewMut1<'_, f32>) {
    row.iter_mut().take(PROJECT_TYPE_START).for_each(|value| *value = rng.r#gen());
    row[HAS_EXAMPLES] = f32::from(u8::from(rng.gen_bool(EXAMPLES_SHARE)));
    row[PROJECT_TYPE_START + weighted(rng, &SHARES)] = 1.0;
    row[DOMAIN_START + weighted(rng, &SHARES)] = 1.0;
    row[COMPLEXITY] = 0.25 * rng.gen_range(1..5) as f32;
    row[TEAM_SIZE] = team(rng.gen_range(1..=TEAM_MAX));
}

/// Different rules in random order, the more the better the prompt.
fn draw_rules(rng: &mut Generator, score: f32) -> Vec<u32> {
    let more = |rng: &mut Generator| usize::from(rng.gen_bool(0.25 + 0.5 * f64::from(score)));
    let count = 2 + more(rng) + more(rng);
    let mut rules: Vec<u32> = (0..RULES as u32).collect();
    for place in 0..count {
        rules.swap(place, rng.gen_range(place..RULES));
    }
    rules.truncate(count);
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_share(features: &ndarray::ArrayView2<'_, f32>, place: Place) -> f64 {
        features.outer_iter().filter(|row| place.holds(*row)).count() as f64 / features.nrows() as f64
    }

    #[test]
    fn what_is_planted_succeeds_as_often_as_it_says() {
        let world = pattern_world(3, 20_000, &PLANTED);
        let mean = |values: &mut dyn Iterator<Item = f64>| {
            let values: Vec<f64> = values.collect();
            values.iter().sum::<f64>() / values.len() as f64
        };
        let base = mean(&mut (0..20_000).map(|i| world.probability[i] - world.gain[i]));
        assert!((base - BASE).abs() < 0.01, "{base}");
        for gain in [0.0, GAIN] {
            let gained = || (0..20_000).filter(|i| (world.gain[*i] - gain).abs() < 0.001);
            let said = mean(&mut gained().map(|i| world.probability[i]));
            let success = |i: usize| f64::from(u8::from(world.batch.outcomes.success_score[i] > 0.5));
            let seen = mean(&mut gained().map(success));
            assert!(gained().count() > 1_000 && (seen - said).abs() < 0.03, "{gain}: {seen} of {said}");
        }
        let features = &world.batch.features;
        for one in &PLANTED {
            let there = (0..20_000).filter(|i| one.place.holds(features.row(*i)));
            let gains: Vec<f64> = there.map(|i| one.deed.gain(&world.rules[i])).collect();
            assert!(gains.iter().filter(|gain| **gain > 0.0).count() > 100, "{one:?}");
            // Orders and neighbours are worth nothing on the whole.
            let share = there_share(&features.view(), one.place);
            let seen = matches!(one.deed, Deed::Apply(_) | Deed::Both(..));
            assert!(seen || (share - one.place.share()).abs() < 0.02, "{one:?}: {share}");
            let mean = gains.iter().sum::<f64>() / gains.iter().filter(|gain| **gain != 0.0).count() as f64;
            assert!(seen || mean.abs() < 0.05, "{one:?}: {mean}");
        }
        assert_eq!(
            pattern_world(3, 50, &PLANTED).batch.features,
            features.slice(ndarray::s![..50, ..]).to_owned().into_shared()
        );
    }
}
