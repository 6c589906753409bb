//! Metrics of order: how well scores put positive rows above negative ones.

use super::{MetricError, check_scores};

/// Rows of one score value.
struct Tied {
    score: f64,
    positives: u64,
    negatives: u64,
}

/// Groups of equal score, highest first, with the number of positives and negatives in all.
fn descending(scores: &[f64], labels: &[bool]) -> Result<(Vec<Tied>, f64, f64), MetricError> {
    check_scores(scores, labels)?;
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_unstable_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    let mut groups: Vec<Tied> = Vec::new();
    for row in order {
        let score = scores[row];
        let (positive, negative) = (u64::from(labels[row]), u64::from(!labels[row]));
        match groups.last_mut() {
            // `==` and not the total order: 0 and -0 are tied.
            Some(group) if group.score == score => {
                group.positives += positive;
                group.negatives += negative;
            }
            _ => groups.push(Tied { score, positives: positive, negatives: negative }),
        }
    }
    let positives: u64 = groups.iter().map(|group| group.positives).sum();
    let negatives: u64 = groups.iter().map(|group| group.negatives).sum();
    if positives == 0 || negatives == 0 {
        return Err(MetricError::OneClass(negatives == 0));
    }
    Ok((groups, to_f64(positives), to_f64(negatives)))
}

fn to_f64(count: u64) -> f64 {
    count as f64
}

/// Area under the ROC curve: the probability that a random positive row scores above a random negative one, ties
/// counting one half (Mann and Whitney 1947; Hanley and McNeil 1982). 1 is perfect, .5 is chance.
///
/// # Errors
/// Lengths differ, there is no row, a score is NaN, or all labels are alike.
pub fn auroc(scores: &[f64], labels: &[bool]) -> Result<f64, MetricError> {
    let (groups, positives, negatives) = descending(scores, labels)?;
    let mut above = 0.0;
    let mut area = 0.0;
    for group in groups {
        let tied = to_f64(group.positives);
        area += to_f64(group.negatives) * (above + 0.5 * tied);
        above += tied;
    }
    Ok(area / (positives * negatives))
}

/// Average precision: precision at each distinct score, weighted by the recall gained there, without interpolation.
///
/// # Errors
/// As [`auroc`].
pub fn average_precision(scores: &[f64], labels: &[bool]) -> Result<f64, MetricError> {
    let (groups, positives, _) = descending(scores, labels)?;
    let (mut found, mut taken, mut sum) = (0.0, 0.0, 0.0);
    for group in groups {
        let gained = to_f64(group.positives);
        found += gained;
        taken += gained + to_f64(group.negatives);
        sum += gained * (found / taken);
    }
    Ok(sum / positives)
}

/// The threshold with the greatest distance between the two rates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct YoudenThreshold {
    /// Rows with at least this score are called positive.
    pub threshold: f64,
    /// Share of positives at or above the threshold.
    pub true_positive_rate: f64,
    /// Share of negatives at or above the threshold.
    pub false_positive_rate: f64,
}

impl YoudenThreshold {
    /// Youden's J: the true positive rate less the false positive rate.
    pub fn index(&self) -> f64 {
        self.true_positive_rate - self.false_positive_rate
    }
}

/// The score threshold that maximises Youden's J (Youden 1950); the highest of several equally good ones.
///
/// # Errors
/// As [`auroc`].
pub fn youden_threshold(scores: &[f64], labels: &[bool]) -> Result<YoudenThreshold, MetricError> {
    let (groups, positives, negatives) = descending(scores, labels)?;
    let mut best: Option<YoudenThreshold> = None;
    let (mut found, mut wrong) = (0.0, 0.0);
    for group in groups {
        found += to_f64(group.positives);
        wrong += to_f64(group.negatives);
        let here = YoudenThreshold {
            threshold: group.score,
            true_positive_rate: found / positives,
            false_positive_rate: wrong / negatives,
        };
        if best.is_none_or(|best| here.index() > best.index()) {
            best = Some(here);
        }
    }
    best.ok_or(MetricError::Empty)
}
