//! The planted cases: one small for the probe, logs of random worlds for the certificate.

use ndarray::Array2;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_core::batch::SessionRules;
use souffleur_core::component::{KnownAnswer, Measurement};
use souffleur_core::error::ComponentError;
use souffleur_core::features::WIDTH;
use souffleur_core::job::Job;
use souffleur_core::query::Query as DataQuery;
use souffleur_simulator::batch::planted_batch;
use souffleur_simulator::{IDLE_RULES, LOG_RULES, RuleLog, RuleWorld, log_rule};

use super::answer::{Answer, Query};
use super::model::KnownRule;
use super::params::Params;
use super::{CausalEffects, train};

/// Rows of the probe, and the rule that is asked about.
const PROBE_ROWS: usize = 600;
const PROBE_RULE: &str = "be_specific";
/// What it adds where clarity is low, and by how much less where it is high.
const PROBE_EFFECT: f64 = 0.3;
const PROBE_SLOPE: f64 = 0.3;
/// The column that leads to the rule, to the outcome and to the size of the effect: clarity.
const CLARITY: usize = 1;
/// Rows of a log.
const LOG_ROWS: usize = 2000;
/// Logs drawn from each world: with twenty seeds, a thousand intervals.
const LOGS: u64 = 10;

/// A rule helps unclear prompts and is mostly applied to clear ones, which do well anyway. A very unclear one is asked about.
pub(super) fn probe() -> KnownAnswer<CausalEffects> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(0x0e_ffec);
    let mut features = Array2::from_elem((PROBE_ROWS, WIDTH), 0.5);
    let mut rules = SessionRules { rule_ids: vec![PROBE_RULE.into()], ..SessionRules::default() };
    let mut success = Vec::with_capacity(PROBE_ROWS);
    for mut row in features.rows_mut() {
        row.iter_mut().take(4).for_each(|value: &mut f32| *value = rng.r#gen());
        let clarity = f64::from(row[CLARITY]);
        let chosen = 0.2 + 0.6 * clarity;
        let applied = rng.gen_bool(chosen);
        if applied {
            rules.rule.push(0);
            rules.improvement_score.push(f32::NAN);
            rules.propensity.push(chosen as f32);
        }
        rules.starts.push(rules.rule.len() as u32);
        let gain = if applied { PROBE_EFFECT - PROBE_SLOPE * clarity } else { 0.0 };
        success.push((0.1 + 0.5 * clarity + gain + rng.gen_range(0.0..0.1)) as f32);
    }
    let asked: Vec<f32> = (0..WIDTH).map(|column| if column == CLARITY { 0.1 } else { 0.5 }).collect();
    KnownAnswer {
        batch: planted_batch(DataQuery::all_features(), features, success, rules),
        query: Query { features: Some(asked), ..Query::default() },
        verify,
    }
}

fn verify(answer: &Answer) -> Result<(), String> {
    let Some(known) = answer.effects.first() else {
        return Err(format!("the effect of the planted rule is not known: {:?}", answer.note));
    };
    let Some(here) = known.here else { return Err("nothing is known of the prompt asked about".to_owned()) };
    let (average, at) = (PROBE_EFFECT - 0.5 * PROBE_SLOPE, PROBE_EFFECT - 0.1 * PROBE_SLOPE);
    for (what, found, truth) in [("on average", known.average, average), ("for an unclear prompt", here, at)] {
        if (found.effect - truth).abs() > 0.05 || found.low > found.effect || found.high < found.effect {
            return Err(format!("the rule adds {truth:.2} {what}; the answer says {found:?}"));
        }
    }
    Ok(())
}

