//! What sets a group of rows apart from the rest, with effect sizes, in words.

use ndarray::{ArrayView1, ArrayView2};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_core::features::{COLUMNS, COMPLEXITY, PROJECT_TYPE_START};
use souffleur_core::job::{Interrupted, Job};

use super::words;

/// An effect below this is none worth a word (Cohen 1988: .2 is small).
const EFFECT_MINIMUM: f64 = 0.3;
/// Effects beyond this are told as this: where a feature does not vary within groups, any difference is without bounds.
const EFFECT_MAXIMUM: f64 = 20.0;
/// Variance that is rounding alone.
const VARIANCE_MINIMUM: f64 = 1e-12;
/// The column that says whether a prompt shows an example.
const HAS_EXAMPLES: usize = 13;
/// Rows between two signs of life.
const ROWS_PER_CHECK: usize = 4096;

/// A feature in which a group differs from the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trait {
    /// The feature, or the member of a category (`domain_finance`).
    pub feature: String,
    /// Its mean inside the group; the share of rows for a member of a category, and for what is yes or no.
    pub inside: f64,
    /// Its mean outside.
    pub outside: f64,
    /// How large the difference is: Cohen's d with pooled deviation for numbers, Cohen's h for shares (Cohen 1988). Above
    /// 0 where the group has more.
    pub effect: f64,
}

/// Whether a column is a member of a category.
pub(crate) fn is_category(column: usize) -> bool {
    (PROJECT_TYPE_START..COMPLEXITY).contains(&column)
}

/// Sums over the rows of one group, by column.
#[derive(Clone)]
struct Sums {
    count: f64,
    sum: Vec<f64>,
    squares: Vec<f64>,
}

impl Sums {
    fn none(columns: usize) -> Self {
        Self { count: 0.0, sum: vec![0.0; columns], squares: vec![0.0; columns] }
    }

    fn add(&mut self, row: impl Iterator<Item = f64>) {
        self.count += 1.0;
        for (value, (sum, squares)) in row.zip(self.sum.iter_mut().zip(&mut self.squares)) {
            *sum += value;
            *squares += value * value;
        }
    }

    fn plus(&self, other: &Self, sign: f64) -> Self {
        let each = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a + sign * b).collect();
        Self {
            count: self.count + sign * other.count,
            sum: each(&self.sum, &other.sum),
            squares: each(&self.squares, &other.squares),
        }
    }

    fn of_column(&self, column: usize) -> Moments {
        let mean = self.sum[column] / self.count;
        let squares = (self.squares[column] - self.sum[column] * mean).max(0.0);
        Moments { count: self.count, mean, squares }
    }
}

/// How many values a side has, their mean, and the sum of the squared differences from it.
pub(crate) struct Moments {
    pub(crate) count: f64,
    pub(crate) mean: f64,
    pub(crate) squares: f64,
}

impl Moments {
    /// Those of the values whose `inside` is `side`.
    pub(crate) fn of(values: ArrayView1<'_, f32>, inside: &[bool], side: bool) -> Self {
        let members = || values.iter().zip(inside).filter(|(_, i)| **i == side).map(|(v, _)| f64::from(*v));
        let count = members().count() as f64;
        let mean = members().sum::<f64>() / count;
        let squares = members().map(|v| (v - mean) * (v - mean)).sum();
        Self { count, mean, squares }
    }

    /// By how much this mean is above the other, in pooled standard deviations (Cohen 1988), at most
    /// [`EFFECT_MAXIMUM`] either way. Not a number where a side has no values.
    pub(crate) fn cohens_d(&self, other: &Self) -> f64 {
        let pooled = (self.squares + other.squares) / (self.count + other.count - 2.0);
        let apart = (self.mean - other.mean) / pooled.max(VARIANCE_MINIMUM).sqrt();
        apart.clamp(-EFFECT_MAXIMUM, EFFECT_MAXIMUM)
    }
}

/// What sets the rows of the group apart, the strongest first. Rows x 31; `inside` says of each row whether it is one.
pub(crate) fn contrast(features: ArrayView2<'_, f32>, inside: &[bool]) -> Vec<Trait> {
    let (mut one, mut other) = (Sums::none(features.ncols()), Sums::none(features.ncols()));
    for (row, inside) in features.outer_iter().zip(inside) {
        if *inside { &mut one } else { &mut other }.add(row.iter().map(|v| f64::from(*v)));
    }
    traits(&one, &other)
}

