//! How contexts are learnt, kept up to date and recognised again.

use std::collections::BTreeSet;

use ndarray::{Array2, Axis, s};
use souffleur_algorithms::clustering_quality::{align_clusters, silhouette_sampled};
use souffleur_core::batch::TrainingBatch;
use souffleur_core::error::ComponentError;
use souffleur_core::job::Job;

use super::clusters::Place;
use super::drift::judge;
use super::failed::Failed;
use super::model::{Context, Model, Quality};
use super::params::Params;
use super::preference::preferences;
use super::report::{Report, Update};
use super::search;
use crate::bridge::space::{DistinctRows, Space};
use super::summary;
use crate::bridge::Phases;
use crate::bridge::contrast::{contrasts, sentence};

/// Fewest distinct rows contexts are learnt from.
pub(super) const DISTINCT_MINIMUM: usize = 30;
/// Contexts of two runs that share less than this of their rows are different ones.
const SAME_JACCARD: f64 = 0.3;
/// Rows that silhouettes are sampled from.
const SILHOUETTE_ROWS: usize = 2000;
/// Traits that describe a context.
const TRAITS: usize = 3;
/// A day.
const DAY_US: i64 = 86_400_000_000;

/// Trains on the sessions of `batch`: attaches what is new to the contexts of `previous`, or clusters all again where
/// there is none or drift says so.
pub(super) fn train(
    params: &Params,
    previous: Option<&Model>,
    batch: &TrainingBatch,
    job: &Job,
) -> Result<(Model, Report), ComponentError> {
    let mut phases = Phases::new(job, 5);
    let space = params.space();
    let distinct = DistinctRows::of(&space.coordinates(batch.features.view())?, job)?;
    let have = distinct.rows.nrows();
    if have < DISTINCT_MINIMUM {
        return Err(ComponentError::TooFewRows { what: "different sessions", have, need: DISTINCT_MINIMUM });
    }
    phases.next()?;
    let failed = |failed: Failed| failed.into_error(job);
    let known = previous.map(|model| known_places(model, &space, &distinct, batch, &phases)).transpose()?;
    phases.next()?;
    let mut update = match (previous, &known) {
        (Some(previous), Some(known)) => judge(params, previous, |row| &known[distinct.of_row[row]], batch),
        _ => Update::first(batch.len()),
    };
    let (mut model, places) = match (previous, known) {
        (Some(previous), Some(known)) if !update.clustered && previous.space == space => (previous.clone(), known),
        (previous, known) => {
            if !update.clustered {
                update.clustered = true;
                "the weights of the features are others".clone_into(&mut update.reason);
            }
            let known = known.as_deref();
            let model = cluster_again(params, space, previous, known, &distinct, job, &mut phases).map_err(failed)?;
            let places = model.clusters.place(distinct.rows.view(), &phases.watch()).map_err(failed)?;
            (model, places)
        }
    };
    phases.next()?;
    describe(params, &mut model, &places, &distinct, batch, job)?;
    if update.clustered {
        let known: usize = model.contexts.iter().map(|context| context.sessions).sum();
        model.unknown_share = (batch.len() - known) as f64 / batch.len() as f64;
        model.rows_clustered = batch.len();
    }
    model.watermark = batch.version.watermark;
    let ids = |model: &Model| model.contexts.iter().map(|c| c.id).collect::<BTreeSet<u32>>();
    let (before, after) = (previous.map(ids).unwrap_or_default(), ids(&model));
    update.appeared = after.difference(&before).copied().collect();
    update.vanished = before.difference(&after).copied().collect();
    let report = summary::report(&model, previous, &distinct, &places, batch, update);
    Ok((model, report))
}

/// Where each distinct row belongs among the contexts of the previous run, looked at as that run did.
fn known_places(
    previous: &Model,
    space: &Space,
    distinct: &DistinctRows,
    batch: &TrainingBatch,
    phases: &Phases<'_>,
) -> Result<Vec<Place>, ComponentError> {
    let places = if previous.space == *space {
        previous.clusters.place(distinct.rows.view(), &phases.watch())
    } else {
        let rows = previous.space.coordinates(batch.features.select(Axis(0), &distinct.first).view())?;
        previous.clusters.place(rows.view(), &phases.watch())
    };
    places.map_err(|failed| failed.into_error(phases.job()))
}