/// What is found in logs of one random world: ten variables, each dependent on some before it, choose five rules, two of
/// which do nothing; 2,000 sessions a log, every second log with logged probabilities.
///
/// `cate_r_squared` is the share of the variance of true effects over the rows of a log that the effects by features explain,
/// mean over the rules that do something. `interval_coverage` is the share of 95 % intervals that hold the true average effect
/// (`interval_coverage_most` is the same figure, held against a bar from above), `cate_interval_coverage` that of the intervals
/// for single rows. `spurious_reduction` is by how much the size of what is found of idle rules falls short of what sessions
/// with and without them differ by.
pub(super) fn certify(seed: u64, job: &Job) -> Result<Vec<Measurement>, ComponentError> {
    let world = RuleWorld::draw(seed);
    let params = Params { refuter_repeats: 0, ..Params::default() };
    let mut figures = Figures::default();
    for log in 0..LOGS {
        let logged = f64::from(u8::from(log % 2 == 0));
        let log = world.log(seed.wrapping_mul(LOGS).wrapping_add(log) ^ 0x10_6000, LOG_ROWS, logged);
        let (model, report) = train::train(&params, &log.batch, job)?;
        if model.rules.len() != LOG_RULES {
            let refused: Vec<String> = model.refused.into_iter().map(|r| format!("{}: {}", r.rule_id, r.reason)).collect();
            return Err(ComponentError::Data(format!("a planted rule was refused: {}", refused.join("; "))));
        }
        for rule in 0..LOG_RULES {
            let name = log_rule(rule);
            let known = model.rules.iter().find(|known| known.rule_id == name);
            let told = report.rules.iter().find(|told| told.rule_id == name);
            let (Some(known), Some(told)) = (known, told) else {
                return Err(ComponentError::Data(format!("nothing was found of {name}")));
            };
            let truth = world.average_effect(rule);
            figures.intervals += 1.0;
            figures.held += f64::from(u8::from((told.debiased.low..=told.debiased.high).contains(&truth)));
            if rule >= LOG_RULES - IDLE_RULES {
                figures.idle += told.debiased.effect.abs();
                figures.idle_naive += told.naive.effect.abs();
            } else {
                figures.by_features(known, &log, rule)?;
            }
        }
    }
    Ok(figures.measured())
}

/// Sums over the rules of all logs.
#[derive(Default)]
struct Figures {
    intervals: f64,
    held: f64,
    idle: f64,
    idle_naive: f64,
    working: f64,
    r_squared: f64,
    rows: f64,
    rows_held: f64,
}

impl Figures {
    fn by_features(&mut self, known: &KnownRule, log: &RuleLog, rule: usize) -> Result<(), ComponentError> {
        let failed = |e: &dyn std::error::Error| ComponentError::Data(e.to_string());
        let truth = log.effects.column(rule);
        let mean = truth.sum() / truth.len() as f64;
        let (mut off, mut all) = (0.0, 0.0);
        for (row, truth) in log.batch.features.outer_iter().zip(truth) {
            let row: Vec<f64> = row.iter().map(|value| f64::from(*value)).collect();
            let effect = known.conditional.effect(&row).map_err(|e| failed(&e))?;
            let deviation = known.conditional.deviation(&row).map_err(|e| failed(&e))?.unwrap_or(f64::NAN);
            off += (effect - truth) * (effect - truth);
            all += (truth - mean) * (truth - mean);
            self.rows += 1.0;
            self.rows_held += f64::from(u8::from((effect - truth).abs() <= 1.96 * deviation));
        }
        self.working += 1.0;
        self.r_squared += 1.0 - off / all;
        Ok(())
    }

    fn measured(self) -> Vec<Measurement> {
        let coverage = self.held / self.intervals;
        vec![
            Measurement::new("cate_r_squared", self.r_squared / self.working),
            Measurement::new("cate_interval_coverage", self.rows_held / self.rows),
            Measurement::new("interval_coverage", coverage),
            Measurement::new("interval_coverage_most", coverage),
            Measurement::new("intervals", self.intervals),
            Measurement::new("spurious_reduction", 1.0 - self.idle / self.idle_naive),
            Measurement::new("spurious_naive", self.idle_naive / (self.intervals - self.working)),
            Measurement::new("spurious_debiased", self.idle / (self.intervals - self.working)),
        ]
    }
}
