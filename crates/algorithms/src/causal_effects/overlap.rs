//! Whether treated and untreated rows can be compared.

use serde::{Deserialize, Serialize};

use super::errors::NoOverlap;
use super::study::Study;

/// Fewest effective rows of an arm.
const EFFECTIVE_MINIMUM: f64 = 10.0;

/// Standard deviations by which a covariate's weighted mean may differ between the arms, or standard errors if these are more.
const IMBALANCE_MAXIMUM: f64 = 1.0;
const IMBALANCE_ERRORS: f64 = 4.0;

/// How alike treated and untreated rows are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Overlap {
    /// Rows of the study.
    pub rows: usize,
    /// Those whose probability of treatment lies inside the bounds; only they are judged.
    pub comparable: usize,
    /// Least probability of treatment, before any row is left out.
    pub propensity_least: f64,
    /// Greatest probability of treatment.
    pub propensity_greatest: f64,
    /// How many rows the treated ones count for when weighted by how improbable they were (Kish 1965).
    pub effective_treated: f64,
    /// The same of the untreated ones.
    pub effective_untreated: f64,
    /// Largest difference of a covariate's mean between the arms, in pooled standard deviations.
    pub imbalance: f64,
    /// The same with the weights: what they could not even out.
    pub imbalance_weighted: f64,
}

impl Overlap {
    /// Diagnoses a study by the probabilities of treatment, and names the comparable rows.
    ///
    /// # Errors
    /// Fewer than `minimum` of all rows, or of an arm, are comparable; weighted rows count for too few, or are not alike.
    pub(super) fn of(
        study: &Study<'_>,
        propensity: &[f64],
        trim: f64,
        minimum: f64,
    ) -> Result<(Self, Vec<usize>), NoOverlap> {
        let inside = |row: &usize| (trim..=1.0 - trim).contains(&propensity[*row]);
        let kept: Vec<usize> = (0..study.rows()).filter(inside).collect();
        let count = |arm: Option<bool>| {
            let of = |row: &&usize| arm.is_none_or(|arm| study.treated[**row] == arm);
            let all = study.treated.iter().filter(|t| arm.is_none_or(|arm| **t == arm)).count();
            (kept.iter().filter(of).count() as f64, all as f64)
        };
        for (of, arm) in [("rows", None), ("treated rows", Some(true)), ("untreated rows", Some(false))] {
            let (inside, all) = count(arm);
            if inside < minimum * all || inside == 0.0 {
                return Err(NoOverlap::Comparable { of, share: inside / all, minimum, trim });
            }
        }
        let weight =
            |row: usize| if study.treated[row] { 1.0 / propensity[row] } else { 1.0 / (1.0 - propensity[row]) };
        let effective = |arm: bool| {
            let (sum, squares) =
                kept.iter().filter(|row| study.treated[**row] == arm).fold((0.0, 0.0), |(s, q), row| {
                    let weight = weight(*row);
                    (s + weight, q + weight * weight)
                });
            if squares > 0.0 { sum * sum / squares } else { 0.0 }
        };
        let (treated, untreated) = (effective(true), effective(false));
        for (arm, effective) in [("treated", treated), ("untreated", untreated)] {
            if effective < EFFECTIVE_MINIMUM {
                return Err(NoOverlap::Effective { arm, effective, needed: EFFECTIVE_MINIMUM });
            }
        }
        let imbalance_weighted = imbalance(study, &kept, weight);
        let most = IMBALANCE_MAXIMUM.max(IMBALANCE_ERRORS * (treated.recip() + untreated.recip()).sqrt());
        if imbalance_weighted > most {
            return Err(NoOverlap::Imbalance { imbalance: imbalance_weighted, most });
        }
        let found = Self {
            rows: study.rows(),
            comparable: kept.len(),
            propensity_least: propensity.iter().copied().fold(f64::INFINITY, f64::min),
            propensity_greatest: propensity.iter().copied().fold(0.0, f64::max),
            effective_treated: treated,
            effective_untreated: untreated,
            imbalance: imbalance(study, &kept, |_| 1.0),
            imbalance_weighted,
        };
        Ok((found, kept))
    }
}

/// Largest standardised difference of weighted means between the arms, over the covariates.
fn imbalance(study: &Study<'_>, rows: &[usize], weight: impl Fn(usize) -> f64) -> f64 {
    let columns = study.x.ncols();
    // By arm: the weight, and of each column the sum; the squares without weights.
    let mut sums = [(0.0, vec![0.0; columns]), (0.0, vec![0.0; columns])];
    let mut plain = [(0.0, vec![0.0; columns], vec![0.0; columns]), (0.0, vec![0.0; columns], vec![0.0; columns])];
    let origin = study.x.row(rows[0]);
    for &row in rows {
        let (arm, weight) = (usize::from(study.treated[row]), weight(row));
        sums[arm].0 += weight;
        plain[arm].0 += 1.0;
        for (column, (value, origin)) in study.x.row(row).iter().zip(origin).enumerate() {
            let value = value - origin;
            sums[arm].1[column] += weight * value;
            plain[arm].1[column] += value;
            plain[arm].2[column] += value * value;
        }
    }
    let variance = |arm: usize, column: usize| {
        let (count, sums, squares) = &plain[arm];
        (squares[column] / count - (sums[column] / count).powi(2)).max(0.0)
    };
    (0..columns)
        .map(|column| {
            let apart = sums[1].1[column] / sums[1].0 - sums[0].1[column] / sums[0].0;
            let pooled = f64::midpoint(variance(0, column), variance(1, column)).sqrt();
            if pooled > 1e-12 { (apart / pooled).abs() } else { 0.0 }
        })
        .fold(0.0, f64::max)
}
