//! What sets a group of rows apart from the rest, with effect sizes, in words.

use ndarray::{ArrayView1, ArrayView2};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use souffleur_core::features::{COLUMNS, COMPLEXITY, DOMAIN_START, PROJECT_TYPE_START};

/// An effect below this is none worth a word (Cohen 1988: .2 is small).
const EFFECT_MINIMUM: f64 = 0.3;

/// A feature in which a group differs from the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trait {
    /// The feature, or the member of a category (`domain_finance`).
    pub feature: String,
    /// Its mean inside the group; the share of rows for a member of a category.
    pub inside: f64,
    /// Its mean outside.
    pub outside: f64,
    /// How large the difference is: Cohen's d with pooled deviation for numbers, Cohen's h for shares (Cohen 1988). Above
    /// 0 where the group has more.
    pub effect: f64,
}

/// Whether a column is a member of a category.
fn is_category(column: usize) -> bool {
    (PROJECT_TYPE_START..COMPLEXITY).contains(&column)
}

/// What sets the rows of the group apart, the strongest first. Rows x 31; `inside` says of each row whether it is one.
pub(crate) fn contrast(features: ArrayView2<'_, f32>, inside: &[bool]) -> Vec<Trait> {
    let mut found: Vec<Trait> = (0..features.ncols())
        .filter_map(|column| {
            let values = features.column(column);
            let (one, other) = (Moments::of(values, inside, true), Moments::of(values, inside, false));
            let effect = if is_category(column) {
                2.0 * (one.mean.sqrt().asin() - other.mean.sqrt().asin())
            } else {
                let freedom = one.count + other.count - 2.0;
                (one.mean - other.mean) / ((one.squares + other.squares) / freedom).sqrt()
            };
            (effect.is_finite() && effect.abs() >= EFFECT_MINIMUM).then(|| Trait {
                feature: COLUMNS[column].name.to_owned(),
                inside: one.mean,
                outside: other.mean,
                effect,
            })
        })
        .collect();
    found.sort_by(|a, b| b.effect.abs().total_cmp(&a.effect.abs()));
    found
}

/// The strongest traits in words; at most `most` of them.
pub(crate) fn sentence(traits: &[Trait], most: usize) -> String {
    // Where most of a group is one member of a category, that it is not another one says nothing new.
    let worth = |t: &&Trait| !(is_member(&t.feature) && t.effect < 0.0);
    let words: Vec<String> = traits.iter().filter(worth).take(most).map(describe).collect();
    if words.is_empty() { "like all others".to_owned() } else { words.join(", ") }
}

fn is_member(feature: &str) -> bool {
    COLUMNS.iter().position(|c| c.name == feature).is_some_and(is_category)
}

fn describe(t: &Trait) -> String {
    if is_member(&t.feature) {
        let name = t.feature.strip_prefix("project_type_").or(t.feature.strip_prefix("domain_")).unwrap_or(&t.feature);
        let kind = if t.feature.starts_with(COLUMNS[DOMAIN_START].name.split('_').next().unwrap_or("domain")) {
            "domain"
        } else {
            "project type"
        };
        return format!("{kind} {name} ({:.0} % against {:.0} %)", 100.0 * t.inside, 100.0 * t.outside);
    }
    let direction = if t.effect > 0.0 { "more" } else { "less" };
    format!("{direction} {} ({:.2} against {:.2})", t.feature.replace('_', " "), t.inside, t.outside)
}

struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn of(values: ArrayView1<'_, f32>, inside: &[bool], side: bool) -> Self {
        let members = || values.iter().zip(inside).filter(|(_, i)| **i == side).map(|(v, _)| f64::from(*v));
        let count = members().count() as f64;
        let mean = members().sum::<f64>() / count;
        let squares = members().map(|v| (v - mean) * (v - mean)).sum();
        Self { count, mean, squares }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use souffleur_core::features::WIDTH;

    #[test]
    fn a_category_and_a_number_are_told_in_words() {
        let mut rows = Array2::<f32>::zeros((40, WIDTH));
        for i in 0..40 {
            rows[[i, DOMAIN_START + usize::from(i >= 20)]] = 1.0;
            rows[[i, 1]] = if i < 20 { 0.2 } else { 0.8 } + (i % 3) as f32 * 0.1;
        }
        let inside: Vec<bool> = (0..40).map(|i| i < 20).collect();
        let traits = contrast(rows.view(), &inside);
        assert_eq!(traits.len(), 3);
        let words = sentence(&traits, 3);
        assert!(words.contains("domain finance (100 % against 0 %)"), "{words}");
        assert!(words.contains("less clarity (0.30 against 0.90)"), "{words}");
        assert!(!words.contains("healthcare"), "{words}");
        assert_eq!(sentence(&[], 3), "like all others");
    }
}
