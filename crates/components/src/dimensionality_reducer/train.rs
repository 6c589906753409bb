//! How a reduction is chosen, and how it follows new sessions.

use std::collections::BTreeMap;

use ndarray::{Array2, ArrayView2, Axis as Along};
use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::pca::{IncrementalPca, Pca};
use souffleur_core::batch::TrainingBatch;
use souffleur_core::error::ComponentError;
use souffleur_core::features::WIDTH;
use souffleur_core::job::Job;

use super::axes::axes;
use super::downstream::{Downstream, Sessions};
use super::follow::{judge_new, refit};
use super::model::Model;
use super::params::Params;
use super::reducer::{Directions, Method, Reducer, unusable};
use super::report::{Action, CandidateReport, Change, Report, Update};
use super::search::{CANDIDATES_MAX, Split, dimension, search};
use super::summary;
use crate::bridge::Phases;
use crate::bridge::distinct::Distinct;

/// Fewest different sessions a reduction is learnt from.
pub(super) const DISTINCT_MINIMUM: usize = 60;
/// One in so many different sessions is held out.
const HELD_OUT_OF: usize = 4;
/// Fewest different new sessions, learnt from and held out, that are judged by themselves.
const NEWEST_MINIMUM: usize = 10;
/// Changes that are remembered.
const CHANGES_MAX: usize = 20;
/// One in a hundred sessions learnt from loses this much.
const USUAL: f64 = 0.99;

/// Learns from the sessions of `batch`, starting from `previous` where that still fits.
pub(super) fn train(
    params: &Params,
    previous: Option<&Model>,
    batch: &TrainingBatch,
    job: &Job,
) -> Result<(Model, Report), ComponentError> {
    // Whatever an algorithm says when it is interrupted, the reason is the job's own.
    learn(params, previous, batch, job).map_err(|error| match job.check() {
        Err(interrupted) => interrupted.into(),
        Ok(()) => error,
    })
}

fn learn(
    params: &Params,
    previous: Option<&Model>,
    batch: &TrainingBatch,
    job: &Job,
) -> Result<(Model, Report), ComponentError> {
    let mut phases = Phases::new(job, CANDIDATES_MAX + 5);
    let distinct = Distinct::of(batch.features.outer_iter(), job)?;
    let have = distinct.first.len();
    if have < DISTINCT_MINIMUM {
        return Err(ComponentError::TooFewRows { what: "different sessions", have, need: DISTINCT_MINIMUM });
    }
    phases.next()?;
    let (mut model, update) = match previous {
        Some(previous) => follow(params, previous, batch, &distinct, &mut phases)?,
        None => {
            let update = Update {
                action: Action::First,
                reason: "there was no reduction before".to_owned(),
                new_sessions: batch.len(),
                information_of_new: None,
                dimension_of_new: None,
            };
            let mut seen = IncrementalPca::new(WIDTH);
            seen.update(batch.features.view(), &phases.watch()).map_err(|e| unusable(&e))?;
            (choose(params, seen, (batch, &distinct, &[]), &mut phases)?, update)
        }
    };
    if update.action != Action::Kept {
        model.changes.push(Change {
            after_seq: batch.version.watermark.0,
            event_time_us: batch.rows.event_time_us.iter().copied().max().unwrap_or(0),
            sessions: batch.len(),
            from: previous.map(|previous| previous.reducer.candidate().to_string()),
            to: model.reducer.candidate().to_string(),
            reason: update.reason.clone(),
        });
        model.changes.drain(..model.changes.len().saturating_sub(CHANGES_MAX));
    }
    model.watermark = batch.version.watermark;
    let report = report(params, &model, batch.len(), have, update);
    Ok((model, report))
}

