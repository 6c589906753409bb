//! Puts the selected rows together into a batch.

use std::sync::Arc;

use ndarray::ArcArray2;
use rayon::prelude::*;
use souffleur_core::batch::{Applications, Outcomes, Rows, TrainingBatch};
use souffleur_core::features::{FeatureSchema, WIDTH};
use souffleur_core::ids::Seq;
use souffleur_core::job::{Interrupted, Job};
use souffleur_core::query::{Query, View};

use super::select::{Selection, SessionOutcome};
use super::{Answer, Sources, Unanswered, session_rules, version_of};
use crate::loader::error::LoaderError;
use crate::loader::image::Image;
use crate::loader::memory::{BatchMemory, Ticket};
use crate::loader::quality;

/// Rows handled between two signs of life.
pub(super) const CHUNK_ROWS: usize = 4096;
/// Bytes a row takes beside its features.
const ROW_BYTES: usize = 2 * size_of::<Seq>() + size_of::<i64>() + 1 + 5 * size_of::<f32>();
/// Bytes a row takes beside that when it is an application.
const APPLICATION_BYTES: usize = 4 * size_of::<f32>();

/// The batch of the selected rows.
pub(super) fn assemble(sources: &Sources<'_>, query: &Query, selection: &Selection) -> Result<Answer, Unanswered> {
    let no_room = |error| Unanswered::NoRoom { unneeded: selection.unneeded, error };
    let room = |bytes| (sources.room)(bytes).map_err(no_room);
    let (image, rows) = (sources.image, &selection.rows);
    let schema = FeatureSchema::current();
    let indices = query.features.indices(schema).map_err(LoaderError::from)?;
    let applications = query.view == View::Applications;
    let row_bytes = ROW_BYTES + if applications { APPLICATION_BYTES } else { 0 };
    let mut columns_ticket = room(rows.len() * row_bytes)?;
    let sessions = session_rows(image, applications, rows);

    let whole = !applications && indices.iter().copied().eq(0..WIDTH);
    let first = rows.first().map_or(0, |&row| row as usize);
    let consecutive = whole && rows.last().is_some_and(|&last| last as usize - first + 1 == rows.len());
    let shared = if consecutive { image.shared(first, rows.len()) } else { None };
    let (features, ticket) = match shared {
        Some(shared) => shared,
        None => {
            let ticket = room(rows.len() * indices.len() * size_of::<f32>())?;
            let values = gather(image, &sessions, &indices, sources.job).map_err(LoaderError::from)?;
            (matrix(values, rows.len(), indices.len()), Arc::new(ticket))
        }
    };
    let mut batch = TrainingBatch {
        query: query.clone(),
        version: version_of(query.as_of, image.watermark()),
        columns: indices.iter().map(|&index| schema.columns[index].name).collect(),
        features,
        rows: Rows::default(),
        outcomes: Outcomes::default(),
        applications: None,
        session_rules: None,
        metrics: Vec::new(),
        documents: Vec::new(),
        products: std::collections::BTreeMap::new(),
        quality: souffleur_core::batch::DataQuality::default(),
    };
    let fill = if applications { fill_applications } else { fill_sessions };
    fill(sources, selection, &mut batch).map_err(LoaderError::from)?;
    if query.session_rules {
        let (rules, ticket) = session_rules::collect(sources, query, rows, room)?;
        batch.session_rules = Some(rules);
        columns_ticket.absorb(ticket);
    }
    let _hashes: Ticket = room(rows.len() * quality::ROW_BYTES)?;
    batch.quality = quality::assess(&batch, sources.job).map_err(LoaderError::from)?;
    let memory = BatchMemory { _columns: Arc::new(columns_ticket), features: ticket };
    Ok(Answer { batch, memory, consecutive_from: consecutive.then_some(first) })
}

/// The session's row of every selected row.
fn session_rows(image: &Image, applications: bool, rows: &[u32]) -> Vec<u32> {
    if !applications {
        return rows.to_vec();
    }
    let session = |&row: &u32| image.applications.at(row as usize).map(|(block, i)| block.session[i]);
    rows.iter().filter_map(session).collect()
}

/// Copies the wanted columns of the sessions, row after row, on all threads.
fn gather(image: &Image, sessions: &[u32], indices: &[usize], job: &Job) -> Result<Vec<f32>, Interrupted> {
    let width = indices.len();
    let mut values = vec![0.0; sessions.len() * width];
    if width == 0 {
        return Ok(values);
    }
    let whole = indices.iter().copied().eq(0..WIDTH);
    values.par_chunks_mut(CHUNK_ROWS * width).zip(sessions.par_chunks(CHUNK_ROWS)).try_for_each(
        |(out, sessions)| {
            job.check()?;
            for (out, &session) in out.chunks_exact_mut(width).zip(sessions) {
                let row = image.features(session as usize);
                if whole {
                    out.copy_from_slice(row);
                } else {
                    out.iter_mut().zip(indices).for_each(|(out, &index)| *out = row[index]);
                }
            }
            Ok(())
        },
    )?;
    Ok(values)
}

