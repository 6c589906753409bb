//! The search and its trace.

use serde::{Deserialize, Serialize};

use super::errors::SuccessiveHalvingError;
use super::hyperparams::{SuccessiveHalvingParams, SuccessiveHalvingValidParams};
use crate::watch::Watch;

/// One candidate, judged with one budget.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The candidate.
    pub candidate: usize,
    /// What it was given: rows, resamples, time, whatever makes a score surer.
    pub budget: usize,
    /// Its score; higher is better.
    pub score: f64,
}

/// A candidate that was given up, and why.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Discard {
    /// Its last evaluation.
    pub last: Evaluation,
    /// The lowest score that went on, or won.
    pub needed: f64,
}

/// The outcome of successive halving (Jamieson and Talwalkar 2016, "Non-stochastic best arm identification and
/// hyperparameter optimization", AISTATS), the inner loop of Hyperband (Li et al. 2018, JMLR).
///
/// # What it does
/// Judges all candidates with `min_budget` each, keeps the best one in `eta` (rounded up), judges these with `eta`
/// times the budget, and so on until one is left or `max_budget` is reached. Of equal scores the candidate with the lower
/// number is preferred; a score that is NaN is worse than any other. The same scores give the same outcome.
///
/// # When to use it
/// Many candidates, such as settings of an algorithm, whose order with a small budget (few rows, few resamples)
/// resembles that with a large one.
///
/// # Cost
/// A rung takes about as much in total as the one before: `candidates min_budget` times the number of rungs, about
/// `log(candidates) / log(eta)`. A rung is judged in one call, which may use all threads. The watch is asked before each;
/// a long one should ask it too.
///
/// # Errors
/// Named by [`SuccessiveHalvingError`]: no candidates, no candidate with a score, not one score for each, a rung that
/// cannot be judged (its error is handed on), or the watch interrupted.
///
/// # Example
/// ```
/// use souffleur_algorithms::ParamGuard;
/// use souffleur_algorithms::successive_halving::SuccessiveHalvingParams;
///
/// // Candidate 7 is best; what few rows tell of it is biased.
/// let score = |rung: &[usize], rows: usize| -> Result<Vec<f64>, std::convert::Infallible> {
///     Ok(rung.iter().map(|&candidate| -(candidate as f64 - 7.0).abs() + 9.0 / rows as f64).collect())
/// };
/// let found = SuccessiveHalvingParams::new(10, 270).check()?.search(27, score, &())?;
/// assert_eq!(found.winner, 7);
/// assert_eq!(found.trace.len(), 27 + 9 + 3 + 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SuccessiveHalving {
    /// The best candidate.
    pub winner: usize,
    /// Every evaluation, in the order in which they were made.
    pub trace: Vec<Evaluation>,
    /// The candidates given up, in the order in which that happened, of one rung the worst last.
    pub discards: Vec<Discard>,
}

impl SuccessiveHalving {
    /// Hyperparameters for budgets from `min_budget` to `max_budget`.
    pub fn params(min_budget: usize, max_budget: usize) -> SuccessiveHalvingParams {
        SuccessiveHalvingParams::new(min_budget, max_budget)
    }
}

impl SuccessiveHalvingValidParams {
    /// Searches the candidates numbered from 0; `score` is given those of a rung and the budget of each, and returns
    /// their scores in the same order.
    ///
    /// # Errors
    /// See [`SuccessiveHalving`].
    pub fn search<E>(
        &self,
        candidates: usize,
        mut score: impl FnMut(&[usize], usize) -> Result<Vec<f64>, E>,
        watch: &dyn Watch,
    ) -> Result<SuccessiveHalving, SuccessiveHalvingError<E>> {
        if candidates == 0 {
            return Err(SuccessiveHalvingError::NoCandidates);
        }
        let total = self.evaluations(candidates) as u64;
        let mut found = SuccessiveHalving { winner: 0, trace: Vec::new(), discards: Vec::new() };
        let mut left: Vec<usize> = (0..candidates).collect();
        let mut budget = self.min_budget();
        loop {
            watch.tick(found.trace.len() as u64, total)?;
            let scores = score(&left, budget).map_err(|error| SuccessiveHalvingError::Evaluation { budget, error })?;
            if scores.len() != left.len() {
                return Err(SuccessiveHalvingError::Scores { candidates: left.len(), scores: scores.len() });
            }
            let judged = left.iter().zip(scores).map(|(&candidate, score)| Evaluation { candidate, budget, score });
            let mut rung: Vec<Evaluation> = judged.collect();
            found.trace.extend_from_slice(&rung);
            let last = rung.len() == 1 || budget == self.max_budget();
            let kept = if last { 1 } else { rung.len().div_ceil(self.eta()) };
            rung.sort_by(|a, b| worth(b).total_cmp(&worth(a)).then(a.candidate.cmp(&b.candidate)));
            if rung[0].score.is_nan() {
                return Err(SuccessiveHalvingError::NoScore { budget });
            }
            let needed = rung[kept - 1].score;
            found.discards.extend(rung[kept..].iter().map(|last| Discard { last: *last, needed }));
            found.winner = rung[0].candidate;
            if last {
                watch.tick(total, total)?;
                return Ok(found);
            }
            left = rung[..kept].iter().map(|kept| kept.candidate).collect();
            budget = budget.saturating_mul(self.eta()).min(self.max_budget());
        }
    }

    /// How many evaluations a search makes.
    fn evaluations(&self, candidates: usize) -> usize {
        let (mut left, mut budget, mut sum) = (candidates, self.min_budget(), candidates);
        while left > 1 && budget < self.max_budget() {
            left = left.div_ceil(self.eta());
            budget = budget.saturating_mul(self.eta());
            sum += left;
        }
        sum
    }
}

/// The score, with a missing one below any other.
fn worth(evaluation: &Evaluation) -> f64 {
    if evaluation.score.is_nan() { f64::NEG_INFINITY } else { evaluation.score + 0.0 }
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
