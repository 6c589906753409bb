//! Which rules work in a context, and how sure that is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_core::batch::TrainingBatch;

/// Two-sided 95 % of a normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// What is known of a rule in a context.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Preference {
    /// The rule.
    pub rule_id: String,
    /// Sessions of the context in which it was applied and whose outcome is known.
    pub uses: usize,
    /// By how much it moves the success score, in [-1, 1], against what was done on average in this context: partially
    /// pooled over the contexts, so that few uses do not shout.
    pub effect: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end of its 95 % interval.
    pub high: f64,
    /// Probability of so large an effect where there is none, before correction for how many were looked at.
    pub p_value: f64,
    /// What may be said.
    pub verdict: Verdict,
    /// Where the figure comes from.
    pub evidence: Evidence,
}

/// What may be said of a rule in a context, with the false discovery rate held (Benjamini & Hochberg 1995).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It does better than what is done on average.
    Works,
    /// It does worse.
    Harms,
    /// It cannot be told from chance, or from what chose the rule where no propensities were logged.
    Unclear,
}

/// Where an effect comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// Weighted by the logged propensities: what chose the rule is accounted for.
    Weighted,
    /// Compared as it was: what chose the rule, or who judged it, may explain the difference.
    Naive,
}

/// One use of a rule.
#[derive(Clone, Copy)]
struct Use {
    row: usize,
    propensity: f64,
}

/// The effect of one rule in one context before pooling.
struct Raw {
    uses: usize,
    effect: f64,
    variance: f64,
    evidence: Evidence,
}

/// For each context (`context[row]` of each row) what is known of each rule; rules used less than `min_uses` times are
/// left out. The best first.
pub(super) fn preferences(
    batch: &TrainingBatch,
    context: &[Option<usize>],
    contexts: usize,
    min_uses: usize,
    fdr: f64,
) -> Vec<Vec<Preference>> {
    let Some(rules) = &batch.session_rules else { return vec![Vec::new(); contexts] };
    let score = |row: usize| f64::from(batch.outcomes.success_score[row]);
    let known = |row: &usize| !score(*row).is_nan();
    let mut uses: Vec<Vec<Vec<Use>>> = vec![vec![Vec::new(); rules.rule_ids.len()]; contexts];
    let mut scores: Vec<Vec<f64>> = vec![Vec::new(); contexts];
    for row in (0..batch.len()).filter(known) {
        let Some(context) = context[row] else { continue };
        scores[context].push(score(row));
        for at in rules.of(row) {
            let propensity = f64::from(rules.propensity[at]);
            uses[context][rules.rule[at] as usize].push(Use { row, propensity });
        }
    }
    let mut raw: Vec<(usize, usize, Raw)> = Vec::new();
    for (context, of_context) in uses.iter().enumerate() {
        for (rule, uses) in of_context.iter().enumerate().filter(|(_, uses)| uses.len() >= min_uses) {
            raw.extend(estimate(uses, &score, &scores[context]).map(|raw| (context, rule, raw)));
        }
    }
    let pooled = pool(&raw, rules.rule_ids.len());
    let p_values: Vec<f64> = pooled.iter().map(|(effect, sd)| two_sided(effect / sd)).collect();
    let discovered = benjamini_hochberg(&p_values, fdr);
    let mut found = vec![Vec::new(); contexts];
    for (i, (context, rule, raw)) in raw.into_iter().enumerate() {
        let (effect, sd) = pooled[i];
        // Where nothing is known of what chose the rule, a difference is no effect: it proves nothing, however sure it is.
        let proven = discovered[i] && raw.evidence == Evidence::Weighted;
        let verdict = match proven {
            true if effect > 0.0 => Verdict::Works,
            true => Verdict::Harms,
            false => Verdict::Unclear,
        };
        found[context].push(Preference {
            rule_id: rules.rule_ids[rule].to_string(),
            uses: raw.uses,
            effect,
            low: effect - Z * sd,
            high: effect + Z * sd,
            p_value: p_values[i],
            verdict,
            evidence: raw.evidence,
        });
    }
    found.iter_mut().for_each(|of| of.sort_by(|a, b| b.effect.total_cmp(&a.effect).then(a.rule_id.cmp(&b.rule_id))));
    found
}

/// The mean score under the rule less the mean score of the context, with its variance by the influence function.
///
/// Where propensities are logged, each use weighs by how unlikely it was (self-normalised inverse propensity weighting,
/// Hájek 1971); else uses are compared with all sessions as they are. Nothing where the variance is 0: equal outcomes
/// prove nothing of other ones.
fn estimate(uses: &[Use], score: &impl Fn(usize) -> f64, all: &[f64]) -> Option<Raw> {
    let logged: Vec<Use> = uses.iter().copied().filter(|u| u.propensity > 0.0).collect();
    let (used, evidence) = if 2 * logged.len() >= uses.len() {
        (logged, Evidence::Weighted)
    } else {
        (uses.iter().map(|u| Use { propensity: 1.0, ..*u }).collect(), Evidence::Naive)
    };
    let weight: f64 = used.iter().map(|u| 1.0 / u.propensity).sum();
    let under = used.iter().map(|u| score(u.row) / u.propensity).sum::<f64>() / weight;
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    let spread = |u: &Use| ((score(u.row) - under) / u.propensity).powi(2);
    let of_rule = used.iter().map(spread).sum::<f64>() / (weight * weight);
    let of_all = all.iter().map(|s| (s - mean) * (s - mean)).sum::<f64>() / (all.len() * all.len()) as f64;
    // The uses are among all sessions: what both share is counted once.
    let shared: f64 = used.iter().map(|u| (score(u.row) - under) / u.propensity * (score(u.row) - mean)).sum();
    let variance = of_rule + of_all - 2.0 * shared / (weight * all.len() as f64);
    let small_sample = used.len() as f64 / (used.len() as f64 - 1.0);
    let raw = Raw { uses: used.len(), effect: under - mean, variance: variance * small_sample, evidence };
    (variance > 0.0).then_some(raw)
}

