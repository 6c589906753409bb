//! The planted cases: one small for the probe, one large for the certificate.

use std::collections::BTreeMap;

use ndarray::Array2;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_algorithms::metrics::{Binning, auroc, average_precision, confusion, expected_calibration_error};
use souffleur_core::batch::{DataQuality, Outcomes, Rows, TrainingBatch};
use souffleur_core::component::{KnownAnswer, Measurement};
use souffleur_core::error::ComponentError;
use souffleur_core::features::{COLUMNS, FeatureSchema, WIDTH};
use souffleur_core::ids::{DataVersion, Seq};
use souffleur_core::job::Job;
use souffleur_core::params::Hyperparams;
use souffleur_core::query::Query as DataQuery;

use super::answer::{Answer, Query};
use super::model::{anomaly_scores};
use super::params::Params;
use super::{FailureAnalyzer, train};

/// Rows of the probe.
const PROBE_ROWS: usize = 400;
/// The column that decides in the probe: clarity.
const PROBE_COLUMN: usize = 1;
/// Rows learnt from for the certificate.
const CERTIFICATE_ROWS: usize = 6000;
/// Fresh rows it is measured on.
const CERTIFICATE_TEST_ROWS: usize = 4000;

/// A labelled batch of its own making, in the order of the rows.
fn batch(features: Array2<f32>, failed: &[bool]) -> TrainingBatch {
    let n = failed.len();
    let seqs: Vec<Seq> = (1..=n as i64).map(Seq).collect();
    let score = |failed: &bool| if *failed { 0.25 } else { 0.75 };
    let unknown = vec![f32::NAN; n];
    TrainingBatch {
        query: DataQuery::quality_labeled_data(),
        version: DataVersion { watermark: Seq(n as i64), schema_hash: FeatureSchema::current().hash },
        columns: COLUMNS.iter().map(|c| c.name).collect(),
        features: features.into(),
        rows: Rows { seq: seqs.clone(), session: seqs, event_time_us: vec![0; n], synthetic: vec![true; n] },
        outcomes: Outcomes {
            success_score: failed.iter().map(score).collect(),
            quality_score: failed.iter().map(score).collect(),
            improvement_score: unknown.clone(),
            mean_rating: unknown,
            ratings: vec![0; n],
        },
        applications: None,
        metrics: Vec::new(),
        documents: Vec::new(),
        products: BTreeMap::new(),
        quality: DataQuality { score: 1.0, synthetic: 1.0, ..DataQuality::default() },
    }
}

/// Prompts fail where they are unclear, and one in twenty label is wrong. A very unclear prompt is asked about.
pub(super) fn probe() -> KnownAnswer<FailureAnalyzer> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(0x5057_1a7e);
    let mut features = Array2::zeros((PROBE_ROWS, WIDTH));
    let failed: Vec<bool> = features
        .rows_mut()
        .into_iter()
        .map(|mut row| {
            row.mapv_inplace(|_: f32| rng.r#gen());
            (row[PROBE_COLUMN] < 0.4) != rng.gen_bool(0.05)
        })
        .collect();
    let mut asked = vec![0.5; WIDTH];
    asked[PROBE_COLUMN] = 0.05;
    KnownAnswer {
        batch: batch(features, &failed),
        query: Query { features: Some(asked), neighbors: Some(3), ..Query::default() },
        verify,
    }
}

fn verify(answer: &Answer) -> Result<(), String> {
    if !(0.75..=1.0).contains(&answer.p_failure) || !answer.likely_to_fail {
        return Err(format!("p_failure is {} where nearly every such prompt failed", answer.p_failure));
    }
    match answer.contributions.first() {
        Some(first) if first.feature == COLUMNS[PROBE_COLUMN].name && first.log_odds > 0.0 => {}
        other => return Err(format!("the strongest contribution is {other:?}, not a positive one of clarity")),
    }
    if answer.similar_failures.len() != 3 {
        return Err(format!("{} similar failures are named, 3 were asked for", answer.similar_failures.len()));
    }
    Ok(())
}
