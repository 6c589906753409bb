//! Whether two samples come from one distribution, and how two columns go together.

use crate::metrics::MetricError;

/// What the Kolmogorov-Smirnov test says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KolmogorovSmirnov {
    /// Greatest distance of the two empirical distribution functions, in [0, 1].
    pub statistic: f64,
    /// Probability of at least such a distance if both came from one continuous distribution, in [0, 1]. Where values
    /// are tied it is too large rather than too small.
    pub p_value: f64,
}

/// Two-sample Kolmogorov-Smirnov test (Kolmogorov 1933; Smirnov 1948), two-sided.
///
/// The p-value is the limit distribution's, at `sqrt(n m / (n + m)) D` without a correction for small samples: within a few
/// per cent of the exact one from some fifty rows on each side. `O((n + m) log (n + m))`.
///
/// ```
/// use souffleur_algorithms::two_samples::kolmogorov_smirnov;
/// let same = kolmogorov_smirnov(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0])?;
/// assert_eq!((same.statistic, same.p_value), (0.0, 1.0));
/// # Ok::<(), souffleur_algorithms::metrics::MetricError>(())
/// ```
///
/// # Errors
/// A sample is empty, or a value is NaN.
pub fn kolmogorov_smirnov(a: &[f64], b: &[f64]) -> Result<KolmogorovSmirnov, MetricError> {
    let (a, b) = (sorted(a)?, sorted(b)?);
    let (n, m) = (to_f64(a.len()), to_f64(b.len()));
    let (mut i, mut j, mut statistic) = (0, 0, 0.0f64);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        // Ties are stepped over on both sides at once.
        let value = x.min(*y);
        i += a[i..].iter().take_while(|x| **x <= value).count();
        j += b[j..].iter().take_while(|y| **y <= value).count();
        statistic = statistic.max((to_f64(i) / n - to_f64(j) / m).abs());
    }
    let p_value = kolmogorov_survival((n * m / (n + m)).sqrt() * statistic);
    Ok(KolmogorovSmirnov { statistic, p_value })
}

/// Probability that Kolmogorov's limit variable is at least `t`: `2 sum (-1)^(k-1) exp(-2 k^2 t^2)`; for small `t` the other
/// form of the same function (Marsaglia, Tsang and Wang 2003), whose terms vanish there.
#[must_use]
pub fn kolmogorov_survival(t: f64) -> f64 {
    use std::f64::consts::PI;
    if t <= 0.0 {
        return 1.0;
    }
    let terms = (1..=20).map(f64::from);
    let p = if t < 1.0 {
        let below: f64 = terms.map(|k| (-(2.0 * k - 1.0).powi(2) * PI * PI / (8.0 * t * t)).exp()).sum();
        1.0 - (2.0 * PI).sqrt() / t * below
    } else {
        2.0 * terms.map(|k| (-2.0 * k * k * t * t).exp() * if k % 2.0 == 1.0 { 1.0 } else { -1.0 }).sum::<f64>()
    };
    p.clamp(0.0, 1.0)
}

/// Population stability index: how far the shares of a sample in `bins` classes have moved from those of a reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PopulationStability {
    /// `sum (p - q) ln(p / q)` over the classes, at least 0: the symmetrised divergence of Kullback and Leibler (1951).
    pub index: f64,
    /// What it is on average when nothing has moved: `(classes - 1) (1/n + 1/m)` (Yurdakul 2018).
    pub by_chance: f64,
}

/// Population stability index of `recent` against `reference`. Classes are cut at the reference's quantiles; a value on
/// which several of them fall has a class of its own. Every class counts half a row more than it has on both sides, so that
/// an empty one weighs little and not infinitely. `O(n log n + m log bins)`.
///
/// # Errors
/// A sample is empty, or a value is NaN.
pub fn population_stability(
    reference: &[f64],
    recent: &[f64],
    bins: usize,
) -> Result<PopulationStability, MetricError> {
    let reference = sorted(reference)?;
    check(recent)?;
    let cuts = cuts(&reference, bins.max(2));
    let class = |value: f64| cuts.partition_point(|cut| *cut < value);
    let (mut of_reference, mut of_recent) = (vec![0usize; cuts.len() + 1], vec![0usize; cuts.len() + 1]);
    reference.iter().for_each(|value| of_reference[class(*value)] += 1);
    recent.iter().for_each(|value| of_recent[class(*value)] += 1);
    let classes: Vec<(usize, usize)> = of_reference.into_iter().zip(of_recent).filter(|both| *both != (0, 0)).collect();
    let halves = to_f64(classes.len()) / 2.0;
    let (n, m) = (to_f64(reference.len()), to_f64(recent.len()));
    let moved = |(before, after): &(usize, usize)| {
        let (before, after) = ((to_f64(*before) + 0.5) / (n + halves), (to_f64(*after) + 0.5) / (m + halves));
        (after - before) * (after / before).ln()
    };
    let by_chance = (to_f64(classes.len()) - 1.0) * (1.0 / n + 1.0 / m);
    Ok(PopulationStability { index: classes.iter().map(moved).sum(), by_chance })
}

/// The upper ends of all classes but the last, each included in its class.
fn cuts(sorted: &[f64], bins: usize) -> Vec<f64> {
    let last = sorted.len() - 1;
    let quantiles: Vec<f64> = (1..bins).map(|k| sorted[k * last / bins]).collect();
    let mut cuts = Vec::with_capacity(2 * bins);
    for tied in quantiles.chunk_by(|a, b| a == b) {
        if tied.len() > 1 {
            cuts.push(tied[0].next_down());
        }
        cuts.push(tied[0]);
    }
    cuts
}

/// Rank correlation (Spearman 1904), ties sharing their mean rank; in [-1, 1], 0 where a column is constant.
/// `O(n log n)`.
///
/// # Errors
/// Lengths differ, there is no row, or a value is NaN.
pub fn spearman(a: &[f64], b: &[f64]) -> Result<f64, MetricError> {
    if a.len() != b.len() {
        return Err(MetricError::Lengths { scores: a.len(), labels: b.len() });
    }
    let (a, b) = (ranks(a)?, ranks(b)?);
    let mean = (to_f64(a.len()) + 1.0) / 2.0;
    let (mut product, mut of_a, mut of_b) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(&b) {
        product += (x - mean) * (y - mean);
        of_a += (x - mean).powi(2);
        of_b += (y - mean).powi(2);
    }
    Ok(if of_a > 0.0 && of_b > 0.0 { (product / (of_a * of_b).sqrt()).clamp(-1.0, 1.0) } else { 0.0 })
}

fn ranks(values: &[f64]) -> Result<Vec<f64>, MetricError> {
    check(values)?;
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while let Some(&first) = order.get(start) {
        let tied = order[start..].iter().take_while(|row| values[**row] == values[first]).count();
        // Ranks count from 1: the tied ones have the places start + 1 to start + tied.
        let shared = to_f64(2 * start + tied + 1) / 2.0;
        order[start..start + tied].iter().for_each(|row| ranks[*row] = shared);
        start += tied;
    }
    Ok(ranks)
}

fn sorted(values: &[f64]) -> Result<Vec<f64>, MetricError> {
    check(values)?;
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    Ok(values)
}

fn check(values: &[f64]) -> Result<(), MetricError> {
    if values.is_empty() {
        return Err(MetricError::Empty);
    }
    match values.iter().position(|value| value.is_nan()) {
        Some(row) => Err(MetricError::NotANumber { row }),
        None => Ok(()),
    }
}

fn to_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
