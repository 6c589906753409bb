//! Attempts to break an estimate.

use ndarray::{Array2, Axis, concatenate};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use super::errors::{CausalEffectError, CausalEffectParamsError};
use super::estimate::Estimate;
use super::study::Study;
use crate::multiple_testing::Z_95;
use crate::watch::Watch;

/// What is done to the study (Sharma & Kiciman 2020, "DoWhy").
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Refuter {
    /// The treatment is dealt out anew by chance, by the logged probabilities where all are known: its effect should be 0.
    Placebo,
    /// A covariate of noise is added: the effect should stay.
    RandomCommonCause,
    /// Only this share of the rows is looked at, 0.1 to below 1: the effect should stay.
    Subset(f64),
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Refutation {
    /// What was done.
    pub refuter: Refuter,
    /// The effect that should be found.
    pub expected: f64,
    /// The mean effect found.
    pub effect: f64,
    /// Standard deviation of what was found, over the repeats; 0 for a single one.
    pub deviation: f64,
    /// Times it was done.
    pub repeats: usize,
    /// Whether the mean found lies no further from what should be found than half the width of the estimate's 95 % interval.
    pub passed: bool,
}

/// Repeats an estimate on altered studies. `estimate` takes a study and says what the effect is; `original` is what it said
/// of the study as it is.
///
/// # Errors
/// `repeats` is 0 or above 1000, a share is out of range, an estimate fails, or the watch interrupts.
pub fn refute(
    study: &Study<'_>,
    original: &Estimate,
    refuter: Refuter,
    repeats: usize,
    seed: u64,
    watch: &dyn Watch,
    estimate: impl Fn(&Study<'_>) -> Result<Estimate, CausalEffectError>,
) -> Result<Refutation, CausalEffectError> {
    if !(1..=1000).contains(&repeats) {
        return Err(CausalEffectParamsError::Repeats(repeats).into());
    }
    if let Refuter::Subset(share) = refuter
        && !(0.1..1.0).contains(&share)
    {
        return Err(CausalEffectParamsError::Share(share).into());
    }
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut found = Vec::with_capacity(repeats);
    for repeat in 0..repeats {
        watch.tick(repeat as u64, repeats as u64)?;
        found.push(once(study, refuter, &mut rng, watch, &estimate)?.effect);
    }
    let mean = found.iter().sum::<f64>() / repeats as f64;
    let squares: f64 = found.iter().map(|effect| (effect - mean) * (effect - mean)).sum();
    let expected = if refuter == Refuter::Placebo { 0.0 } else { original.effect };
    Ok(Refutation {
        refuter,
        expected,
        effect: mean,
        deviation: (squares / (repeats as f64 - 1.0).max(1.0)).sqrt(),
        repeats,
        passed: (mean - expected).abs() <= Z_95 * original.standard_error,
    })
}

fn once(
    study: &Study<'_>,
    refuter: Refuter,
    rng: &mut Xoshiro256PlusPlus,
    watch: &dyn Watch,
    estimate: &impl Fn(&Study<'_>) -> Result<Estimate, CausalEffectError>,
) -> Result<Estimate, CausalEffectError> {
    match refuter {
        Refuter::Placebo => {
            let Study { outcome, group, .. } = *study;
            // Where not all probabilities are known, dealing at random makes those that are wrong.
            let logged = study.logged.filter(|logged| !logged.iter().any(|p| p.is_nan()));
            let mut treated = study.treated.to_vec();
            match logged {
                Some(logged) => treated.iter_mut().zip(logged).for_each(|(to, p)| *to = rng.gen_bool(*p)),
                None => treated.shuffle(rng),
            }
            estimate(&Study { x: study.x.view(), treated: &treated, outcome, logged, group })
        }
        Refuter::RandomCommonCause => {
            let noise = Array2::from_shape_fn((study.rows(), 1), |_| normal(rng));
            let x = concatenate(Axis(1), &[study.x.view(), noise.view()]).map_err(|_| CausalEffectError::Overflow)?;
            let Study { treated, outcome, logged, group, .. } = *study;
            estimate(&Study { x: x.view(), treated, outcome, logged, group })
        }
        Refuter::Subset(share) => {
            let kept: Vec<usize> = match study.group {
                None => (0..study.rows()).filter(|_| rng.gen_bool(share)).collect(),
                Some(group) => {
                    // A group stays or goes as a whole.
                    let salt: u64 = rng.r#gen();
                    let of_group = |group: u64| Xoshiro256PlusPlus::seed_from_u64(group ^ salt).gen_bool(share);
                    (0..study.rows()).filter(|row| of_group(group[*row])).collect()
                }
            };
            let x = study.select(&kept);
            let treated: Vec<bool> = kept.iter().map(|row| study.treated[*row]).collect();
            let pick = |values: &[f64]| -> Vec<f64> { kept.iter().map(|row| values[*row]).collect() };
            let (outcome, logged) = (pick(study.outcome), study.logged.map(pick));
            let group: Option<Vec<u64>> = study.group.map(|group| kept.iter().map(|row| group[*row]).collect());
            let part = Study::new(x.view(), &treated, &outcome, watch)?;
            estimate(&Study { logged: logged.as_deref(), group: group.as_deref(), ..part })
        }
    }
}

/// A standard normal value (Box & Muller 1958).
fn normal(rng: &mut Xoshiro256PlusPlus) -> f64 {
    let (radius, angle): (f64, f64) = (rng.r#gen(), rng.r#gen());
    (-2.0 * (1.0 - radius).ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

#[cfg(test)]
#[path = "refuters_tests.rs"]
mod tests;
