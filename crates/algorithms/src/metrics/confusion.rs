//! Right and wrong calls at one threshold.

use super::{MetricError, check_scores};

/// Counts of right and wrong calls. A rate whose denominator is zero is not defined, and `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confusion {
    /// Positive rows called positive.
    pub true_positives: u64,
    /// Negative rows called positive.
    pub false_positives: u64,
    /// Negative rows called negative.
    pub true_negatives: u64,
    /// Positive rows called negative.
    pub false_negatives: u64,
}

impl Confusion {
    /// Share of right calls.
    pub fn accuracy(&self) -> Option<f64> {
        ratio(self.true_positives + self.true_negatives, self.false_positives + self.false_negatives)
    }
    /// Share of positives called positive; also recall or sensitivity.
    pub fn true_positive_rate(&self) -> Option<f64> {
        ratio(self.true_positives, self.false_negatives)
    }
    /// Share of negatives called positive; one less specificity.
    pub fn false_positive_rate(&self) -> Option<f64> {
        ratio(self.false_positives, self.true_negatives)
    }
    /// Share of right ones among the positive calls.
    pub fn precision(&self) -> Option<f64> {
        ratio(self.true_positives, self.false_positives)
    }
    /// Harmonic mean of precision and recall.
    pub fn f1(&self) -> Option<f64> {
        ratio(2 * self.true_positives, self.false_positives + self.false_negatives)
    }
}

/// `part / (part + rest)`.
fn ratio(part: u64, rest: u64) -> Option<f64> {
    let whole = part + rest;
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Counts the calls when rows with a score of at least `threshold` are called positive.
///
/// # Errors
/// Lengths differ, there is no row, or a score is NaN.
pub fn confusion(scores: &[f64], labels: &[bool], threshold: f64) -> Result<Confusion, MetricError> {
    check_scores(scores, labels)?;
    let mut counts = Confusion { true_positives: 0, false_positives: 0, true_negatives: 0, false_negatives: 0 };
    for (score, label) in scores.iter().zip(labels) {
        let count = match (*score >= threshold, *label) {
            (true, true) => &mut counts.true_positives,
            (true, false) => &mut counts.false_positives,
            (false, false) => &mut counts.true_negatives,
            (false, true) => &mut counts.false_negatives,
        };
        *count += 1;
    }
    Ok(counts)
}
