//! How contexts are learnt, kept up to date and recognised again.

use std::collections::BTreeSet;

use ndarray::{Array2, s};
use souffleur_algorithms::clustering_quality::{align_clusters, silhouette_sampled};
use souffleur_core::batch::TrainingBatch;
use souffleur_core::error::ComponentError;
use souffleur_core::job::Job;

use super::clusters::{self, Failed, Place};
use super::model::{Context, Model, Quality};
use super::params::Params;
use super::preference::preferences;
use super::report::{Report, Update};
use super::space::{Distinct, coordinates};
use super::summary;
use crate::bridge::Phases;
use crate::bridge::contrast::{contrast, sentence};

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
/// Least share counted by the population stability index, so that an empty context does not make it infinite.
const SHARE_MINIMUM: f64 = 1e-4;

/// The rows of a batch as contexts see them.
pub(super) struct Rows {
    pub(super) distinct: Distinct,
}

/// Trains on the sessions of `batch`: attaches what is new to the contexts of `previous`, or clusters all again where
/// there is none or drift says so.
pub(super) fn train(
    params: &Params,
    previous: Option<&Model>,
    batch: &TrainingBatch,
    job: &Job,
) -> Result<(Model, Report), ComponentError> {
    let mut phases = Phases::new(job, 4);
    let rows = Rows { distinct: Distinct::of(&coordinates(batch.features.view(), params)?, job)? };
    let have = rows.distinct.rows.nrows();
    if have < DISTINCT_MINIMUM {
        return Err(ComponentError::TooFewRows { what: "different sessions", have, need: DISTINCT_MINIMUM });
    }
    phases.next()?;
    let failed = |failed: Failed| failed.into_error(job);
    let known = previous.map(|model| model.clusters.place(rows.distinct.rows.view(), &phases.watch())).transpose();
    let known = known.map_err(failed)?;
    let (reason, mut update) = judge(params, previous, known.as_deref(), &rows, batch);
    let mut model = match (previous, reason) {
        (Some(previous), None) => previous.clone(),
        (previous, reason) => {
            update.clustered = true;
            update.reason = reason.unwrap_or_else(|| "there were no contexts yet".to_owned());
            cluster_again(params, previous, known.as_deref(), &rows, job, &mut phases).map_err(failed)?
        }
    };
    phases.next()?;
    let places = model.clusters.place(rows.distinct.rows.view(), &phases.watch()).map_err(failed)?;
    describe(params, &mut model, &places, &rows, batch, job)?;
    if update.clustered {
        let cluster = |row: usize| places[rows.distinct.of_row[row]].cluster;
        let unknown = (0..batch.len()).filter(|row| cluster(*row).is_none()).count();
        model.unknown_share = unknown as f64 / batch.len() as f64;
        model.rows_clustered = batch.len();
    }
    model.watermark = batch.version.watermark;
    let ids = |model: &Model| model.contexts.iter().map(|c| c.id).collect::<BTreeSet<u32>>();
    let (before, after) = (previous.map(ids).unwrap_or_default(), ids(&model));
    update.appeared = after.difference(&before).copied().collect();
    update.vanished = before.difference(&after).copied().collect();
    let report = summary::report(&model, &rows.distinct, &places, batch, update);
    Ok((model, report))
}

/// Why all must be clustered again, or nothing; and what is new since the last run.
fn judge(
    params: &Params,
    previous: Option<&Model>,
    known: Option<&[Place]>,
    rows: &Rows,
    batch: &TrainingBatch,
) -> (Option<String>, Update) {
    let mut update = Update {
        clustered: false,
        reason: "the new sessions belong to known contexts".to_owned(),
        new_sessions: batch.len(),
        new_unknown_share: 0.0,
        psi: 0.0,
        appeared: Vec::new(),
        vanished: Vec::new(),
    };
    let (Some(previous), Some(known)) = (previous, known) else { return (None, update) };
    let new: Vec<bool> = batch.rows.seq.iter().map(|seq| *seq > previous.watermark).collect();
    let place = |row: usize| known[rows.distinct.of_row[row]].cluster;
    let shares = |new_ones: bool| {
        let mut counts = vec![0.0; previous.clusters.len() + 1];
        for row in (0..batch.len()).filter(|row| new[*row] == new_ones) {
            counts[place(row).unwrap_or(previous.clusters.len())] += 1.0;
        }
        let total: f64 = counts.iter().sum();
        (counts.into_iter().map(|count| count / total.max(1.0)).collect::<Vec<f64>>(), total as usize)
    };
    let ((old_shares, _), (new_shares, count)) = (shares(false), shares(true));
    update.new_sessions = count;
    if count == 0 {
        "there are no new sessions".clone_into(&mut update.reason);
    }
    let growth = batch.len() as f64 / previous.rows_clustered.max(1) as f64 - 1.0;
    // Few new rows say little: their shares are no evidence of drift.
    if count >= params.min_context_rows {
        update.new_unknown_share = new_shares[previous.clusters.len()];
        update.psi = population_stability(&old_shares, &new_shares);
    }
    let reason = if update.new_unknown_share > previous.unknown_share + params.drift_unknown_share {
        let share = 100.0 * update.new_unknown_share;
        Some(format!("{share:.1} % of the new sessions belong to no known context"))
    } else if update.psi > params.drift_psi {
        Some(format!("the shares of the contexts moved (population stability index {:.2})", update.psi))
    } else if growth > params.drift_growth {
        Some(format!("the history grew by {:.0} % since all was clustered", 100.0 * growth))
    } else {
        None
    };
    (reason, update)
}

