//! What would have happened had the advice been followed, judged on sessions it was not learnt from.

use ndarray::{Array2, Axis};
use souffleur_algorithms::calibration::PlattScaling;
use souffleur_algorithms::multiple_testing::Z_95;
use souffleur_core::error::ComponentError;
use souffleur_core::job::Job;

use super::choices::Choices;
use super::learn::{Cases, Effect, Estimate, Trust, helpful, no_terms, terms};
use super::report::{Evidence, Preventable};
use crate::bridge::Phases;
use crate::failure_analyzer::params::Params;
use crate::failure_analyzer::train::{Labelled, boost};

/// Parts the sessions fall into: each is judged by what is learnt from the others, which in turn judge each other.
const PARTS: usize = 3;
/// Rows between two signs of life.
const ROWS_PER_CHECK: usize = 512;

/// Why nothing can be said when a part is too small.
const TOO_ALIKE: &str = "the sessions are too few or too alike to judge advice by some that it was not learnt from";

/// What came out of following advice.
pub(in crate::failure_analyzer) struct Replay {
    pub(super) figures: Preventable,
    /// How far stated effects can be trusted.
    pub(super) trust: Trust,
    /// The rule advised for each row, by index into the candidates.
    pub(super) advised: Vec<Option<usize>>,
    /// The candidates.
    pub(super) rule_ids: Vec<String>,
}

/// What the sessions are replayed from.
pub(super) struct Log<'a> {
    pub(super) params: &'a Params,
    pub(super) data: &'a Labelled,
    pub(super) inputs: &'a Array2<f32>,
    pub(super) choices: &'a Choices,
    /// What stands for the prompt of each row: rows with equal features share it.
    pub(super) prompt: &'a [u64],
}

/// Log-odds of every row by a model of each part; rows of that very part are left at 0.
struct PartScores {
    part: Vec<usize>,
    log_odds: Vec<Vec<f64>>,
}

