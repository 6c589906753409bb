//! Two groups compared within strata: what is left of a difference when like is compared with like.

use serde::{Deserialize, Serialize};

use crate::multiple_testing::two_sided_p;

/// Counts of one stratum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Members of the first group.
    pub first: u64,
    /// Those of them with the outcome.
    pub first_with: u64,
    /// Members of the second group.
    pub second: u64,
    /// Those of them with the outcome.
    pub second_with: u64,
}

/// By how much the outcome is more frequent in the first group than in the second one, strata held fixed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RiskDifference {
    /// Difference of the shares with the outcome, in [-1, 1]: the mean over strata, weighted by `n1 n2 / (n1 + n2)` (Mantel &
    /// Haenszel 1959 as Greenland & Robins 1985 apply it to differences). Where the second group is much larger, this weighs
    /// strata as the first group does.
    pub difference: f64,
    /// Standard error of the difference (Sato 1989), right for few large and for many sparse strata.
    pub standard_error: f64,
    /// Share with the outcome in the first group, weighted in the same way.
    pub first_rate: f64,
    /// Probability of so large a difference where there is none in any stratum (Cochran 1954, Mantel & Haenszel 1959; without
    /// correction for continuity).
    pub p_value: f64,
    /// Members of the first group in strata in which both groups occur; no others count.
    pub first_compared: u64,
    /// Members of the second group there.
    pub second_compared: u64,
}

/// Compares the groups; nothing where no stratum has members of both, or all outcomes are alike.
///
/// `O(strata)`. Counts `with` that exceed their group are taken as the whole group.
///
/// ```
/// use souffleur_algorithms::stratified_tables::{Table, risk_difference};
/// // The first group looks worse overall (44 of 110 against 66 of 110), yet is better in each stratum.
/// let hard = Table { first: 100, first_with: 35, second: 10, second_with: 2 };
/// let easy = Table { first: 10, first_with: 9, second: 100, second_with: 64 };
/// let found = risk_difference(&[hard, easy]).ok_or("no comparison")?;
/// assert!(found.difference > 0.15 && found.first_compared == 110);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn risk_difference(strata: &[Table]) -> Option<RiskDifference> {
    let (mut weight, mut difference, mut first_rate) = (0.0, 0.0, 0.0);
    let (mut p_sum, mut q_sum, mut excess, mut variance) = (0.0, 0.0, 0.0, 0.0);
    let (mut first_compared, mut second_compared) = (0, 0);
    for table in strata.iter().filter(|table| table.first > 0 && table.second > 0) {
        let (n1, n2) = (table.first as f64, table.second as f64);
        let (a, c) = (table.first_with.min(table.first) as f64, table.second_with.min(table.second) as f64);
        let n = n1 + n2;
        let w = n1 * n2 / n;
        weight += w;
        difference += w * (a / n1 - c / n2);
        first_rate += w * a / n1;
        p_sum += (n1 * n1 * c - n2 * n2 * a + n1 * n2 * (n2 - n1) / 2.0) / (n * n);
        q_sum += (a * (n2 - c) + c * (n1 - a)) / (2.0 * n);
        let with = a + c;
        excess += a - n1 * with / n;
        variance += n1 * n2 * with * (n - with) / (n * n * (n - 1.0));
        first_compared += table.first;
        second_compared += table.second;
    }
    // One member of each group at least: n is at least 2.
    (weight > 0.0 && variance > 0.0).then(|| RiskDifference {
        difference: difference / weight,
        standard_error: ((difference / weight * p_sum + q_sum) / (weight * weight)).max(0.0).sqrt(),
        first_rate: first_rate / weight,
        p_value: two_sided_p(excess / variance.sqrt()),
        first_compared,
        second_compared,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(first: u64, first_with: u64, second: u64, second_with: u64) -> Table {
        Table { first, first_with, second, second_with }
    }

    #[test]
    fn one_stratum_is_the_plain_comparison_of_two_shares() {
        let found = risk_difference(&[table(20, 12, 20, 5)]).unwrap();
        assert!((found.difference - 0.35).abs() < 1e-12 && (found.first_rate - 0.6).abs() < 1e-12);
        // Pearson's chi-square is 40 (12 * 15 - 8 * 5)^2 / (20 * 20 * 17 * 23), and CMH is (n - 1) / n of it.
        let z: f64 = (40.0 * 140.0f64.powi(2) / (400.0 * 17.0 * 23.0) * 39.0 / 40.0).sqrt();
        assert!((found.p_value - two_sided_p(z)).abs() < 1e-12, "{}", found.p_value);
        // Close to the usual sqrt(p1 q1 / n1 + p2 q2 / n2).
        let usual = (0.6f64 * 0.4 / 20.0 + 0.25 * 0.75 / 20.0).sqrt();
        assert!((found.standard_error - usual).abs() < 0.01, "{} {usual}", found.standard_error);
    }

    #[test]
    fn strata_without_both_groups_say_nothing() {
        assert_eq!(risk_difference(&[]), None);
        assert_eq!(risk_difference(&[table(5, 3, 0, 0), table(0, 0, 9, 1)]), None);
        assert_eq!(risk_difference(&[table(5, 5, 5, 5)]), None);
        let one = [table(20, 12, 20, 5)];
        let more = [one[0], table(50, 50, 0, 0)];
        assert_eq!(risk_difference(&one), risk_difference(&more));
    }

    #[test]
    fn intervals_hold_the_truth_as_often_as_they_say() {
        use rand::{Rng, SeedableRng};
        let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(5);
        let (mut held, runs) = (0, 2000);
        for _ in 0..runs {
            let strata: Vec<Table> = (0..10)
                .map(|stratum| {
                    let base = 0.1 + 0.06 * f64::from(stratum);
                    let mut draw = |n: u64, p: f64| (0..n).filter(|_| rng.r#gen::<f64>() < p).count() as u64;
                    table(8, draw(8, base + 0.15), 30, draw(30, base))
                })
                .collect();
            let found = risk_difference(&strata).unwrap();
            held += usize::from((found.difference - 0.15).abs() <= 1.96 * found.standard_error);
        }
        let coverage = held as f64 / runs as f64;
        assert!((0.935..0.965).contains(&coverage), "{coverage}");
    }
}
