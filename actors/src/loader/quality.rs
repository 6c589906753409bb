//! How far a batch can be trusted: six shares and their weighted sum. Linear in the batch.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use rayon::prelude::*;
use souffleur_core::batch::{DataQuality, TrainingBatch};
use souffleur_core::job::{Interrupted, Job};
use souffleur_core::query::View;
use souffleur_core::time::Timestamp;
use xxhash_rust::xxh3::xxh3_64;

/// Rows older than this, seen from the newest row of the batch, are stale: 180 days.
pub const STALE_AFTER_US: i64 = 180 * 24 * Timestamp::HOUR_US;

/// What each share costs the score. Unusable features and unknown outcomes weigh most, then contradictions;
/// repetitions, age and made-up rows are often meant to be there. They add up to 1.
pub const WEIGHTS: Weights =
    Weights { missing: 0.25, out_of_range: 0.25, duplicates: 0.15, label_noise: 0.2, staleness: 0.1, synthetic: 0.05 };

/// Bytes per row that judging takes while it lasts: two hashes, and their places in two tables.
pub(crate) const ROW_BYTES: usize = 96;

/// Weights of the shares of [`DataQuality`].
#[derive(Clone, Copy, Debug)]
pub struct Weights {
    /// Of `missing`.
    pub missing: f64,
    /// Of `out_of_range`.
    pub out_of_range: f64,
    /// Of `duplicates`.
    pub duplicates: f64,
    /// Of `label_noise`.
    pub label_noise: f64,
    /// Of `staleness`.
    pub staleness: f64,
    /// Of `synthetic`.
    pub synthetic: f64,
}

/// Judges a batch. An empty one has score 0: nothing can be learnt from it.
///
/// A duplicate equals an earlier row in every feature and outcome (and rule, for applications; for metrics and
/// documents, in subject, time and content). Label noise counts pairs of a successful and a failed row with equal
/// features (and rule), each row in at most one pair. Batches without features have neither; metrics and
/// documents have no outcome to miss.
///
/// # Errors
/// [`Interrupted`] when the job is to stop.
pub(crate) fn assess(batch: &TrainingBatch, job: &Job) -> Result<DataQuality, Interrupted> {
    if batch.is_empty() {
        return Ok(DataQuality::default());
    }
    let rows = batch.len();
    let share = |count: usize| count as f64 / rows as f64;
    let of_sessions = matches!(batch.query.view, View::Sessions | View::Applications);
    let missing = batch.outcomes.success_score.iter().filter(|score| score.is_nan()).count();
    let newest = batch.rows.event_time_us.iter().copied().max().unwrap_or_default();
    let stale = batch.rows.event_time_us.iter().filter(|&&t| newest.saturating_sub(t) > STALE_AFTER_US).count();
    let synthetic = batch.rows.synthetic.iter().filter(|&&made_up| made_up).count();
    let hashed = hash_rows(batch, job)?;
    let (duplicates, contradictions) = repetitions(batch, &hashed, job)?;
    let mut quality = DataQuality {
        score: 0.0,
        missing: if of_sessions { share(missing) } else { 0.0 },
        out_of_range: share(hashed.iter().filter(|row| !row.in_range).count()),
        duplicates: share(duplicates),
        label_noise: share(contradictions),
        staleness: share(stale),
        synthetic: share(synthetic),
    };
    let cost = WEIGHTS.missing * quality.missing
        + WEIGHTS.out_of_range * quality.out_of_range
        + WEIGHTS.duplicates * quality.duplicates
        + WEIGHTS.label_noise * quality.label_noise
        + WEIGHTS.staleness * quality.staleness
        + WEIGHTS.synthetic * quality.synthetic;
    quality.score = (1.0 - cost).clamp(0.0, 1.0);
    Ok(quality)
}

/// What a row is recognised by.
struct Hashed {
    /// Of its features and rule, or its content.
    features: u64,
    /// Of that and its outcomes.
    all: u64,
    in_range: bool,
}

