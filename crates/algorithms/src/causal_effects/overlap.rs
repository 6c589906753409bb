//! Whether treated and untreated rows can be compared.

use serde::{Deserialize, Serialize};

use super::errors::{CausalEffectError, NoOverlap};
use super::study::Study;
use crate::row_strips::by_strip;
use crate::watch::{Interrupted, Progress, Watch};

/// Fewest effective rows of an arm.
const EFFECTIVE_MINIMUM: f64 = 10.0;

/// Standard deviations by which a covariate's weighted mean may differ between the arms, or standard errors if these are more.
const IMBALANCE_MAXIMUM: f64 = 1.0;
const IMBALANCE_ERRORS: f64 = 4.0;

/// Rows between two calls of the watch.
const ROWS_PER_TICK: usize = 1024;

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
    /// Fewer than `minimum` of all rows, or of an arm, are comparable; weighted rows count for too few, or are not alike; or
    /// the watch interrupts.
    pub(super) fn of(
        study: &Study<'_>,
        propensity: &[f64],
        trim: f64,
        minimum: f64,
        watch: &dyn Watch,
    ) -> Result<(Self, Vec<usize>), CausalEffectError> {
        let inside = |row: &usize| (trim..=1.0 - trim).contains(&propensity[*row]);
        let kept: Vec<usize> = (0..study.rows()).filter(inside).collect();
        check_comparable(study, &kept, trim, minimum)?;
        let weight =
            |row: usize| if study.treated[row] { 1.0 / propensity[row] } else { 1.0 / (1.0 - propensity[row]) };
        let arms = Arms::of(study, &kept, weight, watch)?;
        let (treated, untreated) = (arms.effective(true), arms.effective(false));
        for (arm, effective) in [("treated", treated), ("untreated", untreated)] {
            if effective < EFFECTIVE_MINIMUM {
                return Err(NoOverlap::Effective { arm, effective, needed: EFFECTIVE_MINIMUM }.into());
            }
        }
        let (imbalance, imbalance_weighted) = arms.imbalance();
        let most = IMBALANCE_MAXIMUM.max(IMBALANCE_ERRORS * (treated.recip() + untreated.recip()).sqrt());
        if imbalance_weighted > most {
            return Err(NoOverlap::Imbalance { imbalance: imbalance_weighted, most }.into());
        }
        let found = Self {
            rows: study.rows(),
            comparable: kept.len(),
            propensity_least: propensity.iter().copied().fold(f64::INFINITY, f64::min),
            propensity_greatest: propensity.iter().copied().fold(0.0, f64::max),
            effective_treated: treated,
            effective_untreated: untreated,
            imbalance,
            imbalance_weighted,
        };
        Ok((found, kept))
    }
}

fn check_comparable(study: &Study<'_>, kept: &[usize], trim: f64, minimum: f64) -> Result<(), NoOverlap> {
    let treated = study.treated.iter().filter(|treated| **treated).count();
    let kept_treated = kept.iter().filter(|row| study.treated[**row]).count();
    let counts = [
        ("rows", kept.len(), study.rows()),
        ("treated rows", kept_treated, treated),
        ("untreated rows", kept.len() - kept_treated, study.rows() - treated),
    ];
    for (of, inside, all) in counts {
        let (inside, all) = (inside as f64, all as f64);
        if inside < minimum * all || inside == 0.0 {
            return Err(NoOverlap::Comparable { of, share: inside / all, minimum, trim });
        }
    }
    Ok(())
}

/// Sums over the rows of an arm, covariates being differences from those of an origin.
#[derive(Clone)]
struct Arm {
    count: f64,
    weight: f64,
    squared_weight: f64,
    sums: Vec<f64>,
    squares: Vec<f64>,
    weighted: Vec<f64>,
}

impl Arm {
    fn add(&mut self, row: &[f64], origin: &[f64], weight: f64) {
        self.count += 1.0;
        self.weight += weight;
        self.squared_weight += weight * weight;
        let columns = self.sums.iter_mut().zip(&mut self.squares).zip(&mut self.weighted).zip(row).zip(origin);
        for ((((sum, square), weighted), value), origin) in columns {
            let value = value - origin;
            *sum += value;
            *square += value * value;
            *weighted += weight * value;
        }
    }

    fn add_all(&mut self, other: &Self) {
        self.count += other.count;
        self.weight += other.weight;
        self.squared_weight += other.squared_weight;
        let columns =
            [(&mut self.sums, &other.sums), (&mut self.squares, &other.squares), (&mut self.weighted, &other.weighted)];
        columns.into_iter().flat_map(|(to, from)| to.iter_mut().zip(from)).for_each(|(to, from)| *to += from);
    }

    fn variance(&self, column: usize) -> f64 {
        (self.squares[column] / self.count - (self.sums[column] / self.count).powi(2)).max(0.0)
    }
}

/// Sums over the untreated rows, then over the treated ones.
struct Arms([Arm; 2]);

impl Arms {
    /// In one pass over the rows, at least one, on all threads.
    fn of(
        study: &Study<'_>,
        rows: &[usize],
        weight: impl Fn(usize) -> f64 + Sync,
        watch: &dyn Watch,
    ) -> Result<Self, Interrupted> {
        let zeros = vec![0.0; study.x.ncols()];
        let none = Arm {
            count: 0.0,
            weight: 0.0,
            squared_weight: 0.0,
            sums: zeros.clone(),
            squares: zeros.clone(),
            weighted: zeros,
        };
        let none = [none.clone(), none];
        let origin = study.x.row(rows[0]).to_vec();
        let progress = Progress::new(watch, rows.len() as u64);
        let strips = by_strip(rows.len(), 6 * origin.len(), |strip| {
            let mut arms = none.clone();
            for chunk in rows[strip].chunks(ROWS_PER_TICK) {
                for &row in chunk {
                    let arm = &mut arms[usize::from(study.treated[row])];
                    let values = study.x.row(row);
                    match values.as_slice() {
                        Some(values) => arm.add(values, &origin, weight(row)),
                        None => arm.add(&values.to_vec(), &origin, weight(row)),
                    }
                }
                progress.advance(chunk.len() as u64)?;
            }
            Ok(arms)
        })?;
        let mut total = none;
        for strip in &strips {
            total.iter_mut().zip(strip).for_each(|(total, part)| total.add_all(part));
        }
        Ok(Self(total))
    }

    /// Rows that those of an arm count for (Kish 1965).
    fn effective(&self, arm: bool) -> f64 {
        let Arm { weight, squared_weight, .. } = self.0[usize::from(arm)];
        if squared_weight > 0.0 { weight * weight / squared_weight } else { 0.0 }
    }

    /// Largest standardised difference of a covariate's means between the arms, without weights and with them.
    fn imbalance(&self) -> (f64, f64) {
        let [untreated, treated] = &self.0;
        (0..untreated.sums.len()).fold((0.0, 0.0), |most: (f64, f64), column| {
            let pooled = f64::midpoint(untreated.variance(column), treated.variance(column)).sqrt();
            let apart = |mean: fn(&Arm, usize) -> f64| {
                let apart = mean(treated, column) - mean(untreated, column);
                if pooled > 1e-12 { (apart / pooled).abs() } else { 0.0 }
            };
            let plain = apart(|arm, column| arm.sums[column] / arm.count);
            let weighted = apart(|arm, column| arm.weighted[column] / arm.weight);
            (most.0.max(plain), most.1.max(weighted))
        })
    }
}