/// Each effect drawn towards its rule's mean over the contexts, as far as the contexts are alike (empirical Bayes with
/// the between-context variance of DerSimonian & Laird 1986); with its standard deviation before that, so that the width
/// of an interval does not rest on how alike the contexts are.
fn pool(raw: &[(usize, usize, Raw)], rules: usize) -> Vec<(f64, f64)> {
    let mut pooled = vec![(0.0, 0.0); raw.len()];
    for rule in 0..rules {
        let of_rule: Vec<usize> = (0..raw.len()).filter(|i| raw[*i].1 == rule).collect();
        let weights: Vec<f64> = of_rule.iter().map(|i| 1.0 / raw[*i].2.variance).collect();
        let total: f64 = weights.iter().sum();
        let fixed = of_rule.iter().zip(&weights).map(|(i, w)| w * raw[*i].2.effect).sum::<f64>() / total;
        let scatter: f64 = of_rule.iter().zip(&weights).map(|(i, w)| w * (raw[*i].2.effect - fixed).powi(2)).sum();
        let squares: f64 = weights.iter().map(|w| w * w).sum();
        let between = ((scatter - (of_rule.len() as f64 - 1.0)) / (total - squares / total)).max(0.0);
        for &i in &of_rule {
            let (effect, variance) = (raw[i].2.effect, raw[i].2.variance);
            // With one context, or alike ones only by chance, there is nothing to be drawn towards.
            let usable = of_rule.len() > 2 && between.is_finite() && between > 0.0;
            pooled[i] = if usable {
                let mean = mean_of_contexts(raw, &of_rule, between);
                let share = between / (between + variance);
                (share * effect + (1.0 - share) * mean, variance.sqrt())
            } else {
                (effect, variance.sqrt())
            };
        }
    }
    pooled
}

fn mean_of_contexts(raw: &[(usize, usize, Raw)], of_rule: &[usize], between: f64) -> f64 {
    let weight = |i: &usize| 1.0 / (between + raw[*i].2.variance);
    let sum: f64 = of_rule.iter().map(weight).sum();
    of_rule.iter().map(|i| weight(i) * raw[*i].2.effect).sum::<f64>() / sum
}

/// Probability of a normal value at least so far from 0.
fn two_sided(z: f64) -> f64 {
    libm::erfc(z.abs() / std::f64::consts::SQRT_2)
}

/// Which hypotheses are rejected with the false discovery rate held at `fdr` (Benjamini & Hochberg 1995).
pub(super) fn benjamini_hochberg(p_values: &[f64], fdr: f64) -> Vec<bool> {
    let mut sorted: Vec<f64> = p_values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let m = sorted.len() as f64;
    let last = sorted.iter().zip(1..).filter(|(p, rank)| **p <= fdr * f64::from(*rank) / m).map(|(p, _)| *p).last();
    p_values.iter().map(|p| last.is_some_and(|last| *p <= last)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_false_discovery_rate_is_held_step_by_step() {
        let p = [0.01, 0.04, 0.03, 0.005, 0.8];
        assert_eq!(benjamini_hochberg(&p, 0.05), [true, true, true, true, false]);
        assert_eq!(benjamini_hochberg(&[0.03, 0.04], 0.05), [true, true]);
        assert_eq!(benjamini_hochberg(&[0.04, 0.06], 0.05), [false, false]);
    }

    #[test]
    fn tails_are_those_of_the_normal_distribution() {
        assert!((two_sided(1.959_963_984_540_054) - 0.05).abs() < 1e-12);
        assert!((two_sided(0.0) - 1.0).abs() < 1e-6 && (two_sided(-3.0) - 0.002_699_796_063).abs() < 1e-12);
    }

    #[test]
    fn weights_undo_the_choice() {
        // Good sessions get the rule with probability .8, bad ones with .2; the rule does nothing.
        let scores: Vec<f64> = (0..200).map(|i| if i < 100 { 0.8 } else { 0.2 } + f64::from(i % 10) * 0.01).collect();
        let uses = |weighted: bool| -> Vec<Use> {
            let chosen = (0..200).filter(|i| if *i < 100 { i % 5 != 0 } else { i % 5 == 0 });
            let propensity = |i: usize| if !weighted { f64::NAN } else if i < 100 { 0.8 } else { 0.2 };
            chosen.map(|row| Use { row, propensity: propensity(row) }).collect()
        };
        let weighted = estimate(&uses(true), &|row| scores[row], &scores).unwrap();
        let naive = estimate(&uses(false), &|row| scores[row], &scores).unwrap();
        assert!(weighted.effect.abs() < 0.01 && weighted.evidence == Evidence::Weighted, "{}", weighted.effect);
        assert!(naive.effect > 0.1 && naive.evidence == Evidence::Naive, "{}", naive.effect);
    }
}
