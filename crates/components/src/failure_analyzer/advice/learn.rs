//! Learning what each rule does to whom.

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};
use souffleur_algorithms::logistic::LogisticRegression;
use souffleur_algorithms::multiple_testing::Z_95;
use souffleur_algorithms::ridge::{Covariance, ResidualSums, Ridge, RidgeError, RidgeSums};
use souffleur_core::error::ComponentError;
use souffleur_core::features::WIDTH;
use souffleur_core::job::Job;

use super::choices::{Choices, OVERLAP_MINIMUM};
use super::report::Evidence;

/// Columns of the regressions: a one, then the features, all times how undecided the session is.
const COLUMNS: usize = WIDTH + 1;
/// Penalties tried.
const PENALTIES: [f64; 7] = [1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 16384.0];
/// Rows between two signs of life.
const ROWS_PER_CHECK: usize = 512;
/// Halves of the rows that are judged by each other.
pub(super) const HALVES: usize = 2;

/// What is learnt from: rows by index into the columns.
pub(super) struct Cases<'a> {
    pub(super) features: ArrayView2<'a, f32>,
    pub(super) failed: &'a [bool],
    pub(super) choices: &'a Choices,
    /// The rows.
    pub(super) rows: &'a [usize],
    /// Probability of failure of each of these, from a model that did not see it.
    pub(super) p: &'a [f64],
    /// The half each of these belongs to.
    pub(super) half: &'a [usize],
}

/// What one rule does: the change of the probability of failure against what is usually done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Effect {
    pub(super) rule_id: String,
    pub(super) evidence: Evidence,
    outcome: Ridge,
    outcome_covariance: Covariance,
    correction: Ridge,
    correction_covariance: Covariance,
    /// Where it can be told; everywhere if there is none.
    overlap: Option<LogisticRegression>,
}

/// The effect of a rule on one session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Estimate {
    /// Index of the rule.
    pub(super) rule: usize,
    /// Change of the probability of failure.
    pub(super) effect: f64,
    /// Its standard deviation.
    pub(super) deviation: f64,
}

impl Estimate {
    /// The end of the 95 % interval at which the rule helps least.
    pub(super) fn worst(&self) -> f64 {
        self.effect + Z_95 * self.deviation
    }
}

/// How far stated effects can be trusted: what following the advice spared, of what had been said it would.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Trust {
    /// Spared for each failure said to be spared.
    pub(super) factor: f64,
    /// How uncertain that is.
    pub(super) deviation: f64,
}

/// Before anything is replayed, stated effects are taken as right, give or take a half.
impl Default for Trust {
    fn default() -> Self {
        Self { factor: 1.0, deviation: 0.5 }
    }
}

impl Trust {
    /// After `spared` failures, give or take `deviation`, where `said` were said to be spared: the two in proportion to
    /// how certain they are. Advice picks the rule that looks best, so it tends to say too much; this takes that back.
    pub(super) fn after(said: f64, spared: f64, deviation: f64) -> Self {
        let prior = Self::default();
        let (seen, uncertain) = (spared / said, deviation / said);
        if !(seen.is_finite() && uncertain > 0.0) {
            return prior;
        }
        let (before, after) = (prior.deviation.powi(-2), uncertain.powi(-2));
        Self { factor: (before * prior.factor + after * seen) / (before + after), deviation: (before + after).powf(-0.5) }
    }

    /// The effect as it can be trusted, and its standard deviation.
    pub(super) fn apply(&self, estimate: &Estimate) -> (f64, f64) {
        (self.factor * estimate.effect, (self.factor * estimate.deviation).hypot(self.deviation * estimate.effect))
    }
}

/// Mean of a rule's effect over all sessions, and its standard deviation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct MeanEffect {
    pub(super) effect: f64,
    pub(super) deviation: f64,
    pub(super) rows: usize,
}

/// A rule moves the log-odds of failure; what this does to the probability `p` is `p (1 - p)` times that: nothing where
/// the outcome is decided anyway. So effects are linear in the features times `4 p (1 - p)`.
pub(super) fn terms(row: impl IntoIterator<Item = f32>, p: f64, to: &mut [f64; COLUMNS]) {
    let open = 4.0 * p * (1.0 - p);
    to[0] = open;
    to[1..].iter_mut().zip(row).for_each(|(to, value)| *to = open * f64::from(value));
}

pub(super) fn no_terms() -> [f64; COLUMNS] {
    [0.0; COLUMNS]
}

fn failed(error: RidgeError) -> ComponentError {
    ComponentError::Data(error.to_string())
}

