//! The planted cases: rows along few directions for the probe, mixtures and a simulated history for the certificate.

use ndarray::{Array2, ArrayView2, s};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use souffleur_core::batch::TrainingBatch;
use souffleur_core::component::{KnownAnswer, Measurement};
use souffleur_core::error::ComponentError;
use souffleur_core::features::WIDTH;
use souffleur_core::job::Job;
use souffleur_core::query::Query as DataQuery;
use souffleur_simulator::batch::{no_rules, planted_batch, session_batch};
use souffleur_simulator::{MixtureKind, Simulated, Simulation, SimulationSettings, mixture};

use super::answer::Answer;
use super::downstream::{Downstream, Sessions, work_saved};
use super::model::Model;
use super::params::Params;
use super::report::Action;
use super::search::information;
use super::{DimensionalityReducer, train};
use crate::bridge::Phases;
use crate::bridge::asked::Asked;

/// Rows of the probe, and directions they vary along.
const PROBE_ROWS: usize = 240;
const PROBE_DIRECTIONS: usize = 2;
/// Sessions learnt from, and as many fresh ones judged on.
const HISTORY_SESSIONS: usize = 3000;
const MIXTURE_ROWS: usize = 500;
/// Rows before the planted change, more of the same, and rows after it; directions before and after.
const BEFORE: usize = 400;
const SAME: usize = 150;
const AFTER: usize = 200;
const DIRECTIONS: [usize; 2] = [3, 9];

/// Rows around .5 that vary along so many directions, and hardly beside them.
fn along(directions: usize, rows: usize, seed: u64) -> Array2<f32> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let loadings = Array2::from_shape_simple_fn((directions, WIDTH), || rng.gen_range(-1.0..1.0f32));
    let most = loadings.columns().into_iter().map(|c| c.iter().map(|v| v.abs()).sum::<f32>()).fold(0.0, f32::max);
    let latent = Array2::from_shape_simple_fn((rows, directions), || rng.gen_range(-0.48..0.48f32));
    let noise = Array2::from_shape_simple_fn((rows, WIDTH), || rng.gen_range(-0.01..0.01f32));
    (latent.dot(&(loadings / most)) + noise + 0.5).mapv_into(|value| value.clamp(0.0, 1.0))
}

fn planted(features: Array2<f32>) -> TrainingBatch {
    let rows = features.nrows();
    planted_batch(DataQuery::all_features(), features, vec![f32::NAN; rows], no_rules(rows))
}

/// Rows along two directions; the first of them is asked about and must come back from two numbers.
pub(super) fn probe() -> KnownAnswer<DimensionalityReducer> {
    let features = along(PROBE_DIRECTIONS, PROBE_ROWS, 0x5057);
    let asked = features.row(0).to_vec();
    KnownAnswer {
        batch: planted(features),
        query: Asked { features: Some(asked), ..Asked::default() },
        verify,
    }
}

fn verify(answer: &Answer) -> Result<(), String> {
    if answer.coordinates.len() > PROBE_DIRECTIONS {
        return Err(format!("rows along two directions take {} coordinates", answer.coordinates.len()));
    }
    let features = along(PROBE_DIRECTIONS, PROBE_ROWS, 0x5057);
    let apart = answer.back.iter().zip(features.row(0)).map(|(back, value)| (back - value).abs()).fold(0.0, f32::max);
    // UMAP's way back is coarser than the others'.
    if answer.back.len() != WIDTH || apart > 0.06 {
        return Err(format!("a feature comes back {apart} off"));
    }
    if answer.unusual {
        return Err("a row learnt from is called unusual".to_owned());
    }
    Ok(())
}

/// What a reduction keeps of fresh sessions, what it saves and costs downstream, and whether it follows a planted change.
///
/// `information_kept` is the least of a simulated history's fresh half and of fresh rows of three planted mixtures.
/// `training_work_saved` is the least share of the multiplications of a logistic regression's training that fewer columns save, a
/// count, not a time. `loss_ratio` is that regression's log-loss on the fresh half, on coordinates against all features.
/// `changes_noticed` is 1 if rows along more directions made it change, `false_changes` 1 if more of the same did, and
/// `information_after_change` what the changed one keeps of further rows of the new kind.
pub(super) fn certify(seed: u64, job: &Job) -> Result<Vec<Measurement>, ComponentError> {
    let params = Params::default();
    let phases = Phases::new(job, 1);
    let (mut kept, mut saved) = (f64::INFINITY, f64::INFINITY);
    let mut measured = Vec::new();
    for kind in [MixtureKind::Latent, MixtureKind::OneHot, MixtureKind::Blobs] {
        let rows = mixture(kind, seed, 2 * MIXTURE_ROWS).features;
        let (model, _) = train::train(&params, None, &planted(rows.slice(s![..MIXTURE_ROWS, ..]).to_owned()), job)?;
        let of_kind = kept_of(&model, rows.slice(s![MIXTURE_ROWS.., ..]), &phases)?;
        measured.push(Measurement::new(format!("information_kept_{}", kind.name()), of_kind));
        kept = kept.min(of_kind);
        saved = saved.min(work_saved(model.reducer.candidate().components));
    }
    let history = history(seed, &params, job)?;
    measured.push(Measurement::new("information_kept_history", history.kept));
    measured.push(Measurement::new("history_components", history.components as f64));
    measured.push(Measurement::new("information_kept", kept.min(history.kept)));
    measured.push(Measurement::new("training_work_saved", saved.min(work_saved(history.components))));
    measured.push(Measurement::new("loss_ratio", history.loss_ratio));
    measured.extend(change(seed, &params, job)?);
    Ok(measured)
}

