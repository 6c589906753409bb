//! Newton's method with a line search, from a start that a part of the rows gives.

use super::hyperparams::LogisticRegressionValidParams;
use super::objective::{Every, Examples, Objective, Slope};
use crate::watch::{Interrupted, Watch};

/// A line search below this has met rounding: no shorter step can lower the loss.
const STEP_MIN: f64 = 1e-10;
/// The start comes from this part of the rows, of which there must be so many for each parameter: their minimum is then a
/// fraction of a standard error of theirs from that of all rows, from where two or three steps lead home.
const START_SHARE: usize = 16;
const START_ROWS_PER_PARAMETER: usize = 32;
/// Rows to be left over, as a multiple of those that the start comes from; else a start costs more than it saves.
const START_SAVES: usize = 4;
/// Gradient that the start may keep, and steps that it may take: further digits would be those of the part only.
const START_TOLERANCE: f64 = 1e-4;
const START_STEPS: usize = 12;

/// Where the search ended.
pub(super) struct Minimum {
    /// Coefficients, then the intercept.
    pub(super) parameters: Vec<f64>,
    pub(super) steps: usize,
    /// Largest component of the gradient of the mean loss.
    pub(super) gradient: f64,
}

/// Minimises the loss on examples, of which so many are positive: some, and not all.
pub(super) fn minimum<E: Examples>(
    params: &LogisticRegressionValidParams,
    examples: &E,
    positives: usize,
    watch: &dyn Watch,
) -> Result<Minimum, Interrupted> {
    let objective = Objective { examples, l2: params.l2(), watch };
    let bare = intercept_only(examples, positives);
    let (rows, total) = (examples.rows(), (0, params.max_steps() as u64));
    let sample = (rows / START_SHARE).max(START_ROWS_PER_PARAMETER * bare.len());
    if rows / sample >= START_SAVES {
        let every = Every { of: examples, step: rows / sample };
        if let Some(start) = start(&every, params.l2() / every.step as f64, watch)? {
            let slope = objective.slope(&start, total)?;
            // A start that is worse than knowing nothing comes from rows that are unlike the others.
            let share = positives as f64 / rows as f64;
            let knowing_nothing = -(positives as f64 * share.ln() + (rows - positives) as f64 * (1.0 - share).ln());
            if slope.loss < knowing_nothing {
                return descend(&objective, start, slope, params.tolerance(), params.max_steps());
            }
        }
    }
    let slope = objective.slope(&bare, total)?;
    descend(&objective, bare, slope, params.tolerance(), params.max_steps())
}

/// The minimum on a part of the rows, roughly; nothing if they are all alike.
fn start<E: Examples>(sample: &E, l2: f64, watch: &dyn Watch) -> Result<Option<Vec<f64>>, Interrupted> {
    let positives = (0..sample.rows()).filter(|row| sample.label(*row)).count();
    if positives == 0 || positives == sample.rows() {
        return Ok(None);
    }
    let objective = Objective { examples: sample, l2, watch };
    let bare = intercept_only(sample, positives);
    let slope = objective.slope(&bare, (0, START_STEPS as u64))?;
    Ok(Some(descend(&objective, bare, slope, START_TOLERANCE, START_STEPS)?.parameters))
}

/// Coefficients of 0, and the log-odds of the share of positives.
fn intercept_only<E: Examples>(examples: &E, positives: usize) -> Vec<f64> {
    let mut parameters = vec![0.0; examples.columns()];
    parameters.push((positives as f64 / (examples.rows() - positives) as f64).ln());
    parameters
}

/// Newton steps until the gradient vanishes, no step lowers the loss, or `max_steps` were taken.
fn descend<E: Examples>(
    objective: &Objective<'_, E>,
    mut parameters: Vec<f64>,
    mut slope: Slope,
    tolerance: f64,
    max_steps: usize,
) -> Result<Minimum, Interrupted> {
    let rows = objective.examples.rows() as f64;
    let mut steps = 0;
    loop {
        // Unlike `f64::max` this keeps a `NaN`.
        let greater = |most: f64, value: &f64| if most >= value.abs() || most.is_nan() { most } else { value.abs() };
        let gradient = slope.gradient.iter().fold(0.0, greater) / rows;
        if gradient <= tolerance || steps == max_steps {
            return Ok(Minimum { parameters, steps, gradient });
        }
        let counted = (steps as u64 + 1, max_steps as u64);
        let Some(next) = line_search(objective, &parameters, &slope, counted)? else {
            return Ok(Minimum { parameters, steps, gradient });
        };
        (parameters, slope) = next;
        steps += 1;
    }
}

/// The first of ever shorter Newton steps that lowers the loss enough, and the slope there; nothing if none does.
fn line_search<E: Examples>(
    objective: &Objective<'_, E>,
    parameters: &[f64],
    slope: &Slope,
    counted: (u64, u64),
) -> Result<Option<(Vec<f64>, Slope)>, Interrupted> {
    let Some(direction) = direction(slope) else {
        return Ok(None);
    };
    let descent: f64 = direction.iter().zip(&slope.gradient).map(|(a, b)| a * b).sum();
    // Near the minimum the expected change is lost in the rounding of the loss, each row's part of which is rounded as a number
    // between 1 and 2: allow for that.
    let rounding = f64::EPSILON * (4.0 * slope.loss + objective.examples.rows() as f64);
    let mut step = 1.0;
    while step > STEP_MIN {
        let next: Vec<f64> = parameters.iter().zip(&direction).map(|(at, towards)| at + step * towards).collect();
        let there = objective.slope(&next, counted)?;
        if there.loss <= slope.loss + 1e-4 * step * descent + rounding {
            return Ok(Some((next, there)));
        }
        step /= 2.0;
    }
    Ok(None)
}

/// The Newton direction. Rounding can make a nearly singular Hessian indefinite: then a growing ridge is added.
fn direction(slope: &Slope) -> Option<Vec<f64>> {
    let downhill: Vec<f64> = slope.gradient.iter().map(|value| -value).collect();
    let scale = slope.hessian.lower.iter().fold(1.0f64, |most, value| most.max(value.abs()));
    let ridges = std::iter::once(0.0).chain((0..8).map(|power| scale * 1e-12 * 10f64.powi(power)));
    ridges.into_iter().find_map(|ridge| {
        let mut hessian = slope.hessian.clone();
        (0..hessian.order).for_each(|row| hessian.add_diagonal(row, ridge));
        hessian.solve(&downhill)
    })
}