impl Cases<'_> {
    /// Calls `take` with each row that can tell of the rule: its half, its terms, its index.
    fn each(
        &self,
        rule: usize,
        job: &Job,
        mut take: impl FnMut(usize, &[f64; COLUMNS], usize) -> Result<(), RidgeError>,
    ) -> Result<(), ComponentError> {
        let mut terms_of = no_terms();
        for (i, &row) in self.rows.iter().enumerate() {
            if i % ROWS_PER_CHECK == 0 {
                job.check()?;
            }
            if self.choices.candidates[rule].overlaps(row) {
                terms(self.features.row(row).iter().copied(), self.p[i], &mut terms_of);
                take(self.half[i], &terms_of, i).map_err(failed)?;
            }
        }
        Ok(())
    }

    fn outcome(&self, i: usize) -> f64 {
        f64::from(u8::from(self.failed[self.rows[i]]))
    }

    /// The probability with which row `i` got the rule, if it did.
    fn propensity(&self, i: usize, rule: usize) -> Option<f64> {
        self.choices.chosen[self.rows[i]].filter(|(chosen, _)| *chosen == rule).map(|(_, p)| p)
    }

    /// What the rule did to the rows that got it: from each half alone, and from both.
    fn outcome_model(&self, rule: usize, job: &Job) -> Result<OutcomeModel, ComponentError> {
        let mut sums = vec![RidgeSums::new(COLUMNS); HALVES];
        self.each(rule, job, |half, terms, i| match self.propensity(i, rule) {
            Some(_) => sums[half].add(terms, self.outcome(i) - self.p[i]),
            None => Ok(()),
        })?;
        let l2 = best_penalty(&sums).map_err(failed)?;
        let halves = sums.iter().map(|sums| sums.fit(l2)).collect::<Result<_, _>>().map_err(failed)?;
        let all = sums[0].merged(&sums[1]).map_err(failed)?;
        let both = all.fit(l2).map_err(failed)?;
        let mut residuals = ResidualSums::new(COLUMNS);
        self.each(rule, job, |_, terms, i| match self.propensity(i, rule) {
            Some(_) => residuals.add(terms, self.outcome(i) - self.p[i] - both.predict(terms)),
            None => Ok(()),
        })?;
        let covariance = all.covariance(l2, &residuals).map_err(failed)?;
        Ok(OutcomeModel { halves, both, covariance })
    }

    /// Learns what a rule does to whom, doubly robust (DR-learner, Kennedy 2020).
    ///
    /// An outcome model says what the rule did where it was applied. Held against rows of the other half, its errors,
    /// weighted by how improbable the rule was there, are regressed on the same terms (AIPW, Robins, Rotnitzky & Zhao
    /// 1994): this corrects what the choice of the rule made the outcome model believe. The correction's penalty is chosen
    /// by what it explains in the other half, so where the outcome model is right, hardly anything is added but noise.
    pub(super) fn effect(&self, rule: usize, job: &Job) -> Result<(Effect, MeanEffect), ComponentError> {
        let models = self.outcome_model(rule, job)?;
        let mut sums = vec![RidgeSums::new(COLUMNS); HALVES];
        let (mut count, mut mean, mut squares) = (0usize, 0.0, 0.0);
        let error = |half: usize, terms: &[f64; COLUMNS], i: usize| {
            let expected = (self.p[i] + models.halves[1 - half].predict(terms)).clamp(0.0, 1.0);
            (expected, self.propensity(i, rule).map_or(0.0, |chosen| (self.outcome(i) - expected) / chosen))
        };
        self.each(rule, job, |half, terms, i| {
            let (expected, error) = error(half, terms, i);
            count += 1;
            let value = expected + error - self.p[i];
            let off = value - mean;
            mean += off / count as f64;
            squares += off * (value - mean);
            sums[half].add(terms, error)
        })?;
        let l2 = best_penalty(&sums).map_err(failed)?;
        let all = sums[0].merged(&sums[1]).map_err(failed)?;
        let correction = all.fit(l2).map_err(failed)?;
        let mut residuals = ResidualSums::new(COLUMNS);
        self.each(rule, job, |half, terms, i| {
            residuals.add(terms, error(half, terms, i).1 - correction.predict(terms))
        })?;
        let candidate = &self.choices.candidates[rule];
        let effect = Effect {
            rule_id: candidate.rule_id.to_string(),
            evidence: candidate.evidence,
            correction_covariance: all.covariance(l2, &residuals).map_err(failed)?,
            outcome: models.both,
            correction,
            outcome_covariance: models.covariance,
            overlap: candidate.overlap.clone(),
        };
        let deviation = if count > 1 { (squares / (count - 1) as f64 / count as f64).sqrt() } else { f64::INFINITY };
        Ok((effect, MeanEffect { effect: mean, deviation, rows: count }))
    }
}

/// What a rule did where it was applied, beyond the probability of failure as it is usually handled.
struct OutcomeModel {
    /// From either half.
    halves: Vec<Ridge>,
    both: Ridge,
    covariance: Covariance,
}

/// The penalty that does best when each half is predicted from the other.
fn best_penalty(halves: &[RidgeSums]) -> Result<f64, RidgeError> {
    let mut best = (PENALTIES[PENALTIES.len() - 1], f64::INFINITY);
    for l2 in PENALTIES.into_iter().rev() {
        let error = halves[1].squared_error(&halves[0].fit(l2)?)? + halves[0].squared_error(&halves[1].fit(l2)?)?;
        if error < best.1 {
            best = (l2, error);
        }
    }
    Ok(best.0)
}

impl Effect {
    /// What the rule does to a session with these terms.
    pub(super) fn estimate(&self, rule: usize, terms: &[f64; COLUMNS]) -> Estimate {
        let effect = self.outcome.predict(terms) + self.correction.predict(terms);
        let deviation = self.outcome_covariance.deviation(terms).hypot(self.correction_covariance.deviation(terms));
        Estimate { rule, effect, deviation }
    }

    /// Whether the rule was chosen often enough for sessions like this one.
    pub(super) fn overlaps(&self, row: ArrayView2<'_, f32>) -> Result<bool, ComponentError> {
        let Some(model) = &self.overlap else { return Ok(true) };
        let p = model.probability(row, &()).map_err(|e| ComponentError::Data(e.to_string()))?;
        Ok(p.iter().all(|p| *p >= OVERLAP_MINIMUM))
    }
}

/// The rules that surely help, and by no less than `least`; the surest first. To go by the worse end of the interval
/// keeps luck from being taken for help (Jin, Yang & Wang 2021).
pub(super) fn helpful(estimates: impl IntoIterator<Item = Estimate>, least: f64) -> Vec<Estimate> {
    let mut found: Vec<Estimate> = estimates.into_iter().filter(|e| e.worst() < 0.0 && -e.effect >= least).collect();
    found.sort_by(|a, b| a.worst().total_cmp(&b.worst()).then(a.rule.cmp(&b.rule)));
    found
}
