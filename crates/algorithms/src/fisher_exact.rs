//! Whether two groups differ in how often something occurs, exactly.

use crate::stratified_tables::Table;

/// Probabilities this close to that of what was observed count as equal to it: they differ by rounding alone.
const SAME: f64 = 1.0 + 1e-7;

/// Probability of counts at least as unlikely as these where both groups have the outcome equally often (Fisher 1935; both
/// sides: all tables with the same margins that are no more likely than the one observed).
///
/// In [0, 1]; 1 where a group is empty or all outcomes are alike. Counts `with` that exceed their group are taken as the
/// whole group. `O(sqrt(n))` steps: only what adds to the sum is added.
///
/// ```
/// use souffleur_algorithms::fisher_exact::fisher_exact;
/// use souffleur_algorithms::stratified_tables::Table;
/// // The lady who tasted tea told three of four cups of either kind.
/// let p = fisher_exact(&Table { first: 4, first_with: 3, second: 4, second_with: 1 });
/// assert!((p - 34.0 / 70.0).abs() < 1e-12);
/// ```
#[must_use]
pub fn fisher_exact(table: &Table) -> f64 {
    let (first, second) = (table.first, table.second);
    let observed = table.first_with.min(first);
    let with = observed + table.second_with.min(second);
    let (low, high) = (with.saturating_sub(second), with.min(first));
    if low == high {
        return 1.0;
    }
    let ln_choose = |n: u64, k: u64| {
        let ln_factorial = |n: u64| libm::lgamma(n as f64 + 1.0);
        ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
    };
    let whole = ln_choose(first + second, with);
    let probability = |x: u64| (ln_choose(first, x) + ln_choose(second, with - x) - whole).exp();
    let limit = probability(observed) * SAME;
    let mode = ((first + 1) as f64 * (with + 1) as f64 / (first + second + 2) as f64) as u64;
    let mode = mode.clamp(low, high);
    // Probabilities rise up to the mode and fall from it on: each side is a tail, if it is there at all.
    let mut sum = 0.0;
    if let Some(start) = last(low, mode, |x| probability(x) <= limit) {
        let fall = |x: u64| (x * (second + x - with)) as f64 / ((first - x + 1) * (with - x + 1)) as f64;
        sum += tail(probability(start), (low + 1..=start).rev().map(fall));
    }
    let above = mode.max(low) + 1;
    let reversed = |back: u64| high - back;
    if above <= high
        && let Some(back) = last(0, high - above, |back| probability(reversed(back)) <= limit)
    {
        let start = reversed(back);
        let rise = |x: u64| ((first - x) * (with - x)) as f64 / ((x + 1) * (second + x + 1 - with)) as f64;
        sum += tail(probability(start), (start..high).map(rise));
    }
    sum.min(1.0)
}

/// The last of `from..=to` for which this holds, if it holds for the first ones alone, or for none.
fn last(from: u64, to: u64, holds: impl Fn(u64) -> bool) -> Option<u64> {
    if !holds(from) {
        return None;
    }
    let (mut is, mut is_not) = (from, to + 1);
    while is_not - is > 1 {
        let middle = is + (is_not - is) / 2;
        if holds(middle) { is = middle } else { is_not = middle }
    }
    Some(is)
}

/// The sum of terms, each the one before it times a ratio, as far as it grows.
fn tail(first: f64, ratios: impl Iterator<Item = f64>) -> f64 {
    let (mut term, mut sum) = (first, first);
    for ratio in ratios {
        term *= ratio;
        if term <= sum * f64::EPSILON {
            break;
        }
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn p(first_with: u64, first: u64, second_with: u64, second: u64) -> f64 {
        fisher_exact(&Table { first, first_with, second, second_with })
    }

    /// By adding up every table.
    fn oracle(first_with: u64, first: u64, second_with: u64, second: u64) -> f64 {
        let choose = |n: u64, k: u64| (0..k).fold(1.0, |c, i| c * (n - i) as f64 / (i + 1) as f64);
        let with = first_with + second_with;
        let weight = |x: u64| choose(first, x) * choose(second, with - x);
        let all: Vec<f64> = (with.saturating_sub(second)..=with.min(first)).map(weight).collect();
        let limit = weight(first_with) * SAME;
        all.iter().filter(|w| **w <= limit).sum::<f64>() / all.iter().sum::<f64>()
    }

    #[test]
    fn it_is_what_the_usual_programs_say() {
        // scipy.stats.fisher_exact and R's fisher.test.
        assert!((p(8, 10, 1, 6) - 0.034_965_034_965).abs() < 1e-11);
        assert!((p(6, 8, 1, 5) - 0.102_564_102_564).abs() < 1e-11);
        assert_eq!((p(0, 0, 3, 9), p(5, 5, 7, 7), p(0, 4, 0, 9)), (1.0, 1.0, 1.0));
        assert!(p(50_000, 100_000, 10_000, 100_000) < 1e-300);
        assert!((p(50_000, 100_000, 50_000, 100_000) - 1.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn it_is_the_sum_over_all_tables(first in 1u64..40, second in 1u64..40, a in 0.0..=1.0, b in 0.0..=1.0) {
            let part = |n: u64, share: f64| (share * n as f64) as u64;
            let (x, y) = (part(first, a), part(second, b));
            let (found, all) = (p(x, first, y, second), oracle(x, first, y, second));
            prop_assert!((found - all).abs() < 1e-9, "{found} {all}");
        }
    }
}
