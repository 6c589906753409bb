//! Failures planted straight into the feature columns, without text: cheap rows for a component's certificate.

use ndarray::{Array2, ArrayViewMut1};
use rand::Rng;
use souffleur_core::features::{COMPLEXITY, DOMAIN_START, PROJECT_TYPE_START, TEAM_SIZE, WIDTH};

use crate::draw::{Generator, generator};
use crate::world::FailureMode;

/// Rows in the 31-column layout whose probability of failure is known.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureBatch {
    /// Rows x 31, each value in [0, 1].
    pub features: Array2<f32>,
    /// Whether the row failed: drawn from `p_failure`.
    pub failed: Vec<bool>,
    /// Its true probability of failure.
    pub p_failure: Vec<f64>,
    /// The failure mode at work.
    pub mode: Vec<Option<FailureMode>>,
}

impl FeatureBatch {
    /// The accuracy expected of whoever knows `p_failure`: nobody can do better.
    #[must_use]
    pub fn best_accuracy(&self) -> f64 {
        let sum: f64 = self.p_failure.iter().map(|p| p.max(1.0 - p)).sum();
        sum / self.p_failure.len().max(1) as f64
    }
}

/// Columns the modes look at.
const CLARITY: usize = 1;
const COMPLETENESS: usize = 2;
const TECHNICAL_RATIO: usize = 10;
const AVG_SENTENCE_LENGTH: usize = 11;
const HAS_EXAMPLES: usize = 13;
const HEALTHCARE: usize = DOMAIN_START + 1;

/// `n` rows drawn from `seed`; about a quarter fails.
///
/// The modes are those of [`FailureMode`], read off the columns: clarity < .2; healthcare with complexity >= .75 and
/// team size <= .2; technical ratio > .5 with average sentence length > .55 and no example; completeness < .3 with
/// team size >= .45. Within a mode a row fails with probability .95, outside with .02 to .06, rising as the overall
/// score falls.
#[must_use]
pub fn feature_batch(seed: u64, n: usize) -> FeatureBatch {
    let mut features = Array2::zeros((n, WIDTH));
    let (mut failed, mut p_failure, mut modes) = (Vec::new(), Vec::new(), Vec::new());
    for (i, row) in features.rows_mut().into_iter().enumerate() {
        let mut rng = generator(seed, i as u64);
        let (mode, p) = draw_row(&mut rng, row);
        failed.push(rng.gen_bool(p));
        p_failure.push(p);
        modes.push(mode);
    }
    FeatureBatch { features, failed, p_failure, mode: modes }
}

fn draw_row(rng: &mut Generator, mut row: ArrayViewMut1<'_, f32>) -> (Option<FailureMode>, f64) {
    let care: f32 = rng.gen_range(0.3..0.9);
    for column in 0..PROJECT_TYPE_START {
        // Scores and linguistic features move together, as they do in real text.
        row[column] = (care + rng.gen_range(-0.3..0.3)).clamp(0.0, 1.0);
    }
    row[TECHNICAL_RATIO] = rng.gen_range(0.0..1.0);
    row[AVG_SENTENCE_LENGTH] = rng.gen_range(0.1..0.9);
    row[HAS_EXAMPLES] = f32::from(u8::from(rng.gen_bool(0.5)));
    row[PROJECT_TYPE_START + rng.gen_range(0..7)] = 1.0;
    row[DOMAIN_START + rng.gen_range(0..7)] = 1.0;
    row[COMPLEXITY] = 0.25 * rng.gen_range(1..=4) as f32;
    row[TEAM_SIZE] = rng.gen_range(1..=20) as f32 / 20.0;
    let mode = mode_of(&row);
    let p = if mode.is_some() { 0.95 } else { 0.02 + 0.04 * (1.0 - f64::from(row[0])) };
    (mode, p)
}

fn mode_of(row: &ArrayViewMut1<'_, f32>) -> Option<FailureMode> {
    if row[CLARITY] < 0.2 {
        Some(FailureMode::VeryLowClarity)
    } else if row[HEALTHCARE] == 1.0 && row[COMPLEXITY] >= 0.75 && row[TEAM_SIZE] <= 0.2 {
        Some(FailureMode::HealthcareComplexSmallTeam)
    } else if row[TECHNICAL_RATIO] > 0.5 && row[AVG_SENTENCE_LENGTH] > 0.55 && row[HAS_EXAMPLES] == 0.0 {
        Some(FailureMode::LongTechnicalNoExamples)
    } else if row[COMPLETENESS] < 0.3 && row[TEAM_SIZE] >= 0.45 {
        Some(FailureMode::IncompleteLargeTeam)
    } else {
        None
    }
}