/// What sets each group apart from all other rows, in one pass. `group` says of each row which it is in, if any.
///
/// # Errors
/// If the job was interrupted.
pub(crate) fn contrasts(
    features: ArrayView2<'_, f32>,
    group: &[Option<usize>],
    groups: usize,
    job: &Job,
) -> Result<Vec<Vec<Trait>>, Interrupted> {
    // The last one holds what is in no group.
    let mut sums = vec![Sums::none(features.ncols()); groups + 1];
    for (i, (row, group)) in features.outer_iter().zip(group).enumerate() {
        if i % ROWS_PER_CHECK == 0 {
            job.check()?;
        }
        sums[group.unwrap_or(groups).min(groups)].add(row.iter().map(|v| f64::from(*v)));
    }
    let all = sums.iter().fold(Sums::none(features.ncols()), |all, one| all.plus(one, 1.0));
    Ok(sums[..groups].iter().map(|one| traits(one, &all.plus(one, -1.0))).collect())
}

fn traits(one: &Sums, other: &Sums) -> Vec<Trait> {
    let mut found: Vec<Trait> = (0..one.sum.len())
        .filter_map(|column| {
            let (inside, outside) = (one.of_column(column), other.of_column(column));
            let effect = if is_category(column) || column == HAS_EXAMPLES {
                let angle = |share: f64| share.clamp(0.0, 1.0).sqrt().asin();
                2.0 * (angle(inside.mean) - angle(outside.mean))
            } else {
                inside.cohens_d(&outside)
            };
            let feature = COLUMNS[column].name.to_owned();
            (effect.abs() >= EFFECT_MINIMUM).then_some(Trait {
                feature,
                inside: inside.mean,
                outside: outside.mean,
                effect,
            })
        })
        .collect();
    found.sort_by(|a, b| b.effect.abs().total_cmp(&a.effect.abs()));
    found
}

/// The strongest traits in words; at most `most` of them, where a project type and a domain count as one.
pub(crate) fn sentence(traits: &[Trait], most: usize) -> String {
    words::sentence(traits, most)
}

/// The column of a trait.
pub(super) fn column(t: &Trait) -> Option<usize> {
    COLUMNS.iter().position(|c| c.name == t.feature)
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use souffleur_core::features::{DOMAIN_START, TEAM_SIZE, WIDTH};

    use super::*;
    use crate::bridge::stopped_clock;

    /// Forty rows: the first twenty are unclear prompts in finance by teams of four, the others not.
    fn rows() -> (Array2<f32>, Vec<bool>) {
        let mut rows = Array2::<f32>::zeros((40, WIDTH));
        for i in 0..40 {
            let first = i < 20;
            rows[[i, DOMAIN_START + usize::from(!first)]] = 1.0;
            rows[[i, 1]] = if first { 0.2 } else { 0.8 } + (i % 3) as f32 * 0.1;
            rows[[i, TEAM_SIZE]] = if first { 0.2 } else { 0.8 };
        }
        (rows, (0..40).map(|i| i < 20).collect())
    }

    #[test]
    fn numbers_and_shares_are_told_with_their_effects() {
        let (rows, inside) = rows();
        let traits = contrast(rows.view(), &inside);
        let names: Vec<&str> = traits.iter().map(|t| t.feature.as_str()).collect();
        assert_eq!(names, ["team_size", "clarity", "domain_finance", "domain_healthcare"]);
        assert_eq!(traits[0].effect, -EFFECT_MAXIMUM, "a feature that does not vary within groups is still told");
        assert!((traits[2].effect - std::f64::consts::PI).abs() < 1e-9);
        let words = sentence(&traits, 3);
        assert_eq!(words, "finance, small teams (about 4 people against 16), unclear (0.30 against 0.90)");
    }

    #[test]
    fn all_groups_in_one_pass_are_as_each_by_itself() {
        let (rows, inside) = rows();
        let group: Vec<Option<usize>> = inside.iter().map(|inside| Some(usize::from(!inside))).collect();
        let all = contrasts(rows.view(), &group, 2, &stopped_clock::job(1)).unwrap();
        let outside: Vec<bool> = inside.iter().map(|inside| !inside).collect();
        let same = |a: &[Trait], b: &[Trait]| {
            a.len() == b.len()
                && a.iter().zip(b).all(|(a, b)| a.feature == b.feature && (a.effect - b.effect).abs() < 1e-6)
        };
        assert!(same(&all[0], &contrast(rows.view(), &inside)), "{all:?}");
        assert!(same(&all[1], &contrast(rows.view(), &outside)), "{all:?}");
    }

    #[test]
    fn a_group_of_all_rows_or_of_none_differs_in_nothing() {
        let (rows, _) = rows();
        assert!(contrast(rows.view(), &[true; 40]).is_empty() && contrast(rows.view(), &[false; 40]).is_empty());
    }
}