fn report(params: &Params, model: &Model, sessions: usize, distinct_sessions: usize, update: Update) -> Report {
    let mut report = Report {
        summary: Vec::new(),
        sessions,
        distinct_sessions,
        intrinsic_dimension: model.dimension.map(|found| found.dimension),
        rule: format!(
            "Of the reductions that give back {:.1} % of the features' variance on unseen sessions, raise the loss of a logistic \
             regression by {:.1} % at most and save {:.0} % of the work of training it, the one of fewest coordinates; of \
             several the one that keeps most neighbours, then the simplest. If none does, the one that keeps most.",
            100.0 * params.information_minimum,
            100.0 * params.loss_tolerance,
            100.0 * params.work_saved_minimum
        ),
        chosen: model.chosen.clone(),
        candidates: model.candidates.clone(),
        loss_of_all_features: model.loss_of_all,
        downstream_sessions: model.downstream_sessions,
        axes: model.axes.clone(),
        update,
        changes: model.changes.clone(),
    };
    report.summary = summary::lines(&report);
    report
}

/// The different sessions that are learnt from: evenly over the history, so that old and new ones count.
struct Sample {
    rows: Array2<f32>,
    step: usize,
}

impl Sample {
    fn of(params: &Params, batch: &TrainingBatch, distinct: &Distinct) -> Self {
        let step = distinct.first.len().div_ceil(params.rows_max);
        let rows: Vec<usize> = distinct.first.iter().copied().step_by(step).collect();
        Self { rows: batch.features.select(Along(0), &rows), step }
    }

    /// Whether a different session is held out; those between two of the sample go with the first.
    fn holds_out(&self, distinct: usize) -> bool {
        distinct / self.step % HELD_OUT_OF == HELD_OUT_OF - 1
    }

    /// The parts learnt from while candidates are judged, and the parts they are judged on. `new` are the new sessions.
    fn split(&self, params: &Params, batch: &TrainingBatch, distinct: &Distinct, new: &[usize]) -> Split {
        let part = |held_out: bool| {
            let rows = (0..self.rows.nrows()).filter(|row| self.holds_out(row * self.step) == held_out);
            self.rows.select(Along(0), &rows.collect::<Vec<usize>>())
        };
        // Each different one once.
        let firsts: BTreeMap<usize, usize> = new.iter().map(|row| (distinct.of_row[*row], *row)).collect();
        let newest = |held_out: bool| {
            let rows = firsts.iter().filter(|(number, _)| self.holds_out(**number) == held_out);
            let rows: Vec<usize> = rows.map(|(_, row)| *row).collect();
            let step = rows.len().div_ceil(params.rows_max).max(1);
            batch.features.select(Along(0), &rows.into_iter().step_by(step).collect::<Vec<usize>>())
        };
        let (learnt, held_out) = (newest(false), newest(true));
        let enough = learnt.nrows().min(held_out.nrows()) >= NEWEST_MINIMUM;
        Split { learnt: part(false), held_out: part(true), newest: enough.then_some((learnt, held_out)) }
    }
}

/// Tries all reductions and learns the best one from all of the sample.
fn choose(
    params: &Params,
    seen: IncrementalPca,
    (batch, distinct, new): (&TrainingBatch, &Distinct, &[usize]),
    phases: &mut Phases<'_>,
) -> Result<Model, ComponentError> {
    let sample = Sample::of(params, batch, distinct);
    let rows = sample.split(params, batch, distinct, new);
    let spread = dimension(sample.rows.view(), phases)?;
    let sessions = |held_out: bool, most: usize| {
        let rows = (0..batch.len()).filter(|row| sample.holds_out(distinct.of_row[*row]) == held_out);
        Sessions::of(batch, rows, most)
    };
    let most = params.downstream_rows_max;
    let downstream = Downstream::of(sessions(false, most), sessions(true, most.div_ceil(HELD_OUT_OF - 1)));
    let found = search(params, &rows, downstream.as_ref(), spread.map(|s| s.dimension), phases)?;
    phases.next()?;
    let candidate = found.best().candidate;
    let sessions = downstream.as_ref().map(Downstream::learnt);
    let reducer = match (candidate.method, sessions) {
        (Method::Pca, _) => Reducer::Pca(principal(&seen, candidate.components, phases)?),
        (Method::Directed, Some(sessions)) => {
            let pca = principal(&seen, candidate.components.saturating_sub(1).max(1), phases)?;
            Reducer::Directed(Directions::of(&pca, sessions, &phases.watch())?)
        }
        _ => {
            let seed = phases.job().seed();
            Reducer::fit(candidate, (sample.rows.view(), sessions), params, seed, &phases.watch())?
        }
    };
    let usual_loss = usual_loss(&reducer, sample.rows.view(), phases)?;
    Ok(Model {
        axes: axes(&reducer, sample.rows.view(), &phases.watch())?,
        reducer,
        chosen: CandidateReport::from(found.best()),
        candidates: found.judged.iter().map(CandidateReport::from).collect(),
        loss_of_all: found.loss_of_all,
        downstream_sessions: downstream.as_ref().map_or(0, Downstream::held_out),
        seen,
        dimension: spread,
        usual_loss,
        sessions_at_choice: batch.len(),
        watermark: batch.version.watermark,
        changes: Vec::new(),
    })
}