/// Clusters all distinct rows, recognises contexts again, and judges the result by resampling.
fn cluster_again(
    params: &Params,
    space: Space,
    previous: Option<&Model>,
    known: Option<&[Place]>,
    distinct: &DistinctRows,
    job: &Job,
    phases: &mut Phases<'_>,
) -> Result<Model, Failed> {
    let all = &distinct.rows;
    // Evenly over the history, so that old and new ones count.
    let step = all.nrows().div_ceil(params.clustered_rows_max);
    let sample: Array2<f32> = all.slice(s![..;step, ..]).to_owned();
    let found = search::find(sample.view(), params, job.seed(), &phases.watch())?;
    phases.next().map_err(|_| Failed::Interrupted)?;
    let labels = &found.labels;
    let quality = judge_clusters(params, &found, &sample, job, phases)?;
    let known: Option<Vec<i32>> = known.map(|known| known.iter().step_by(step).map(Place::label).collect());
    let (ids, next_id) = recognise(previous, known.as_deref(), labels, found.clusters.len());
    Ok(Model {
        space,
        contexts: ids.into_iter().map(Context::new).collect(),
        clusters: found.clusters,
        choice: found.choice,
        next_id,
        watermark: souffleur_core::ids::Seq(0),
        rows_clustered: 0,
        unknown_share: 0.0,
        quality,
    })
}

fn judge_clusters(
    params: &Params,
    found: &search::Found,
    rows: &Array2<f32>,
    job: &Job,
    phases: &Phases<'_>,
) -> Result<Quality, Failed> {
    let (watch, labels) = (phases.watch(), found.labels.as_slice());
    let several = labels.iter().any(|label| *label > 0);
    let silhouette = if several {
        Some(silhouette_sampled(rows.view(), labels, SILHOUETTE_ROWS, job.seed(), &watch)?.mean)
    } else {
        None
    };
    let stability = search::stability(rows.view(), labels, found.choice, params, params.resamples, job.seed(), &watch)?;
    let noise = found.core_labels.iter().zip(labels).filter(|(_, label)| **label < 0).count();
    let mut by_cluster = vec![0.0; found.clusters.len()];
    for cluster in &stability.clusters {
        if let Some(value) = by_cluster.get_mut(cluster.label as usize) {
            *value = cluster.value;
        }
    }
    Ok(Quality {
        silhouette,
        bootstrap_ari: stability.mean_adjusted_rand(),
        noise_share: noise as f64 / labels.len() as f64,
        stability: by_cluster,
    })
}

/// The number of each cluster: that of the previous context it shares most rows with, or a new one.
fn recognise(previous: Option<&Model>, known: Option<&[i32]>, labels: &[i32], clusters: usize) -> (Vec<u32>, u32) {
    let mut ids: Vec<Option<u32>> = vec![None; clusters];
    if let (Some(previous), Some(known)) = (previous, known) {
        // Lengths are equal and not 0: both are over the same rows.
        for found in align_clusters(known, labels, SAME_JACCARD).unwrap_or_default() {
            let id = previous.contexts.get(found.first as usize).map(|context| context.id);
            if let Some(slot) = ids.get_mut(found.second as usize) {
                *slot = id;
            }
        }
    }
    let mut next = previous.map_or(1, |previous| previous.next_id);
    let ids = ids.into_iter().map(|id| {
        id.unwrap_or_else(|| {
            next += 1;
            next - 1
        })
    });
    (ids.collect(), next)
}

/// Works out what is said of each context from all sessions.
fn describe(
    params: &Params,
    model: &mut Model,
    places: &[Place],
    distinct: &DistinctRows,
    batch: &TrainingBatch,
    job: &Job,
) -> Result<(), ComponentError> {
    let context: Vec<Option<usize>> = distinct.of_row.iter().map(|distinct| places[*distinct].cluster).collect();
    let contexts = model.contexts.len();
    let traits = contrasts(batch.features.view(), &context, contexts, job)?;
    let preferences = preferences(batch, &context, contexts, params, job)?;
    let newest = batch.rows.event_time_us.iter().copied().max().unwrap_or(0);
    for ((of_context, traits), preferences) in model.contexts.iter_mut().zip(traits).zip(preferences) {
        let description = sentence(&traits, TRAITS);
        *of_context = Context { description, traits, preferences, ..Context::new(of_context.id) };
    }
    for (row, number) in context.iter().enumerate().filter_map(|(row, number)| Some((row, (*number)?))) {
        let of_context = &mut model.contexts[number];
        of_context.sessions += 1;
        of_context.recent += usize::from(batch.rows.event_time_us[row] > newest - DAY_US);
        if let Some(failed) = batch.outcomes.failed(row) {
            of_context.known += 1;
            of_context.failed += usize::from(failed);
        }
    }
    let sessions = batch.len() as f64;
    model.contexts.iter_mut().for_each(|context| context.share = context.sessions as f64 / sessions);
    Ok(())
}