const CHUNK_ROWS: usize = 4096;

fn hash_rows(batch: &TrainingBatch, job: &Job) -> Result<Vec<Hashed>, Interrupted> {
    let rows: Vec<usize> = (0..batch.len()).step_by(CHUNK_ROWS).collect();
    let chunks: Result<Vec<Vec<Hashed>>, Interrupted> = rows
        .into_par_iter()
        .map(|start| {
            job.check()?;
            let end = (start + CHUNK_ROWS).min(batch.len());
            let mut bytes = Vec::with_capacity(256);
            Ok((start..end).map(|row| hash_row(batch, row, &mut bytes)).collect())
        })
        .collect();
    Ok(chunks?.into_iter().flatten().collect())
}

fn hash_row(batch: &TrainingBatch, row: usize, bytes: &mut Vec<u8>) -> Hashed {
    bytes.clear();
    let mut in_range = true;
    for &value in batch.features.row(row) {
        in_range &= (0.0..=1.0).contains(&value);
        bytes.extend_from_slice(&value.to_le_bytes());
    }
    if let Some(applied) = &batch.applications {
        bytes.extend_from_slice(&applied.rule[row].to_le_bytes());
    }
    if let Some(document) = batch.documents.get(row) {
        bytes.extend_from_slice(&document.event_time.0.to_le_bytes());
        bytes.extend_from_slice(document.subject.as_bytes());
        bytes.extend_from_slice(document.body.to_string().as_bytes());
    }
    if let Some(point) = batch.metrics.get(row) {
        in_range = point.value.is_finite();
        bytes.extend_from_slice(&point.value.to_le_bytes());
        bytes.extend_from_slice(&batch.rows.event_time_us[row].to_le_bytes());
        bytes.extend_from_slice(point.metric.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(point.subject.as_bytes());
    }
    let features = xxh3_64(bytes);
    let outcomes = &batch.outcomes;
    for column in [&outcomes.quality_score, &outcomes.improvement_score, &outcomes.mean_rating] {
        bytes.extend_from_slice(&column[row].to_le_bytes());
    }
    bytes.extend_from_slice(&outcomes.ratings[row].to_le_bytes());
    if let Some(applied) = &batch.applications {
        for column in [&applied.confidence, &applied.execution_time_ms, &applied.propensity] {
            bytes.extend_from_slice(&column[row].to_le_bytes());
        }
    }
    Hashed { features, all: xxh3_64(bytes), in_range }
}

/// Rows equal to an earlier one, and pairs of rows with equal features and contradicting outcomes.
fn repetitions(batch: &TrainingBatch, hashed: &[Hashed], job: &Job) -> Result<(usize, usize), Interrupted> {
    if batch.columns.is_empty() && batch.documents.is_empty() && batch.metrics.is_empty() {
        return Ok((0, 0));
    }
    let mut seen: HashSet<u64, Prehashed> = HashSet::with_capacity_and_hasher(hashed.len(), Prehashed::default());
    let mut went: HashMap<u64, [usize; 2], Prehashed> = HashMap::default();
    let mut duplicates = 0;
    for (row, hash) in hashed.iter().enumerate() {
        if row % CHUNK_ROWS == 0 {
            job.check()?;
        }
        duplicates += usize::from(!seen.insert(hash.all));
        if let Some(failed) = batch.outcomes.failed(row) {
            went.entry(hash.features).or_default()[usize::from(failed)] += 1;
        }
    }
    let contradictions = went.values().map(|[succeeded, failed]| succeeded.min(failed)).sum();
    Ok((duplicates, contradictions))
}

/// Passes on what is a hash already.
#[derive(Default)]
struct PassOn(u64);

type Prehashed = BuildHasherDefault<PassOn>;

impl Hasher for PassOn {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64(bytes);
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests;
