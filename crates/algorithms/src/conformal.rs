//! Conformal prediction for a yes/no outcome: how unusual a score would be for either answer, with a guarantee.

use serde::{Deserialize, Serialize};

use crate::metrics::MetricError;

/// Scores of held-out rows of both classes, to hold new scores against.
///
/// # What it does
/// For a new score, [`p_values`](Self::p_values) says how large a share of the held-out positives, and of the negatives,
/// is at least as unlike its class (class-conditional, or Mondrian, conformal prediction; Vovk, Gammerman & Shafer 2005).
/// The set of answers whose p-value exceeds `alpha` misses the true one with probability at most `alpha`, **in each class
/// by itself**, whatever the scores are worth, if new rows are exchangeable with the held-out ones. A poor score makes
/// sets large, not wrong. [`risk_threshold`](Self::risk_threshold) is where to flag so that at most a share of positives
/// is missed in expectation (conformal risk control; Angelopoulos et al. 2022).
///
/// # Cost
/// `O(n log n)` once, `O(log n)` a question. Memory: one number a held-out row.
///
/// # Example
/// ```
/// use souffleur_algorithms::conformal::ClassConformal;
/// let scores = [0.1, 0.2, 0.3, 0.7, 0.8, 0.9];
/// let held_out = ClassConformal::fit(&scores, &[false, false, false, true, true, true])?;
/// let found = held_out.p_values(0.85);
/// assert_eq!((found.positive, found.negative), (0.75, 0.25));
/// # Ok::<(), souffleur_algorithms::metrics::MetricError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct ClassConformal {
    positives: Vec<f64>,
    negatives: Vec<f64>,
}

#[derive(Deserialize)]
struct Stored {
    positives: Vec<f64>,
    negatives: Vec<f64>,
}

impl TryFrom<Stored> for ClassConformal {
    type Error = &'static str;

    fn try_from(Stored { positives, negatives }: Stored) -> Result<Self, Self::Error> {
        let sorted = |scores: &[f64]| !scores.is_empty() && scores.iter().all(|s| !s.is_nan()) && scores.is_sorted();
        if sorted(&positives) && sorted(&negatives) {
            Ok(Self { positives, negatives })
        } else {
            Err("conformal prediction: scores are missing or out of order")
        }
    }
}

/// How usual a score is in either class, each in (0, 1].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PValues {
    /// Among positives: small if nearly all of them score higher.
    pub positive: f64,
    /// Among negatives: small if nearly all of them score lower.
    pub negative: f64,
}

impl ClassConformal {
    /// Takes the scores of held-out rows; higher means more likely positive.
    ///
    /// # Errors
    /// Scores and labels differ in number, a score is NaN, or a class is missing.
    pub fn fit(scores: &[f64], labels: &[bool]) -> Result<Self, MetricError> {
        crate::metrics::check_scores(scores, labels)?;
        let of = |class: bool| {
            let mut kept: Vec<f64> = scores.iter().zip(labels).filter(|(_, l)| **l == class).map(|(s, _)| *s).collect();
            kept.sort_by(f64::total_cmp);
            kept
        };
        let (positives, negatives) = (of(true), of(false));
        if positives.is_empty() || negatives.is_empty() {
            return Err(MetricError::OneClass(negatives.is_empty()));
        }
        Ok(Self { positives, negatives })
    }

    /// How usual this score is in either class. A NaN is unusual in both.
    #[must_use]
    pub fn p_values(&self, score: f64) -> PValues {
        let at_most = self.positives.partition_point(|s| *s <= score);
        let below = self.negatives.partition_point(|s| *s < score);
        let share = |count: usize, all: usize| (count + 1) as f64 / (all + 1) as f64;
        if score.is_nan() {
            return PValues { positive: share(0, self.positives.len()), negative: share(0, self.negatives.len()) };
        }
        PValues {
            positive: share(at_most, self.positives.len()),
            negative: share(self.negatives.len() - below, self.negatives.len()),
        }
    }

    /// The highest score from which to flag so that at most `alpha` of the positives is missed in expectation; nothing if
    /// there are too few positives to promise that.
    #[must_use]
    pub fn risk_threshold(&self, alpha: f64) -> Option<f64> {
        let n = self.positives.len() as f64;
        // Missing `m` held-out positives is allowed while (m + 1) / (n + 1) <= alpha.
        let allowed = (alpha * (n + 1.0) - 1.0).floor();
        if !(0.0..n).contains(&allowed) {
            return None;
        }
        // Flagging from a score misses those strictly below it.
        self.positives.get(allowed as usize).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    fn drawn(rng: &mut Xoshiro256PlusPlus, n: usize) -> (Vec<f64>, Vec<bool>) {
        let labels: Vec<bool> = (0..n).map(|_| rng.gen_bool(0.3)).collect();
        let scores = labels.iter().map(|l| rng.r#gen::<f64>() + if *l { 0.4 } else { 0.0 }).collect();
        (scores, labels)
    }

    #[test]
    fn either_class_is_covered_as_promised_however_poor_the_score() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(4);
        let alpha = 0.1;
        let (mut missed, mut all, mut unflagged) = ([0.0f64; 2], [0.0f64; 2], 0.0);
        for _ in 0..300 {
            let (scores, labels) = drawn(&mut rng, 120);
            let conformal = ClassConformal::fit(&scores, &labels).unwrap();
            let threshold = conformal.risk_threshold(alpha).unwrap();
            let (scores, labels) = drawn(&mut rng, 50);
            for (score, label) in scores.iter().zip(&labels) {
                let p = conformal.p_values(*score);
                let own = if *label { p.positive } else { p.negative };
                missed[usize::from(*label)] += f64::from(u8::from(own <= alpha));
                all[usize::from(*label)] += 1.0;
                unflagged += f64::from(u8::from(*label && *score < threshold));
            }
        }
        for class in 0..2 {
            let rate = missed[class] / all[class];
            assert!(rate <= alpha + 0.015 && rate > 0.05, "class {class}: {rate}");
        }
        assert!((unflagged / all[1] - alpha).abs() < 0.03, "{}", unflagged / all[1]);
    }

    #[test]
    fn bad_input_is_refused_and_nothing_is_promised_from_too_few() {
        assert!(ClassConformal::fit(&[0.1, 0.2], &[true, true]).is_err());
        assert!(ClassConformal::fit(&[0.1, f64::NAN], &[true, false]).is_err());
        let few = ClassConformal::fit(&[0.1, 0.2], &[true, false]).unwrap();
        assert_eq!(few.risk_threshold(0.1), None);
        assert_eq!(few.p_values(f64::NAN), PValues { positive: 0.5, negative: 0.5 });
    }
}
