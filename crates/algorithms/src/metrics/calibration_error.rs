//! Metrics of probability: whether "80 %" happens in 80 % of cases.

use super::{MetricError, check_probabilities};

/// Mean squared distance between probability and outcome, in [0, 1]; 0 is perfect (Brier 1950).
///
/// # Errors
/// Lengths differ, there is no row, or a probability is outside [0, 1].
pub fn brier(probabilities: &[f64], labels: &[bool]) -> Result<f64, MetricError> {
    check_probabilities(probabilities, labels)?;
    let squares = probabilities.iter().zip(labels).map(|(p, label)| (p - outcome(*label)).powi(2));
    Ok(squares.sum::<f64>() / length(probabilities))
}

/// Mean negative log-likelihood in nats. Probabilities are kept `f64::EPSILON` away from 0 and 1, as scikit-learn
/// does, so that one certain error costs 36 nats and not infinity.
///
/// # Errors
/// As [`brier`].
pub fn log_loss(probabilities: &[f64], labels: &[bool]) -> Result<f64, MetricError> {
    check_probabilities(probabilities, labels)?;
    let losses = probabilities.iter().zip(labels).map(|(p, label)| {
        let p = p.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
        if *label { -p.ln() } else { -(1.0 - p).ln() }
    });
    Ok(losses.sum::<f64>() / length(probabilities))
}

/// How probabilities are put in bins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bins {
    /// `count` intervals of equal width, `[k / count, (k + 1) / count)`; 1 belongs to the last.
    EqualWidth(usize),
    /// `count` groups of as many rows each as possible, in order of probability. Rows of one probability stay
    /// together, in the group where the first of them falls, so the result does not depend on row order.
    EqualMass(usize),
}

/// Expected calibration error: the distance between mean probability and share of positives in each bin, averaged
/// with the bins' row counts as weights (Guo, Pleiss, Sun and Weinberger 2017, "On Calibration of Modern Neural
/// Networks", for the probability of the positive class). 0 is perfect, 1 the worst; few rows per bin bias it upwards.
///
/// # Errors
/// As [`brier`], or the number of bins is 0.
pub fn expected_calibration_error(probabilities: &[f64], labels: &[bool], bins: Bins) -> Result<f64, MetricError> {
    check_probabilities(probabilities, labels)?;
    let (Bins::EqualWidth(count) | Bins::EqualMass(count)) = bins;
    if count == 0 {
        return Err(MetricError::NoBins);
    }
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_unstable_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b]));
    // Both kinds of bin are runs of the sorted rows: sum probability less outcome over each run.
    let (mut gap, mut total, mut current, mut previous) = (0.0f64, 0.0, 0, f64::NAN);
    for (rank, row) in order.iter().enumerate() {
        let p = probabilities[*row];
        let bin = match bins {
            Bins::EqualWidth(count) => width_bin(p, count),
            Bins::EqualMass(_) if p == previous => current,
            Bins::EqualMass(count) => mass_bin(rank, order.len(), count),
        };
        if bin != current {
            total += gap.abs();
            (gap, current) = (0.0, bin);
        }
        gap += p - outcome(labels[*row]);
        previous = p;
    }
    Ok((total + gap.abs()) / length(probabilities))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "0 <= p <= 1")]
fn width_bin(p: f64, count: usize) -> usize {
    ((p * count as f64) as usize).min(count - 1)
}

/// `rank * count / rows` without overflow.
fn mass_bin(rank: usize, rows: usize, count: usize) -> usize {
    (rank as u128 * count as u128 / rows as u128) as usize
}

fn outcome(label: bool) -> f64 {
    f64::from(u8::from(label))
}

fn length(rows: &[f64]) -> f64 {
    rows.len() as f64
}
