use ndarray::Array2;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_core::batch::{SessionRules, TrainingBatch};
use souffleur_core::features::WIDTH;

use super::learn::{Estimate, Trust};
use super::*;
use crate::bridge::stopped_clock::job;
use crate::failure_analyzer::certificate::batch;
use crate::failure_analyzer::train::{Run, train};

/// How the rules of a planted log came about.
#[derive(Clone, Copy, PartialEq)]
enum Log {
    /// Every probability is known.
    Logged,
    /// None is.
    Silent,
    /// None is, and a rule is applied exactly where the first column is high.
    Split,
    /// No rule is applied.
    Empty,
}

/// Sessions that fail with probability .5. `mend` takes .4 off it, but is applied mostly where the first column is low, and
/// there .3 is added to it: comparing those that got it with those that did not shows hardly anything. `idle` does nothing.
fn planted(log: Log, n: usize) -> TrainingBatch {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
    let mut features = Array2::zeros((n, WIDTH));
    let mut rules = SessionRules { rule_ids: vec!["idle".into(), "mend".into()], ..SessionRules::default() };
    let mut failed = Vec::new();
    for mut row in features.rows_mut() {
        row.mapv_inplace(|_: f32| rng.r#gen());
        let hard = row[0] < 0.5;
        let mend = if hard { 0.7 } else { 0.3 };
        let mended = if log == Log::Split { !hard } else { rng.gen_bool(mend) };
        if log != Log::Empty {
            let chance = if mended { mend } else { 1.0 - mend };
            rules.rule.push(u32::from(mended));
            rules.improvement_score.push(f32::NAN);
            rules.propensity.push(if log == Log::Logged { chance as f32 } else { f32::NAN });
        }
        rules.starts.push(rules.rule.len() as u32);
        let p = 0.5 + if hard { 0.3 } else { 0.0 } - if mended && log != Log::Empty { 0.4 } else { 0.0 };
        failed.push(rng.gen_bool(p));
    }
    batch(features, &failed, rules)
}

fn run(log: Log) -> Run {
    let params = Params { boosting_rounds: 40, ..Params::default() };
    train(&params, &planted(log, 2400), &job(3)).unwrap()
}

fn report_sentence(run: &Run) -> String {
    run.report.summary.last().cloned().unwrap_or_default()
}

#[test]
fn a_rule_is_judged_rightly_though_it_went_to_the_hard_cases() {
    for (log, evidence) in [(Log::Logged, Evidence::Logged), (Log::Silent, Evidence::Estimated)] {
        let run = run(log);
        let report = run.report.advice.clone();
        let best = &report.rules[0];
        assert!(best.rule_id == "mend" && best.evidence == evidence, "{best:?}");
        // What is usually done mends half of the sessions: going all the way spares .2.
        assert!(best.low < -0.2 && best.high > -0.2 && best.high < -0.1, "{best:?}");
        let found = report.preventable.unwrap();
        assert_eq!(found.evidence, evidence);
        let said = report_sentence(&run);
        assert_eq!(said.contains("not logged"), log == Log::Silent, "{said}");
        assert!(found.prevented_low > 0.0 && (0.25..0.55).contains(&found.reduction), "{found:?}");
        assert!(report.refused.is_empty(), "{:?}", report.refused);
    }
}

#[test]
fn an_answer_names_the_rule_that_helps() {
    let run = run(Log::Logged);
    let advice = run.model.advisor.advise(&Params::default(), ndarray::arr1(&[0.2; WIDTH]).view(), 0.5).unwrap();
    let first = &advice.rules[0];
    assert_eq!(first.rule_id, "mend");
    assert!(first.low > 0.0 && first.reduction < 0.5 && first.p_failure < 0.5, "{first:?}");
    assert!(advice.note.starts_with("mend helps most surely"), "{}", advice.note);
}

#[test]
fn where_nothing_is_comparable_nothing_is_claimed() {
    let split = run(Log::Split).report.advice;
    assert!(split.rules.iter().all(|rule| rule.overlap < 0.9), "{split:?}");
    let empty = run(Log::Empty);
    assert_eq!(empty.report.advice.reason.as_deref(), Some("no rule was applied in any session"));
    let advice = empty.model.advisor.advise(&Params::default(), ndarray::arr1(&[0.2; WIDTH]).view(), 0.5).unwrap();
    assert!(advice.rules.is_empty());
    assert_eq!(advice.note, "nothing is known to help: no rule was applied in any session");
    let mut without = planted(Log::Empty, 400);
    without.session_rules = None;
    assert!(train(&Params::default(), &without, &job(3)).unwrap().report.advice.preventable.is_none());
}

#[test]
fn a_rarely_used_rule_is_refused_with_its_reason() {
    let params = Params { rule_uses_minimum: 1150, boosting_rounds: 20, ..Params::default() };
    let mut few = planted(Log::Logged, 1200);
    if let Some(rules) = &mut few.session_rules {
        rules.rule.iter_mut().skip(20).for_each(|rule| *rule = 1);
    }
    let report = train(&params, &few, &job(3)).unwrap().report.advice;
    let reason = &report.refused.iter().find(|refused| refused.rule_id == "idle").unwrap().reason;
    assert!(reason.contains("at least 1150 are needed"), "{reason}");
}

#[test]
fn what_was_promised_too_much_is_taken_back() {
    let none = Trust::after(0.0, 0.0, 0.0);
    assert_eq!(none, Trust::default());
    let half = Trust::after(100.0, 50.0, 5.0);
    assert!((half.factor - 0.505).abs() < 0.001 && half.deviation < 0.05, "{half:?}");
    let vague = Trust::after(100.0, -100.0, 500.0);
    assert!((vague.factor - 1.0).abs() < 0.05, "{vague:?}");
    let (effect, deviation) = half.apply(&Estimate { rule: 0, effect: -0.2, deviation: 0.01 });
    assert!((effect + 0.101).abs() < 0.001 && deviation > 0.005, "{effect} {deviation}");
}
