//! What of the patterns found is so, where it is known.

use souffleur_core::component::Measurement;
use souffleur_core::error::ComponentError;
use souffleur_core::job::Job;
use souffleur_simulator::{PatternWorld, Planted};

use super::action::Resolved;
use super::pattern::{Consequent, Pattern, SAME_JACCARD};
use super::sessions::Sessions;
use crate::bridge::matched::Circumstance;

/// A pattern is so if sessions with it succeed, in truth, by this much more often than those it is compared with, and each of
/// its circumstances adds as much.
const DIFFERENCE: f64 = 0.03;

/// How many patterns are so, and how many of those planted were found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Score {
    pub(crate) found: usize,
    pub(crate) valid: usize,
    /// Those of the valid ones that tell of success.
    pub(crate) valid_success: usize,
    pub(crate) actionable: usize,
    /// Share of the planted ones of which a valid pattern covers the same sessions.
    pub(crate) recovered: f64,
}

impl Score {
    /// Of patterns found in a world in which these are planted.
    pub(crate) fn of(
        patterns: &[Pattern],
        world: &PatternWorld,
        planted: &[Planted],
        job: &Job,
    ) -> Result<Self, ComponentError> {
        let sessions = Sessions::of(&world.batch, 0, job)?;
        let (mut covered, mut valid_success): (Vec<Vec<bool>>, usize) = (Vec::new(), 0);
        for pattern in patterns {
            job.check()?;
            if is_so(pattern, world, &sessions) {
                covered.push(covers(pattern, &sessions));
                valid_success += usize::from(pattern.consequent == Consequent::Success);
            }
        }
        let mut recovered = 0;
        for one in planted {
            job.check()?;
            let helped: Vec<bool> = (0..sessions.len()).map(|i| world.is_helped(i, one)).collect();
            recovered += usize::from(covered.iter().any(|covered| jaccard(covered, &helped) >= SAME_JACCARD));
        }
        Ok(Self {
            found: patterns.len(),
            valid: covered.len(),
            valid_success,
            actionable: patterns.iter().filter(|pattern| pattern.is_actionable()).count(),
            recovered: recovered as f64 / planted.len().max(1) as f64,
        })
    }

    /// Share of the patterns found that are so; 0 where none is found.
    pub(crate) fn precision(&self) -> f64 {
        self.valid as f64 / self.found.max(1) as f64
    }

    /// As figures of a certificate.
    pub(crate) fn measured(&self) -> Vec<Measurement> {
        vec![
            Measurement::new("patterns_found", self.found as f64),
            Measurement::new("patterns_valid", self.valid as f64),
            Measurement::new("precision", self.precision()),
            Measurement::new("planted_recovered", self.recovered),
        ]
    }
}

fn covers(pattern: &Pattern, sessions: &Sessions<'_>) -> Vec<bool> {
    let action = pattern.action.resolve(sessions);
    let done = |i: usize| action.as_ref().is_some_and(|action| action.holds(sessions.applied(i)));
    let there = |i: usize| pattern.circumstances.iter().all(|c| c.holds(sessions.row(i), -1));
    (0..sessions.len()).map(|i| there(i) && done(i)).collect()
}

fn is_so(pattern: &Pattern, world: &PatternWorld, sessions: &Sessions<'_>) -> bool {
    let sign = match pattern.consequent {
        Consequent::Success => 1.0,
        Consequent::Failure => -1.0,
        Consequent::Rule(_) => return false,
    };
    if pattern.action.rules().is_empty() {
        let inside = covers(pattern, sessions);
        let mean = |side: bool| mean(&world.probability, &|i| inside[i] == side);
        return sign * (mean(true) - mean(false)) >= DIFFERENCE;
    }
    let Some(action) = pattern.action.resolve(sessions) else { return false };
    let under = |i: usize, of: &[Circumstance]| of.iter().all(|c| c.holds(sessions.row(i), -1));
    let inside = difference(&action, world, sessions, &|i| under(i, &pattern.circumstances)) * sign;
    inside >= DIFFERENCE
        && (0..pattern.circumstances.len()).all(|at| {
            let mut others = pattern.circumstances.clone();
            let own = others.remove(at);
            let elsewhere = |i: usize| under(i, &others) && !own.holds(sessions.row(i), -1);
            let outside = difference(&action, world, sessions, &elsewhere) * sign;
            outside.is_nan() || inside - outside >= DIFFERENCE
        })
}

fn mean(of: &[f64], chosen: &dyn Fn(usize) -> bool) -> f64 {
    let chosen: Vec<f64> = (0..of.len()).filter(|i| chosen(*i)).map(|i| of[i]).collect();
    chosen.iter().sum::<f64>() / chosen.len() as f64
}

/// By how much more often sessions succeed, in truth, with the action than in those it is compared with, among these; of
/// several comparisons the nearest to none. It is judged by what rules add, so that better prompts do not count for them.
fn difference(action: &Resolved, world: &PatternWorld, sessions: &Sessions<'_>, among: &dyn Fn(usize) -> bool) -> f64 {
    let with: Vec<bool> = (0..sessions.len()).map(|i| among(i) && action.holds(sessions.applied(i))).collect();
    let own = mean(&world.gain, &|i| with[i]);
    let against = |population: &Vec<Resolved>| {
        let compared = |i: usize| {
            let applied = sessions.applied(i);
            among(i) && !with[i] && population.iter().all(|one| one.holds(applied))
        };
        own - mean(&world.gain, &compared)
    };
    let all = action.comparisons();
    let least = |a: f64, b: f64| if b.abs() < a.abs() || b.is_nan() { b } else { a };
    all.iter().map(against).reduce(least).unwrap_or(f64::NAN)
}

fn jaccard(a: &[bool], b: &[bool]) -> f64 {
    let count = |of: fn(bool, bool) -> bool| a.iter().zip(b).filter(|(a, b)| of(**a, **b)).count() as f64;
    count(|a, b| a && b) / count(|a, b| a || b).max(1.0)
}
