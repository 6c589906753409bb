//! Batches made by hand.

use std::collections::BTreeMap;

use ndarray::ArcArray2;
use souffleur_core::batch::{DataQuality, Outcomes, Rows, TrainingBatch};
use souffleur_core::ids::{DataVersion, Seq};
use souffleur_core::query::Query;

/// A batch of so many rows without features.
pub(crate) fn of_rows(rows: usize, version: DataVersion) -> TrainingBatch {
    let seq: Vec<Seq> = (1..).map(Seq).take(rows).collect();
    TrainingBatch {
        query: Query::default(),
        version,
        columns: Vec::new(),
        features: ArcArray2::zeros((rows, 0)),
        rows: Rows { session: seq.clone(), seq, event_time_us: vec![0; rows], synthetic: vec![false; rows] },
        outcomes: Outcomes::default(),
        applications: None,
        session_rules: None,
        metrics: Vec::new(),
        documents: Vec::new(),
        products: BTreeMap::new(),
        quality: DataQuality { score: 1.0, ..DataQuality::default() },
    }
}
