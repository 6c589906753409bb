//! Which rules work in a context, and how sure that is.

use schemars::JsonSchema;
pub use crate::bridge::verdict::Verdict;
use serde::{Deserialize, Serialize};
use souffleur_algorithms::multiple_testing::{Z_95, benjamini_hochberg, two_sided_p};
use souffleur_core::batch::TrainingBatch;
use souffleur_core::job::{Interrupted, Job};

use super::params::Params;

/// Steps of a bisection: to a millionth of a millionth.
const BISECTIONS: usize = 42;
/// Rows between two signs of life.
const ROWS_PER_CHECK: usize = 4096;

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

/// For each context (`context[row]` of each row) what is known of each rule; rules used less than [`Params::min_uses`] times are
/// left out. The best first.
pub(super) fn preferences(
    batch: &TrainingBatch,
    context: &[Option<usize>],
    contexts: usize,
    params: &Params,
    job: &Job,
) -> Result<Vec<Vec<Preference>>, Interrupted> {
    let Some(rules) = &batch.session_rules else { return Ok(vec![Vec::new(); contexts]) };
    let score = |row: usize| f64::from(batch.outcomes.success_score[row]);
    let known = |row: &usize| !score(*row).is_nan();
    let mut uses: Vec<Vec<Vec<Use>>> = vec![vec![Vec::new(); rules.rule_ids.len()]; contexts];
    let mut scores: Vec<Vec<f64>> = vec![Vec::new(); contexts];
    for row in (0..batch.len()).filter(known) {
        if row % ROWS_PER_CHECK == 0 {
            job.check()?;
        }
        let Some(context) = context[row] else { continue };
        scores[context].push(score(row));
        for at in rules.of(row) {
            let propensity = f64::from(rules.propensity[at]);
            uses[context][rules.rule[at] as usize].push(Use { row, propensity });
        }
    }
    let mut raw: Vec<(usize, usize, Raw)> = Vec::new();
    for (context, of_context) in uses.iter().enumerate() {
        for (rule, uses) in of_context.iter().enumerate().filter(|(_, uses)| uses.len() >= params.min_uses) {
            job.check()?;
            raw.extend(estimate(uses, &score, &scores[context]).map(|raw| (context, rule, raw)));
        }
    }
    let pooled = pool(&raw, rules.rule_ids.len());
    let p_values: Vec<f64> = pooled.iter().map(|(effect, sd)| two_sided_p(effect / sd)).collect();
    let false_discovery_rates = benjamini_hochberg(&p_values);
    let mut found = vec![Vec::new(); contexts];
    for (i, (context, rule, raw)) in raw.into_iter().enumerate() {
        let (effect, sd) = pooled[i];
        // Where nothing is known of what chose the rule, a difference is no effect: it proves nothing, however sure it is.
        let proven = false_discovery_rates[i] <= params.fdr && raw.evidence == Evidence::Weighted;
        let verdict = match proven {
            true if effect > 0.0 => Verdict::Works,
            true => Verdict::Harms,
            false => Verdict::Unclear,
        };
        found[context].push(Preference {
            rule_id: rules.rule_ids[rule].to_string(),
            uses: raw.uses,
            effect,
            low: effect - Z_95 * sd,
            high: effect + Z_95 * sd,
            p_value: p_values[i],
            verdict,
            evidence: raw.evidence,
        });
    }
    found.iter_mut().for_each(|of| of.sort_by(|a, b| b.effect.total_cmp(&a.effect).then(a.rule_id.cmp(&b.rule_id))));
    Ok(found)
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

/// Each effect drawn towards its rule's mean over the contexts, as far as the contexts are alike: empirical Bayes with
/// the between-context variance of Paule & Mandel (1982), which holds where some contexts are known far better than
/// others, and the correction of Morris (1983) for its being estimated from few. With three contexts or fewer nothing is
/// drawn. Beside it the standard deviation before that, so that the width of an interval does not rest on how alike the
/// contexts are.
fn pool(raw: &[(usize, usize, Raw)], rules: usize) -> Vec<(f64, f64)> {
    let mut pooled = vec![(0.0, 0.0); raw.len()];
    for rule in 0..rules {
        let of_rule: Vec<usize> = (0..raw.len()).filter(|i| raw[*i].1 == rule).collect();
        let found: Vec<(f64, f64)> = of_rule.iter().map(|i| (raw[*i].2.effect, raw[*i].2.variance)).collect();
        let between = between_variance(&found);
        let mean = mean_of_contexts(&found, between);
        let count = found.len() as f64;
        let trust = ((count - 3.0) / (count - 1.0).max(1.0)).max(0.0);
        for (i, (effect, variance)) in of_rule.into_iter().zip(found) {
            let drawn = trust * variance / (variance + between);
            pooled[i] = ((1.0 - drawn) * effect + drawn * mean, variance.sqrt());
        }
    }
    pooled
}

/// Mean of effects (each with its variance), each weighted by how well it is known of contexts that differ so much.
fn mean_of_contexts(found: &[(f64, f64)], between: f64) -> f64 {
    let total: f64 = found.iter().map(|(_, variance)| 1.0 / (between + variance)).sum();
    found.iter().map(|(effect, variance)| effect / (between + variance)).sum::<f64>() / total
}

/// The variance of true effects over contexts at which the effects found scatter as much as they should; 0 if they scatter
/// less. By bisection, as the scatter falls with the variance.
fn between_variance(found: &[(f64, f64)]) -> f64 {
    let freedom = found.len() as f64 - 1.0;
    let scatter = |between: f64| {
        let mean = mean_of_contexts(found, between);
        found.iter().map(|(effect, variance)| (effect - mean).powi(2) / (between + variance)).sum::<f64>()
    };
    // Effects lie in [-1, 1].
    let (mut low, mut high) = (0.0, 4.0);
    if freedom < 1.0 || scatter(low) <= freedom {
        return 0.0;
    }
    for _ in 0..BISECTIONS {
        let middle = f64::midpoint(low, high);
        if scatter(middle) > freedom { low = middle } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_differ_as_much_as_their_effects_scatter_beyond_chance() {
        // Equal variances: the sample variance less the variance of each.
        let equal = [(0.1, 0.01), (0.3, 0.01), (0.5, 0.01), (0.7, 0.01)];
        assert!((between_variance(&equal) - (0.2 / 3.0 - 0.01)).abs() < 1e-9, "{}", between_variance(&equal));
        assert_eq!(between_variance(&[(0.1, 0.04), (0.2, 0.04), (0.15, 0.04)]), 0.0);
        assert_eq!((between_variance(&[]), between_variance(&[(0.3, 0.1)])), (0.0, 0.0));
        // One context stands out among well known ones: it is not talked down.
        let raw = |effect, variance| Raw { uses: 50, effect, variance, evidence: Evidence::Weighted };
        let mut all: Vec<(usize, usize, Raw)> = (0..5).map(|context| (context, 0, raw(0.0, 4e-5))).collect();
        all.push((5, 0, raw(0.15, 5e-4)));
        let pooled = pool(&all, 1);
        assert!(pooled[5].0 > 0.13 && pooled[0].0.abs() < 0.001, "{pooled:?}");
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