/// Population stability index (Siddiqi 2006): below .1 shares are the same, above .25 they moved.
fn population_stability(before: &[f64], after: &[f64]) -> f64 {
    let share = |v: &f64| v.max(SHARE_MINIMUM);
    before.iter().zip(after).map(|(b, a)| (share(a) - share(b)) * (share(a) / share(b)).ln()).sum()
}

/// Clusters all distinct rows, recognises contexts again, and judges the result by resampling.
fn cluster_again(
    params: &Params,
    previous: Option<&Model>,
    known: Option<&[Place]>,
    rows: &Rows,
    job: &Job,
    phases: &mut Phases<'_>,
) -> Result<Model, Failed> {
    let all = &rows.distinct.rows;
    // Evenly over the history, so that old and new ones count.
    let step = all.nrows().div_ceil(params.clustered_rows_max);
    let sample: Array2<f32> = all.slice(s![..;step, ..]).to_owned();
    let found = clusters::find(sample.view(), params, job.seed(), &phases.watch())?;
    phases.next().map_err(|_| Failed::Interrupted)?;
    let labels = found.clusters.labels(sample.view(), &phases.watch())?;
    let quality = judge_clusters(params, &found, &sample, &labels, job, phases)?;
    let known: Option<Vec<i32>> = known.map(|known| known.iter().step_by(step).map(label).collect());
    let (ids, next_id) = recognise(previous, known.as_deref(), &labels, found.clusters.len());
    let contexts = ids.into_iter().map(|id| Context {
        id,
        description: String::new(),
        traits: Vec::new(),
        sessions: 0,
        share: 0.0,
        recent: 0,
        known: 0,
        failed: 0,
        preferences: Vec::new(),
    });
    Ok(Model {
        contexts: contexts.collect(),
        clusters: found.clusters,
        choice: found.choice,
        next_id,
        watermark: souffleur_core::ids::Seq(0),
        rows_clustered: 0,
        unknown_share: 0.0,
        quality,
    })
}

fn label(place: &Place) -> i32 {
    place.cluster.map_or(-1, |cluster| cluster as i32)
}

fn judge_clusters(
    params: &Params,
    found: &clusters::Found,
    rows: &Array2<f32>,
    labels: &[i32],
    job: &Job,
    phases: &Phases<'_>,
) -> Result<Quality, Failed> {
    let watch = phases.watch();
    let several = labels.iter().any(|label| *label > 0);
    let silhouette = if several {
        Some(silhouette_sampled(rows.view(), labels, SILHOUETTE_ROWS, job.seed(), &watch)?.mean)
    } else {
        None
    };
    let (clusters, choice) = (&found.clusters, found.choice);
    let stability = clusters::stability(rows.view(), clusters, choice, params, params.resamples, job.seed(), &watch)?;
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
    rows: &Rows,
    batch: &TrainingBatch,
    job: &Job,
) -> Result<(), ComponentError> {
    let context: Vec<Option<usize>> = rows.distinct.of_row.iter().map(|distinct| places[*distinct].cluster).collect();
    let newest = batch.rows.event_time_us.iter().copied().max().unwrap_or(0);
    let preferences = preferences(batch, &context, model.contexts.len(), params.min_uses, params.fdr);
    for (number, (of_context, preferences)) in model.contexts.iter_mut().zip(preferences).enumerate() {
        job.check()?;
        let inside: Vec<bool> = context.iter().map(|c| *c == Some(number)).collect();
        let members = || (0..batch.len()).filter(|row| inside[*row]);
        (of_context.failed, of_context.known) = members()
            .filter_map(|row| batch.outcomes.failed(row))
            .fold((0usize, 0usize), |(failed, known), f| (failed + usize::from(f), known + 1));
        of_context.traits = contrast(batch.features.view(), &inside);
        of_context.description = sentence(&of_context.traits, TRAITS);
        of_context.sessions = members().count();
        of_context.share = of_context.sessions as f64 / batch.len() as f64;
        of_context.recent = members().filter(|row| batch.rows.event_time_us[*row] > newest - DAY_US).count();
        of_context.preferences = preferences;
    }
    Ok(())
}