#[expect(clippy::expect_used, reason = "the vector was made with rows x width values")]
pub(super) fn matrix(values: Vec<f32>, rows: usize, width: usize) -> ArcArray2<f32> {
    ArcArray2::from_shape_vec((rows, width), values).expect("rows x width values")
}

fn with_capacity(rows: usize) -> (Rows, Outcomes) {
    let lineage = Rows {
        seq: Vec::with_capacity(rows),
        session: Vec::with_capacity(rows),
        event_time_us: Vec::with_capacity(rows),
        synthetic: Vec::with_capacity(rows),
    };
    let outcomes = Outcomes {
        success_score: Vec::with_capacity(rows),
        quality_score: Vec::with_capacity(rows),
        improvement_score: Vec::with_capacity(rows),
        mean_rating: Vec::with_capacity(rows),
        ratings: Vec::with_capacity(rows),
    };
    (lineage, outcomes)
}

fn fill_sessions(sources: &Sources<'_>, selection: &Selection, batch: &mut TrainingBatch) -> Result<(), Interrupted> {
    let image = sources.image;
    let (mut rows, mut outcomes) = with_capacity(selection.rows.len());
    for (done, &row) in selection.rows.iter().enumerate() {
        if done % CHUNK_ROWS == 0 {
            sources.job.check()?;
        }
        let Some((block, i)) = image.sessions.at(row as usize) else { continue };
        rows.seq.push(Seq(block.seq[i]));
        rows.session.push(Seq(block.seq[i]));
        rows.event_time_us.push(block.event_time_us[i]);
        rows.synthetic.push(block.synthetic[i]);
        let outcome = SessionOutcome::of(image, &selection.ratings, row as usize);
        push_outcome(&mut outcomes, &outcome, outcome.success(), outcome.improvement_score);
    }
    (batch.rows, batch.outcomes) = (rows, outcomes);
    Ok(())
}

fn push_outcome(outcomes: &mut Outcomes, outcome: &SessionOutcome, success: f32, improvement: f32) {
    outcomes.success_score.push(success);
    outcomes.quality_score.push(outcome.quality_score);
    outcomes.improvement_score.push(improvement);
    outcomes.mean_rating.push(outcome.mean_rating as f32);
    outcomes.ratings.push(outcome.ratings);
}

fn fill_applications(
    sources: &Sources<'_>,
    selection: &Selection,
    batch: &mut TrainingBatch,
) -> Result<(), Interrupted> {
    let image = sources.image;
    let count = selection.rows.len();
    let (mut rows, mut outcomes) = with_capacity(count);
    let mut applied = Applications {
        rule: Vec::with_capacity(count),
        rule_ids: Vec::new(),
        confidence: Vec::with_capacity(count),
        execution_time_ms: Vec::with_capacity(count),
        propensity: Vec::with_capacity(count),
    };
    for (done, &row) in selection.rows.iter().enumerate() {
        if done % CHUNK_ROWS == 0 {
            sources.job.check()?;
        }
        let Some((block, i)) = image.applications.at(row as usize) else { continue };
        let session_row = block.session[i] as usize;
        let Some((session, k)) = image.sessions.at(session_row) else { continue };
        rows.seq.push(Seq(block.seq[i]));
        rows.session.push(Seq(session.seq[k]));
        rows.event_time_us.push(block.event_time_us[i]);
        rows.synthetic.push(session.synthetic[k]);
        let improvement = block.improvement_score[i];
        let outcome = SessionOutcome::of(image, &selection.ratings, session_row);
        push_outcome(&mut outcomes, &outcome, outcome.success_with(improvement), improvement);
        applied.rule.push(block.rule[i]);
        applied.confidence.push(block.confidence[i]);
        applied.execution_time_ms.push(block.execution_time_ms[i]);
        applied.propensity.push(block.propensity[i]);
    }
    applied.rule_ids = number_rules(image, &mut applied.rule);
    (batch.rows, batch.outcomes, batch.applications) = (rows, outcomes, Some(applied));
    Ok(())
}

/// Replaces the image's numbers of the rules by indices into those that occur, in the order the hub first saw them.
pub(super) fn number_rules(image: &Image, rules: &mut [u32]) -> Vec<Arc<str>> {
    let mut index = vec![u32::MAX; image.rules().len()];
    for &rule in &*rules {
        if let Some(index) = index.get_mut(rule as usize) {
            *index = 0;
        }
    }
    let mut rule_ids = Vec::new();
    for (index, (_, name)) in index.iter_mut().zip(image.rules()).filter(|(index, _)| **index == 0) {
        *index = rule_ids.len() as u32;
        rule_ids.push(Arc::clone(name));
    }
    for rule in rules {
        *rule = index.get(*rule as usize).copied().unwrap_or(u32::MAX);
    }
    rule_ids
}