impl Log<'_> {
    fn scores(&self, phases: &Phases<'_>) -> Result<Option<PartScores>, ComponentError> {
        let part: Vec<usize> = self.prompt.iter().map(|hash| (hash % PARTS as u64) as usize).collect();
        let mut log_odds = Vec::new();
        for k in 0..PARTS {
            let (own, other): (Vec<usize>, Vec<usize>) = (0..part.len()).partition(|row| part[*row] == k);
            let labels: Vec<bool> = own.iter().map(|row| self.data.failed[*row]).collect();
            if labels.iter().all(|l| *l) || !labels.iter().any(|l| *l) {
                return Ok(None);
            }
            let model = boost(self.params, &self.inputs.select(Axis(0), &own), &labels, phases)?;
            let found = model.log_odds(self.inputs.select(Axis(0), &other).view(), &phases.watch());
            let mut scores = vec![0.0; part.len()];
            other.iter().zip(found.map_err(|e| phases.failed(&e))?).for_each(|(row, score)| scores[*row] = score);
            log_odds.push(scores);
        }
        Ok(Some(PartScores { part, log_odds }))
    }

    /// Replays the log; says why if that is not possible.
    ///
    /// For each part, models of failure are learnt from either of the others and judge the sessions of the other one; on
    /// these the effects of rules are learnt, and the advice that follows from them is held against the sessions of the
    /// part itself by the doubly robust estimate (Dudik, Langford & Li 2011). No outcome of a part takes part in the advice
    /// it is judged by.
    pub(super) fn replay(&self, phases: &Phases<'_>, job: &Job) -> Result<Result<Replay, String>, ComponentError> {
        let Some(scores) = self.scores(phases)? else { return Ok(Err(TOO_ALIKE.to_owned())) };
        let n = self.data.failed.len();
        let (mut gains, mut decided, mut said) = (vec![0.0; n], vec![None; n], 0.0);
        for k in 0..PARTS {
            let learn: Vec<usize> = (0..n).filter(|row| scores.part[*row] != k).collect();
            let half: Vec<usize> =
                learn.iter().map(|row| usize::from(scores.part[*row] != (k + 1) % PARTS)).collect();
            // A row of one half is judged by the model of the other one.
            let judge = |half: usize| (k + 2 - half) % PARTS;
            let log_odds: Vec<f64> = learn.iter().zip(&half).map(|(row, half)| scores.log_odds[judge(*half)][*row]).collect();
            let labels: Vec<bool> = learn.iter().map(|row| self.data.failed[*row]).collect();
            if labels.iter().all(|l| *l) || !labels.iter().any(|l| *l) {
                return Ok(Err(TOO_ALIKE.to_owned()));
            }
            let map = PlattScaling::fit(&log_odds, &labels, &phases.watch()).map_err(|e| phases.failed(&e))?;
            let p: Vec<f64> = log_odds.iter().map(|score| map.predict(*score)).collect();
            let features = self.data.features.view();
            let cases = Cases { features, failed: &self.data.failed, choices: self.choices, rows: &learn, p: &p, half: &half };
            let effects = (0..self.choices.candidates.len())
                .map(|rule| Ok(cases.effect(rule, job)?.0))
                .collect::<Result<Vec<Effect>, ComponentError>>()?;
            for row in (0..n).filter(|row| scores.part[*row] == k) {
                if row % ROWS_PER_CHECK == 0 {
                    job.check()?;
                }
                let score = (scores.log_odds[(k + 1) % PARTS][row] + scores.log_odds[(k + 2) % PARTS][row]) / 2.0;
                if let Some((best, gain)) = self.follow(&effects, row, map.predict(score)) {
                    (decided[row], gains[row]) = (Some(best.rule), gain);
                    said -= best.effect;
                }
            }
        }
        let rule_ids = self.choices.candidates.iter().map(|candidate| candidate.rule_id.to_string()).collect();
        let trust = Trust::after(said, gains.iter().sum(), deviation_of_sum(&gains, self.prompt));
        Ok(Ok(Replay { figures: self.figures(&gains, &decided), trust, advised: decided, rule_ids }))
    }

    /// The rule advised for a row, and what following it would have spared there: an unbiased, if noisy, figure.
    fn follow(&self, effects: &[Effect], row: usize, p: f64) -> Option<(Estimate, f64)> {
        let mut of_row = no_terms();
        terms(self.data.features.row(row).iter().copied(), p, &mut of_row);
        let known = effects.iter().enumerate().filter(|(rule, _)| self.choices.candidates[*rule].overlaps(row));
        let estimates = known.map(|(rule, effect)| effect.estimate(rule, &of_row));
        let best = *helpful(estimates, self.params.advice_reduction_minimum).first()?;
        let outcome = f64::from(u8::from(self.data.failed[row]));
        let expected = (p + best.effect).clamp(0.0, 1.0);
        let seen = self.choices.chosen[row].filter(|(rule, _)| *rule == best.rule);
        let under = expected + seen.map_or(0.0, |(_, chosen)| (outcome - expected) / chosen);
        Some((best, outcome - under))
    }

    fn figures(&self, gains: &[f64], decided: &[Option<usize>]) -> Preventable {
        let failures = self.data.failures();
        let (sessions, prevented) = (gains.len(), gains.iter().sum::<f64>());
        let deviation = deviation_of_sum(gains, self.prompt);
        let followed = |row: &usize| {
            decided[*row].is_some_and(|rule| self.choices.chosen[*row].is_some_and(|(chosen, _)| chosen == rule))
        };
        let guessed = |rule: &usize| self.choices.candidates[*rule].evidence == Evidence::Estimated;
        let estimated = decided.iter().flatten().any(guessed);
        Preventable {
            evidence: if estimated { Evidence::Estimated } else { Evidence::Logged },
            sessions,
            advised: decided.iter().flatten().count(),
            followed: (0..sessions).filter(followed).count(),
            failures,
            prevented,
            prevented_low: prevented - Z_95 * deviation,
            prevented_high: prevented + Z_95 * deviation,
            failure_rate: failures as f64 / sessions as f64,
            failure_rate_advised: (failures as f64 - prevented) / sessions as f64,
            reduction: prevented / failures as f64,
        }
    }
}

/// Standard deviation of the sum of values that come in groups: those of one group need not be independent.
fn deviation_of_sum(values: &[f64], group: &[u64]) -> f64 {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by_key(|row| group[*row]);
    let sums: Vec<f64> =
        order.chunk_by(|a, b| group[*a] == group[*b]).map(|rows| rows.iter().map(|row| values[*row]).sum()).collect();
    let count = sums.len() as f64;
    let mean = sums.iter().sum::<f64>() / count;
    let squares: f64 = sums.iter().map(|sum| (sum - mean) * (sum - mean)).sum();
    if sums.len() > 1 { (count / (count - 1.0) * squares).sqrt() } else { f64::INFINITY }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_in_groups_is_less_certain() {
        let values = [1.0, 1.0, 0.0, 0.0];
        let alone = deviation_of_sum(&values, &[1, 2, 3, 4]);
        let grouped = deviation_of_sum(&values, &[1, 1, 2, 2]);
        assert!((alone - (4.0f64 / 3.0).sqrt()).abs() < 1e-12, "{alone}");
        assert!((grouped - 2.0).abs() < 1e-12, "{grouped}");
    }
}