/// Share of the variance of fresh rows that comes back.
fn kept_of(model: &Model, rows: ArrayView2<'_, f32>, phases: &Phases<'_>) -> Result<f64, ComponentError> {
    let watch = phases.watch();
    let places = model.reducer.coordinates(rows, &watch)?;
    information(&model.reducer, rows, places.view(), &watch)
}

struct History {
    kept: f64,
    components: usize,
    loss_ratio: f64,
}

/// Learns from the first half of a simulated history and is judged on the second.
fn history(seed: u64, params: &Params, job: &Job) -> Result<History, ComponentError> {
    let settings = SimulationSettings { feedback_share: 0.0, ..SimulationSettings::steady(2 * HISTORY_SESSIONS as u64, seed) };
    let simulation = Simulation::new(settings).map_err(|e| ComponentError::Data(e.to_string()))?;
    let log: Vec<Simulated> = simulation.collect();
    let (first, second) = log.split_at(HISTORY_SESSIONS);
    let [learnt, fresh] = [first, second].map(|part| session_batch(part.iter().map(|one| &one.session)));
    let (model, _) = train::train(params, None, &learnt, job)?;
    let phases = Phases::new(job, 1);
    let all = |batch: &TrainingBatch| Sessions::of(batch, 0..batch.len(), HISTORY_SESSIONS);
    let downstream = Downstream::of(all(&learnt), all(&fresh))
        .ok_or_else(|| ComponentError::Data("the simulated history has too few failures".to_owned()))?;
    let watch = phases.watch();
    Ok(History {
        kept: kept_of(&model, fresh.features.view(), &phases)?,
        components: model.reducer.candidate().components,
        loss_ratio: downstream.loss_of(&model.reducer, &watch)? / downstream.loss_of_all(&watch)?,
    })
}

/// Rows along three directions, more of the same, then rows along nine others.
fn change(seed: u64, params: &Params, job: &Job) -> Result<Vec<Measurement>, ComponentError> {
    let same = along(DIRECTIONS[0], BEFORE + SAME, seed);
    let other = along(DIRECTIONS[1], 2 * AFTER, !seed);
    let all = ndarray::concatenate![ndarray::Axis(0), same, other.slice(s![..AFTER, ..])];
    let until = |rows: usize| planted(all.slice(s![..rows, ..]).to_owned());
    let (model, _) = train::train(params, None, &until(BEFORE), job)?;
    let (model, still) = train::train(params, Some(&model), &until(BEFORE + SAME), job)?;
    let (model, moved) = train::train(params, Some(&model), &until(all.nrows()), job)?;
    let one_if = |holds: bool| f64::from(u8::from(holds));
    Ok(vec![
        Measurement::new("false_changes", one_if(still.update.action != Action::Kept)),
        Measurement::new("changes_noticed", one_if(moved.update.action != Action::Kept)),
        Measurement::new(
            "information_after_change",
            kept_of(&model, other.slice(s![AFTER.., ..]), &Phases::new(job, 1))?,
        ),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::certified;
    use crate::bridge::stopped_clock;
    

    #[test]
    fn every_bar_is_cleared_by_the_first_seed() {
        certified::clears_every_bar::<DimensionalityReducer>(1);
    }

    #[test]
    fn features_mixed_up_fail_the_probe() {
        certified::probe_fails_where::<DimensionalityReducer>(|batch| {
            batch.features.invert_axis(ndarray::Axis(1));
            batch.features = batch.features.as_standard_layout().to_owned().into();
        });
    }

    #[test]
    fn a_reduction_is_kept_until_something_speaks_against_it() {
        let params = Params::default();
        let job = stopped_clock::job(3);
        let rows = along(3, 1000, 5);
        let until = |rows_: usize| planted(rows.slice(s![..rows_, ..]).to_owned());
        let (model, first) = train::train(&params, None, &until(300), &job).unwrap();
        assert_eq!((first.update.action, first.changes.len()), (Action::First, 1));
        assert!(first.loss_of_all_features.is_none() && first.chosen.components <= 3);
        let (same, again) = train::train(&params, Some(&model), &until(300), &job).unwrap();
        assert_eq!((again.update.reason.as_str(), &same), ("no session is new", &model));
        let (_, few) = train::train(&params, Some(&model), &until(310), &job).unwrap();
        assert!(few.update.reason.contains("too few to judge by"), "{}", few.update.reason);
        let (kept, more) = train::train(&params, Some(&model), &until(500), &job).unwrap();
        assert_eq!(more.update.action, Action::Kept, "{}", more.update.reason);
        assert!(kept.reducer == model.reducer && kept.seen.rows() == 500);
        let (_, grown) = train::train(&params, Some(&kept), &until(1000), &job).unwrap();
        assert_eq!(grown.update.action, Action::ChosenAgain);
        assert!(grown.update.reason.contains("has grown 2 times") && grown.changes.len() == 2, "{:?}", grown.changes);
        assert_eq!(grown.changes[1].after_seq, 1000);
    }
}