/// Principal components of all sessions seen.
pub(super) fn principal(
    seen: &IncrementalPca,
    components: usize,
    phases: &Phases<'_>,
) -> Result<Pca, ComponentError> {
    let params = Pca::params().components(components).check().map_err(|e| unusable(&e))?;
    seen.components(&params, &phases.watch()).map_err(|e| unusable(&e))
}

/// The squared difference that few of the rows exceed.
fn usual_loss(reducer: &Reducer, rows: ArrayView2<'_, f32>, phases: &Phases<'_>) -> Result<f64, ComponentError> {
    let watch = phases.watch();
    let back = reducer.back(reducer.coordinates(rows, &watch)?.view(), &watch)?;
    let mut lost: Vec<f64> = back
        .outer_iter()
        .zip(rows.outer_iter())
        .map(|(back, row)| back.iter().zip(row).map(|(back, value)| (back - f64::from(*value)).powi(2)).sum())
        .collect();
    lost.sort_by(f64::total_cmp);
    Ok(lost.get((USUAL * lost.len() as f64) as usize).or(lost.last()).copied().unwrap_or(0.0))
}

/// Keeps the reduction, finds its components again, or chooses anew: as new sessions ask for.
fn follow(
    params: &Params,
    previous: &Model,
    batch: &TrainingBatch,
    distinct: &Distinct,
    phases: &mut Phases<'_>,
) -> Result<(Model, Update), ComponentError> {
    let is_new = |row: &usize| batch.rows.seq[*row] > previous.watermark;
    let (new, old): (Vec<usize>, Vec<usize>) = (0..batch.len()).partition(is_new);
    let rows = batch.features.select(Along(0), &new);
    let before = batch.features.select(Along(0), &old);
    let verdict = judge_new(params, previous, (before.view(), rows.view()), phases)?;
    phases.next()?;
    let mut update = Update {
        action: Action::Kept,
        reason: verdict.reason.clone(),
        new_sessions: new.len(),
        information_of_new: verdict.information,
        dimension_of_new: verdict.dimension,
    };
    let mut model = previous.clone();
    if verdict.asks_for_components
        && let Some((components, judged)) = refit(params, previous, rows.view(), phases)?
    {
        model.seen.update(rows.view(), &phases.watch()).map_err(|e| unusable(&e))?;
        model.reducer = Reducer::Pca(principal(&model.seen, components, phases)?);
        let sample = Sample::of(params, batch, distinct);
        model.axes = axes(&model.reducer, sample.rows.view(), &phases.watch())?;
        model.usual_loss = usual_loss(&model.reducer, sample.rows.view(), phases)?;
        model.chosen = CandidateReport::from(&judged);
        update.action = Action::Refitted;
        return Ok((model, update));
    }
    model.seen.update(rows.view(), &phases.watch()).map_err(|e| unusable(&e))?;
    if verdict.asks_for_choice || verdict.asks_for_components {
        let changes = model.changes;
        model = choose(params, model.seen, (batch, distinct, &new), phases)?;
        model.changes = changes;
        update.action = Action::ChosenAgain;
    }
    Ok((model, update))
}
